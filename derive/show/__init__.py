"""Derivations as text and LaTeX: array forms, equations, chains of partials."""
