"""Stable numbers from naive spelling: before a program is differentiated, and last before it is emitted."""
