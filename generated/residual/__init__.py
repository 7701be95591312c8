"""h(X) = (relu(relu(Z U) U) + Z) W2 + X V, Z = relu(X W1)"""

from .residual import *  # noqa: F403
