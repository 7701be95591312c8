"""The Jacobian of a recurrence against the dense one, and the Jacobians of its turns against theirs.

entries     d<output> as its program computes it, against pushforwards of unit vectors
links       each d target/d source of one turn, against pushforwards of that turn alone
"""

from __future__ import annotations

import numpy as np

from derive.calculus.derivation.recurrent_jacobian import Link, RecurrentJacobian
from derive.calculus.derivation.structure import structure
from derive.calculus.expressions.tensor import refs
from derive.calculus.program.program import Program
from derive.check.evaluate import Evaluation, elements
from derive.check.jacobians import BOUND, complaints, dense_jacobian
from derive.check.reader import Functions
from derive.check.sampling import random_inputs, random_sizes


def recurrent_complaints(
    program: Program, found: RecurrentJacobian, seed: int = 0, functions: Functions | None = None
) -> list[str]:
    """What is not as it is said to be, at random unequal sizes; nothing where all is."""
    sizes = random_sizes(program, seed)
    inputs = random_inputs(program, sizes, seed, opaque=functions)
    run = Evaluation.start(found.program, inputs, sizes, opaque=functions)
    run.run(found.program.statements)
    (name,) = found.program.outputs
    stated, inside = run.arrays[name], elements(run.reader, found.program.tensor(name))
    dense = dense_jacobian(program, found.output, found.by, sizes, inputs, functions)
    scale = np.abs(dense[inside]).max(initial=1e-300)
    off = np.abs(np.where(inside, dense - stated, 0)).max(initial=0)
    wrong = [] if off <= BOUND * scale else [f"entries of d{found.output.name}/d{found.by.name}"]
    return wrong + [text for link in found.links for text in _link_complaints(link, seed)]


def _link_complaints(link: Link, seed: int) -> list[str]:
    """What is not so of the Jacobian of one turn; those with ragged axes are seen in the entries alone."""
    program, plain = link.program, link.plain
    ragged = any(refs(axis.size) for tensor in program.tensors.values() for axis in tensor.axes)
    if ragged or not plain.terms:
        return []
    wrong = complaints(program, plain, structure(plain), seed)
    return [f"d{link.target}/d{link.source}: {text}" for text in wrong]
