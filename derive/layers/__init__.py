"""Definitions of layers: forward equations as on paper, nothing else. Everything else follows from them."""
