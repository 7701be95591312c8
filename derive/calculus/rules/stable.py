"""Differences that cancel, and the function that has them whole.

Rows are tried in order at each place, innermost first. What is rational in one exponential needs no row:
`derive/calculus/stable` factors it.
Kahan: Branch cuts for complex elementary functions, 1987. Higham: Accuracy and Stability of Numerical
Algorithms, 2nd ed., 2002.
"""

from __future__ import annotations

from derive.calculus.rules.row import Row

EARLY = (
    Row("one and an error function", "1 + erf(a)", "erfc(-a)", "", "Abramowitz and Stegun 7.1.2, 7.1.9"),
    Row("one less an error function", "1 - erf(a)", "erfc(a)", "", "Abramowitz and Stegun 7.1.2"),
)
"""What is replaced before differentiation already: the derivative is as long either way."""

ROWS = (
    Row("log near one", "log(1 + a)", "log1p(a)", "", "Kahan 1987"),
    Row("exponential near one", "exp(a) - 1", "expm1(a)", "", "Kahan 1987"),
    Row("one less an exponential", "1 - exp(a)", "-expm1(a)", "", "Kahan 1987"),
    *EARLY,
    Row("one less a cosine", "1 - cos(a)", "2*sin(a/2)^2", "", "Higham 1.7"),
    Row("root near one", "sqrt(1 + a) - 1", "a/(sqrt(1 + a) + 1)", "", "Higham 1.8"),
)
