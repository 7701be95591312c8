"""h(X) = sigma(X W1) W2, sigma = sigmoid

    A1[i,j] = sum_{p<n} X[i,p] W1[p,j]
    Z2[i,j] = 1/(exp(-A1[i,j]) + 1)
    H[i,j] = sum_{p<d} Z2[i,p] W2[p,j]
    M[i] = max_{q<k} H[i,q]
    E[i,q] = exp(H[i,q] - M[i])
    T[i] = sum_{q<k} E[i,q]
    S[i,j] = E[i,j]/T[i]
    L = sum_{i<m} (M[i] - H[i,y[i]] + log(T[i]))/m

Built by `python -m derive build two_layer_sigmoid`. Batches are rows; sizes are free at run time.
"""

import json
from typing import NamedTuple

import numpy as np

NAME = "two_layer_sigmoid"
SIZES = {"n": 784, "d": 100, "k": 10}
DERIVATIVES = ("vjp", "jvp")


class Params(NamedTuple):
    """Every parameter."""

    W1: np.ndarray  # (n, d)
    W2: np.ndarray  # (d, k)


class Gradients(NamedTuple):
    """A cotangent, or a tangent, of every trained parameter."""

    W1: np.ndarray  # (n, d)
    W2: np.ndarray  # (d, k)


def mix(z):
    """The finaliser of SplitMix64. Steele, Lea, Flood, OOPSLA 2014."""
    z = z + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def draw(seed, index, size, j):
    """Draw j of every element of a parameter: 64 bits that depend on their place alone."""
    key = mix(mix(np.array([seed % 2**64], np.uint64)) + np.uint64(index))
    return mix(key + np.uint64(16) * np.arange(size, dtype=np.uint64) + np.uint64(j))


def normal(seed, index, shape, scale, dtype):
    """Normal with deviation scale: twelve uniforms have mean 6 and variance 1."""
    size = np.prod(shape, dtype=int)
    s = np.zeros(size, np.uint64)
    for j in range(12):
        s += draw(seed, index, size, j) >> np.uint64(32)
    return ((s.astype(np.float64) - 6 * 2.0**32) * 2.0**-32 * scale).astype(dtype).reshape(shape)


def init(seed=0, dtype=np.float32, *, n=784, d=100, k=10):
    """Parameters from a seed, the same bits on every machine."""
    return Params(
        normal(seed, 0, (n, d), np.sqrt(1 / n), dtype),
        normal(seed, 1, (d, k), np.sqrt(1 / d), dtype),
    )


def blocks(*groups, size=16384):
    """The arrays of several groups side by side, as flat views of so few elements that they stay in cache."""
    for arrays in zip(*groups, strict=True):
        if not all(array.flags.c_contiguous for array in arrays):
            yield arrays
            continue
        flat = [array.reshape(-1) for array in arrays]
        for start in range(0, flat[0].size, size):
            yield [array[start : start + size] for array in flat]


def dot(A, B):
    """A @ B; a sum of one term, which @ computes five times slower, by np.dot."""
    return A @ B if len(B) > 1 else np.dot(A, B)


def forward(p, X):
    """Return H (m, k) and residuals."""
    A1 = X @ p.W1                # (m, d)
    E2 = np.exp(-np.abs(A1))     # (m, d)
    C = np.maximum(E2, A1 >= 0)  # (m, d)
    Z2 = C - C * E2 / (1 + E2)   # (m, d)
    H = Z2 @ p.W2                # (m, k)
    return H, (Z2, E2)


def require_labels(name, labels, classes):
    """ValueError where a label is out of range, or there is none."""
    if not labels.size:
        raise ValueError(f"{name} is empty; a batch has one example at least")
    place = labels.astype(np.uint64).argmax()  # -1 is the largest of all
    value = labels.item(place)
    if not 0 <= value < classes:
        wrong = [int(i) for i in np.unravel_index(place, labels.shape)]
        raise ValueError(f"{name}{wrong} is {value}; labels are 0..{classes - 1}")


def loss(p, X, y):
    """Return L and residuals."""
    require_labels("y", y, p.W2.shape[1])
    H, (Z2, E2) = forward(p, X)
    m = len(X)
    M = H.max(axis=1)           # (m,)
    E = np.exp(H - M[:, None])  # (m, k)
    T = E.sum(axis=1)           # (m,)
    L = (M - H[np.arange(m), y] + np.log(T)).sum() / m
    S = E / T[:, None]          # (m, k)
    return L, (Z2, S, E2)


def vjp(residuals, L_bar, p, X, y):
    """Pull L_bar () back to W1_bar (n, d), W2_bar (d, k)."""
    Z2, S, E2 = residuals
    m = len(X)
    H_bar = S.copy()                                      # (m, k)
    H_bar[np.arange(m), y] -= 1
    H_bar *= L_bar / m
    W2_bar = Z2.T @ H_bar                                 # (d, k)
    A1_bar = E2 * (H_bar @ p.W2.T) / (1 + E2 * (E2 + 2))  # (m, d)
    W1_bar = X.T @ A1_bar                                 # (n, d)
    return Gradients(W1_bar, W2_bar)


def gradients(p, X, y, L_bar=1.0):
    """Return L and the gradients of L_bar * L; dead values are overwritten."""
    require_labels("y", y, p.W2.shape[1])
    m = len(X)
    A1 = X @ p.W1                                         # (m, d)
    E2 = np.exp(-np.abs(A1))                              # (m, d)
    C = np.maximum(E2, A1 >= 0)                           # (m, d)
    Z2 = C - C * E2 / (1 + E2)                            # (m, d)
    H = Z2 @ p.W2                                         # (m, k)
    M = H.max(axis=1)                                     # (m,)
    E = np.exp(H - M[:, None])                            # (m, k)
    T = E.sum(axis=1)                                     # (m,)
    L = (M - H[np.arange(m), y] + np.log(T)).sum() / m
    S = E                                                 # (m, k)
    S /= T[:, None]
    H_bar = S                                             # (m, k)
    H_bar[np.arange(m), y] -= 1
    H_bar *= L_bar / m
    W2_bar = dot(Z2.T, H_bar)                             # (d, k)
    A1_bar = E2 * (H_bar @ p.W2.T) / (1 + E2 * (E2 + 2))  # (m, d)
    W1_bar = dot(X.T, A1_bar)                             # (n, d)
    return L, Gradients(W1_bar, W2_bar)


def jvp(p, p_dot, X, y):
    """Push p_dot (Gradients) forward to L_dot."""
    require_labels("y", y, p.W2.shape[1])
    m = len(X)
    A1 = X @ p.W1                                       # (m, d)
    E2 = np.exp(-np.abs(A1))                            # (m, d)
    C = np.maximum(E2, A1 >= 0)                         # (m, d)
    Z2 = C - C * E2 / (1 + E2)                          # (m, d)
    Z2_dot = E2 * (X @ p_dot.W1) / (1 + E2 * (E2 + 2))  # (m, d)
    H = Z2 @ p.W2                                       # (m, k)
    H_dot = Z2 @ p_dot.W2 + Z2_dot @ p.W2               # (m, k)
    M = H.max(axis=1)                                   # (m,)
    E = np.exp(H - M[:, None])                          # (m, k)
    T = E.sum(axis=1)                                   # (m,)
    L = (M - H[np.arange(m), y] + np.log(T)).sum() / m
    S = E / T[:, None]                                  # (m, k)
    L_dot = ((H_dot * S).sum() - H_dot[np.arange(m), y].sum()) / m
    return L, L_dot


def predict(p, X):
    """The likeliest class of every example."""
    return forward(p, X)[0].argmax(axis=-1).astype(np.int32)


def require_finite(L, g):
    """FloatingPointError where the loss or a gradient is not finite."""
    squares = L * L
    for W_bar in g:
        squares += np.vdot(W_bar, W_bar)  # finite, unless it overflows, where all elements are
    if not squares < np.inf and not all(np.isfinite(each).all() for each in (L, *g)):
        raise FloatingPointError("the loss or a gradient is not finite; nothing was updated")


def sgd_step(p, X, y, lr, weight_decay=0.0):
    """W_new = W - (weight_decay * W + W_bar) * lr. In place; return L."""
    L, g = gradients(p, X, y, float(lr))  # g is lr * W_bar, for vjp is linear in L_bar
    require_finite(L, g)
    for W, W_bar in zip(p, g, strict=True):
        if weight_decay:
            W *= 1 - lr * weight_decay
        W -= W_bar
    return L


def momentum_step(p, v, X, y, lr, mu, weight_decay=0.0):
    """v_new = mu * v - (weight_decay * W + W_bar) * lr; W_new = W + v_new. In place; return L."""
    L, g = gradients(p, X, y, float(lr))  # g is lr * W_bar, for vjp is linear in L_bar
    require_finite(L, g)
    for W, v_W, W_bar in zip(p, v, g, strict=True):
        v_W *= mu
        if weight_decay:
            v_W -= lr * weight_decay * W
        v_W -= W_bar
        W += v_W
    return L


def averaged_step(p, u, X, y, lr, mu, weight_decay=0.0):
    """u_new = (1 - mu) * (weight_decay * W + W_bar) + mu * u; W_new = W - lr * u_new. In place; return L."""
    L, g = gradients(p, X, y, float(1 - mu))  # g is (1 - mu) * W_bar, for vjp is linear in L_bar
    require_finite(L, g)
    for W, u_W, W_bar in blocks(p, u, g):
        u_W *= mu
        if weight_decay:
            u_W += (1 - mu) * weight_decay * W
        u_W += W_bar
        W -= lr * u_W
    return L


def adamw_step(p, m, s, X, y, lr, beta1, beta2, eps, t, weight_decay=0.0):
    """c1 = 1 - beta1**t
    c2 = 1 - beta2**t
    m_new = (1 - beta1) * W_bar + beta1 * m
    s_new = W_bar**2 * (1 - beta2) + beta2 * s
    W_new = (1 - lr * weight_decay) * W - lr * m_new / (((s_new / c2)**0.5 + eps) * c1)

    In place; return L."""
    L, g = gradients(p, X, y)
    require_finite(L, g)
    c1 = 1 - beta1**t
    c2 = 1 - beta2**t
    for W, m_W, s_W, W_bar in blocks(p, m, s, g):
        m_W *= beta1
        m_W += (1 - beta1) * W_bar
        s_W *= beta2
        s_W += W_bar**2 * (1 - beta2)
        if weight_decay:
            W *= 1 - lr * weight_decay
        W -= lr * m_W / (((s_W / c2)**0.5 + eps) * c1)
    return L


def trace(p, X, y):
    """Yield (name, array) of every forward equation, in order."""
    require_labels("y", y, p.W2.shape[1])
    m = len(X)
    A1 = X @ p.W1               # (m, d)
    yield "A1", A1
    Z2 = 1 / (1 + np.exp(-A1))  # (m, d)
    yield "Z2", Z2
    H = Z2 @ p.W2               # (m, k)
    yield "H", H
    M = H.max(axis=1)           # (m,)
    yield "M", M
    E = np.exp(H - M[:, None])  # (m, k)
    yield "E", E
    T = E.sum(axis=1)           # (m,)
    yield "T", T
    S = E / T[:, None]          # (m, k)
    yield "S", S
    L = (M - H[np.arange(m), y] + np.log(T)).sum() / m
    yield "L", L


def save(path, p):
    """Write the parameters as safetensors."""
    header, end = {}, 0
    for name, w in p._asdict().items():
        span = [end, end + w.nbytes]
        header[name] = {"dtype": f"F{8 * w.itemsize}", "shape": list(w.shape), "data_offsets": span}
        end = span[1]
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for w in p:
            file.write(w.astype(w.dtype.newbyteorder("<")).tobytes())


def load(path):
    """Read parameters written by `save`, or by any writer of safetensors."""
    with open(path, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        if size > 10**8:
            raise ValueError(f"{path} is not a safetensors file")
        header, data = json.loads(file.read(size)), file.read()
    header.pop("__metadata__", None)
    if set(header) != set(Params._fields):
        raise ValueError(f"{path} holds {', '.join(header)}; {NAME} has {', '.join(Params._fields)}")
    arrays = []
    for name in Params._fields:
        (start, end), dtype = header[name]["data_offsets"], header[name]["dtype"].replace("F", "<f")
        w = np.frombuffer(data[start:end], {"<f32": "<f4", "<f64": "<f8"}[dtype])
        arrays.append(w.reshape(header[name]["shape"]).astype(w.dtype.newbyteorder("=")))
    return Params(*arrays)
