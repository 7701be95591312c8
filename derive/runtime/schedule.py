"""The learning rate of each step.

constant   lr
cosine     lr (k + 1)/w in the first w steps, then lr (1 + cos(pi (k - w)/(n - w)))/2 up to step n

k counts from 0, w steps warm up, n is all of the run. Loshchilov, Hutter, SGDR, ICLR 2017, equation 5.
"""

from collections.abc import Callable
from math import cos, pi

SCHEDULES = ("constant", "cosine")


def rate(schedule: str, lr: float, warmup: int, steps: int) -> Callable[[int], float]:
    """The learning rate by the number of steps done before."""

    def warm(done: int) -> float:
        return lr * (done + 1) / warmup

    def decayed(done: int) -> float:
        return lr * (1 + cos(pi * (done - warmup) / max(1, steps - warmup))) / 2

    def at(done: int) -> float:
        if done < warmup:
            return warm(done)
        return decayed(done) if schedule == "cosine" else lr

    return at
