"""Phases: each group as a function, a contraction with its finish."""
