"""Small networks, defined here, that between them use what the emitter has to get right."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from derive.calculus.definition.define import define
from derive.calculus.expressions.tensor import Size
from derive.calculus.program.network import Law, Network, Parameter, Update
from derive.calculus.program.program import Program

SGD = """
sgd(W[n], W_bar[n], lr, weight_decay) -> W_new
    W_new[i] = W[i] - lr (W_bar[i] + weight_decay W[i])
"""
MOMENTUM = """
momentum(W[n], W_bar[n], v[n], lr, mu, weight_decay) -> W_new, v_new
    v_new[i] = mu v[i] - lr (W_bar[i] + weight_decay W[i])
    W_new[i] = W[i] + v_new[i]
"""
AVERAGED = """
averaged(W[n], W_bar[n], u[n], lr, mu, weight_decay) -> W_new, u_new
    u_new[i] = mu u[i] + (1 - mu) (W_bar[i] + weight_decay W[i])
    W_new[i] = W[i] - lr u_new[i]
"""
LOG_LOSS = """
    frozen c[i] = max_{q} H[i,q]
    E[i,j] = exp(H[i,j] - c[i])
    T[i] = sum_{q} E[i,q]
    L = sum_{i} (log(T[i]) + c[i] - H[i,y[i]])/m
"""
DENSE = """
dense(X[m,n], V[n,d], W[d,k], b[d], integer y[m]) -> H, L
    A[i,j] = sum_{p} X[i,p] V[p,j] + b[j]
    Z[i,j] = max(A[i,j], 0)
    H[i,j] = sum_{p} Z[i,p] W[p,j]"""
# statistics over the batch, a scale of its own, tied weights, a target tensor
BATCHED = """
batched(X[m,n], W[n,d], g[d], Y[m,n]) -> H, L
    A[i,j] = sum_{p} X[i,p] W[p,j]
    mu[j] = mean_{q} A[q,j]
    C[i,j] = A[i,j] - mu[j]
    v[j] = mean_{q} C[q,j]^2
    Z[i,j] = g[j] C[i,j] (v[j] + 1/1000)^(-1/2)
    H[i,p] = sum_{j} tanh(Z[i,j]) W[p,j]
    L = sum_{i,p} (H[i,p] - Y[i,p])^2/(2 m)
"""
# words as data, a table of vectors, windows over pictures, a recurrence over time
WORDS = """
words(integer x[m,t], J[v,d], U[d,d], W[d,k], integer y[m]) -> H, L
    G[i,s,j] = J[x[i,s],j]
    S[0,i<m,j<d] = 0
    for r < t:
        S[r+1,i,j] = tanh(G[i,r,j] + sum_{p} S[r,i,p] U[p,j])
    H[i,j] = sum_{p} S[t,i,p] W[p,j]"""
PICTURES = """
pictures(X[m,h,w], K[o,u,u], B[o], W[o,k], integer y[m]) -> H, L
    A[i,c,e<h-u+1,f<w-u+1] = B[c] + sum_{a,b} X[i,e+a,f+b] K[c,a,b]
    P[i,c] = max_{e,f} A[i,c,e,f]
    H[i,j] = sum_{c} P[i,c] W[c,j]"""

UPDATES = (
    Update("sgd_step", define(SGD)),
    Update("momentum_step", define(MOMENTUM), ("v",)),
    Update("averaged_step", define(AVERAGED), ("u",)),
)


def dense(sizes: Mapping[str, int] | None = None, name: str = "dense", fixed: bool = False) -> Network:
    """relu and a log loss; `fixed` leaves the first weights as they are drawn."""
    n, d = Size("n"), Size("d")
    parameters = (
        Parameter("V", Law.NORMAL, 2 / n, trained=not fixed),
        Parameter("W", Law.UNIFORM, 6 / (n + d)),
        Parameter("b", Law.ONES),
    )
    program = define(DENSE.replace("dense(", f"{name}(") + LOG_LOSS)
    return classifier(program, "h(X) = relu(X V + b) W", parameters, sizes or {"n": 7, "d": 5, "k": 3})


def classifier(
    program: Program, title: str, parameters: tuple[Parameter, ...], sizes: Mapping[str, int]
) -> Network:
    """A network whose first data tensor is the first input, and whose labels are y."""
    data, outputs = (program.inputs[0].name,), ("H", "L")
    return Network(
        program.name, title, program, parameters, data, ("y",), *outputs, sizes, most=9, updates=UPDATES
    )


def batched() -> Network:
    program = define(BATCHED)
    parameters = (Parameter("W", Law.UNIFORM, 1 / Size("n")), Parameter("g", Law.ONES))
    found = classifier(program, "tied, with statistics of the batch", parameters, {"n": 4, "d": 6})
    return replace(found, labels=("Y",), task="regression")


def words() -> Network:
    parameters = tuple(Parameter(name, Law.NORMAL, 1 / Size("d")) for name in ("J", "U", "W"))
    program = define(WORDS + LOG_LOSS)
    return classifier(program, "a recurrence over words", parameters, {"t": 4, "v": 6, "d": 5, "k": 3})


def pictures() -> Network:
    parameters = (
        *(Parameter(name, Law.NORMAL) for name in ("K", "W")),
        Parameter("B", Law.ZEROS),
    )
    program = define(PICTURES + LOG_LOSS)
    return classifier(program, "the largest of windows", parameters, {"h": 6, "w": 7, "u": 3, "o": 4, "k": 3})


NETWORKS: dict[str, Callable[[], Network]] = {
    "dense": dense,
    "dense_fixed": partial(dense, name="dense_fixed", fixed=True),
    "batched": batched,
    "words": words,
    "pictures": pictures,
}


def perceptron(layers: int) -> Network:
    """An MLP of so many layers of 32, with biases."""
    owned = ", ".join(f"W{i}[n{i},n{i + 1}], b{i}[n{i + 1}]" for i in range(1, layers + 1))
    lines = [f"mlp(X[m,n1], {owned}, integer y[m]) -> H, L"]
    z = "X"
    for i in range(1, layers + 1):
        a = "H" if i == layers else f"A{i}"
        lines.append(f"    {a}[i,j] = sum_{{p}} {z}[i,p] W{i}[p,j] + b{i}[j]")
        if i < layers:
            lines.append(f"    Z{i + 1}[i,j] = max({a}[i,j], 0)")
        z = f"Z{i + 1}"
    laws = (("W", Law.NORMAL), ("b", Law.ZEROS))
    parameters = tuple(Parameter(f"{w}{i}", law) for i in range(1, layers + 1) for w, law in laws)
    sizes = {f"n{i}": 32 for i in range(1, layers + 2)}
    return classifier(define("\n".join(lines) + LOG_LOSS), f"{layers} layers", parameters, sizes)
