"""Layout: where tensors lie, and in which order of axes."""
