"""h(X) = relu(relu(F W3 + b3) W4 + b4) W5 + b5, F = P2 by rows

    A1[e,o,h,w] = b1[o] + sum_{c<c,u<5,v<5} where(h + u >= 2 and v + w >= 2 and h + u <= 4 a + 9 and v + w <= 4 b + 9, X[e,c,h + u - 2,v + w - 2] K1[o,c,u,v], 0)
    Z1[i,j,k,l] = where(A1[i,j,k,l] > 0, A1[i,j,k,l], 0)
    P1[e,c,h,w] = max_{u<2,v<2} Z1[e,c,2 h + u,2 w + v]
    A2[e,o,h,w] = b2[o] + sum_{c<o1,u<5,v<5} P1[e,c,h + u,v + w] K2[o,c,u,v]
    Z2[i,j,k,l] = where(A2[i,j,k,l] > 0, A2[i,j,k,l], 0)
    P2[e,c,h,w] = max_{u<2,v<2} Z2[e,c,2 h + u,2 w + v]
    F[e,j] = P2[e,(j//(a b)),((j//b)%a),(j%b)]
    A3[i,j] = b3[j] + sum_{p<a b o2} F[i,p] W3[p,j]
    Z3[i,j] = where(A3[i,j] > 0, A3[i,j], 0)
    A4[i,j] = b4[j] + sum_{p<d1} Z3[i,p] W4[p,j]
    Z4[i,j] = where(A4[i,j] > 0, A4[i,j], 0)
    Z5[i,j] = b5[j] + sum_{p<d2} Z4[i,p] W5[p,j]
    M[i] = max_{q<k} Z5[i,q]
    E[i,q] = exp(Z5[i,q] - M[i])
    T[i] = sum_{q<k} E[i,q]
    S[i,j] = E[i,j]/T[i]
    L = sum_{i<m} (M[i] - Z5[i,y[i]] + log(T[i]))/m

Built by `python -m derive build lenet`. Batches are rows; sizes are free at run time.
"""

import json
from typing import NamedTuple

import numpy as np

NAME = "lenet"
SIZES = {"c": 1, "a": 5, "b": 5, "o1": 6, "o2": 16, "d1": 120, "d2": 84, "k": 10}
DERIVATIVES = ("vjp", "jvp")


class Params(NamedTuple):
    """Every parameter."""

    K1: np.ndarray  # (o1, c, 5, 5)
    b1: np.ndarray  # (o1)
    K2: np.ndarray  # (o2, o1, 5, 5)
    b2: np.ndarray  # (o2)
    W3: np.ndarray  # (a*b*o2, d1)
    b3: np.ndarray  # (d1)
    W4: np.ndarray  # (d1, d2)
    b4: np.ndarray  # (d2)
    W5: np.ndarray  # (d2, k)
    b5: np.ndarray  # (k)


class Gradients(NamedTuple):
    """A cotangent, or a tangent, of every trained parameter."""

    K1: np.ndarray  # (o1, c, 5, 5)
    b1: np.ndarray  # (o1)
    K2: np.ndarray  # (o2, o1, 5, 5)
    b2: np.ndarray  # (o2)
    W3: np.ndarray  # (a*b*o2, d1)
    b3: np.ndarray  # (d1)
    W4: np.ndarray  # (d1, d2)
    b4: np.ndarray  # (d2)
    W5: np.ndarray  # (d2, k)
    b5: np.ndarray  # (k)


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


def init(seed=0, dtype=np.float32, *, c=1, a=5, b=5, o1=6, o2=16, d1=120, d2=84, k=10):
    """Parameters from a seed, the same bits on every machine."""
    return Params(
        normal(seed, 0, (o1, c, 5, 5), np.sqrt(2 / (25 * c)), dtype),
        np.zeros((o1,), dtype),
        normal(seed, 2, (o2, o1, 5, 5), np.sqrt(2 / (25 * o1)), dtype),
        np.zeros((o2,), dtype),
        normal(seed, 4, (a * b * o2, d1), np.sqrt(2 / (a * b * o2)), dtype),
        np.zeros((d1,), dtype),
        normal(seed, 6, (d1, d2), np.sqrt(2 / d1), dtype),
        np.zeros((d2,), dtype),
        normal(seed, 8, (d2, k), np.sqrt(1 / d2), dtype),
        np.zeros((k,), dtype),
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


def windows(X, axis, count, size, step=1, reach=1, start=0, spread=1, outside=0):
    """X at (step i + reach j + start)/spread along an axis, for i < count and j < size; `outside` off X.

    A view of X, or of X padded once with as much of `outside` as is read.
    """
    before, after = (slice(None),) * axis, X.shape[axis + 1 :]
    if spread > 1:
        apart = np.full((*X.shape[:axis], spread * (X.shape[axis] - 1) + 1, *after), outside, X.dtype)
        apart[(*before, slice(None, None, spread))] = X
        X = apart
    ends = 0, step * (count - 1), reach * (size - 1), step * (count - 1) + reach * (size - 1)
    low, high = max(0, -start - min(ends)), max(0, start + max(ends) + 1 - X.shape[axis])
    if low or high:
        wide = [(0, 0)] * axis + [(low, high)] + [(0, 0)] * len(after)
        X = np.pad(X, wide, constant_values=outside)
    shape = (*X.shape[:axis], count, size, *after)
    strides = (*X.strides[:axis], step * X.strides[axis], reach * X.strides[axis], *X.strides[axis + 1 :])
    return np.lib.stride_tricks.as_strided(X[(*before, slice(start + low, None))], shape, strides)


def forward(p, X):
    """Return Z5 (m, k) and residuals."""
    m = len(X)
    o1 = len(p.K1)
    o2 = len(p.K2)
    a = (X.shape[2] - 8) // 4
    b = (X.shape[3] - 8) // 4
    Z1 = np.maximum(
        np.einsum(
            "ojln,ijklmn->iokm",
            p.K1,
            windows(windows(X, 3, 4 * b + 8, 5, start=-2), 2, 4 * a + 8, 5, start=-2),
            optimize=True,
        ) + p.b1[:, None, None],
        0,
    )
    P1 = Z1.reshape(m, o1, 2 * a + 4, 2, 2 * b + 4, 2).max(axis=(3, 5))  # (m, o1, 2 * a + 4, 2 * b + 4)
    Z2 = np.maximum(
        np.einsum(
            "ojln,ijklmn->iokm",
            p.K2,
            windows(windows(P1, 3, 2 * b, 5), 2, 2 * a, 5),
            optimize=True,
        ) + p.b2[:, None, None],
        0,
    )
    P2 = Z2.reshape(m, o2, a, 2, b, 2).max(axis=(3, 5))                  # (m, o2, a, b)
    F = P2.reshape(m, a * b * o2)                                        # (m, a * b * o2)
    Z3 = np.maximum(F @ p.W3 + p.b3, 0)                                  # (m, d1)
    Z4 = np.maximum(Z3 @ p.W4 + p.b4, 0)                                 # (m, d2)
    Z5 = Z4 @ p.W5 + p.b5                                                # (m, k)
    return Z5, (Z1, P1, Z2, P2, F, Z3, Z4)


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
    require_labels("y", y, p.W5.shape[1])
    Z5, (Z1, P1, Z2, P2, F, Z3, Z4) = forward(p, X)
    m = len(X)
    o1 = len(p.K1)
    o2 = len(p.K2)
    _, _, a, b = P2.shape
    dtype = X.dtype
    M = Z5.max(axis=1)           # (m,)
    E = np.exp(Z5 - M[:, None])  # (m, k)
    T = E.sum(axis=1)            # (m,)
    L = (M - Z5[np.arange(m), y] + np.log(T)).sum() / m
    S = E / T[:, None]           # (m, k)
    P2_ties = (Z2.reshape(m, o2, a, 2, b, 2) == P2[:, :, :, None, :, None]).sum(axis=(3, 5), dtype=dtype)  # (m, o2, a, b)
    P1_ties = (
        Z1.reshape(m, o1, 2 * a + 4, 2, 2 * b + 4, 2) == P1[:, :, :, None, :, None]
    ).sum(axis=(3, 5), dtype=dtype)
    return L, (Z1, P1, Z2, P2, F, Z3, Z4, S, P2_ties, P1_ties)


@np.errstate(all="ignore")  # in branches that are not taken
def vjp(residuals, L_bar, p, X, y):
    """Pull L_bar () back to K1_bar (o1, c, 5, 5), b1_bar (o1), K2_bar (o2, o1, 5, 5), b2_bar (o2), W3_bar (a*b*o2, d1), b3_bar (d1), W4_bar (d1, d2), b4_bar (d2), W5_bar (d2, k), b5_bar (k)."""
    Z1, P1, Z2, P2, F, Z3, Z4, S, P2_ties, P1_ties = residuals
    m = len(X)
    o2 = len(p.K2)
    _, _, a, b = P2.shape
    Z5_bar = S.copy()                      # (m, k)
    Z5_bar[np.arange(m), y] -= 1
    Z5_bar *= L_bar / m
    W5_bar = Z4.T @ Z5_bar                 # (d2, k)
    b5_bar = Z5_bar.sum(axis=0)            # (k,)
    A4_bar = (Z5_bar @ p.W5.T) * (Z4 > 0)  # (m, d2)
    W4_bar = Z3.T @ A4_bar                 # (d1, d2)
    b4_bar = A4_bar.sum(axis=0)            # (d2,)
    A3_bar = (A4_bar @ p.W4.T) * (Z3 > 0)  # (m, d1)
    W3_bar = F.T @ A3_bar                  # (a * b * o2, d1)
    b3_bar = A3_bar.sum(axis=0)            # (d1,)
    F_bar = A3_bar @ p.W3.T                # (m, a * b * o2)
    A2_bar = np.where(
        (Z2 == P2.repeat(2, axis=2).repeat(2, axis=3)) & (Z2 > 0),
        (F_bar.reshape(m, o2, a, b) / P2_ties).repeat(2, axis=2).repeat(2, axis=3),
        0,
    )
    K2_bar = np.einsum(
        "iokn,ijklmn->ojlm",
        A2_bar,
        windows(windows(P1, 3, 5, 2 * b), 2, 2 * a, 5),
        optimize=True,
    )
    b2_bar = A2_bar.sum(axis=(0, 2, 3))    # (o2,)
    P1_bar = np.einsum(
        "ijklmn,jokm->ioln",
        windows(windows(A2_bar, 3, 5, 2 * b + 4, step=-1), 2, 5, 2 * a + 4, step=-1),
        p.K2,
        optimize=True,
    )
    A1_bar = np.where(
        (Z1 == P1.repeat(2, axis=2).repeat(2, axis=3)) & (Z1 > 0),
        (P1_bar / P1_ties).repeat(2, axis=2).repeat(2, axis=3),
        0,
    )
    K1_bar = np.einsum(
        "iokn,ijklmn->ojlm",
        A1_bar,
        windows(windows(X, 3, 5, 4 * b + 8, start=-2), 2, 4 * a + 8, 5, start=-2),
        optimize=True,
    )
    b1_bar = A1_bar.sum(axis=(0, 2, 3))    # (o1,)
    return Gradients(K1_bar, b1_bar, K2_bar, b2_bar, W3_bar, b3_bar, W4_bar, b4_bar, W5_bar, b5_bar)


@np.errstate(all="ignore")  # in branches that are not taken
def gradients(p, X, y, L_bar=1.0):
    """Return L and the gradients of L_bar * L; dead values are overwritten."""
    require_labels("y", y, p.W5.shape[1])
    m = len(X)
    o1 = len(p.K1)
    o2 = len(p.K2)
    a = (X.shape[2] - 8) // 4
    b = (X.shape[3] - 8) // 4
    dtype = X.dtype
    Z1 = np.maximum(
        np.einsum(
            "ojln,ijklmn->iokm",
            p.K1,
            windows(windows(X, 3, 4 * b + 8, 5, start=-2), 2, 4 * a + 8, 5, start=-2),
            optimize=True,
        ) + p.b1[:, None, None],
        0,
    )
    P1 = Z1.reshape(m, o1, 2 * a + 4, 2, 2 * b + 4, 2).max(axis=(3, 5))  # (m, o1, 2 * a + 4, 2 * b + 4)
    Z2 = np.maximum(
        np.einsum(
            "ojln,ijklmn->iokm",
            p.K2,
            windows(windows(P1, 3, 2 * b, 5), 2, 2 * a, 5),
            optimize=True,
        ) + p.b2[:, None, None],
        0,
    )
    P2 = Z2.reshape(m, o2, a, 2, b, 2).max(axis=(3, 5))                  # (m, o2, a, b)
    F = P2.reshape(m, a * b * o2)                                        # (m, a * b * o2)
    Z3 = F @ p.W3                                                        # (m, d1)
    Z3 += p.b3
    np.maximum(Z3, 0, out=Z3)
    Z4 = Z3 @ p.W4                                                       # (m, d2)
    Z4 += p.b4
    np.maximum(Z4, 0, out=Z4)
    Z5 = Z4 @ p.W5                                                       # (m, k)
    Z5 += p.b5
    M = Z5.max(axis=1)                                                   # (m,)
    E = np.exp(Z5 - M[:, None])                                          # (m, k)
    T = E.sum(axis=1)                                                    # (m,)
    L = (M - Z5[np.arange(m), y] + np.log(T)).sum() / m
    S = E                                                                # (m, k)
    S /= T[:, None]
    P2_ties = (Z2.reshape(m, o2, a, 2, b, 2) == P2[:, :, :, None, :, None]).sum(axis=(3, 5), dtype=dtype)  # (m, o2, a, b)
    P1_ties = (
        Z1.reshape(m, o1, 2 * a + 4, 2, 2 * b + 4, 2) == P1[:, :, :, None, :, None]
    ).sum(axis=(3, 5), dtype=dtype)
    Z5_bar = S                                                           # (m, k)
    Z5_bar[np.arange(m), y] -= 1
    Z5_bar *= L_bar / m
    W5_bar = dot(Z4.T, Z5_bar)                                           # (d2, k)
    b5_bar = Z5_bar.sum(axis=0)                                          # (k,)
    A4_bar = Z5_bar @ p.W5.T                                             # (m, d2)
    A4_bar *= Z4 > 0
    W4_bar = dot(Z3.T, A4_bar)                                           # (d1, d2)
    b4_bar = A4_bar.sum(axis=0)                                          # (d2,)
    A3_bar = A4_bar @ p.W4.T                                             # (m, d1)
    A3_bar *= Z3 > 0
    W3_bar = dot(F.T, A3_bar)                                            # (a * b * o2, d1)
    b3_bar = A3_bar.sum(axis=0)                                          # (d1,)
    F_bar = A3_bar @ p.W3.T                                              # (m, a * b * o2)
    A2_bar = np.where(
        (Z2 == P2.repeat(2, axis=2).repeat(2, axis=3)) & (Z2 > 0),
        (F_bar.reshape(m, o2, a, b) / P2_ties).repeat(2, axis=2).repeat(2, axis=3),
        0,
    )
    K2_bar = np.einsum(
        "iokn,ijklmn->ojlm",
        A2_bar,
        windows(windows(P1, 3, 5, 2 * b), 2, 2 * a, 5),
        optimize=True,
    )
    b2_bar = A2_bar.sum(axis=(0, 2, 3))                                  # (o2,)
    P1_bar = np.einsum(
        "ijklmn,jokm->ioln",
        windows(windows(A2_bar, 3, 5, 2 * b + 4, step=-1), 2, 5, 2 * a + 4, step=-1),
        p.K2,
        optimize=True,
    )
    A1_bar = np.where(
        (Z1 == P1.repeat(2, axis=2).repeat(2, axis=3)) & (Z1 > 0),
        (P1_bar / P1_ties).repeat(2, axis=2).repeat(2, axis=3),
        0,
    )
    K1_bar = np.einsum(
        "iokn,ijklmn->ojlm",
        A1_bar,
        windows(windows(X, 3, 5, 4 * b + 8, start=-2), 2, 4 * a + 8, 5, start=-2),
        optimize=True,
    )
    b1_bar = A1_bar.sum(axis=(0, 2, 3))                                  # (o1,)
    return L, Gradients(K1_bar, b1_bar, K2_bar, b2_bar, W3_bar, b3_bar, W4_bar, b4_bar, W5_bar, b5_bar)


@np.errstate(all="ignore")  # in branches that are not taken
def jvp(p, p_dot, X, y):
    """Push p_dot (Gradients) forward to L_dot."""
    require_labels("y", y, p.W5.shape[1])
    m = len(X)
    o1 = len(p.K1)
    o2 = len(p.K2)
    a = (X.shape[2] - 8) // 4
    b = (X.shape[3] - 8) // 4
    dtype = X.dtype
    Z1 = np.maximum(
        np.einsum(
            "ojln,ijklmn->iokm",
            p.K1,
            windows(windows(X, 3, 4 * b + 8, 5, start=-2), 2, 4 * a + 8, 5, start=-2),
            optimize=True,
        ) + p.b1[:, None, None],
        0,
    )
    Z1_dot = np.where(
        Z1 > 0,
        np.einsum(
            "ojln,ijklmn->iokm",
            p_dot.K1,
            windows(windows(X, 3, 4 * b + 8, 5, start=-2), 2, 4 * a + 8, 5, start=-2),
            optimize=True,
        ) + p_dot.b1[:, None, None],
        0,
    )
    P1 = Z1.reshape(m, o1, 2 * a + 4, 2, 2 * b + 4, 2).max(axis=(3, 5))  # (m, o1, 2 * a + 4, 2 * b + 4)
    P1_dot = (
        Z1_dot.reshape(m, o1, 2 * a + 4, 2, 2 * b + 4, 2)
        * (Z1.reshape(m, o1, 2 * a + 4, 2, 2 * b + 4, 2) == P1[:, :, :, None, :, None])
    ).sum(axis=(3, 5)) / (Z1.reshape(
        m,
        o1,
        2 * a + 4,
        2,
        2 * b + 4,
        2,
    ) == P1[:, :, :, None, :, None]).sum(axis=(3, 5), dtype=dtype)
    Z2 = np.maximum(
        np.einsum(
            "ojln,ijklmn->iokm",
            p.K2,
            windows(windows(P1, 3, 2 * b, 5), 2, 2 * a, 5),
            optimize=True,
        ) + p.b2[:, None, None],
        0,
    )
    Z2_dot = np.where(
        Z2 > 0,
        np.einsum(
            "ojln,ijklmn->iokm",
            p.K2,
            windows(windows(P1_dot, 3, 2 * b, 5), 2, 2 * a, 5),
            optimize=True,
        ) + np.einsum("ojln,ijklmn->iokm", p_dot.K2, windows(
            windows(P1, 3, 2 * b, 5),
            2,
            2 * a,
            5,
        ), optimize=True) + p_dot.b2[:, None, None],
        0,
    )
    P2 = Z2.reshape(m, o2, a, 2, b, 2).max(axis=(3, 5))                  # (m, o2, a, b)
    P2_dot = (
        Z2_dot.reshape(m, o2, a, 2, b, 2)
        * (Z2.reshape(m, o2, a, 2, b, 2) == P2[:, :, :, None, :, None])
    ).sum(axis=(3, 5)) / (Z2.reshape(m, o2, a, 2, b, 2) == P2[
        :,
        :,
        :,
        None,
        :,
        None,
    ]).sum(axis=(3, 5), dtype=dtype)
    F = P2.reshape(m, a * b * o2)                                        # (m, a * b * o2)
    Z3 = np.maximum(F @ p.W3 + p.b3, 0)                                  # (m, d1)
    Z3_dot = (F @ p_dot.W3 + P2_dot.reshape(m, a * b * o2) @ p.W3 + p_dot.b3) * (Z3 > 0)  # (m, d1)
    Z4 = np.maximum(Z3 @ p.W4 + p.b4, 0)                                 # (m, d2)
    Z4_dot = (Z3 @ p_dot.W4 + Z3_dot @ p.W4 + p_dot.b4) * (Z4 > 0)       # (m, d2)
    Z5 = Z4 @ p.W5 + p.b5                                                # (m, k)
    Z5_dot = Z4 @ p_dot.W5 + Z4_dot @ p.W5 + p_dot.b5                    # (m, k)
    M = Z5.max(axis=1)                                                   # (m,)
    E = np.exp(Z5 - M[:, None])                                          # (m, k)
    T = E.sum(axis=1)                                                    # (m,)
    L = (M - Z5[np.arange(m), y] + np.log(T)).sum() / m
    S = E / T[:, None]                                                   # (m, k)
    L_dot = ((S * Z5_dot).sum() - Z5_dot[np.arange(m), y].sum()) / m
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
    require_labels("y", y, p.W5.shape[1])
    m = len(X)
    o1 = len(p.K1)
    o2 = len(p.K2)
    a = (X.shape[2] - 8) // 4
    b = (X.shape[3] - 8) // 4
    A1 = np.einsum(
        "ojlm,ijklmn->iokn",
        p.K1,
        windows(windows(X, 3, 5, 4 * b + 8, start=-2), 2, 4 * a + 8, 5, start=-2),
        optimize=True,
    ) + p.b1[:, None, None]
    yield "A1", A1
    Z1 = np.maximum(A1, 0)                                               # (m, o1, 4 * a + 8, 4 * b + 8)
    yield "Z1", Z1
    P1 = Z1.reshape(m, o1, 2 * a + 4, 2, 2 * b + 4, 2).max(axis=(3, 5))  # (m, o1, 2 * a + 4, 2 * b + 4)
    yield "P1", P1
    A2 = np.einsum(
        "ojlm,ijklmn->iokn",
        p.K2,
        windows(windows(P1, 3, 5, 2 * b), 2, 2 * a, 5),
        optimize=True,
    ) + p.b2[:, None, None]
    yield "A2", A2
    Z2 = np.maximum(A2, 0)                                               # (m, o2, 2 * a, 2 * b)
    yield "Z2", Z2
    P2 = Z2.reshape(m, o2, a, 2, b, 2).max(axis=(3, 5))                  # (m, o2, a, b)
    yield "P2", P2
    F = P2.reshape(m, a * b * o2)                                        # (m, a * b * o2)
    yield "F", F
    A3 = F @ p.W3 + p.b3                                                 # (m, d1)
    yield "A3", A3
    Z3 = np.maximum(A3, 0)                                               # (m, d1)
    yield "Z3", Z3
    A4 = Z3 @ p.W4 + p.b4                                                # (m, d2)
    yield "A4", A4
    Z4 = np.maximum(A4, 0)                                               # (m, d2)
    yield "Z4", Z4
    Z5 = Z4 @ p.W5 + p.b5                                                # (m, k)
    yield "Z5", Z5
    M = Z5.max(axis=1)                                                   # (m,)
    yield "M", M
    E = np.exp(Z5 - M[:, None])                                          # (m, k)
    yield "E", E
    T = E.sum(axis=1)                                                    # (m,)
    yield "T", T
    S = E / T[:, None]                                                   # (m, k)
    yield "S", S
    L = (M - Z5[np.arange(m), y] + np.log(T)).sum() / m
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
