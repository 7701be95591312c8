"""Round numbers for an axis: steps of 1, 2 or 5 times a power of ten."""

from math import ceil, floor, log10


def ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """About `wanted` round numbers, the first at or below `low`, the last at or above `high`."""
    span = high - low if high > low else 1.0
    rough = span / wanted
    power = 10.0 ** floor(log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return [round(i * step, 12) for i in range(first, max(last, first + 1) + 1)]


def label(value: float) -> str:
    """The shortest text of a tick."""
    return f"{value:.10g}"
