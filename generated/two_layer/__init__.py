"""h(X) = sigma(X W1) W2, sigma = relu"""

from .two_layer import *  # noqa: F403
