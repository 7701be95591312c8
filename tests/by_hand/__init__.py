"""The only gradients written by hand: the first oracle."""
