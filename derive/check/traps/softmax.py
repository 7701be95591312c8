"""Softmax and its logarithm in many spellings, entropies and divergences of it, cross entropy."""

from __future__ import annotations

from derive.check.traps.trap import Case, Trap

VECTOR = (
    Case({"z": (1e4, -1e4, 0.0), "c": (1.0, -2.0, 0.5)}),
    Case({"z": (1e4, 1e4, 9999.0), "c": (1.0, -2.0, 0.5)}),
    Case({"z": (-1e4, -9990.0, -9999.0), "c": (1.0, -2.0, 0.5)}),
)
ALONE = tuple(Case({"z": case.inputs["z"]}) for case in VECTOR)
TWO = (
    Case({"z": (1e4, -1e4, 0.0), "y": (0.0, 1.0, 2.0)}),
    Case({"z": (1.0, 0.5, -0.25), "y": (1e4, -1e4, 0.0)}),
    Case({"z": (100.0, -100.0, 0.0), "y": (0.0, 50.0, -50.0)}),
)
SOFTMAX = "S[j] = exp(z[j])/sum_{q} exp(z[q])"


def weighed(name: str, *lines: str, cases: tuple[Case, ...] = VECTOR) -> Trap:
    """L of a vector z, weighed by constants c."""
    return Trap(name, "\n".join(["(z[k], c[k]) -> L", *lines]), cases, wrt=("z",), scale=1)


def alone(name: str, *lines: str, cases: tuple[Case, ...] = ALONE) -> Trap:
    """L of a vector z."""
    return Trap(name, "\n".join(["(z[k]) -> L", *lines]), cases, scale=1)


def between(name: str, *lines: str, cases: tuple[Case, ...] = TWO) -> Trap:
    """L of two vectors of logits."""
    return Trap(name, "\n".join(["(z[k], y[k]) -> L", *lines]), cases, scale=1e4)


ROWS = Case({"Z": ((1e4, -1e4, 0.0), (-1e4, -9999.0, -1e4)), "c": (1.0, -2.0, 0.5)})
NEAR = Case({"Z": ((1e4, 1e4, 9999.0), (-1e4, -1e4, -9999.0)), "C": ((1.0, -2.0, 0.5), (0.25, 1.0, -1.0))})
P = "P[j] = exp(z[j])/sum_{q} exp(z[q])"
Q = "Q[j] = exp(y[j])/sum_{q} exp(y[q])"

TRAPS = (
    weighed("softmax_of_huge_values", SOFTMAX, "L = sum_{j} c[j] S[j]"),
    weighed("softmax_in_three_steps", "E[j] = exp(z[j])", "T = sum_{j} E[j]", "L = sum_{j} c[j] E[j]/T"),
    weighed("log_softmax", "L = sum_{j} c[j] log(exp(z[j])/sum_{q} exp(z[q]))"),
    weighed("log_of_named_softmax", SOFTMAX, "L = sum_{j} c[j] log(S[j])"),
    weighed(
        "log_of_softmax_in_steps",
        "E[j] = exp(z[j])",
        "T = sum_{j} E[j]",
        "S[j] = E[j]/T",
        "L = sum_{j} c[j] log(S[j])",
    ),
    weighed("log_difference", "E[j] = exp(z[j])", "L = sum_{j} c[j] (log(E[j]) - log(sum_{q} E[q]))"),
    weighed("log_of_scaled_softmax", SOFTMAX, "L = sum_{j} c[j] log(100 S[j])"),
    weighed("log_of_square_of_softmax", SOFTMAX, "L = sum_{j} c[j] log(S[j]^2)"),
    weighed("log_of_root_of_softmax", SOFTMAX, "L = sum_{j} c[j] log(sqrt(S[j]))"),
    Trap(
        "log_softmax_of_weighed_rows",
        "(Z[m,k], C[m,k]) -> L\nS[i,j] = exp(Z[i,j])/sum_{q} exp(Z[i,q])\nL = sum_{i,j} C[i,j] log(S[i,j])",
        (NEAR,),
        wrt=("Z",),
        scale=1,
    ),
    weighed("log_base_two_of_softmax", SOFTMAX, "L = sum_{j} c[j] log(S[j])/log(2)"),
    Trap(
        "log_of_slice_of_softmax",
        "(z[k + 1], c[k]) -> L\nS[j < k + 1] = exp(z[j])/sum_{q} exp(z[q])\nU[j < k] = S[j + 1]\n"
        "L = sum_{j} c[j] log(U[j])",
        (Case({"z": (1e4, -1e4, 0.0), "c": (-2.0, 0.5)}),),
        wrt=("z",),
        scale=1,
    ),
    Trap(
        "log_of_reshaped_softmax",
        "(z[2 k], c[2,k]) -> L\nS[j < 2 k] = exp(z[j])/sum_{q} exp(z[q])\nR[a < 2, b < k] = S[k a + b]\n"
        "L = sum_{a,b} c[a,b] log(R[a,b])",
        (Case({"z": (1e4, -1e4, 0.0, 9999.0), "c": ((-2.0, 0.5), (1.0, 1.5))}),),
        wrt=("z",),
        scale=1,
    ),
    Trap(
        "log_of_mean_of_softmaxes",
        "(Z[m,k], c[k]) -> L\nS[i,j] = exp(Z[i,j])/sum_{q} exp(Z[i,q])\nB[j] = mean_{i} S[i,j]\n"
        "L = sum_{j} c[j] log(B[j])",
        (ROWS,),
        wrt=("Z",),
        scale=1,
    ),
    Trap(
        "log_of_transposed_softmax",
        "(Z[m,k], c[k]) -> L\nS[i,j] = exp(Z[i,j])/sum_{q} exp(Z[i,q])\nR[j,i] = S[i,j]\n"
        "L = sum_{i,j} c[j] log(R[j,i])",
        (ROWS,),
        wrt=("Z",),
        scale=1,
    ),
    Trap(
        "tempered_softmax",
        "(z[k], t, c[k]) -> L\nS[j] = exp(z[j]/t)/sum_{q} exp(z[q]/t)\nL = sum_{j} c[j] log(S[j])",
        (Case({"z": (100.0, -100.0, 0.5), "t": 0.015625, "c": (1.0, -2.0, 0.5)}),),
        wrt=("z", "t"),
        units=256,
        scale=1,
    ),
    Trap(
        "cross_entropy_of_huge_logits",
        "(Z[m,k], integer y[m]) -> L\nS[i,j] = exp(Z[i,j])/sum_{q} exp(Z[i,q])\nL = mean_{i} -log(S[i,y[i]])",
        (
            Case({"Z": ((1e4, -1e4, 0.0), (-1e4, 0.0, 1e4)), "y": (1, 2)}),
            Case({"Z": ((1e4, 1e4, 1e4), (0.0, 0.0, 1.0)), "y": (0, 2)}),
        ),
    ),
    weighed(
        "cross_entropy_of_soft_labels",
        SOFTMAX,
        "L = -sum_{j} c[j] log(S[j])",
        cases=(Case({"z": (1e4, -1e4, 0.0), "c": (0.0, 0.75, 0.25)}),),
    ),
    weighed(
        "smoothed_cross_entropy",
        SOFTMAX,
        "L = -sum_{j} (0.9 c[j] + 0.1/k) log(S[j])",
        cases=(Case({"z": (1e4, -1e4, 0.0), "c": (0.0, 1.0, 0.0)}),),
    ),
    alone("gini_of_softmax", SOFTMAX, "L = 1 - sum_{j} S[j]^2"),
    between("divergence_of_softmaxes", P, Q, "L = sum_{j} P[j] log(P[j]/Q[j])"),
    between("divergence_by_difference_of_logs", P, Q, "L = sum_{j} P[j] (log(P[j]) - log(Q[j]))"),
    between("cross_entropy_of_softmaxes", P, Q, "L = -sum_{j} P[j] log(Q[j])"),
    weighed(
        "focal_loss_of_softmax",
        SOFTMAX,
        "L = -sum_{j} c[j] (1 - S[j])^2 log(S[j])",
        cases=(
            Case({"z": (1e4, -1e4, 0.0), "c": (0.0, 1.0, 0.5)}),
            Case({"z": (1e4, -1e4, 0.0), "c": (1.0, 0.0, 0.0)}),
        ),
    ),
    Trap(
        "odds_of_softmax",
        "(z[k], c[k]) -> L\nS[j] = exp(z[j])/sum_{q} exp(z[q])\nL = sum_{j} c[j] log(S[j]/(1 - S[j]))",
        (
            Case({"z": (3.0, -1.0, 0.5), "c": (1.0, -2.0, 0.5)}),
            Case({"z": (100.0, 0.0, 99.0), "c": (1.0, -2.0, 0.5)}),
        ),
        wrt=("z",),
    ),
)
