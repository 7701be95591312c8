"""h(X) = X Theta"""

from .softmax_regression import *  # noqa: F403
