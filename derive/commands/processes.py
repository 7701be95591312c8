"""Independent jobs side by side, a process a core; what each prints comes out in the order of the jobs.

The processes fork from a server that has imported what the jobs need, once, while this process goes on; where
there is no such server (Windows), each imports it itself. The last job starts first: networks are listed from
the small to the large.
"""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, redirect_stdout
from multiprocessing import get_all_start_methods, get_context
from multiprocessing.context import BaseContext

SERVER = "forkserver"


def prepare(modules: Sequence[str]) -> BaseContext:
    """Where processes come from; a server begins to import the modules at once."""
    if SERVER not in get_all_start_methods():
        return get_context("spawn")
    from multiprocessing import forkserver

    context = get_context(SERVER)
    context.set_forkserver_preload(list(modules))
    with uninterrupted():
        forkserver.ensure_running()
    return context


@contextmanager
def uninterrupted() -> Iterator[None]:
    """What starts inside leaves Ctrl-C to this process, which then begins no further job."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def printed(job: Callable[[str], None], name: str) -> str:
    """What a job prints."""
    out = io.StringIO()
    with redirect_stdout(out):
        job(name)
    return out.getvalue()


def side_by_side(context: BaseContext, job: Callable[[str], None], names: Sequence[str]) -> Iterator[str]:
    """What each job prints, in order; the first that fails raises here, and what waits is not begun."""
    with ProcessPoolExecutor(min(cores(), len(names)), mp_context=context) as pool:
        futures = {name: pool.submit(printed, job, name) for name in reversed(names)}
        try:
            for name in names:
                yield futures[name].result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def cores() -> int:
    """How many processes may run at once."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
