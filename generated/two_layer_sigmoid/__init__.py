"""h(X) = sigma(X W1) W2, sigma = sigmoid"""

from .two_layer_sigmoid import *  # noqa: F403
