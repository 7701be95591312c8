"""Products: contractions, how their tiles go through memory, and which tiles there are."""
