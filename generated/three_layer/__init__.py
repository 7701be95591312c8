"""h(X) = relu(relu(X W1) W2) W3"""

from .three_layer import *  # noqa: F403
