"""The few columns beside whole vectors: their lanes run along something else.

    C[i,j] = sum_k A[i,k] B[k,j], 100 columns by 16 lanes: 96, and 4 that would fill a quarter of a vector

`along`: rows i of A lie next to each other, so that a vector takes many, with one B[k,j] in all lanes.
`across`: a row of A has its terms k next to each other, and so have the columns of B once they are turned; a
sum's lanes are added at its end. Either takes the multiply-adds that the columns are worth.
"""

from __future__ import annotations

from codegen.tuned.products.contraction import Contraction, adjacent
from codegen.tuned.products.tiles import MOST_VECTORS, fewest_cycles
from codegen.tuned.products.walk import Walk
from codegen.tuned.spelling.scene import Scene
from codegen.vector_math.kernel_sets import KernelSet

MOST_TALL = 6
"""Vectors or rows of a tile: more of them would save few loads."""
BESIDE = 1.25
"""Half cycles of a multiply-add of such a tile, loads and the end of its loop counted in."""
TURNED = 6
"""Half cycles to bring one sum to its lane."""
HEAD = 1
"""Rows' worth of time that a tile takes beside its rows."""
ADD = "c##r##_{k} = fma_(a_, b{k}, c##r##_{k});"


def rest_way(found: Contraction, walk: Walk, scene: Scene) -> str:
    """Where the lanes of the rest may run: `along`, `across`, or nowhere."""
    if len(found.rows) != 1 or len(found.sums) != 1 or found.outer:
        return ""
    fixed = [scene.sizes.batch not in map(str, n.free_symbols) for _, n in (*found.rows, *found.sums)]
    as_it_lies = adjacent(found.right, found.lanes[0], scene.stored) and not walk.lines
    if not walk.rows_first and not (walk.passing and as_it_lies):
        return ""
    if walk.row == "1":
        return "along" if fixed[0] else ""
    return "across" if walk.passing and walk.left[-1] == "1" and fixed[1] else ""


def rest_columns(kernels: KernelSet, item: int, way: str, rows: int, columns: int, terms: int) -> int:
    """How many columns are left for such tiles; 0 where a part of a vector costs less."""
    lanes = kernels.lanes(item)
    left, whole = columns % lanes, {"along": rows, "across": terms}.get(way, 1)
    if kernels.small or not 0 < left <= MOST_VECTORS or columns < lanes or whole % lanes:
        return 0
    own = rows * left * (BESIDE / lanes + TURNED / terms)
    vectors = columns // lanes
    beside = fewest_cycles(kernels, rows, vectors) + own < fewest_cycles(kernels, rows, vectors + 1)
    return left if beside else 0


def rest_height(kernels: KernelSet, lanes: int, way: str, rows: int, columns: int) -> int:
    """The rows of its tiles, or vectors of rows: the sums, the columns and one more in registers.

    All are of one height, the one with which the least is computed twice: the last goes back over some rows.
    """
    whole = rows // lanes if way == "along" else rows
    most = min(MOST_TALL, (kernels.registers - columns - 1) // columns, whole)
    return min(range(most, 0, -1), key=lambda high: -(-whole // high) * (high + HEAD))


def rest_macros(columns: set[int]) -> list[str]:
    """What its tiles do for their columns, by how many there are."""
    lines = []
    for w in sorted(columns):
        lines += [
            f"#define TO_ALL_{w} const vec {_each('b{k} = all(b[{k}])', w, ', ')};",
            f"#define LOAD_APART_{w} const vec {_each('b{k} = load(b + {k} * s->n0)', w, ', ')};",
            f"#define MEET_{w}(r, x) {{ const vec a_ = load(x); {_each(ADD, w)} }}",
            f"#define MEET_ROWS_{w}(r) MEET_{w}(r, a + r * LANES)",
            f"#define MEET_TERMS_{w}(r) MEET_{w}(r, &ROW_##r)",
        ]
    return lines


def _each(text: str, columns: int, between: str = " ") -> str:
    return between.join(text.format(k=k) for k in range(columns))
