"""The smallest specification that still fails in the same way, found step by step, the same on every run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from derive.calculus.expressions.tensor import Kind
from derive.check.sizes import whole
from derive.errors import DeriveError
from tests.random_programs.specification import Specification, Step

Failure = Callable[[Specification], str]
"""What fails: the kind of complaint, empty where nothing does."""


def shrunk(specification: Specification, failure: Failure, most: int = 200) -> Specification:
    """The specification cut, bypassed and narrowed while it fails alike; at most so many trials."""
    wanted, trials = failure(specification), 0
    assert wanted
    progress = True
    while progress:
        progress = False
        for candidate in _smaller(specification):
            trials += 1
            if trials > most:
                return specification
            if failure(candidate) == wanted:
                specification, progress = candidate, True
                break
    return specification


def _smaller(specification: Specification) -> Iterator[Specification]:
    """Candidates, the most promising first."""
    for output in specification.outputs:
        if len(specification.outputs) > 1:
            yield replace(specification, outputs=(output,)).pruned()
    for name in [step[2] for step in specification.steps if step[2] not in specification.outputs]:
        yield replace(specification, outputs=(name,)).pruned()
    for position in range(len(specification.steps)):
        yield from _bypassed(specification, position)
    for letter, size in specification.sizes.items():
        for smaller in sorted({1, 2, size - 1} & set(range(1, size))):
            yield replace(specification, sizes={**specification.sizes, letter: smaller})
    if specification.dtype != "float64":
        yield replace(specification, dtype="float64")


def _bypassed(specification: Specification, position: int) -> Iterator[Specification]:
    """A step replaced by an input of the same shape, of sizes of their own."""
    _, _, name = specification.steps[position]
    if name in specification.outputs:
        return
    try:
        shape = specification.program().tensor(name).shape
    except DeriveError:
        return
    lengths = [whole(size, specification.sizes) for size in shape]
    if None in lengths:
        return
    written = [str(size) for size in shape]
    fresh = [c for c in "uvwxyzUVWXYZ" if c not in specification.sizes]
    letters = [w if w in specification.sizes else fresh.pop(0) for w in written]
    sizes = {**specification.sizes, **{a: int(n or 1) for a, n in zip(letters, lengths, strict=True)}}
    steps: tuple[Step, ...] = (*specification.steps[:position], *specification.steps[position + 1 :])
    given = (name, tuple(letters), Kind.REAL.value)
    yield replace(specification, sizes=sizes, inputs=(*specification.inputs, given), steps=steps).pruned()
