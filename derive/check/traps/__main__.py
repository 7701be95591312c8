"""python -m derive.check.traps: compute the answers that are not recorded yet."""

from derive.check.traps import TRAPS
from derive.check.traps.recorded import record

record(list(TRAPS))
