"""Simplification: an expression in the form that a person would write, modulo definitions."""
