"""A plain NumPy function rewritten so that every array has a place made beforehand: `out=`, views, rooms."""
