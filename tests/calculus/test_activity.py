"""What a derivative passes through, however long the chain of carried states."""

from derive.calculus.definition.define import define
from derive.calculus.program.activity import active

CHAIN = """
chain(x[n], W[n]) -> y
    A[0,j<n] = x[j]
    B[0,j<n] = x[j]
    C[0,j<n] = x[j]
    D[0,j<n] = x[j]
    for t < T:
        A[t+1,j] = B[t,j]
        B[t+1,j] = C[t,j]
        C[t+1,j] = D[t,j]
        D[t+1,j] = D[t,j]*W[j]
    y = sum_{j} A[T,j]
"""


def test_a_long_chain_of_states_is_followed_to_its_end() -> None:
    program = define(CHAIN, T=6)
    assert active(program, ("W",), ("y",)) == {"W", "A", "B", "C", "D", "y"}
