"""The tuned implementation in C: contractions by register tiles, elementwise work by vectors."""
