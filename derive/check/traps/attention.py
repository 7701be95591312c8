"""Masked softmax and attention: a row of which everything is masked is 0, with gradient 0."""

from __future__ import annotations

from derive.check.traps.trap import Case, Trap

INFINITE = -float("inf")
NOTHING = ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
E1 = 2.718281828459045
HALF = 1 / (1 + E1**-1)

TRAPS = (
    Trap(
        "fully_masked_row",
        "(Z[m,k], mask a[m,k], c[k]) -> L\n"
        "S[i,j] = where(a[i,j] == 1, exp(Z[i,j]), 0)/sum_{q} where(a[i,q] == 1, exp(Z[i,q]), 0)\n"
        "L = sum_{i,j} c[j] S[i,j]",
        (
            Case(
                {"Z": ((1.0, 0.0, 1e4), (5.0, 1e4, 3.0)), "a": ((1, 1, 0), (0, 0, 0)), "c": (1.0, 0.0, 3.0)},
                HALF,
                {"Z": ((HALF * (1 - HALF), -HALF * (1 - HALF), 0.0), (0.0, 0.0, 0.0))},
                {
                    "Z": (
                        (
                            HALF * (1 - HALF) * (1 - 2 * HALF) * 1.5,
                            -HALF * (1 - HALF) * (1 - 2 * HALF) * 1.5,
                            0.0,
                        ),
                        (0.0, 0.0, 0.0),
                    )
                },
                "an empty row is 0",
            ),
        ),
        wrt=("Z",),
        scale=1,
    ),
    Trap(
        "attention_with_masked_row",
        "(Q[t,d], K[s,d], V[s,d], mask a[t,s]) -> L\n"
        "Z[i,j] = sum_{e} Q[i,e] K[j,e]/sqrt(d)\n"
        "P[i,j] = where(a[i,j] == 1, exp(Z[i,j]), 0)/sum_{q} where(a[i,q] == 1, exp(Z[i,q]), 0)\n"
        "A[i,e] = sum_{j} P[i,j] V[j,e]\n"
        "L = sum_{i,e} A[i,e]",
        (
            Case(
                {"Q": ((3.0,), (7.0,)), "K": ((1.0,), (2.0,)), "V": ((5.0,), (6.0,)), "a": ((1, 0), (0, 0))},
                5.0,
                {"Q": ((0.0,), (0.0,)), "K": ((0.0,), (0.0,)), "V": ((1.0,), (0.0,))},
                {"Q": ((0.0,), (0.0,)), "K": ((0.0,), (0.0,)), "V": ((0.0,), (0.0,))},
                "an empty row is 0",
            ),
        ),
    ),
    Trap(
        "causal_attention_of_huge_scores",
        "(Q[t,d], K[t,d], V[t,d]) -> L\n"
        "P[i,j] = where(j <= i, exp(sum_{e} Q[i,e] K[j,e]), 0)/sum_{q <= i} exp(sum_{e} Q[i,e] K[q,e])\n"
        "A[i,e] = sum_{j <= i} P[i,j] V[j,e]\n"
        "L = sum_{i,e} A[i,e]^2/2",
        (
            Case(
                {
                    "Q": ((100.0, 1.0), (-100.0, 3.0), (0.5, 0.25)),
                    "K": ((100.0, 0.0), (1.0, 99.0), (0.5, 2.0)),
                    "V": ((1.0, -1.0), (2.0, 0.5), (0.25, 3.0)),
                }
            ),
        ),
        scale=1e4,
    ),
    Trap(
        "masked_mean_of_nothing",
        "(X[m,n], mask a[m]) -> L\n"
        "N = sum_{i} where(a[i] == 1, 1, 0)\n"
        "L = sum_{j} where(N > 0, sum_{i} where(a[i] == 1, X[i,j], 0)/N, 0)",
        (Case({"X": NOTHING, "a": (0, 0)}, 0.0, {"X": NOTHING}, {"X": NOTHING}, "branch"),),
    ),
)
