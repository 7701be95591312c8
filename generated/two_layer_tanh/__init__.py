"""h(X) = sigma(X W1) W2, sigma = tanh"""

from .two_layer_tanh import *  # noqa: F403
