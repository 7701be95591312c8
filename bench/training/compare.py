"""What both sides found, side by side: where they part, the curve, the loss on the text held out.

python -m bench.training.compare runs/ours/found.json runs/torch/found.json
"""

from __future__ import annotations

import sys
from pathlib import Path

from bench.training.recipe import LAST, read

TENTHS = 10


def main() -> None:
    """Print the largest difference of the first steps, means over tenths of the run, and the end."""
    ours, theirs = (read(Path(word)) for word in sys.argv[1:])
    both = list(zip(ours.losses, theirs.losses, strict=True))
    for count in (10, 100, 1000, len(both)):
        apart = max(abs(one - other) for one, other in both[:count])
        print(f"steps 1 to {count}: at most {apart:.1e} apart")
    for tenth in range(TENTHS):
        part = both[tenth * len(both) // TENTHS : (tenth + 1) * len(both) // TENTHS]
        means = [sum(losses) / len(part) for losses in zip(*part, strict=True)]
        print(f"tenth {tenth + 1}: {means[0]:.4f} {means[1]:.4f}")
    for found in (ours, theirs):
        last = sum(found.losses[-LAST:]) / LAST
        print(f"{found.title}: last {LAST} steps {last:.4f}, held out {found.validation:.4f}")


if __name__ == "__main__":
    main()
