"""h(X) = cos(X W) Theta"""

from .random_features import *  # noqa: F403
