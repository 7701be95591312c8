"""Entropies and divergences of softmaxes, and sums that have a name, where scores are large and close."""

from __future__ import annotations

from derive.check.traps.trap import Case, Trap

CLOSE = (
    (1e4, 1e4, 9999.0),
    (-1e4, -9990.0, -9999.0),
    (1e4, 9999.0, 9997.0),
    (1e4, -1e4, 0.0),
    (3.0, 1.0, -2.0),
)
ALONE = tuple(Case({"z": z}) for z in CLOSE)
PAIRS = tuple(
    Case({"z": z, "y": y})
    for z, y in (
        (CLOSE[0], CLOSE[2]),
        (CLOSE[1], CLOSE[4]),
        (CLOSE[4], CLOSE[0]),
        (CLOSE[4], (2.0, 1.0, 0.0)),
    )
)
SOFTMAX = "S[j] = exp(z[j])/sum_{q} exp(z[q])"
P = "P[j] = exp(z[j])/sum_{q} exp(z[q])"
Q = "Q[j] = exp(y[j])/sum_{q} exp(y[q])"
NAMED = "N = log(sum_{q} exp(z[q]))"


def _of(name: str, head: str, cases: tuple[Case, ...], *lines: str, wrt: tuple[str, ...] = ()) -> Trap:
    return Trap(name, "\n".join([head, *lines]), cases, wrt=wrt, scale=1)


TRAPS = (
    _of("entropy_of_softmax", "(z[k]) -> L", ALONE, SOFTMAX, "L = -sum_{j} S[j] log(S[j])"),
    _of("entropy_by_a_named_sum", "(z[k]) -> L", ALONE, NAMED, "L = -sum_{j} exp(z[j] - N) (z[j] - N)"),
    _of("squared_logs_of_softmax", "(z[k]) -> L", ALONE[1:], SOFTMAX, "L = sum_{j} S[j] log(S[j])^2"),
    Trap(
        "entropies_of_rows",
        "(Z[m,k]) -> L\nS[i,j] = exp(Z[i,j])/sum_{q} exp(Z[i,q])\n"
        "H[i] = -sum_{j} S[i,j] log(S[i,j])\nL = mean_{i} H[i]",
        (Case({"Z": (CLOSE[0], CLOSE[1])}), Case({"Z": (CLOSE[3], CLOSE[4])})),
        scale=1,
    ),
    _of("divergence_of_close_scores", "(z[k], y[k]) -> L", PAIRS, P, Q, "L = sum_{j} P[j] log(P[j]/Q[j])"),
    _of(
        "divergence_of_logs_of_close_scores",
        "(z[k], y[k]) -> L",
        PAIRS,
        P,
        Q,
        "L = sum_{j} P[j] (log(P[j]) - log(Q[j]))",
    ),
    _of(
        "log_softmax_by_a_named_sum",
        "(z[k], c[k]) -> L",
        tuple(Case({"z": z, "c": (1.0, -2.0, 0.5)}) for z in CLOSE),
        NAMED,
        "L = sum_{j} c[j] (z[j] - N)",
        wrt=("z",),
    ),
)
