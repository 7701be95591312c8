"""Oracles: how we know that a derived program is right."""
