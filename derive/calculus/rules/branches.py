"""Branches whose arms agree at the boundary: a larger or a smaller of two, as a person writes them.

    where(|x| > d, d sign(x), x)     ->  min(max(x, -d), d)

A row's > stands for >= as well: its arms agree where the sides are equal, so both spell one function.
Huber, Robust Estimation of a Location Parameter, 1964, equation 2.5. Parikh, Boyd, Proximal Algorithms,
2014, section 6.5.2. Moreau, Proximite et dualite dans un espace hilbertien, 1965.
"""

from __future__ import annotations

from derive.calculus.rules.row import Row

CLIP = "d*where(a < b, where(a > c, a, c), b)"
EVEN_CLIP = "d*where(a < b, where(a > -b, a, -b), b)"

BRANCHES = (
    Row(
        "a sign beyond a bound is a clip",
        "where(abs(a) > b, b*d*sign(a), d*a)",
        EVEN_CLIP,
        "b >= 0",
        "Huber 1964",
    ),
    Row(
        "a sign beyond a squared bound is a clip",
        "where(a^2 > b, sqrt(b)*d*sign(a), d*a)",
        "d*where(a < sqrt(b), where(a > -sqrt(b), a, -sqrt(b)), sqrt(b))",
        "b >= 0",
        "Huber 1964",
    ),
    Row(
        "a sign outside an interval is a clip",
        "where(a + b >= 0 and b - a >= 0, d*a, b*d*sign(a))",
        EVEN_CLIP,
        "b >= 0",
        "Huber 1964",
    ),
    Row(
        "a sign times the smaller magnitude is a clip",
        "sign(a)*where(abs(a) < b, abs(a), b)",
        EVEN_CLIP.removeprefix("d*"),
        "b >= 0",
        "Huber 1964",
    ),
    Row(
        "less what exceeds a bound in magnitude",
        "a + where(abs(a) > b, -(abs(a) - b)*sign(a), 0)",
        EVEN_CLIP.removeprefix("d*"),
        "b >= 0",
        "Moreau 1965",
    ),
    Row(
        "less what exceeds two bounds",
        "a + where(a > b, b - a, 0) + where(c > a, c - a, 0)",
        CLIP.removeprefix("d*"),
        "b >= c",
        "Parikh and Boyd 6.5.2",
    ),
    Row("less an excess", "a + where(a > b, b - a, 0)", "where(a < b, a, b)", "", "the smaller of two"),
    Row("and a shortfall", "a + where(b > a, b - a, 0)", "where(a > b, a, b)", "", "the larger of two"),
    Row(
        "two bounds, the upper first, are a clip",
        "where(a > b, b*d, where(a > c, d*a, c*d))",
        CLIP,
        "b >= c",
        "Parikh and Boyd 6.5.2",
    ),
    Row(
        "two bounds, the lower first, are a clip",
        "where(a > c, where(a > b, b*d, d*a), c*d)",
        CLIP,
        "b >= c",
        "Parikh and Boyd 6.5.2",
    ),
)
