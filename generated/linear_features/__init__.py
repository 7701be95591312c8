"""h(X) = X W Theta"""

from .linear_features import *  # noqa: F403
