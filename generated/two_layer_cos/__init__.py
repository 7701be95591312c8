"""h(X) = sigma(X W1) W2, sigma = cos"""

from .two_layer_cos import *  # noqa: F403
