"""h(X) = sigma(X W1) W2, sigma = softplus"""

from .two_layer_softplus import *  # noqa: F403
