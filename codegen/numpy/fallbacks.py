"""Functions that NumPy lacks, or rounds too often, emitted where they are used."""

from __future__ import annotations

from collections.abc import Iterable

REQUIRE_LABELS = '''\
def require_labels(name, labels, classes):
    """ValueError where a label is out of range, or there is none."""
    if not labels.size:
        raise ValueError(f"{name} is empty; a batch has one example at least")
    place = labels.astype(np.uint64).argmax()  # -1 is the largest of all
    value = labels.item(place)
    if not 0 <= value < classes:
        wrong = [int(i) for i in np.unravel_index(place, labels.shape)]
        raise ValueError(f"{name}{wrong} is {value}; labels are 0..{classes - 1}")'''

HORNER = '''\
def horner(coefficients, x):
    """A polynomial, the highest coefficient first."""
    value = coefficients[0] * x
    for coefficient in coefficients[1:-1]:
        value = (value + coefficient) * x
    return value + coefficients[-1]'''

ERF_NEAR_ZERO = '''\
def erf_near_zero(x):
    """erf(x) where |x| <= 0.46875."""
    a = (1.85777706184603153e-1, 3.16112374387056560, 113.864154151050156, 377.485237685302021,
         3209.37758913846947)
    b = 1.0, 23.6012909523441209, 244.024637934444173, 1282.61652607737228, 2844.23683343917062
    return horner(a, x**2) / horner(b, x**2) * x'''

ERF = '''\
def erf(x):
    """The error function to 5 ulp."""
    near = erf_near_zero(np.clip(x, -0.46875, 0.46875))
    return np.where(np.abs(x) <= 0.46875, near, np.sign(x) * (1 - erfc(np.abs(x))))'''

ERFC = '''\
def erfc(x):
    """1 - erf(x) to 8 ulp, in the tail too: rational approximations of Cody, Math. Comp. 23, 1969."""
    c = (2.15311535474403846e-8, 0.564188496988670089, 8.88314979438837594, 66.1191906371416295,
         298.635138197400131, 881.952221241769090, 1712.04761263407058, 2051.07837782607147,
         1230.33935479799725)
    d = (1.0, 15.7449261107098347, 117.693950891312499, 537.181101862009858, 1621.38957456669019,
         3290.79923573345963, 4362.61909014324716, 3439.36767414372164, 1230.33935480374942)
    q = (1.63153871373020978e-2, 0.305326634961232344, 0.360344899949804439, 0.125781726111229246,
         1.60837851487422766e-2, 6.58749161529837803e-4)
    r = (1.0, 2.56852019228982242, 1.87295284992346047, 0.527905102951428412, 6.05183413124413191e-2,
         2.33520497626869185e-3)
    size = np.minimum(np.abs(x), 28)         # erfc(28) = 0 in doubles
    low, high = np.minimum(size, 4), np.maximum(size, 4)
    step = np.floor(16 * size) / 16          # its square is exact
    decay = np.exp(-(step**2)) * np.exp(-(size - step) * (size + step))
    inverse = 1 / high**2
    tail = (1 / np.pi**0.5 - inverse * horner(q, inverse) / horner(r, inverse)) / high
    far = decay * np.where(size <= 4, horner(c, low) / horner(d, low), tail)
    near = 1 - erf_near_zero(np.clip(x, -0.46875, 0.46875))
    return np.where(size <= 0.46875, near, np.where(x > 0, far, 2 - far))'''

LOG1P = '''\
def log1p(x, out=None):
    """log(1 + x) in float64, rounded once to the dtype of x: float32 has the roundings of x to add."""
    out = np.empty_like(x) if out is None else out
    return np.log1p(x, out=out, dtype=np.float64, casting="same_kind")'''

DOT = '''\
def dot(A, B):
    """A @ B; a sum of one term, which @ computes five times slower, by np.dot."""
    return A @ B if len(B) > 1 else np.dot(A, B)'''

WINDOWS = '''\
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
    return np.lib.stride_tricks.as_strided(X[(*before, slice(start + low, None))], shape, strides)'''

WINDOW_VIEW = '''\
def window_view(X, axis, count, size, step, reach, start):
    """X at step i + reach j + start along an axis, for i < count and j < size: a view."""
    s = X.strides[axis]
    shape = X.shape[:axis] + (count, size) + X.shape[axis + 1 :]
    strides = X.strides[:axis] + (step * s, reach * s) + X.strides[axis + 1 :]
    from_start = X[(slice(None),) * axis + (slice(start, None),)]
    return np.lib.stride_tricks.as_strided(from_start, shape, strides)'''

KEPT_WHERE = '''\
def kept_where(X, mask, out):
    """out = X where the mask holds, else 0: `and` with all bits or none; a masked copy branches at each."""
    X, out = X.view(f"i{X.itemsize}"), out.view(f"i{X.itemsize}")
    np.copyto(out, mask)
    np.negative(out, out=out)
    np.bitwise_and(X, out, out=out)'''

OVERLAP_ADD = '''\
def overlap_add(X, terms, axes, steps, reaches):
    """X = 0, then X[.., step i + reach j, ..] += terms[j, .., i, ..] along each of the axes."""
    X.fill(0)
    for offsets in np.ndindex(terms.shape[: len(axes)]):
        places = [slice(None)] * X.ndim
        for axis, step, reach, j in zip(axes, steps, reaches, offsets, strict=True):
            last = reach * j + step * (terms.shape[len(axes) + axis] - 1)
            places[axis] = slice(reach * j, last + 1, step)
        X[tuple(places)] += terms[offsets]'''

DOT_INTO = '''\
def dot_into(A, B, out):
    """out = A @ B; a sum of one term, which @ computes five times slower, by np.dot."""
    (np.matmul if len(B) > 1 else np.dot)(A, B, out=out)'''

BLOCKS = '''\
def blocks(*groups, size=16384):
    """The arrays of several groups side by side, as flat views of so few elements that they stay in cache."""
    for arrays in zip(*groups, strict=True):
        if not all(array.flags.c_contiguous for array in arrays):
            yield arrays
            continue
        flat = [array.reshape(-1) for array in arrays]
        for start in range(0, flat[0].size, size):
            yield [array[start : start + size] for array in flat]'''

PARTS = '''\
def parts(count, size):
    """Slices of so many places, `size` in each but the last, and of as many places from 0."""
    for start in range(0, count, max(size, 1)):
        stop = min(start + max(size, 1), count)
        yield slice(start, stop), slice(stop - start)'''

TRIANGLE_ROWS = '''\
def triangle_rows(count, size):
    """Bands of so many rows of a lower triangle, each with the columns up to its last row's."""
    for start in range(0, count, size):
        stop = min(start + size, count)
        yield slice(start, stop), slice(stop)'''

TRIANGLE_COLUMNS = '''\
def triangle_columns(count, size):
    """Bands of so many columns of a lower triangle, each with the rows from its first column's on."""
    for start in range(0, count, size):
        yield slice(start, min(start + size, count)), slice(start, count)'''

ADD_ROWS = '''\
def add_rows(X, places, rows):
    """X[places] += rows where places repeat, row by row: np.add.at goes element by element."""
    for place, row in zip(places.ravel().tolist(), rows.reshape(-1, *X.shape[1:]), strict=True):
        X[place] += row'''

FALLBACKS = {
    "add_rows": ADD_ROWS,
    "parts": PARTS,
    "triangle_rows": TRIANGLE_ROWS,
    "triangle_columns": TRIANGLE_COLUMNS,
    "blocks": BLOCKS,
    "dot_into": DOT_INTO,
    "kept_where": KEPT_WHERE,
    "overlap_add": OVERLAP_ADD,
    "window_view": WINDOW_VIEW,
    "dot": DOT,
    "windows": WINDOWS,
    "require_labels": REQUIRE_LABELS,
    "horner": HORNER,
    "log1p": LOG1P,
    "erf_near_zero": ERF_NEAR_ZERO,
    "erfc": ERFC,
    "erf": ERF,
}
NEEDS = {"erf": {"erfc", "erf_near_zero", "horner"}, "erfc": {"erf_near_zero", "horner"}}
"""What a function calls besides NumPy."""


def fallbacks(names: Iterable[str]) -> list[str]:
    """The source of some of these functions, and of those that they call."""
    wanted = set(names)
    wanted |= {needed for name in wanted for needed in NEEDS.get(name, ())}
    return [source for name, source in FALLBACKS.items() if name in wanted]
