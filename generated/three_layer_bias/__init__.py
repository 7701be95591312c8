"""h(X) = relu(relu(X W1 + b1) W2 + b2) W3 + b3"""

from .three_layer_bias import *  # noqa: F403
