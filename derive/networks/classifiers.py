"""The hypothesis classes of the lecture, H1 to H8."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from sympy import Rational

from derive.calculus.expressions.tensor import Size
from derive.calculus.program.network import Law, Network
from derive.calculus.program.roles import require_sizes
from derive.errors import DeriveError
from derive.layers.shape import concatenate
from derive.networks.assembly import Assembly, activation, gain


def softmax_regression(n: int = 784, k: int = 10) -> Network:
    """H1: h(X) = X Theta."""
    net = Assembly("softmax_regression", "h(X) = X Theta", {"n": n, "k": k})
    data = net.input("X", "m", "n")
    theta = net.weight("Theta", "n", "k")
    return net.classifier((data @ theta).named("H", "linear"))


def feature_regression(n: int = 784, k: int = 10) -> Network:
    """H2: h(X) = phi(X) Theta, with the given features phi(x) = (x, x^2)."""
    net = Assembly("feature_regression", "h(X) = phi(X) Theta, phi(x) = (x, x^2)", {"n": n, "k": k})
    data = net.input("X", "m", "n")
    square = (data**2).named("X2", "square")
    features = net.graph.apply(concatenate(), data, square, Y="Phi")
    theta = net.parameter_of("Theta", features.axes[-1], "k")
    return net.classifier((features @ theta).named("H", "linear"))


def linear_features(n: int = 784, d: int = 100, k: int = 10) -> Network:
    """H3: h(X) = X W Theta, which one matrix W Theta would do as well."""
    net = Assembly("linear_features", "h(X) = X W Theta", {"n": n, "d": d, "k": k})
    data = net.input("X", "m", "n")
    weight, theta = net.weight("W", "n", "d"), net.weight("Theta", "d", "k")
    features = (data @ weight).named("Phi", "linear")
    return net.classifier((features @ theta).named("H", "linear"))


def random_features(n: int = 784, d: int = 1000, k: int = 10, bandwidth: Fraction | None = None) -> Network:
    """H4: h(X) = cos(X W) Theta, W a fixed normal sample of variance 1/bandwidth^2, by default 1/n.

    The features stand for the kernel exp(-|x - x'|^2 / (2 bandwidth^2)). Rahimi, Recht, NIPS 2007.
    """
    net = Assembly("random_features", "h(X) = cos(X W) Theta", {"n": n, "d": d, "k": k})
    data = net.input("X", "m", "n")
    variance = 1 / Size("n") if bandwidth is None else Rational(1 / bandwidth**2)
    weight = net.parameter("W", ("n", "d"), Law.NORMAL, variance, trained=False)
    theta = net.weight("Theta", "d", "k")
    frequencies = (data @ weight).named("A", "linear")
    features = activation("cos")(frequencies).named("Phi", "cos")
    return net.classifier((features @ theta).named("H", "linear"))


def two_layer(
    sigma: str = "relu",
    n: int = 784,
    d: int = 100,
    k: int = 10,
    name: str = "two_layer",
    reduction: str = "mean",
) -> Network:
    """H5: h(X) = sigma(X W1) W2, sigma named or any formula in x."""
    require_sizes(name, {"n": n, "d": d, "k": k})
    net = Assembly(name, f"h(X) = sigma(X W1) W2, sigma = {sigma}", {"n": n, "d": d, "k": k})
    data = net.input("X", "m", "n")
    first, second = net.weight("W1", "n", "d", gain(sigma)), net.weight("W2", "d", "k")
    hidden = activation(sigma)((data @ first).named("A1", "linear")).named("Z2", sigma)
    return net.classifier((hidden @ second).named("H", "linear"), reduction)


def perceptron(
    widths: Sequence[int] = (784, 256, 128, 10),
    sigmas: Sequence[str] = (),
    bias: bool = False,
    name: str = "perceptron",
) -> Network:
    """H6 and H7: Z_1 = X, Z_{i+1} = sigma_i(Z_i W_i + 1 b_i^T), each sigma_i its own."""
    depth = len(widths) - 1
    require_sizes(name, {f"width {place}": width for place, width in enumerate(widths, 1)})
    sigmas = tuple(sigmas) or ("relu",) * (depth - 1)
    if depth < 1 or len(sigmas) != depth - 1:
        raise DeriveError(
            f"{name}: {len(widths)} widths need {max(depth - 1, 0)} activations, one between two layers; "
            f"{len(sigmas)} are given"
        )
    letters = _letters(depth)
    net = Assembly(name, _title(sigmas, bias), dict(zip(letters, widths, strict=True)))
    array = net.input("X", "m", letters[0])
    for layer in range(1, depth + 1):
        last = layer == depth
        spelling = "identity" if last else sigmas[layer - 1]
        weight = net.weight(f"W{layer}", letters[layer - 1], letters[layer], gain(spelling))
        product = array @ weight
        if bias:
            product = product + net.bias(f"b{layer}", letters[layer])
        named = product.named("H" if last else f"A{layer}", "linear")
        array = named if last else activation(spelling)(named).named(f"Z{layer + 1}", spelling)
    return net.classifier(array)


def _letters(depth: int) -> list[str]:
    return ["n", *(f"d{layer}" for layer in range(1, depth)), "k"]


def _title(sigmas: Sequence[str], bias: bool) -> str:
    last = len(sigmas) + 1
    term = " + b" if bias else ""
    if len(sigmas) > 3:
        return f"Z_1 = X, Z_i+1 = sigma_i(Z_i W_i{term}), {last} layers"
    text = "X"
    for layer, sigma in enumerate(sigmas, 1):
        text = f"{sigma}({text} W{layer}{term + str(layer) if bias else ''})"
    return f"h(X) = {text} W{last}{term + str(last) if bias else ''}"


def three_layer(bias: bool = False) -> Network:
    """H6 with L = 3; H7 with a bias."""
    return perceptron(
        (784, 256, 128, 10), ("relu", "relu"), bias, "three_layer_bias" if bias else "three_layer"
    )


def residual(n: int = 784, d: int = 64, k: int = 10) -> Network:
    """H8: Z2 = relu(X W1), Z3 = relu(Z2 U), Z4 = relu(Z3 U) + Z2, H = Z4 W2 + X V: shared U, two skips."""
    title = "h(X) = (relu(relu(Z U) U) + Z) W2 + X V, Z = relu(X W1)"
    net = Assembly("residual", title, {"n": n, "d": d, "k": k})
    relu = activation("relu")
    data = net.input("X", "m", "n")
    first, shared = net.weight("W1", "n", "d", 2), net.weight("U", "d", "d", 1)
    second, skip = net.weight("W2", "d", "k"), net.weight("V", "n", "k")
    z2 = relu((data @ first).named("A1", "linear")).named("Z2", "relu")
    z3 = relu((z2 @ shared).named("A2", "linear")).named("Z3", "relu")
    z4 = (relu((z3 @ shared).named("A3", "linear")) + z2).named("Z4", "relu")
    return net.classifier((z4 @ second + data @ skip).named("H", "linear"))


def tiny(n: int = 4, d: int = 16, k: int = 3) -> Network:
    """H7 with L = 2, at the size of a microcontroller."""
    return perceptron((n, d, k), ("relu",), True, "tiny")


def curve(n: int = 1, d: int = 32, k: int = 1) -> Network:
    """A regression: h(X) = tanh(X W1 + b1) W2 + b2, squared error."""
    net = Assembly("curve", "h(X) = tanh(X W1 + b1) W2 + b2", {"n": n, "d": d, "k": k})
    data = net.input("X", "m", "n")
    first, second = net.weight("W1", "n", "d", 4), net.weight("W2", "d", "k")
    hidden = activation("tanh")((data @ first + net.bias("b1", "d")).named("A1", "linear")).named(
        "Z2", "tanh"
    )
    return net.regression((hidden @ second + net.bias("b2", "k")).named("H", "linear"))
