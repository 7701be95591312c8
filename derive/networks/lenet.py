"""LeNet: two convolutions with pooling, three dense layers."""

from __future__ import annotations

from sympy import Expr

from derive.calculus.definition.graph import Array
from derive.calculus.expressions.tensor import Size
from derive.calculus.program.network import Network
from derive.layers.convolution import conv2d, max_pool
from derive.layers.shape import flatten
from derive.networks.assembly import Assembly, activation

WINDOW = 5
PADDING = 2


def lenet(
    c: int = 1, a: int = 5, b: int = 5, o1: int = 6, o2: int = 16, d1: int = 120, d2: int = 84, k: int = 10
) -> Network:
    """P1 = pool(relu(X * K1 + b1)), P2 = pool(relu(P1 * K2 + b2)), then three dense layers of P2 by rows.

    Pictures X (m, c, 4a + 8, 4b + 8) leave maps P2 (m, o2, a, b): 28 x 28 leave 5 x 5. LeCun, Bottou, Bengio,
    Haffner, Gradient-Based Learning Applied to Document Recognition, 1998, section II.B, with rectifiers,
    maxima and every pair of channels.
    """
    sizes = {"c": c, "a": a, "b": b, "o1": o1, "o2": o2, "d1": d1, "d2": d2, "k": k}
    net = Assembly("lenet", "h(X) = relu(relu(F W3 + b3) W4 + b4) W5 + b5, F = P2 by rows", sizes)
    first = _stage(net, 1, net.input("X", "m", "c", 4 * Size("a") + 8, 4 * Size("b") + 8), "o1", PADDING)
    second = _stage(net, 2, first, "o2", 0)
    array = net.graph.apply(flatten(), second, Y="F")
    for layer, width in ((3, "d1"), (4, "d2")):
        array = _dense(net, layer, array, width, 2).named(f"A{layer}", "linear")
        array = activation("relu")(array).named(f"Z{layer}", "relu")
    return net.classifier(_dense(net, 5, array, "k", 1).named("Z5", "linear"))


def _stage(net: Assembly, number: int, array: Array, maps: str, padding: int) -> Array:
    """Convolution, rectifier and maximum over 2x2."""
    channels = array.axes[1].size
    fan_in = channels * WINDOW**2
    kernel = net.normal(f"K{number}", (maps, channels, WINDOW, WINDOW), 2 / fan_in)
    bias = net.bias(f"b{number}", maps)
    convolved = net.graph.apply(conv2d(padding=padding, bias=True), array, kernel, bias, Y=f"A{number}")
    rectified = activation("relu")(convolved).named(f"Z{number}", "relu")
    return net.graph.apply(max_pool(), rectified, Y=f"P{number}")


def _dense(net: Assembly, number: int, array: Array, width: str, gain: int) -> Array:
    rows: Expr = array.axes[-1].size
    weight = net.normal(f"W{number}", (rows, width), gain / rows)
    return array @ weight + net.bias(f"b{number}", width)
