"""Expressions to text, by precedence: one printer a language."""
