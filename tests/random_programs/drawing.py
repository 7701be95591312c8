"""A random specification from a seed: pieces applied to what is at hand until there are enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from sympy import Expr, Integer, Mul

from derive.calculus.expressions.cost import operations
from derive.calculus.expressions.limits import FormulaError
from derive.calculus.expressions.tensor import Axis, Kind, Size, Tensor, refs
from derive.calculus.program.program import Program
from derive.check.sizes import whole
from derive.errors import DeriveError
from tests.random_programs.pieces import drawn, program_of
from tests.random_programs.specification import Input, Specification, Step

LENGTHS = (1, 1, 2, 2, 3, 3, 4, 5, 7)
LETTERS = "mnkdTcsaeHE"
MOST_ELEMENTS = 40
ATTEMPTS = 120
ALONE = 0.85
MOST_OPERATIONS = 12  # of a program whose second derivatives are tested in every run
SMALL = 500  # seeds below are drawn in every run of the tests


@dataclass
class _Drawing:
    """What has been drawn so far."""

    rng: np.random.Generator
    sizes: dict[str, int] = field(default_factory=dict)
    inputs: list[Input] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    tensors: dict[str, Tensor] = field(default_factory=dict)

    def letter(self) -> str:
        """A size: one that is there already, or a new one."""
        if self.sizes and (self.rng.random() < 0.6 or len(self.sizes) == len(LETTERS)):
            return str(self.rng.choice(sorted(self.sizes)))
        found = str(self.rng.choice([letter for letter in LETTERS if letter not in self.sizes]))
        self.sizes[found] = int(self.rng.choice(LENGTHS))
        return found


def random_specification(seed: int, attempt: int = 0) -> Specification:
    """The specification of a seed: one or two pieces, beyond SMALL two to five."""
    rng = np.random.default_rng([seed, 7, *([attempt] if attempt else [])])
    wanted = int(rng.choice([1, 1, 1, 1, 2, 2] if seed < SMALL else [2, 3, 4, 5]))
    drawing = _Drawing(rng)
    for _ in range(ATTEMPTS):
        if len(drawing.steps) == wanted:
            break
        _apply(drawing, drawn(rng))
    used = {operand for _, operands, _ in drawing.steps for operand in operands}
    leaves = [name for _, _, name in drawing.steps if name not in used]
    chosen = leaves[-2:] if rng.random() < 0.5 else leaves[-1:]
    dtype = "float32" if rng.random() < 0.25 else "float64"
    found = Specification(
        drawing.sizes, tuple(drawing.inputs), tuple(drawing.steps), tuple(chosen), dtype
    ).pruned()
    used_letters = {c for _, sizes, _ in found.inputs for size in sizes for c in size if c.isalpha()}
    sizes = {letter: size for letter, size in found.sizes.items() if letter in used_letters}
    second = seed >= SMALL or (len(found.steps) == 1 and _cheap(found))
    return replace(found, sizes=sizes, second=second)


def _cheap(specification: Specification) -> bool:
    """Whether second derivatives cost little."""
    return sum(operations(e.value) for e in specification.program().equations()) <= MOST_OPERATIONS


def _apply(drawing: _Drawing, text: str) -> None:
    """One more step, where its operands can be found or made and all stays small."""
    try:
        piece = program_of(text)
    except FormulaError:  # what cancels to a number has no axes
        return
    trial = _Drawing(
        drawing.rng, dict(drawing.sizes), list(drawing.inputs), list(drawing.steps), dict(drawing.tensors)
    )
    operands = _operands(trial, piece)
    made = [name for name in drawing.tensors if name.startswith("Y")]
    if operands is None or (made and not set(made) & set(operands) and drawing.rng.random() < ALONE):
        return
    name = f"Y{len(trial.steps) + 1}"
    trial.steps.append((text, operands, name))
    try:
        program = Specification(trial.sizes, tuple(trial.inputs), tuple(trial.steps), (name,)).program()
    except DeriveError:
        return
    if all(_small(tensor, trial.sizes) for tensor in program.tensors.values()):
        trial.tensors[name] = program.tensor(name)
        drawing.sizes, drawing.inputs, drawing.steps = trial.sizes, trial.inputs, trial.steps
        drawing.tensors = trial.tensors


def _small(tensor: Tensor, sizes: Mapping[str, int]) -> bool:
    lengths = [whole(size, sizes) for size in tensor.shape if not refs(size)]
    return all(n is not None and n >= 1 for n in lengths) and int(np.prod(lengths)) <= MOST_ELEMENTS  # type: ignore[arg-type]


def _operands(drawing: _Drawing, piece: Program) -> tuple[str, ...] | None:
    """A tensor for each operand: one at hand that fits, preferably the latest; else a new input."""
    bound: dict[Size, Expr] = {}
    chosen: list[str] = []
    for formal in piece.inputs:
        fitting = [
            name for name, tensor in drawing.tensors.items() if _binding(formal, tensor, bound) is not None
        ]
        if fitting and drawing.rng.random() < 0.7:
            late = [name for name in fitting if name.startswith("Y")]
            name = late[-1] if late and drawing.rng.random() < 0.6 else str(drawing.rng.choice(fitting))
            found = _binding(formal, drawing.tensors[name], bound)
            assert found is not None
            bound |= found
        else:
            name = _new_input(drawing, formal, bound)
            if not name:
                return None
        chosen.append(name)
    return tuple(chosen)


def _binding(formal: Tensor, tensor: Tensor, bound: Mapping[Size, Expr]) -> dict[Size, Expr] | None:
    """What the formal's letters are where the tensor fits it."""
    if formal.kind is not tensor.kind or len(formal.axes) != len(tensor.axes):
        return None
    found: dict[Size, Expr] = dict(bound)
    for wanted, given in zip(formal.shape, tensor.shape, strict=True):
        if not isinstance(wanted, Size):
            if wanted.xreplace(found) != given:
                return None
        elif found.setdefault(wanted, given) != given:
            return None
    return found


def _new_input(drawing: _Drawing, formal: Tensor, bound: dict[Size, Expr]) -> str:
    """A new input of the formal's shape; none where a bound size cannot be written as one."""
    written = []
    for size in formal.shape:
        for letter in sorted(size.atoms(Size), key=str):
            if letter not in bound:
                bound[letter] = Size(drawing.letter())
        text = str(size.xreplace(bound))
        if not all(part.isalpha() or part.isdigit() for part in text.split("*")):
            return ""
        written.append(text)
    kinds = {Kind.INTEGER: "z", Kind.MASK: "B", Kind.STATE: "R"}
    name = f"{kinds.get(formal.kind, 'X' if not drawing.inputs else 'W')}{len(drawing.inputs) + 1}"
    drawing.inputs.append((name, tuple(written), formal.kind.value))
    drawing.tensors[name] = Tensor(name, tuple(_axis(text) for text in written), formal.kind)
    return name


def _axis(text: str) -> Axis:
    size = Mul(*(Size(part) if part.isalpha() else Integer(part) for part in text.split("*")))
    return Axis(text, size)
