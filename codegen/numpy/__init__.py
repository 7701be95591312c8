"""NumPy: a plan, or a layer alone, as one module."""
