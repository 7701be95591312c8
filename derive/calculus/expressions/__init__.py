"""Expressions: elements of named tensors, sums, guards; what may be done to any of them."""
