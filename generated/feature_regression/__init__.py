"""h(X) = phi(X) Theta, phi(x) = (x, x^2)"""

from .feature_regression import *  # noqa: F403
