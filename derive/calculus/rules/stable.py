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

INVERSE = (
    Row(
        "inverse hyperbolic sine",
        "log(a + sqrt(a^2 + b))",
        "asinh(a/sqrt(b)) + log(b)/2",
        "b > 0",
        "Abramowitz and Stegun 4.6.20",
    ),
    Row(
        "inverse hyperbolic cosine",
        "log(a + sqrt(a^2 - b))",
        "acosh(a/sqrt(b)) + log(b)/2",
        "b > 0",
        "Abramowitz and Stegun 4.6.21",
    ),
    Row(
        "inverse hyperbolic tangent", "log((1 + a)/(1 - a))", "2*atanh(a)", "", "Abramowitz and Stegun 4.6.22"
    ),
    Row(
        "inverse hyperbolic tangent by two logarithms",
        "log(1 + a) - log(1 - a)",
        "2*atanh(a)",
        "",
        "Kahan 1987",
    ),
)
"""Logarithms that lose all digits where they are near 0, or where what they are taken of cancels; before
differentiation, of what follows from no exponential: that opens in another way.
"""

ELEMENTS = (Row("difference of squares", "1 - a^2", "(1 - a)*(1 + a)", "", "Kahan 1987"),)
"""For elements that are given: what is computed has rounded already."""

ROWS = (
    Row("log near one", "log(1 + a)", "log1p(a)", "", "Kahan 1987"),
    Row("exponential near one", "exp(a) - 1", "expm1(a)", "", "Kahan 1987"),
    Row("one less an exponential", "1 - exp(a)", "-expm1(a)", "", "Kahan 1987"),
    *EARLY,
    Row("one less a cosine", "1 - cos(a)", "2*sin(a/2)^2", "", "Higham 1.7"),
    Row(
        "a number and a longer root",
        "a + sqrt(a^2 + b)",
        "where(a >= 0, 2*a, 0) + b/(sqrt(a^2 + b) + abs(a))",
        "b > 0",
        "Higham 1.8",
    ),
    Row(
        "one and a share of a longer root",
        "1 + a/sqrt(a^2 + b)",
        "1 + sign(a) - sign(a)*b/(a^2 + b + abs(a)*sqrt(a^2 + b))",
        "b > 0",
        "Higham 1.8",
    ),
    Row("root near one", "sqrt(1 + a) - 1", "a/(sqrt(1 + a) + 1)", "", "Higham 1.8"),
)
