"""The plan: what is emitted for a network, and what of it is kept in memory, for every target."""
