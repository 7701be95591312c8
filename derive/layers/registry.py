"""Every layer by name, as the command line shows and builds them alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from derive.calculus.program.program import Program
from derive.errors import DeriveError
from derive.layers import blocks, convolution, dense, losses, normalisation, sequence, shape
from derive.layers.activations import ACTIVATIONS, elementwise

_LAYERS: dict[str, Callable[[], Program]] = {
    "linear": dense.linear,
    "bilinear": dense.bilinear,
    "embedding": dense.embedding,
    "softmax": normalisation.softmax,
    "log_softmax": normalisation.log_softmax,
    "layernorm": normalisation.layernorm,
    "rmsnorm": normalisation.rmsnorm,
    "batchnorm": normalisation.batchnorm,
    "groupnorm": normalisation.groupnorm,
    "l2norm": normalisation.l2norm,
    "cosine_similarity": normalisation.cosine_similarity,
    "conv2d": convolution.conv2d,
    "depthwise": convolution.depthwise,
    "max_pool": convolution.max_pool,
    "average_pool": convolution.average_pool,
    "pixel_shuffle": convolution.pixel_shuffle,
    "attention": sequence.attention,
    "rotary": sequence.rotary,
    "lstm": sequence.lstm,
    "gru": sequence.gru,
    "elman": sequence.elman,
    "cumulative_sum": sequence.cumulative_sum,
    "concatenate": shape.concatenate,
    "flatten": shape.flatten,
    "reshape": shape.reshape,
    "transpose": shape.transpose,
    "residual_block": blocks.residual_block,
    "glu": blocks.glu,
    "swiglu": blocks.swiglu,
    "cross_entropy": losses.cross_entropy,
    "soft_cross_entropy": losses.soft_cross_entropy,
    "kl_divergence": losses.kl_divergence,
    "binary_cross_entropy": losses.binary_cross_entropy,
    "squared_error": losses.squared_error,
    "huber": losses.huber,
    "gaussian_nll": losses.gaussian_nll,
}


LAYERS = (*_LAYERS, *(name for name in ACTIVATIONS if name != "identity"))


@cache
def layer(name: str) -> Program:
    """The definition of a layer by name."""
    if name in _LAYERS:
        return _LAYERS[name]()
    if name in ACTIVATIONS:
        return elementwise(name, ACTIVATIONS[name])
    raise DeriveError(f"there is no layer {name!r}; the layers are {', '.join(LAYERS)}")
