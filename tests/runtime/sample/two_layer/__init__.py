"""A network written by hand to the contract of docs/interface.md."""

from .two_layer import Gradients, Params, forward, init, loss

__all__ = ["Gradients", "Params", "forward", "init", "loss"]
