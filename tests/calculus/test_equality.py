"""H3 is one matrix, and what is not linear is not."""

from derive.calculus.definition.define import define
from derive.calculus.simplification.equality import linear_map, proved_equal
from derive.networks.registry import network


def test_linear_features_collapse_to_one_matrix() -> None:
    program = network("linear_features").program
    found = linear_map(program, "H", "X")
    assert found is not None
    assert str(found.matrix) == "V[q,j] = sum_{p<d}(Theta[p,j]*W[q,p])    [q<n, j<k]"
    assert proved_equal(program, found.collapsed, "H")


def test_what_is_not_linear_does_not_collapse() -> None:
    for name in ("two_layer", "random_features", "residual"):
        assert linear_map(network(name).program, "H", "X") is None


def test_a_wrong_matrix_is_not_proved() -> None:
    right = define(
        "f(X[m,n], W[n,n]) -> H\n    A[i,j] = sum_{p} X[i,p] W[p,j]\n    H[i,j] = sum_{p} A[i,p] W[p,j]"
    )
    wrong = define(
        "f(X[m,n], W[n,n]) -> H\n    A[p,j] = sum_{q} W[p,q] W[j,q]\n    H[i,j] = sum_{p} X[i,p] A[p,j]"
    )
    same = define(
        "f(X[m,n], W[n,n]) -> H\n    A[p,j] = sum_{q} W[p,q] W[q,j]\n    H[i,j] = sum_{p} X[i,p] A[p,j]"
    )
    assert not proved_equal(right, wrong, "H")
    assert proved_equal(right, same, "H")
