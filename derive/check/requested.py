"""The derivatives that a network has on request, as emitted, against what they are made of: a line a check.

    hvp            (g(p + h u) - g(p - h u))/2h of the emitted gradients g; <v, H u> = <u, H v>
    gauss_newton   <v, G u> = <u, G v>; G itself in the derivation's 50 digits
    per_example    the gradients of a batch of that example alone; their mean or sum is the whole gradient

Nothing here shares a derivation with what it checks, but for the digits of gauss_newton.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Protocol, cast

import numpy as np

from derive.calculus.derivation.gauss_newton import gauss_newton
from derive.calculus.program.network import Network
from derive.check.arithmetic import Array
from derive.check.oracles import DIGITS, Check, inner, norm, relative
from derive.check.verify import DIFFERENCE_BOUND, VALUE_BOUND, Emitted, Load, Subject, distance, place

SYMMETRY_BOUND = 1e-12


class Requested(Emitted, Protocol):
    """A loaded network with the functions that were asked for."""

    def product(self, derivative: str, tangents: Mapping[str, Array]) -> dict[str, Array]: ...
    def per_example(self) -> dict[str, Array]: ...


def requested(network: Network, load: Load, backends: tuple[str, ...]) -> Iterator[Check]:
    """Every check of what a network has on request, one after the other; none where it has nothing."""
    if network.derivatives:
        subject = Subject.drawn(network, load)
        for backend in backends:
            yield from _checks(subject, backend, cast("Requested", subject.running(backend, "float64")))


def _checks(subject: Subject, backend: str, running: Requested) -> Iterator[Check]:
    if "hvp" in subject.network.derivatives:
        yield _hvp(subject, backend, running)
        yield _symmetric(subject, backend, running, "hvp")
    if "gauss_newton" in subject.network.derivatives:
        yield _gauss_newton(subject, backend, running)
        yield _symmetric(subject, backend, running, "gauss_newton")
    if "per_example" in subject.network.derivatives:
        yield from _per_example(subject, backend, running)


def _hvp(subject: Subject, backend: str, running: Requested) -> Check:
    """Central differences of the emitted gradients, extrapolated once."""
    tangents = subject.directions()

    def central(step: float) -> dict[str, Array]:
        ends = []
        for sign in (1, -1):
            place(subject, running, {name: sign * step * u for name, u in tangents.items()})
            ends.append({name: np.array(g) for name, g in running.gradients()[1].items()})
        return {name: (ends[0][name] - ends[1][name]) / (2 * step) for name in tangents}

    near, far = central(1e-4), central(2e-4)
    place(subject, running, {})
    found, (_, gradients) = running.product("hvp", tangents), running.gradients()
    off = norm(*(found[name] - (4 * near[name] - far[name]) / 3 for name in tangents))
    scale = max(norm(*found.values()), norm(*gradients.values()))
    compared = f"H u against differences of the gradients, u of {', '.join(tangents)}"
    return Check(f"{backend} hvp differences", relative(off, scale), DIFFERENCE_BOUND, compared)


def _symmetric(subject: Subject, backend: str, running: Requested, key: str) -> Check:
    """<v, A u> = <u, A v>, relative to |v| |A u|."""
    u = subject.directions()
    v = {name: np.cos(np.arange(array.size, dtype=float)).reshape(array.shape) for name, array in u.items()}
    along = {name: np.array(array) for name, array in running.product(key, u).items()}
    across = running.product(key, v)
    left, right = (sum(inner(a[name], b[name]) for name in u) for a, b in ((v, along), (u, across)))
    scale = norm(*v.values()) * norm(*along.values()) + norm(*u.values()) * norm(*across.values())
    return Check(
        f"{backend} {key} symmetry", relative(left - right, scale), SYMMETRY_BOUND, "<v, A u> = <u, A v>"
    )


def _gauss_newton(subject: Subject, backend: str, running: Requested) -> Check:
    network = subject.network
    point = replace(subject.point, directions=subject.directions())
    exact = point.evaluated(gauss_newton(point.forward, network.trained, network.output), DIGITS)
    found = running.product("gauss_newton", point.directions)
    error = max(distance(found[name], exact[f"{name}_bar"]) for name in network.trained)
    compared = f"{', '.join(network.trained)} against the derived program in {DIGITS} digits"
    return Check(f"{backend} gauss_newton", error, VALUE_BOUND, compared)


def _per_example(subject: Subject, backend: str, running: Requested) -> Iterator[Check]:
    network, batch = subject.network, subject.batch("float64")
    own = {name: np.array(array) for name, array in running.per_example().items()}
    whole = {name: np.array(array) for name, array in running.gradients()[1].items()}
    joined = {
        name: array.mean(0) if network.reduction == "mean" else array.sum(0) for name, array in own.items()
    }
    yield _alike(f"{backend} per_example", joined, whole, f"their {network.reduction} against the gradients")
    for row in range(len(batch[0])):
        running.bind(*(np.ascontiguousarray(array[row : row + 1]) for array in batch))
        alone = running.gradients()[1]
        picked = {name: array[row] for name, array in own.items()}
        yield _alike(f"{backend} per_example", picked, alone, f"example {row} against a batch of it alone")
    running.bind(*batch)


def _alike(name: str, found: Mapping[str, Array], right: Mapping[str, Array], compared: str) -> Check:
    off, scale = norm(*(found[n] - right[n] for n in right)), norm(*right.values())
    return Check(name, relative(off, scale), VALUE_BOUND, compared)
