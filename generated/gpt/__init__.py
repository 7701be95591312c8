"""H = layernorm(Z_L) E^T, Z_0 = E[x] + P, L blocks of causal attention and gelu"""

from .gpt import *  # noqa: F403
