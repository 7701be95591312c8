"""C: a plan as a header and a source, loop by loop."""
