"""h(X) = relu(X W1 + b1) W2 + b2"""

from .tiny import *  # noqa: F403
