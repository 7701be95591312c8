"""Spelling: equations to C over whole vectors, in loops along an index or along rows."""
