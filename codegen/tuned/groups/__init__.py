"""Groups: which equations are computed together, in which order, and what of them is kept."""
