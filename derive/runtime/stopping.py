"""Ctrl-C and SIGTERM ask the training to stop after the step under way; a second one acts at once."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stop_requests() -> Iterator[list[int]]:
    """A list that holds the number of each signal that came. Only the main thread can listen."""
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return
    former = {number: signal.getsignal(number) for number in SIGNALS}

    def note(number: int, _: FrameType | None) -> None:
        received.append(number)
        signal.signal(number, former[signal.Signals(number)])

    for number in SIGNALS:
        signal.signal(number, note)
    try:
        yield received
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
