"""Statements: programs as lines of NumPy, each equation in a shape that a person would write."""
