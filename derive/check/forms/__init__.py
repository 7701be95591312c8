"""Closed forms written by hand, and what is derived held against them: structure, digits, operations."""
