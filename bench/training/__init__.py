"""One model trained twice, by what we emit and by PyTorch: the same start, order, schedule and text."""
