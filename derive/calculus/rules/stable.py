"""Scalar forms that overflow, cancel or divide nothing by nothing, and what to compute instead.

Rows are tried in order at each place, innermost first. E = exp(-|a|) is at most 1.
Maechler: Accurately computing log(1 - exp(-|a|)), 2012. Higham: Accuracy and Stability of Numerical
Algorithms, 2nd ed., 2002. Kahan: Branch cuts for complex elementary functions, 1987.
"""

from __future__ import annotations

from derive.calculus.rules.row import Row

LOGARITHMS = (
    Row("log of a reciprocal", "log(1/a)", "-log(a)", "a > 0", "Higham 1.14"),
    Row("softplus", "log(1 + exp(a))", "max(a, 0) + log1p(exp(-abs(a)))", "", "Maechler 2012, eq. 10"),
    Row(
        "log of a decaying rest", "log(1 - exp(-exp(a)))", "log(-expm1(-exp(a)))", "", "Maechler 2012, eq. 7"
    ),
    Row("log cosh", "log(exp(a) + exp(-a))", "abs(a) + log1p(exp(-2*abs(a)))", "", "Higham 1.12"),
    Row("log near one", "log(1 + a)", "log1p(a)", "", "Kahan 1987"),
)
EXPONENTIALS = (
    Row("exponential near one", "exp(a) - 1", "expm1(a)", "", "Kahan 1987"),
    Row("one less an exponential", "1 - exp(a)", "-expm1(a)", "", "Kahan 1987"),
)
ROWS = (*LOGARITHMS, *EXPONENTIALS)
