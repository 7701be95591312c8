"""H = layernorm(Z_L) E^T, Z_0 = E[x] + P, L blocks of causal attention and gelu

    X[i,t,j] = E[x[i,t],j] + P[t,j]
    Z[0,i,t,j] = X[i,t,j]
    for l < L:
        mu1[l,i,t] = sum_{q<d} Z[l,i,t,q]/d
        C1[l,i,t,j] = Z[l,i,t,j] - mu1[l,i,t]
        v1[l,i,t] = sum_{q<d} C1[l,i,t,q]^2/d
        r1[l,i,t] = 1/sqrt(v1[l,i,t] + 1/100000)
        Xhat1[l,i,t,j] = r1[l,i,t] C1[l,i,t,j]
        N1[l,i,t,j] = g1[l,j] Xhat1[l,i,t,j] + s1[l,j]
        A[l,c,i,a,t,n] = ba[l,c,a,n] + sum_{p<d} N1[l,i,t,p] Wa[l,p,c,a,n]
        R[l,i,a,t,s] = sum_{n<e} A[l,0,i,a,t,n] A[l,1,i,a,s,n]/sqrt(e)
        M[l,i,a,t] = max_{r<=t} R[l,i,a,t,r]
        E2[l,i,a,t,r] = where(t >= r, exp(R[l,i,a,t,r] - M[l,i,a,t]), 0)
        T2[l,i,a,t] = sum_{r<T} E2[l,i,a,t,r]
        P2[l,i,a,t,s] = where(t >= s, E2[l,i,a,t,s]/T2[l,i,a,t], 0)
        O[l,i,a,t,n] = sum_{s<=t} P2[l,i,a,t,s] A[l,2,i,a,s,n]
        B[l,i,t,j] = bo[l,j] + Z[l,i,t,j] + sum_{a<h,n<e} Wo[l,a,n,j] O[l,i,a,t,n]
        mu2[l,i,t] = sum_{q<d} B[l,i,t,q]/d
        C2[l,i,t,j] = B[l,i,t,j] - mu2[l,i,t]
        v2[l,i,t] = sum_{q<d} C2[l,i,t,q]^2/d
        r2[l,i,t] = 1/sqrt(v2[l,i,t] + 1/100000)
        Xhat2[l,i,t,j] = r2[l,i,t] C2[l,i,t,j]
        N2[l,i,t,j] = g2[l,j] Xhat2[l,i,t,j] + s2[l,j]
        F[l,i,t,k] = bf[l,k] + sum_{p<d} Wf[l,p,k] N2[l,i,t,p]
        G[l,i,t,k] = F[l,i,t,k] (tanh(sqrt(2) (8943 F[l,i,t,k]^3/200000 + F[l,i,t,k])/sqrt(pi)) + 1)/2
        Z[l + 1,i,t,j] = bp[l,j] + B[l,i,t,j] + sum_{k<f} G[l,i,t,k] Wp[l,k,j]
    Y[i,t,j] = Z[L,i,t,j]
    mu[i,t] = sum_{q<d} Y[i,t,q]/d
    C[i,t,j] = Y[i,t,j] - mu[i,t]
    var[i,t] = sum_{q<d} C[i,t,q]^2/d
    r[i,t] = 1/sqrt(var[i,t] + 1/100000)
    Xhat[i,t,j] = r[i,t] C[i,t,j]
    N[i,t,j] = Xhat[i,t,j] g[j] + s[j]
    H[i,t,k] = sum_{p<d} N[i,t,p] E[k,p]
    M2[i,t] = max_{q<v} H[i,t,q]
    E3[i,t,q] = exp(H[i,t,q] - M2[i,t])
    T3[i,t] = sum_{q<v} E3[i,t,q]
    S[i,t,j] = E3[i,t,j]/T3[i,t]
    J = sum_{i<m,t<T} (M2[i,t] - H[i,t,y[i,t]] + log(T3[i,t]))/(T m)

Built by `python -m derive build gpt`. Batches are rows; sizes are free at run time.
"""

import json
from typing import NamedTuple

import numpy as np

NAME = "gpt"
SIZES = {"L": 4, "d": 128, "h": 4, "e": 32, "f": 512, "T": 64, "v": 256}
DERIVATIVES = ("vjp", "jvp")


class Params(NamedTuple):
    """Every parameter."""

    E: np.ndarray  # (v, d)
    P: np.ndarray  # (T, d)
    g1: np.ndarray  # (L, d)
    s1: np.ndarray  # (L, d)
    Wa: np.ndarray  # (L, d, 3, h, e)
    ba: np.ndarray  # (L, 3, h, e)
    Wo: np.ndarray  # (L, h, e, d)
    bo: np.ndarray  # (L, d)
    g2: np.ndarray  # (L, d)
    s2: np.ndarray  # (L, d)
    Wf: np.ndarray  # (L, d, f)
    bf: np.ndarray  # (L, f)
    Wp: np.ndarray  # (L, f, d)
    bp: np.ndarray  # (L, d)
    g: np.ndarray  # (d)
    s: np.ndarray  # (d)


class Gradients(NamedTuple):
    """A cotangent, or a tangent, of every trained parameter."""

    E: np.ndarray  # (v, d)
    P: np.ndarray  # (T, d)
    g1: np.ndarray  # (L, d)
    s1: np.ndarray  # (L, d)
    Wa: np.ndarray  # (L, d, 3, h, e)
    ba: np.ndarray  # (L, 3, h, e)
    Wo: np.ndarray  # (L, h, e, d)
    bo: np.ndarray  # (L, d)
    g2: np.ndarray  # (L, d)
    s2: np.ndarray  # (L, d)
    Wf: np.ndarray  # (L, d, f)
    bf: np.ndarray  # (L, f)
    Wp: np.ndarray  # (L, f, d)
    bp: np.ndarray  # (L, d)
    g: np.ndarray  # (d)
    s: np.ndarray  # (d)


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


def init(seed=0, dtype=np.float32, *, L=4, d=128, h=4, e=32, f=512, T=64, v=256):
    """Parameters from a seed, the same bits on every machine."""
    return Params(
        normal(seed, 0, (v, d), np.sqrt(1 / 2500), dtype),
        normal(seed, 1, (T, d), np.sqrt(1 / 2500), dtype),
        np.ones((L, d), dtype),
        np.zeros((L, d), dtype),
        normal(seed, 4, (L, d, 3, h, e), np.sqrt(1 / 2500), dtype),
        np.zeros((L, 3, h, e), dtype),
        normal(seed, 6, (L, h, e, d), np.sqrt(1 / 2500), dtype),
        np.zeros((L, d), dtype),
        np.ones((L, d), dtype),
        np.zeros((L, d), dtype),
        normal(seed, 10, (L, d, f), np.sqrt(1 / 2500), dtype),
        np.zeros((L, f), dtype),
        normal(seed, 12, (L, f, d), np.sqrt(1 / 2500), dtype),
        np.zeros((L, d), dtype),
        np.ones((d,), dtype),
        np.zeros((d,), dtype),
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


@np.errstate(all="ignore")  # in branches that are not taken
def forward(p, x):
    """Return H (m, T, v) and residuals."""
    m, T = x.shape
    d = p.E.shape[1]
    L = len(p.g1)
    h = p.Wa.shape[3]
    e = p.Wa.shape[4]
    f = p.Wf.shape[2]
    dtype = p.E.dtype
    X = p.E[x] + p.P                                         # (m, T, d)
    Z = np.empty((L + 1, m, T, d), dtype)
    Z[0] = X                                                 # (m, T, d)
    r1 = np.empty((L, m, T), dtype)
    Xhat1 = np.empty((L, m, T, d), dtype)
    N1 = np.empty((L, m, T, d), dtype)
    A = np.empty((L, 3, m, h, T, e), dtype)
    P2 = np.empty((L, m, h, T, T), dtype)
    O = np.empty((L, m, h, T, e), dtype)
    r2 = np.empty((L, m, T), dtype)
    Xhat2 = np.empty((L, m, T, d), dtype)
    N2 = np.empty((L, m, T, d), dtype)
    F = np.empty((L, m, T, f), dtype)
    E4 = np.empty((L, m, T, f), dtype)
    C3 = np.empty((L, m, T, f), dtype)
    G = np.empty((L, m, T, f), dtype)
    for l in range(L):
        mu1 = Z[l].mean(axis=2)                              # (m, T)
        C1 = Z[l] - mu1[:, :, None]                          # (m, T, d)
        v1 = (C1**2).mean(axis=2)                            # (m, T)
        r1[l] = 1 / np.sqrt(v1 + 1e-05)                      # (m, T)
        Xhat1[l] = C1 * r1[l][:, :, None]                    # (m, T, d)
        N1[l] = Xhat1[l] * p.g1[l] + p.s1[l]                 # (m, T, d)
        A[l] = np.einsum("mni,ijkl->jmknl", N1[l], p.Wa[l], optimize=True) + p.ba[l][:, None, :, None, :]  # (3, m, h, T, e)
        R = np.where(np.tri(T, dtype=bool), A[l, 0] @ A[l, 1].transpose(0, 1, 3, 2) / e**0.5, -np.inf)  # (m, h, T, T)
        E2 = np.exp(R - R.max(axis=3, keepdims=True))        # (m, h, T, T)
        P2[l] = E2 / E2.sum(axis=3, keepdims=True)           # (m, h, T, T)
        O[l] = P2[l] @ A[l, 2]                               # (m, h, T, e)
        B = Z[l] + np.einsum("jlm,ijkl->ikm", p.Wo[l], O[l], optimize=True) + p.bo[l]  # (m, T, d)
        mu2 = B.mean(axis=2)                                 # (m, T)
        C2 = B - mu2[:, :, None]                             # (m, T, d)
        v2 = (C2**2).mean(axis=2)                            # (m, T)
        r2[l] = 1 / np.sqrt(v2 + 1e-05)                      # (m, T)
        Xhat2[l] = C2 * r2[l][:, :, None]                    # (m, T, d)
        N2[l] = Xhat2[l] * p.g2[l] + p.s2[l]                 # (m, T, d)
        F[l] = N2[l] @ p.Wf[l] + p.bf[l]                     # (m, T, f)
        A2 = 1.5957691216057308 * (0.044715 * (F[l] * F[l] * F[l]) + F[l])  # (m, T, f)
        E4[l] = np.exp(-np.abs(A2))                          # (m, T, f)
        C3[l] = np.maximum(E4[l], A2 >= 0)                   # (m, T, f)
        G[l] = F[l] * (C3[l] - C3[l] * E4[l] / (1 + E4[l]))  # (m, T, f)
        Z[l + 1] = G[l] @ p.Wp[l] + B + p.bp[l]              # (m, T, d)
    Y = Z[L]                                                 # (m, T, d)
    mu = Y.mean(axis=2)                                      # (m, T)
    C = Y - mu[:, :, None]                                   # (m, T, d)
    r = 1 / np.sqrt((C**2).mean(axis=2) + 1e-05)             # (m, T)
    Xhat = C * r[:, :, None]                                 # (m, T, d)
    N = Xhat * p.g + p.s                                     # (m, T, d)
    H = N @ p.E.T                                            # (m, T, v)
    return H, (r1, Xhat1, N1, A, P2, O, r2, Xhat2, N2, F, G, r, Xhat, N, E4, C3)


def require_labels(name, labels, classes):
    """ValueError where a label is out of range, or there is none."""
    if not labels.size:
        raise ValueError(f"{name} is empty; a batch has one example at least")
    place = labels.astype(np.uint64).argmax()  # -1 is the largest of all
    value = labels.item(place)
    if not 0 <= value < classes:
        wrong = [int(i) for i in np.unravel_index(place, labels.shape)]
        raise ValueError(f"{name}{wrong} is {value}; labels are 0..{classes - 1}")


def loss(p, x, y):
    """Return J and residuals."""
    require_labels("x", x, len(p.E))
    require_labels("y", y, len(p.E))
    H, (r1, Xhat1, N1, A, P2, O, r2, Xhat2, N2, F, G, r, Xhat, N, E4, C3) = forward(p, x)
    m, T = x.shape
    M2 = H.max(axis=2)               # (m, T)
    E3 = np.exp(H - M2[:, :, None])  # (m, T, v)
    T3 = E3.sum(axis=2)              # (m, T)
    J = (M2 - H[np.arange(m)[:, None], np.arange(T), y] + np.log(T3)).sum() / (T * m)
    S = E3 / T3[:, :, None]          # (m, T, v)
    return J, (r1, Xhat1, N1, A, P2, O, r2, Xhat2, N2, F, G, r, Xhat, N, S, E4, C3)


@np.errstate(all="ignore")  # in branches that are not taken
def vjp(residuals, J_bar, p, x, y):
    """Pull J_bar () back to E_bar (v, d), P_bar (T, d), g1_bar (L, d), s1_bar (L, d), Wa_bar (L, d, 3, h, e), ba_bar (L, 3, h, e), Wo_bar (L, h, e, d), bo_bar (L, d), g2_bar (L, d), s2_bar (L, d), Wf_bar (L, d, f), bf_bar (L, f), Wp_bar (L, f, d), bp_bar (L, d), g_bar (d), s_bar (d)."""
    r1, Xhat1, N1, A, P2, O, r2, Xhat2, N2, F, G, r, Xhat, N, S, E4, C3 = residuals
    m, T = x.shape
    v, d = p.E.shape
    L = len(p.g1)
    h = p.Wa.shape[3]
    e = p.Wa.shape[4]
    f = p.Wf.shape[2]
    dtype = r1.dtype
    H_bar = (S - (y[:, :, None] == np.arange(v))) * (J_bar / (T * m))    # (m, T, v)
    N_bar = H_bar @ p.E                                                  # (m, T, d)
    g_bar = (N_bar * Xhat).sum(axis=(0, 1))                              # (d,)
    s_bar = N_bar.sum(axis=(0, 1))                                       # (d,)
    Xhat_bar = N_bar * p.g                                               # (m, T, d)
    Z_bar = np.empty((L + 1, m, T, d), dtype)
    Z_bar[L] = (
        Xhat_bar
        - Xhat * (Xhat * Xhat_bar).mean(axis=2, keepdims=True)
        - Xhat_bar.mean(axis=2, keepdims=True)
    ) * r[:, :, None]
    F_bar = np.empty((L, m, T, f), dtype)
    N2_bar = np.empty((L, m, T, d), dtype)
    B_bar = np.empty((L, m, T, d), dtype)
    A_bar = np.empty((L, 3, m, h, T, e), dtype)
    N1_bar = np.empty((L, m, T, d), dtype)
    for l in reversed(range(L)):
        G_bar = Z_bar[l + 1] @ p.Wp[l].T                                 # (m, T, f)
        F_bar[l] = G_bar * (C3[l] - C3[l] * E4[l] / (1 + E4[l])) + 1.5957691216057308 * np.where(
            E4[l] > 0,
            E4[l] * F[l] * G_bar * (1 + 0.134145 * F[l]**2) / (1 + E4[l] * (E4[l] + 2)),
            0,
        )
        N2_bar[l] = F_bar[l] @ p.Wf[l].T                                 # (m, T, d)
        Xhat2_bar = N2_bar[l] * p.g2[l]                                  # (m, T, d)
        B_bar[l] = (
            Xhat2_bar
            - Xhat2[l] * (Xhat2[l] * Xhat2_bar).mean(axis=2, keepdims=True)
            - Xhat2_bar.mean(axis=2, keepdims=True)
        ) * r2[l][:, :, None] + Z_bar[l + 1]
        O_bar = np.einsum("ijk,lmk->iljm", B_bar[l], p.Wo[l], optimize=True)  # (m, h, T, e)
        P2_bar = (O_bar @ A[l, 2].transpose(0, 1, 3, 2)) * np.tri(T, dtype=bool)  # (m, h, T, T)
        R_bar = P2[l] * (P2_bar - (P2[l] * P2_bar).sum(axis=3, keepdims=True))  # (m, h, T, T)
        A_bar[l, 0] = R_bar @ A[l, 1] / e**0.5                           # (m, h, T, e)
        A_bar[l, 1] = R_bar.transpose(0, 1, 3, 2) @ A[l, 0] / e**0.5     # (m, h, T, e)
        A_bar[l, 2] = P2[l].transpose(0, 1, 3, 2) @ O_bar                # (m, h, T, e)
        N1_bar[l] = np.einsum("nikm,ijklm->jln", p.Wa[l], A_bar[l], optimize=True)  # (m, T, d)
        Xhat1_bar = N1_bar[l] * p.g1[l]                                  # (m, T, d)
        Z_bar[l] = (
            Xhat1_bar
            - Xhat1[l] * (Xhat1[l] * Xhat1_bar).mean(axis=2, keepdims=True)
            - Xhat1_bar.mean(axis=2, keepdims=True)
        ) * r1[l][:, :, None] + B_bar[l]
    P_bar = Z_bar[0].sum(axis=0)                                         # (T, d)
    g1_bar = (N1_bar * Xhat1).sum(axis=(1, 2))                           # (L, d)
    s1_bar = N1_bar.sum(axis=(1, 2))                                     # (L, d)
    Wa_bar = np.einsum("ikmo,ijklmn->iojln", N1, A_bar, optimize=True)   # (L, d, 3, h, e)
    ba_bar = A_bar.sum(axis=(2, 4))                                      # (L, 3, h, e)
    Wo_bar = np.einsum("ijln,ijklm->ikmn", B_bar, O, optimize=True)      # (L, h, e, d)
    bo_bar = B_bar.sum(axis=(1, 2))                                      # (L, d)
    g2_bar = (N2_bar * Xhat2).sum(axis=(1, 2))                           # (L, d)
    s2_bar = N2_bar.sum(axis=(1, 2))                                     # (L, d)
    Wf_bar = np.einsum("ijkl,ijkm->iml", F_bar, N2, optimize=True)       # (L, d, f)
    bf_bar = F_bar.sum(axis=(1, 2))                                      # (L, f)
    Wp_bar = np.einsum("ijkl,ijkm->ilm", G, Z_bar[1:], optimize=True)    # (L, f, d)
    bp_bar = Z_bar[1:].sum(axis=(1, 2))                                  # (L, d)
    E_bar_1 = np.zeros((v, d), dtype)                                    # (v, d)
    np.add.at(E_bar_1, x, Z_bar[0])
    E_bar = E_bar_1 + np.einsum("ijk,ijl->kl", H_bar, N, optimize=True)  # (v, d)
    return Gradients(
        E_bar,
        P_bar,
        g1_bar,
        s1_bar,
        Wa_bar,
        ba_bar,
        Wo_bar,
        bo_bar,
        g2_bar,
        s2_bar,
        Wf_bar,
        bf_bar,
        Wp_bar,
        bp_bar,
        g_bar,
        s_bar,
    )


@np.errstate(all="ignore")  # in branches that are not taken
def gradients(p, x, y, J_bar=1.0):
    """Return J and the gradients of J_bar * J; dead values are overwritten."""
    require_labels("x", x, len(p.E))
    require_labels("y", y, len(p.E))
    m, T = x.shape
    v, d = p.E.shape
    L = len(p.g1)
    h = p.Wa.shape[3]
    e = p.Wa.shape[4]
    f = p.Wf.shape[2]
    dtype = p.E.dtype
    X = p.E[x] + p.P                                                       # (m, T, d)
    Z = np.empty((L + 1, m, T, d), dtype)
    Z[0] = X                                                               # (m, T, d)
    r1 = np.empty((L, m, T), dtype)
    Xhat1 = np.empty((L, m, T, d), dtype)
    N1 = np.empty((L, m, T, d), dtype)
    A = np.empty((L, 3, m, h, T, e), dtype)
    P2 = np.empty((L, m, h, T, T), dtype)
    O = np.empty((L, m, h, T, e), dtype)
    r2 = np.empty((L, m, T), dtype)
    Xhat2 = np.empty((L, m, T, d), dtype)
    N2 = np.empty((L, m, T, d), dtype)
    F_slope = np.empty((L, m, T, f), dtype)
    G = np.empty((L, m, T, f), dtype)
    for l in range(L):
        mu1 = Z[l].mean(axis=2)                                            # (m, T)
        C1 = Z[l] - mu1[:, :, None]                                        # (m, T, d)
        v1 = (C1**2).mean(axis=2)                                          # (m, T)
        r1[l] = 1 / np.sqrt(v1 + 1e-05)                                    # (m, T)
        Xhat1[l] = C1 * r1[l][:, :, None]                                  # (m, T, d)
        N1[l] = Xhat1[l] * p.g1[l] + p.s1[l]                               # (m, T, d)
        A[l] = np.einsum("mni,ijkl->jmknl", N1[l], p.Wa[l], optimize=True) + p.ba[l][:, None, :, None, :]  # (3, m, h, T, e)
        R = A[l, 0] @ A[l, 1].transpose(0, 1, 3, 2)                        # (m, h, T, T)
        R /= e**0.5
        np.copyto(R, -np.inf, where=~np.tri(T, dtype=bool))
        E2 = np.exp(R - R.max(axis=3, keepdims=True))                      # (m, h, T, T)
        P2[l] = E2 / E2.sum(axis=3, keepdims=True)                         # (m, h, T, T)
        O[l] = P2[l] @ A[l, 2]                                             # (m, h, T, e)
        B = Z[l] + np.einsum("jlm,ijkl->ikm", p.Wo[l], O[l], optimize=True) + p.bo[l]  # (m, T, d)
        mu2 = B.mean(axis=2)                                               # (m, T)
        C2 = B - mu2[:, :, None]                                           # (m, T, d)
        v2 = (C2**2).mean(axis=2)                                          # (m, T)
        r2[l] = 1 / np.sqrt(v2 + 1e-05)                                    # (m, T)
        Xhat2[l] = C2 * r2[l][:, :, None]                                  # (m, T, d)
        N2[l] = Xhat2[l] * p.g2[l] + p.s2[l]                               # (m, T, d)
        F = N2[l] @ p.Wf[l]                                                # (m, T, f)
        F += p.bf[l]
        A2 = 1.5957691216057308 * (0.044715 * (F * F * F) + F)             # (m, T, f)
        E4 = np.exp(-np.abs(A2))                                           # (m, T, f)
        C3 = np.maximum(E4, A2 >= 0)                                       # (m, T, f)
        Q = C3 - C3 * E4 / (1 + E4)                                        # (m, T, f)
        F_slope[l] = 1.5957691216057308 * np.where(
            E4 > 0,
            E4 * F * (1 + 0.134145 * F**2) / (1 + E4 * (E4 + 2)),
            0,
        ) + Q
        G[l] = F * Q                                                       # (m, T, f)
        Z[l + 1] = G[l] @ p.Wp[l] + B + p.bp[l]                            # (m, T, d)
    Y = Z[L]                                                               # (m, T, d)
    mu = Y.mean(axis=2)                                                    # (m, T)
    C = Y - mu[:, :, None]                                                 # (m, T, d)
    r = 1 / np.sqrt((C**2).mean(axis=2) + 1e-05)                           # (m, T)
    Xhat = C                                                               # (m, T, d)
    Xhat *= r[:, :, None]
    N = Xhat * p.g + p.s                                                   # (m, T, d)
    H = N @ p.E.T                                                          # (m, T, v)
    M2 = H.max(axis=2)                                                     # (m, T)
    E3 = np.exp(H - M2[:, :, None])                                        # (m, T, v)
    T3 = E3.sum(axis=2)                                                    # (m, T)
    J = (M2 - H[np.arange(m)[:, None], np.arange(T), y] + np.log(T3)).sum() / (T * m)
    S = E3                                                                 # (m, T, v)
    S /= T3[:, :, None]
    H_bar = S                                                              # (m, T, v)
    H_bar -= y[:, :, None] == np.arange(v)
    H_bar *= J_bar / (T * m)
    N_bar = H_bar @ p.E                                                    # (m, T, d)
    g_bar = (N_bar * Xhat).sum(axis=(0, 1))                                # (d,)
    s_bar = N_bar.sum(axis=(0, 1))                                         # (d,)
    Xhat_bar = N_bar                                                       # (m, T, d)
    Xhat_bar *= p.g
    Z_bar = np.empty((L + 1, m, T, d), dtype)
    Z_bar[L] = (
        Xhat_bar
        - Xhat * (Xhat * Xhat_bar).mean(axis=2, keepdims=True)
        - Xhat_bar.mean(axis=2, keepdims=True)
    ) * r[:, :, None]
    bp_bar = np.empty((L, d), dtype)
    Wp_bar = np.empty((L, f, d), dtype)
    bf_bar = np.empty((L, f), dtype)
    Wf_bar = np.empty((L, d, f), dtype)
    s2_bar = np.empty((L, d), dtype)
    g2_bar = np.empty((L, d), dtype)
    bo_bar = np.empty((L, d), dtype)
    Wo_bar = np.empty((L, h, e, d), dtype)
    A_bar = np.empty((3, m, h, T, e), dtype)
    ba_bar = np.empty((L, 3, h, e), dtype)
    Wa_bar = np.empty((L, d, 3, h, e), dtype)
    s1_bar = np.empty((L, d), dtype)
    g1_bar = np.empty((L, d), dtype)
    for l in reversed(range(L)):
        bp_bar[l] = Z_bar[l + 1].sum(axis=(0, 1))                          # (d,)
        Wp_bar[l] = np.einsum("ijk,ijl->kl", G[l], Z_bar[l + 1], optimize=True)  # (f, d)
        G_bar = Z_bar[l + 1] @ p.Wp[l].T                                   # (m, T, f)
        F_bar = G_bar                                                      # (m, T, f)
        F_bar *= F_slope[l]
        bf_bar[l] = F_bar.sum(axis=(0, 1))                                 # (f,)
        Wf_bar[l] = np.einsum("ijk,ijl->lk", F_bar, N2[l], optimize=True)  # (d, f)
        N2_bar = F_bar @ p.Wf[l].T                                         # (m, T, d)
        s2_bar[l] = N2_bar.sum(axis=(0, 1))                                # (d,)
        g2_bar[l] = (N2_bar * Xhat2[l]).sum(axis=(0, 1))                   # (d,)
        Xhat2_bar = N2_bar                                                 # (m, T, d)
        Xhat2_bar *= p.g2[l]
        B_bar = (
            Xhat2_bar
            - Xhat2[l] * (Xhat2[l] * Xhat2_bar).mean(axis=2, keepdims=True)
            - Xhat2_bar.mean(axis=2, keepdims=True)
        ) * r2[l][:, :, None] + Z_bar[l + 1]
        bo_bar[l] = B_bar.sum(axis=(0, 1))                                 # (d,)
        Wo_bar[l] = np.einsum("ikm,ijkl->jlm", B_bar, O[l], optimize=True)  # (h, e, d)
        O_bar = np.einsum("ijk,lmk->iljm", B_bar, p.Wo[l], optimize=True)  # (m, h, T, e)
        P2_bar = O_bar @ A[l, 2].transpose(0, 1, 3, 2)                     # (m, h, T, T)
        R_bar = P2[l] * (P2_bar - (P2[l] * P2_bar).sum(axis=3, keepdims=True))  # (m, h, T, T)
        A_bar[0] = R_bar @ A[l, 1] / e**0.5                                # (m, h, T, e)
        A_bar[1] = R_bar.transpose(0, 1, 3, 2) @ A[l, 0] / e**0.5          # (m, h, T, e)
        A_bar[2] = P2[l].transpose(0, 1, 3, 2) @ O_bar                     # (m, h, T, e)
        ba_bar[l] = A_bar.sum(axis=(1, 3))                                 # (3, h, e)
        Wa_bar[l] = np.einsum("jln,ijklm->nikm", N1[l], A_bar, optimize=True)  # (d, 3, h, e)
        N1_bar = np.einsum("ijklm,nikm->jln", A_bar, p.Wa[l], optimize=True)  # (m, T, d)
        s1_bar[l] = N1_bar.sum(axis=(0, 1))                                # (d,)
        g1_bar[l] = (N1_bar * Xhat1[l]).sum(axis=(0, 1))                   # (d,)
        Xhat1_bar = N1_bar * p.g1[l]                                       # (m, T, d)
        Z_bar[l] = (
            Xhat1_bar
            - Xhat1[l] * (Xhat1[l] * Xhat1_bar).mean(axis=2, keepdims=True)
            - Xhat1_bar.mean(axis=2, keepdims=True)
        ) * r1[l][:, :, None] + B_bar
    P_bar = Z_bar[0].sum(axis=0)                                           # (T, d)
    E_bar_1 = np.zeros((v, d), dtype)                                      # (v, d)
    np.add.at(E_bar_1, x, Z_bar[0])
    E_bar = E_bar_1 + np.einsum("ijk,ijl->kl", H_bar, N, optimize=True)    # (v, d)
    return J, Gradients(
        E_bar,
        P_bar,
        g1_bar,
        s1_bar,
        Wa_bar,
        ba_bar,
        Wo_bar,
        bo_bar,
        g2_bar,
        s2_bar,
        Wf_bar,
        bf_bar,
        Wp_bar,
        bp_bar,
        g_bar,
        s_bar,
    )


@np.errstate(all="ignore")  # in branches that are not taken
def jvp(p, p_dot, x, y):
    """Push p_dot (Gradients) forward to J_dot."""
    require_labels("x", x, len(p.E))
    require_labels("y", y, len(p.E))
    m, T = x.shape
    d = p.E.shape[1]
    L = len(p.g1)
    h = p.Wa.shape[3]
    e = p.Wa.shape[4]
    f = p.Wf.shape[2]
    dtype = p.E.dtype
    X = p.E[x] + p.P                                                  # (m, T, d)
    Z = np.empty((L + 1, m, T, d), dtype)
    Z[0] = X                                                          # (m, T, d)
    Z_dot = np.empty((L + 1, m, T, d), dtype)
    Z_dot[0] = p_dot.E[x] + p_dot.P                                   # (m, T, d)
    r1 = np.empty((L, m, T), dtype)
    Xhat1 = np.empty((L, m, T, d), dtype)
    N1 = np.empty((L, m, T, d), dtype)
    A = np.empty((L, 3, m, h, T, e), dtype)
    P2 = np.empty((L, m, h, T, T), dtype)
    O = np.empty((L, m, h, T, e), dtype)
    r2 = np.empty((L, m, T), dtype)
    Xhat2 = np.empty((L, m, T, d), dtype)
    N2 = np.empty((L, m, T, d), dtype)
    F = np.empty((L, m, T, f), dtype)
    E4 = np.empty((L, m, T, f), dtype)
    C3 = np.empty((L, m, T, f), dtype)
    G = np.empty((L, m, T, f), dtype)
    for l in range(L):
        mu1 = Z[l].mean(axis=2)                                       # (m, T)
        C1 = Z[l] - mu1[:, :, None]                                   # (m, T, d)
        C1_dot = Z_dot[l] - Z_dot[l].mean(axis=2, keepdims=True)      # (m, T, d)
        v1 = (C1**2).mean(axis=2)                                     # (m, T)
        r1[l] = 1 / np.sqrt(v1 + 1e-05)                               # (m, T)
        Xhat1[l] = C1 * r1[l][:, :, None]                             # (m, T, d)
        N1[l] = Xhat1[l] * p.g1[l] + p.s1[l]                          # (m, T, d)
        N1_dot = Xhat1[l] * p_dot.g1[l] + (
            C1_dot
            - Xhat1[l] * (C1_dot * Xhat1[l]).mean(axis=2, keepdims=True)
        ) * p.g1[l] * r1[l][:, :, None] + p_dot.s1[l]
        A[l] = np.einsum("mni,ijkl->jmknl", N1[l], p.Wa[l], optimize=True) + p.ba[l][:, None, :, None, :]  # (3, m, h, T, e)
        A_dot = np.einsum(
            "mni,ijkl->jmknl",
            N1[l],
            p_dot.Wa[l],
            optimize=True,
        ) + np.einsum("mni,ijkl->jmknl", N1_dot, p.Wa[l], optimize=True) + p_dot.ba[l][:, None, :, None, :]
        R = np.where(np.tri(T, dtype=bool), A[l, 0] @ A[l, 1].transpose(0, 1, 3, 2) / e**0.5, -np.inf)  # (m, h, T, T)
        R_dot = (A[l, 0] @ A_dot[1].transpose(0, 1, 3, 2) + A_dot[0] @ A[l, 1].transpose(0, 1, 3, 2)) / e**0.5  # (m, h, T, T)
        E2 = np.exp(R - R.max(axis=3, keepdims=True))                 # (m, h, T, T)
        P2[l] = E2 / E2.sum(axis=3, keepdims=True)                    # (m, h, T, T)
        O[l] = P2[l] @ A[l, 2]                                        # (m, h, T, e)
        O_dot = P2[l] @ A_dot[2] + (P2[l] * (R_dot - (P2[l] * R_dot).sum(axis=3, keepdims=True))) @ A[l, 2]  # (m, h, T, e)
        B = Z[l] + np.einsum("jlm,ijkl->ikm", p.Wo[l], O[l], optimize=True) + p.bo[l]  # (m, T, d)
        B_dot = Z_dot[l] + np.einsum("ijkl,jlm->ikm", O_dot, p.Wo[l], optimize=True) + np.einsum(
            "jlm,ijkl->ikm",
            p_dot.Wo[l],
            O[l],
            optimize=True,
        ) + p_dot.bo[l]
        mu2 = B.mean(axis=2)                                          # (m, T)
        C2 = B - mu2[:, :, None]                                      # (m, T, d)
        C2_dot = B_dot - B_dot.mean(axis=2, keepdims=True)            # (m, T, d)
        v2 = (C2**2).mean(axis=2)                                     # (m, T)
        r2[l] = 1 / np.sqrt(v2 + 1e-05)                               # (m, T)
        Xhat2[l] = C2 * r2[l][:, :, None]                             # (m, T, d)
        N2[l] = Xhat2[l] * p.g2[l] + p.s2[l]                          # (m, T, d)
        N2_dot = Xhat2[l] * p_dot.g2[l] + (
            C2_dot
            - Xhat2[l] * (C2_dot * Xhat2[l]).mean(axis=2, keepdims=True)
        ) * p.g2[l] * r2[l][:, :, None] + p_dot.s2[l]
        F[l] = N2[l] @ p.Wf[l] + p.bf[l]                              # (m, T, f)
        F_dot = N2[l] @ p_dot.Wf[l] + N2_dot @ p.Wf[l] + p_dot.bf[l]  # (m, T, f)
        A2 = 1.5957691216057308 * (0.044715 * (F[l] * F[l] * F[l]) + F[l])  # (m, T, f)
        E4[l] = np.exp(-np.abs(A2))                                   # (m, T, f)
        C3[l] = np.maximum(E4[l], A2 >= 0)                            # (m, T, f)
        G[l] = F[l] * (C3[l] - C3[l] * E4[l] / (1 + E4[l]))           # (m, T, f)
        G_dot = F_dot * (C3[l] - C3[l] * E4[l] / (1 + E4[l])) + 1.5957691216057308 * np.where(
            E4[l] > 0,
            E4[l] * F[l] * F_dot * (1 + 0.134145 * F[l]**2) / (1 + E4[l] * (E4[l] + 2)),
            0,
        )
        Z[l + 1] = G[l] @ p.Wp[l] + B + p.bp[l]                       # (m, T, d)
        Z_dot[l + 1] = G[l] @ p_dot.Wp[l] + G_dot @ p.Wp[l] + B_dot + p_dot.bp[l]  # (m, T, d)
    Y = Z[L]                                                          # (m, T, d)
    mu = Y.mean(axis=2)                                               # (m, T)
    C = Y - mu[:, :, None]                                            # (m, T, d)
    r = 1 / np.sqrt((C**2).mean(axis=2) + 1e-05)                      # (m, T)
    Xhat = C * r[:, :, None]                                          # (m, T, d)
    N = Xhat * p.g + p.s                                              # (m, T, d)
    N_dot = Xhat * p_dot.g + (
        Z_dot[L]
        - Xhat * (Xhat * Z_dot[L]).mean(axis=2, keepdims=True)
        - Z_dot[L].mean(axis=2, keepdims=True)
    ) * p.g * r[:, :, None] + p_dot.s
    H = N @ p.E.T                                                     # (m, T, v)
    H_dot = N @ p_dot.E.T + N_dot @ p.E.T                             # (m, T, v)
    M2 = H.max(axis=2)                                                # (m, T)
    E3 = np.exp(H - M2[:, :, None])                                   # (m, T, v)
    T3 = E3.sum(axis=2)                                               # (m, T)
    J = (M2 - H[np.arange(m)[:, None], np.arange(T), y] + np.log(T3)).sum() / (T * m)
    S = E3 / T3[:, :, None]                                           # (m, T, v)
    J_dot = ((H_dot * S).sum() - H_dot[np.arange(m)[:, None], np.arange(T), y].sum()) / (T * m)
    return J, J_dot


def predict(p, x):
    """The likeliest class of every example."""
    return forward(p, x)[0].argmax(axis=-1).astype(np.int32)


def require_finite(J, g):
    """FloatingPointError where the loss or a gradient is not finite."""
    squares = J * J
    for W_bar in g:
        squares += np.vdot(W_bar, W_bar)  # finite, unless it overflows, where all elements are
    if not squares < np.inf and not all(np.isfinite(each).all() for each in (J, *g)):
        raise FloatingPointError("the loss or a gradient is not finite; nothing was updated")


def sgd_step(p, x, y, lr, weight_decay=0.0):
    """W_new = W - (weight_decay * W + W_bar) * lr. In place; return J."""
    J, g = gradients(p, x, y, float(lr))  # g is lr * W_bar, for vjp is linear in J_bar
    require_finite(J, g)
    for W, W_bar in zip(p, g, strict=True):
        if weight_decay:
            W *= 1 - lr * weight_decay
        W -= W_bar
    return J


def momentum_step(p, v, x, y, lr, mu, weight_decay=0.0):
    """v_new = mu * v - (weight_decay * W + W_bar) * lr; W_new = W + v_new. In place; return J."""
    J, g = gradients(p, x, y, float(lr))  # g is lr * W_bar, for vjp is linear in J_bar
    require_finite(J, g)
    for W, v_W, W_bar in zip(p, v, g, strict=True):
        v_W *= mu
        if weight_decay:
            v_W -= lr * weight_decay * W
        v_W -= W_bar
        W += v_W
    return J


def averaged_step(p, u, x, y, lr, mu, weight_decay=0.0):
    """u_new = (1 - mu) * (weight_decay * W + W_bar) + mu * u; W_new = W - lr * u_new. In place; return J."""
    J, g = gradients(p, x, y, float(1 - mu))  # g is (1 - mu) * W_bar, for vjp is linear in J_bar
    require_finite(J, g)
    for W, u_W, W_bar in blocks(p, u, g):
        u_W *= mu
        if weight_decay:
            u_W += (1 - mu) * weight_decay * W
        u_W += W_bar
        W -= lr * u_W
    return J


def adamw_step(p, m, s, x, y, lr, beta1, beta2, eps, t, weight_decay=0.0):
    """c1 = 1 - beta1**t
    c2 = 1 - beta2**t
    m_new = (1 - beta1) * W_bar + beta1 * m
    s_new = W_bar**2 * (1 - beta2) + beta2 * s
    W_new = (1 - lr * weight_decay) * W - lr * m_new / (((s_new / c2)**0.5 + eps) * c1)

    In place; return J."""
    J, g = gradients(p, x, y)
    require_finite(J, g)
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
    return J


def trace(p, x, y):
    """Yield (name, array) of every forward equation, in order."""
    require_labels("x", x, len(p.E))
    require_labels("y", y, len(p.E))
    m, T = x.shape
    d = p.E.shape[1]
    L = len(p.g1)
    h = p.Wa.shape[3]
    e = p.Wa.shape[4]
    f = p.Wf.shape[2]
    dtype = p.E.dtype
    X = p.E[x] + p.P                                                       # (m, T, d)
    yield "X", X
    Z = np.empty((L + 1, m, T, d), dtype)
    Z[0] = X                                                               # (m, T, d)
    yield "Z", Z
    mu1 = np.empty((L, m, T), dtype)
    C1 = np.empty((L, m, T, d), dtype)
    v1 = np.empty((L, m, T), dtype)
    r1 = np.empty((L, m, T), dtype)
    Xhat1 = np.empty((L, m, T, d), dtype)
    N1 = np.empty((L, m, T, d), dtype)
    A = np.empty((L, 3, m, h, T, e), dtype)
    R = np.empty((L, m, h, T, T), dtype)
    M = np.empty((L, m, h, T), dtype)
    E2 = np.empty((L, m, h, T, T), dtype)
    T2 = np.empty((L, m, h, T), dtype)
    P2 = np.empty((L, m, h, T, T), dtype)
    O = np.empty((L, m, h, T, e), dtype)
    B = np.empty((L, m, T, d), dtype)
    mu2 = np.empty((L, m, T), dtype)
    C2 = np.empty((L, m, T, d), dtype)
    v2 = np.empty((L, m, T), dtype)
    r2 = np.empty((L, m, T), dtype)
    Xhat2 = np.empty((L, m, T, d), dtype)
    N2 = np.empty((L, m, T, d), dtype)
    F = np.empty((L, m, T, f), dtype)
    G = np.empty((L, m, T, f), dtype)
    for l in range(L):
        mu1[l] = Z[l].mean(axis=2)                                         # (m, T)
        C1[l] = Z[l] - mu1[l][:, :, None]                                  # (m, T, d)
        v1[l] = (C1[l]**2).mean(axis=2)                                    # (m, T)
        r1[l] = 1 / np.sqrt(v1[l] + 1e-05)                                 # (m, T)
        Xhat1[l] = C1[l] * r1[l][:, :, None]                               # (m, T, d)
        N1[l] = Xhat1[l] * p.g1[l] + p.s1[l]                               # (m, T, d)
        A[l] = np.einsum("mni,ijkl->jmknl", N1[l], p.Wa[l], optimize=True) + p.ba[l][:, None, :, None, :]  # (3, m, h, T, e)
        R[l] = A[l, 0] @ A[l, 1].transpose(0, 1, 3, 2) / e**0.5            # (m, h, T, T)
        M[l] = np.where(np.tri(T, dtype=bool), R[l], -np.inf).max(axis=3)  # (m, h, T)
        E2[l] = np.where(np.tri(T, dtype=bool), np.exp(R[l] - M[l][:, :, :, None]), 0)  # (m, h, T, T)
        T2[l] = E2[l].sum(axis=3)                                          # (m, h, T)
        P2[l] = E2[l] / T2[l][:, :, :, None]                               # (m, h, T, T)
        O[l] = P2[l] @ A[l, 2]                                             # (m, h, T, e)
        B[l] = Z[l] + np.einsum("jlm,ijkl->ikm", p.Wo[l], O[l], optimize=True) + p.bo[l]  # (m, T, d)
        mu2[l] = B[l].mean(axis=2)                                         # (m, T)
        C2[l] = B[l] - mu2[l][:, :, None]                                  # (m, T, d)
        v2[l] = (C2[l]**2).mean(axis=2)                                    # (m, T)
        r2[l] = 1 / np.sqrt(v2[l] + 1e-05)                                 # (m, T)
        Xhat2[l] = C2[l] * r2[l][:, :, None]                               # (m, T, d)
        N2[l] = Xhat2[l] * p.g2[l] + p.s2[l]                               # (m, T, d)
        F[l] = N2[l] @ p.Wf[l] + p.bf[l]                                   # (m, T, f)
        G[l] = F[l] * (1 + np.tanh(0.7978845608028654 * (0.044715 * (F[l] * F[l] * F[l]) + F[l]))) / 2  # (m, T, f)
        Z[l + 1] = G[l] @ p.Wp[l] + B[l] + p.bp[l]                         # (m, T, d)
    yield "mu1", mu1
    yield "C1", C1
    yield "v1", v1
    yield "r1", r1
    yield "Xhat1", Xhat1
    yield "N1", N1
    yield "A", A
    yield "R", R
    yield "M", M
    yield "E2", E2
    yield "T2", T2
    yield "P2", P2
    yield "O", O
    yield "B", B
    yield "mu2", mu2
    yield "C2", C2
    yield "v2", v2
    yield "r2", r2
    yield "Xhat2", Xhat2
    yield "N2", N2
    yield "F", F
    yield "G", G
    yield "Z", Z
    Y = Z[L]                                                               # (m, T, d)
    yield "Y", Y
    mu = Y.mean(axis=2)                                                    # (m, T)
    yield "mu", mu
    C = Y - mu[:, :, None]                                                 # (m, T, d)
    yield "C", C
    var = (C**2).mean(axis=2)                                              # (m, T)
    yield "var", var
    r = 1 / np.sqrt(var + 1e-05)                                           # (m, T)
    yield "r", r
    Xhat = C * r[:, :, None]                                               # (m, T, d)
    yield "Xhat", Xhat
    N = Xhat * p.g + p.s                                                   # (m, T, d)
    yield "N", N
    H = N @ p.E.T                                                          # (m, T, v)
    yield "H", H
    M2 = H.max(axis=2)                                                     # (m, T)
    yield "M2", M2
    E3 = np.exp(H - M2[:, :, None])                                        # (m, T, v)
    yield "E3", E3
    T3 = E3.sum(axis=2)                                                    # (m, T)
    yield "T3", T3
    S = E3 / T3[:, :, None]                                                # (m, T, v)
    yield "S", S
    J = (M2 - H[np.arange(m)[:, None], np.arange(T), y] + np.log(T3)).sum() / (T * m)
    yield "J", J


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
