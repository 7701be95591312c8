/* two_layer: h(X) = sigma(X W1) W2, sigma = relu
   Emitted by `python -m derive build two_layer`; change the definition, not this file. */
#ifndef SET
#define TWO_LAYER_TUNED
#include "two_layer.h"

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <string.h>
#if defined(__x86_64__) && !defined(TWO_LAYER_SET)
#include <cpuid.h>
#endif

#if !defined(__GNUC__)
#error "two_layer_tuned.c needs gcc or clang; two_layer.c is ISO C"
#endif
/* The same bits from every compiler: no reassociation, no contraction into fused multiply-adds. */
#ifdef __FAST_MATH__
#error "two_layer.c needs exact floating point: compile without -ffast-math"
#endif
#if defined(__clang__) || !defined(__GNUC__)
#pragma STDC FP_CONTRACT OFF
#else
#pragma GCC optimize("fp-contract=off")
#endif

#ifdef TWO_LAYER_DOUBLE
#define LOG log
#define POW pow
#else
#define LOG logf
#define POW powf
#endif

/* Functions begin where the one before ends: what processors wait for are loops. */
#ifndef __clang__
#pragma GCC optimize("align-functions=1")
#endif

#if TWO_LAYER_M != 128
#error "two_layer_tuned.c is made for TWO_LAYER_M = 128; build it again for another"
#endif
#if TWO_LAYER_N != 784
#error "two_layer_tuned.c is made for TWO_LAYER_N = 784; build it again for another"
#endif
#if TWO_LAYER_D != 100
#error "two_layer_tuned.c is made for TWO_LAYER_D = 100; build it again for another"
#endif
#if TWO_LAYER_K != 10
#error "two_layer_tuned.c is made for TWO_LAYER_K = 10; build it again for another"
#endif

typedef two_layer_real real;
#ifdef TWO_LAYER_DOUBLE
typedef int64_t word;
typedef uint64_t uword;
#define REAL_MAX DBL_MAX
#define REAL_BYTES 8
#else
typedef int32_t word;
typedef uint32_t uword;
#define REAL_MAX FLT_MAX
#define REAL_BYTES 4
#endif
enum { N = TWO_LAYER_N, D = TWO_LAYER_D, K = TWO_LAYER_K };

/* Rows of the arena are padded to whole cache lines, and by one more where they would else be multiples of 1 KB:
 * elements below each other then lie in different sets of a cache. */
#define LINES(n) (((n) + (int)(64 / sizeof(real)) - 1) / (int)(64 / sizeof(real)))
#define PAD(n) ((LINES(n) + (LINES(n) % 16 == 0)) * (int)(64 / sizeof(real)))

/* The arena, in reals; what is never alive at once may share its place. */
#ifndef TWO_LAYER_DOUBLE
enum {
    AT_A1_bar = 0, /* (m, d): A1_bar .. the end of a training step */
    AT_H = 0, /* (m, k): H .. L */
    PANELS_Z2 = 0, /* packed factors: Z2 */
    PANELS_Z2_dot = 0, /* packed factors: Z2_dot */
    AT_H_dot = 2048, /* (m, k): H_dot .. L_dot */
    PANELS_H = 2048, /* packed factors: H */
    AT_M = 4096, /* (m): S .. L */
    AT_T = 4224, /* (m): S .. L */
    AT_E = 14336, /* (m, k): S */
    AT_H_bar = 14336, /* (m, k): H_bar .. the end of a training step */
    AT_S = 14336, /* (m, k): S .. L_dot */
    PANELS_A1_bar = 16384, /* packed factors: A1_bar */
    AT_Z2 = 87808, /* (m, d): Z2 .. H_dot */
    AT_Z2_dot = 102144, /* (m, d): Z2_dot .. H_dot */
    AT_L = 116480, /* (): always */
    AT_L_bar = 116496, /* (): always */
    AT_L_dot = 116512, /* (): always */
    ARENA_REALS = 116528
};
#else
enum {
    AT_A1_bar = 0, /* (m, d): A1_bar .. the end of a training step */
    AT_H = 0, /* (m, k): H .. L */
    PANELS_Z2 = 0, /* packed factors: Z2 */
    PANELS_Z2_dot = 0, /* packed factors: Z2_dot */
    AT_H_dot = 2048, /* (m, k): H_dot .. L_dot */
    PANELS_H = 2048, /* packed factors: H */
    AT_M = 4096, /* (m): S .. L */
    AT_T = 4232, /* (m): S .. L */
    AT_E = 13312, /* (m, k): S */
    AT_H_bar = 13312, /* (m, k): H_bar .. the end of a training step */
    AT_S = 13312, /* (m, k): S .. L_dot */
    PANELS_A1_bar = 15360, /* packed factors: A1_bar */
    AT_Z2 = 81536, /* (m, d): Z2 .. H_dot */
    AT_Z2_dot = 94848, /* (m, d): Z2_dot .. H_dot */
    AT_L = 108160, /* (): always */
    AT_L_bar = 108168, /* (): always */
    AT_L_dot = 108176, /* (): always */
    ARENA_REALS = 108184
};
#endif

#ifdef _OPENMP
#include <omp.h>
#define THREADS omp_get_num_threads()
#define THREAD omp_get_thread_num()
#define SHARED _Pragma("omp for schedule(static)")
#define SHARED_1 SHARED
#define SHARED_2 _Pragma("omp for collapse(2) schedule(static)")
#define SHARED_NOWAIT _Pragma("omp for schedule(static) nowait")
#define SERIAL _Pragma("omp single")
#define BARRIER _Pragma("omp barrier")
#define PARALLEL _Pragma("omp parallel")
#define ATOMIC _Pragma("omp atomic")
#define CRITICAL _Pragma("omp critical")
#else
#define THREADS 1
#define THREAD 0
#define SHARED
#define SHARED_1
#define SHARED_2
#define SHARED_NOWAIT
#define SERIAL
#define BARRIER
#define PARALLEL
#define ATOMIC
#define CRITICAL
#endif
#define LARGER(x, y) ((x) > (y) ? (x) : (y))
#define SMALLER(x, y) ((x) < (y) ? (x) : (y))
#define ALWAYS inline __attribute__((always_inline, unused))
/* A function of its own. gcc 12 drops calls whose stores it takes for dead once it has looked into several of them. */
#ifdef __clang__
#define APART static __attribute__((noinline, unused)) void
#else
#define APART static __attribute__((noipa, unused)) void
#endif
#define JOIN_(a, b) two_layer_##a##_##b
#define JOIN(a, b) JOIN_(a, b)
#define FN(name) JOIN(name, SET)
#define ONE(name) JOIN_(name, any)
typedef char two_layer_arena_fits[sizeof(two_layer_workspace) >= ARENA_REALS * sizeof(real) + 72 ? 1 : -1];

static real *two_layer_arena(two_layer_workspace *w)
{
    return (real *)(((uintptr_t)w + 63) / 64 * 64);
}

/* What only leads to work on vectors costs next to nothing as it is written: gcc need not look at it for long, nor fill up
 * lines of the cache. */
#ifndef __clang__
#pragma GCC push_options
#pragma GCC optimize("Og", "align-functions=1", "align-jumps=1", "align-loops=1", "align-labels=1")
#endif
/* ---- What is there once, for vectors of any width. A contraction C[i,j] = sum_k A[i,k] B[k,j] is cut into tiles of a few
 * rows i and a few vectors of columns j. `contract` walks the tiles panel by panel of columns, so that a panel of B stays
 * near while rows of A pass by. Where the lines of a panel lie far apart the first tile of rows stores them one after the
 * other as it goes, for the tiles below it; what cannot be loaded as vectors at all is laid out by `pack`. What is to
 * become of the sums of a tile is said by its finish. Rows and panels are split into nearly equal parts, so every tile is
 * one of at most four shapes. Tiles, finishes and all else over vectors are a kernel set's: `x->set` says which. */

/* A product as it lies in memory: how far each summed index goes, A by row and summed index, B by summed index. */
typedef struct {
    int n2, n1, n0;
    ptrdiff_t row, a2, a1, a0, b2, b1, b0;
} ONE(product);

struct ONE(set);
/* All that a phase needs: the call, and where a gradient goes: `whole` are a struct of parameters and two
 * like gradients, `to` and `state` the members of one; a gradient is stored in the second where the first is none. */
typedef struct ONE(task) {
    const struct ONE(set) *set;
    const two_layer_params *p;
    const two_layer_batch *b;
    real *w;
    real *whole[3], *to, *state[2];
    ptrdiff_t ld;
    int columns, wrong, outer[4], turn;
    const real *scalar;
    const two_layer_gradients *p_dot;
} ONE(task);

typedef void ONE(finish)(ONE(task) *x, int i, int j, int rows, int vectors, const void *c);

/* What a tile asks for that comes after it: a row of as many vectors as it has itself, every so many steps. */
typedef struct {
    const real *from;
    ptrdiff_t step;
    int every;
} ONE(ahead);

typedef void ONE(tile)(const ONE(product) *s, const real *a, const real *b, const ONE(ahead) *h, void *c);
typedef void ONE(packing_tile)(const ONE(product) *s, const real *a, const real *b, int left, real *to, void *c);

/* The optimizers, as a set has them. */
enum { ONE(sgd), ONE(momentum), ONE(averaged), ONE(adamw) };

/* What a kernel set is: the numbers of its vectors, the rows of A that are packed side by side, and its functions. */
typedef struct ONE(set) {
    int lanes, pitch;
    ONE(tile) *const *tiles;
    ONE(packing_tile) *const *packing;
    void (*pack_panel)(const ONE(product) *s, const real *from, ptrdiff_t column, int width, int left, real *to);
    void (*predicted)(ONE(task) *x), (*lost)(ONE(task) *x), (*pulled)(ONE(task) *x), (*given)(ONE(task) *x, ONE(finish) *finish);
    real (*magnitude)(const real *x, int rows, int columns, ptrdiff_t ld);
    ONE(finish) *updates[4];
} ONE(set);

#define LANES (x->set->lanes)
#define VECTORS(n) (((n) + LANES - 1) / LANES)
#define PITCH (x->set->pitch)
#define SUMS real c[56 * 64 / sizeof(real)] __attribute__((aligned(64)))

/* Tiles of one width: so many panels of so many vectors; rows in pieces of `high`, or of `low`, one less. Where
 * the rows vary by call, pieces of one are there too. The third of a product's are for the columns beside whole
 * vectors, and of one panel where these are turned. Tiles are numbers: addresses would have to be put in when
 * the library is loaded. */
typedef struct {
    int panels;
    short vectors, high, low, of_high, of_low, of_one, packs;
} ONE(kernel);

/* B is packed in panels of so many columns. */
static ALWAYS void ONE(in_panels)(ONE(product) *s, ptrdiff_t wide) { s->b0 = wide, s->b1 = s->n0 * wide, s->b2 = s->n1 * s->b1; }

/* All terms are in one row. */
static ALWAYS void ONE(in_line)(ONE(product) *s) { s->n0 *= s->n1 * s->n2, s->n1 = s->n2 = 1; }

/* The same where the steps of the outer sums go on from where the inner ones end. Made member by member: a copy in
 * vectors would wait for members that have just been written. */
static ONE(product) ONE(from_end)(const ONE(product) *s)
{
    return (ONE(product)){s->n2, s->n1, s->n0, s->row, s->a2 - s->n1 * s->a1, s->a1 - s->n0 * s->a0, s->a0,
                          s->b2 - s->n1 * s->b1, s->b1 - s->n0 * s->b0, s->b0};
}

/* The first row of a piece: all are nearly equal, or of one height but the last. */
static int ONE(first_row)(const ONE(kernel) *k, int rows, int pieces, int piece)
{
    return k->high == k->low ? SMALLER(piece * k->high, rows) : piece * rows / pieces;
}

/* Rows i to `end` of one panel; `a` is the first of them. Where fewer are left than a tile has it goes back over rows that
 * are done, and only the others are finished; where there are not so many, each row has a tile. */
static void ONE(piece)(const ONE(product) *s, const ONE(kernel) *k, const real *a, const real *b, int i, int end, int j,
                      const ONE(ahead) *h, ONE(finish) *finish, ONE(task) *x)
{
    SUMS;
    for (int rows; i < end; i += rows, a += rows * s->row) {
        const real *from = a;
        void *sums = c;
        int tile = k->of_high;
        rows = k->high;
        if (end - i < rows) {
            rows = SMALLER(end - i, k->low), tile = k->of_low;
            const int done = k->low - rows;
            if (done > i)
                rows = 1, tile = k->of_one;
            else
                from -= done * s->row, sums = c + done * k->vectors * LANES;
        }
        x->set->tiles[tile](s, from, b, h, c);
        finish(x, i, j, rows, k->vectors, sums);
    }
}

/* One panel of columns: its rows in nearly equal pieces, shared out among the threads. */
APART ONE(panel)(const ONE(product) *s, const ONE(kernel) *k, int rows, const real *a, const real *b, int shared, int j,
                      ONE(finish) *finish, ONE(task) *x)
{
    const ONE(ahead) h = {b, 0, s->n0};
    const int pieces = (rows + k->high - 1) / k->high;
    if (!shared) {
        for (int t = 0, i = 0, end; t < pieces; t++, i = end) {
            end = ONE(first_row)(k, rows, pieces, t + 1);
            ONE(piece)(s, k, a + i * s->row, b, i, end, j, &h, finish, x);
        }
        return;
    }
    SHARED_NOWAIT
    for (int t = 0; t < pieces; t++) {
        const int i = ONE(first_row)(k, rows, pieces, t), end = ONE(first_row)(k, rows, pieces, t + 1);
        ONE(piece)(s, k, a + i * s->row, b, i, end, j, &h, finish, x);
    }
}

/* The first column of a panel. */
static ALWAYS int ONE(first_column)(const ONE(task) *x, const ONE(kernel) *k, int panel)
{
    return LANES * (panel < k[0].panels ? panel * k[0].vectors
                                        : k[0].panels * k[0].vectors + (panel - k[0].panels) * k[1].vectors);
}

/* sum_k A[i,k] B[k,j] for rows i. Where B is packed its panels follow each other, each of all k; else it lies by
 * rows of k, padded to whole vectors. */
APART ONE(contract)(const ONE(product) *s, const ONE(kernel) *kernels, int rows, int columns, int packed, int shared,
                         const real *a, const real *b, ONE(finish) *finish, ONE(task) *x)
{
    const ptrdiff_t step = packed ? (ptrdiff_t)s->n2 * s->n1 * s->n0 : 1;
    int j = 0;
    for (int w = 0; w < 2 && kernels[w].panels; w++) {
        const int wide = kernels[w].vectors * LANES;
        const ONE(ahead) h = {b, 0, s->n0};
        ONE(product) near;
        if (packed)
            near = *s, ONE(in_panels)(&near, wide);
        const ONE(product) own = ONE(from_end)(packed ? &near : s);
        for (int t = 0; t < kernels[w].panels && j < columns; t++, j += wide)
            if (shared || rows > kernels[w].high)
                ONE(panel)(&own, &kernels[w], rows, a, b + j * step, shared, j, finish, x);
            else
                ONE(piece)(&own, &kernels[w], a, b + j * step, 0, rows, j, &h, finish, x);
    }
    if (shared) {
        BARRIER
    }
}

/* B[k,j] laid out in the panels that `contract` walks. */
APART ONE(pack)(const ONE(task) *x, const ONE(product) *s, const ONE(kernel) *kernels, const real *from, ptrdiff_t column,
                int columns, int shared, real *to)
{
    const int n = s->n2 * s->n1 * s->n0, panels = kernels[0].panels + kernels[1].panels;
    if (!shared) {
        for (int t = 0; t < panels; t++) {
            const int j = ONE(first_column)(x, kernels, t), width = kernels[t >= kernels[0].panels].vectors;
            x->set->pack_panel(s, from + j * column, column, width, columns - j, to + (ptrdiff_t)j * n);
        }
        return;
    }
    SHARED
    for (int t = 0; t < panels; t++) {
        const int j = ONE(first_column)(x, kernels, t), width = kernels[t >= kernels[0].panels].vectors;
        x->set->pack_panel(s, from + j * column, column, width, columns - j, to + (ptrdiff_t)j * n);
    }
}

/* A piece of A laid out as its tiles read it, like a panel: of each k the rows, one after the other. */
static void ONE(pack_rows)(const ONE(task) *x, const ONE(product) *s, const real *a, int left, real *to)
{
    ONE(product) across = *s;
    across.b2 = s->a2, across.b1 = s->a1, across.b0 = s->a0;
    x->set->pack_panel(&across, a, s->row, PITCH / LANES, left, to);
}

/* The few columns j beside whole vectors, of rows that lie side by side in A. */
static void ONE(rest_along)(const ONE(product) *s, const ONE(kernel) *k, int rows, int j, const real *a, const real *b,
                           ONE(finish) *finish, ONE(task) *x)
{
    const int vectors = rows / LANES, pieces = (vectors + k->high - 1) / k->high;
    SHARED_NOWAIT
    for (int t = 0; t < pieces; t++) {
        real c[96 * 64 / sizeof(real)] __attribute__((aligned(64)));
        const int v = t * k->high, done = LARGER(v + k->high - vectors, 0);
        x->set->tiles[k->of_high](s, a + (v - done) * LANES, b + j, 0, c);
        finish(x, v * LANES, j, (k->high - done) * LANES, 1, c + done * LANES * LANES);
    }
}

/* The few columns j beside whole vectors, where the terms of a row of A follow each other: so do those of B, once turned. */
static void ONE(rest_across)(const ONE(product) *s, const ONE(kernel) *k, int rows, int j, int columns, const real *a,
                            const real *b, real *turned, ONE(finish) *finish, ONE(task) *x)
{
    SHARED
    for (int l = 0; l < columns; l++) {
        const real *from = b + j + l;
        for (real *to = turned + l * s->n0, *end = to + s->n0; to < end; to++, from += s->b0)
            *to = *from;
    }
    const int pieces = (rows + k->high - 1) / k->high;
    SHARED_NOWAIT
    for (int t = 0; t < pieces; t++) {
        const int i = t * k->high;
        ONE(piece)(s, k, a + i * s->row, turned, i, SMALLER(i + k->high, rows), j, 0, finish, x);
    }
}

/* Where B stays near as a whole each piece of rows meets all its panels, so that what a finish reads and writes comes in
 * the order of memory. Where there is room for panels, both factors are packed. */
APART ONE(contract_rows)(const ONE(product) *s, const ONE(kernel) *kernels, int rows, int columns, const real *a,
                        const real *b, ptrdiff_t column, real *panels, ONE(finish) *finish, ONE(task) *x)
{
    const ptrdiff_t n = 1;
    int first = 0;
    for (int w = 0; w < 2 && kernels[w].panels; w++) {
        const ONE(kernel) *k = &kernels[w];
        const int pieces = (rows + k->high - 1) / k->high, wide = k->vectors * LANES, every = LARGER(1, s->n0 / k->high);
        ONE(product) near = *s;
        SHARED_NOWAIT
        for (int t = 0; t < pieces; t++) {
            const int i = ONE(first_row)(k, rows, pieces, t), end = ONE(first_row)(k, rows, pieces, t + 1);
            const real *own = a + i * s->row, *panel = b + first * n;
            for (int j = first, p = k->panels; p > 0; p--, j += wide, panel += wide * n) {
                const ONE(ahead) h = {x->to ? x->to + i * x->ld + SMALLER(j + wide, columns - 1) : own, x->to ? x->ld : 0, every};
                ONE(piece)(&near, k, own, panel, i, end, j, &h, finish, x);
            }
        }
        first += k->panels * wide;
    }
    if (kernels[2].vectors)
        ONE(rest_along)(s, &kernels[2], rows, first, a, b, finish, x);
    BARRIER
    (void)column, (void)panels;
}

/* A piece of `low` rows that packs the panel as it passes by. */
static void ONE(packing_piece)(const ONE(product) *s, const ONE(kernel) *k, const real *a, const real *b, int left,
                              real *panel, int i, int j, ONE(finish) *finish, ONE(task) *x)
{
    SUMS;
    const ONE(product) own = ONE(from_end)(s);
    x->set->packing[k->packs](&own, a, b, left, panel, c);
    finish(x, i, j, k->low, k->vectors, c);
}

/* One panel for the rows of some pieces: the first piece of `low` rows packs it, unless earlier pieces did. Where one tile
 * alone reads it, it reads it as it lies. */
static void ONE(packed_panel)(const ONE(product) *s, const ONE(kernel) *k, int rows, int from, int stop, const real *a,
                             const real *lines, const real *b, ptrdiff_t column, int left, real *panel, int packed, int j,
                             ONE(finish) *finish, ONE(task) *x)
{
    const int pieces = (rows + k->high - 1) / k->high, wide = k->vectors * LANES;
    const ptrdiff_t n = (ptrdiff_t)s->n2 * s->n1 * s->n0;
    const int once = pieces == 1 && (rows == 1 || rows >= k->low) && column == 1 && n == s->n0 && left >= wide;
    ONE(product) near = *s;
    if (lines)
        near.row = 1, near.a0 = PITCH;
    int packs = k->packs && !packed && !once ? from : stop;
    while (packs < stop && ONE(first_row)(k, rows, pieces, packs + 1) - ONE(first_row)(k, rows, pieces, packs) != k->low)
        packs++;
    if (packs < stop) {
        const int i = ONE(first_row)(k, rows, pieces, packs);
        ONE(packing_piece)(&near, k, lines ? lines + (packs - from) * n * PITCH : a + i * s->row, b, left, panel, i, j, finish, x);
    } else if (!packed && !once)
        x->set->pack_panel(s, b, column, k->vectors, left, panel);
    if (!once)
        ONE(in_line)(&near), ONE(in_panels)(&near, wide);
    const int others = LARGER(1, stop - from - 1);
    const ptrdiff_t there = left > wide, step = there * (column == 1 && !packed ? s->b0 : wide);
    const ptrdiff_t every = once ? n : LARGER(1, column == 1 || packed ? others : n * others / column);
    const real *next = packed ? panel + there * n * wide : b + there * wide * column;
    for (int t = from; t < stop; t++)
        if (t != packs) {
            const int i = ONE(first_row)(k, rows, pieces, t), end = ONE(first_row)(k, rows, pieces, t + 1);
            const ONE(ahead) h = {next, step, (int)every};
            ONE(piece)(&near, k, lines ? lines + (t - from) * n * PITCH : a + i * s->row, once ? b : panel, i, end, j, &h, finish, x);
            next += n / every * step;
        }
}

/* The last panels, fewer than there are threads: each is packed in a place of its own, and all threads share its rows. */
static void ONE(last_panels)(const ONE(product) *s, const ONE(kernel) *k, int rows, int from, int end, const real *a,
                            const real *lines, const real *b, ptrdiff_t column, int first, int columns, real *panels,
                            ONE(finish) *finish, ONE(task) *x)
{
    const int pieces = (rows + k->high - 1) / k->high, wide = k->vectors * LANES;
    ONE(product) near = *s;
    ONE(in_line)(&near);
    const ptrdiff_t n = near.n0;
    if (lines)
        near.row = 1, near.a0 = PITCH;
    ONE(in_panels)(&near, wide);
    SHARED
    for (int p = from; p < end; p++) {
        const int j = first + p * wide;
        x->set->pack_panel(s, b + j * column, column, k->vectors, columns - j, panels + (p - from) * n * wide);
    }
    SHARED_NOWAIT
    for (int t = 0; t < pieces; t++)
        for (int p = from; p < end; p++) {
            const int i = ONE(first_row)(k, rows, pieces, t), stop = ONE(first_row)(k, rows, pieces, t + 1);
            const real *own = lines ? lines + t * n * PITCH : a + i * s->row, *panel = panels + (p - from) * n * wide;
            const ONE(ahead) h = {panel, 0, (int)n};
            ONE(piece)(&near, k, own, panel, i, stop, first + p * wide, &h, finish, x);
        }
}

/* Where B is large, and its lines lie far apart or across: each thread has its panels, and one place for them. `most` rows of A
 * stay near while all panels pass by, and where there are more rows each panel keeps a place, of as many `at_once` as there is
 * room for; where steps of A lie apart too they are `packed`, or (2) were by the call before, which left them all there. */
APART ONE(contract_passing)(const ONE(product) *s, const ONE(kernel) *kernels, int rows, int columns, int most, int at_once,
                           int packed, const real *a, const real *b, ptrdiff_t column, real *panels, ONE(finish) *finish,
                           ONE(task) *x)
{
    const ptrdiff_t n = (ptrdiff_t)s->n2 * s->n1 * s->n0;
    const int groups = (rows + most - 1) / most;
    real *lines = packed ? panels + n * VECTORS(columns) * LANES : 0;
    int first = 0;
    for (int w = 0; w < 2 && kernels[w].panels; w++) {
        const ONE(kernel) *k = &kernels[w];
        const int pieces = (rows + k->high - 1) / k->high, wide = k->vectors * LANES;
        for (int begun = 0, end; begun < k->panels; begun = end) {
            end = SMALLER(k->panels, begun + at_once / wide);
            const int apart = groups > 1 ? end : begun + (end - begun) / THREADS * THREADS;
            for (int g = 0; g < groups; g++) {
                const int from = g * pieces / groups, stop = (g + 1) * pieces / groups;
                if (packed == 1 || (packed && (groups > 1 || kernels[1].panels))) {
                    SHARED
                    for (int t = from; t < stop; t++) {
                        const int i = ONE(first_row)(k, rows, pieces, t);
                        ONE(pack_rows)(x, s, a + i * s->row, rows - i, lines + (t - from) * n * PITCH);
                    }
                }
                SHARED_NOWAIT
                for (int p = begun; p < apart; p++) {
                    const int j = first + p * wide;
                    real *panel = panels + (groups > 1 ? p - begun : THREAD) * n * wide;
                    ONE(packed_panel)(s, k, rows, from, stop, a, lines, b + j * column, column, columns - j, panel, g > 0, j,
                                     finish, x);
                }
                if (apart < end)
                    ONE(last_panels)(s, k, rows, apart, end, a, lines, b, column, first, columns,
                                    panels + (apart - begun) * n * wide, finish, x);
                BARRIER
            }
        }
        first += k->panels * wide;
    }
    if (kernels[2].vectors && !kernels[2].panels)
        ONE(rest_along)(s, &kernels[2], rows, first, a, b, finish, x);
    if (kernels[2].panels)
        ONE(rest_across)(s, &kernels[2], rows, first, columns - first, a, b, panels, finish, x);
    if (kernels[2].vectors) {
        BARRIER
    }
}

/* Where a gradient goes. */
APART ONE(aim)(ONE(task) *x, size_t parameter, size_t gradient)
{
    x->to = x->whole[0] ? x->whole[0] + parameter / sizeof(real) : x->whole[1] + gradient / sizeof(real);
    for (int s = 0; s < 2; s++)
        x->state[s] = x->whole[s + 1] ? x->whole[s + 1] + gradient / sizeof(real) : 0;
}

/* A gradient, or a part of it, stored. */
APART ONE(store)(ONE(task) *x, int i, int j, int rows, int vectors, const void *sums)
{
    const real *c = sums;
    const int wide = vectors * LANES, columns = SMALLER(wide, x->columns - j);
    for (int r = 0; r < rows; r++)
        memcpy(x->to + (i + r) * x->ld + j, c + r * wide, (size_t)columns * sizeof(real));
}

/* Whether a gradient is finite; it is computed for that alone where its operands are so large that it may not be. */
APART ONE(check)(ONE(task) *x, int i, int j, int rows, int vectors, const void *sums)
{
    const real *c = sums;
    const int wide = vectors * LANES, columns = SMALLER(wide, x->columns - j);
    (void)i;
    for (int r = 0; r < rows; r++)
        for (int l = 0; l < columns; l++)
            if (!(c[r * wide + l] - c[r * wide + l] == 0))
                x->wrong = 1;
}

/* ---- The equations that are no more than a call of what is above. */

/* A1[i,j] = sum_{q<n} X[i,q] W1[q,j]
   Z2[i,j] = where(A1[i,j] > 0, A1[i,j], 0) */
APART ONE(Z2)(ONE(task) *x, const ONE(kernel) *kernels, ONE(finish) *finish)
{
    const two_layer_batch *b = x->b;
    const real *W1 = &x->p->W1[0][0];
    const real *X = &x->b->X[0][0];
    real *panels = x->w + PANELS_Z2;
    const ONE(product) s = {1, 1, N, N, 0, 0, 1, 0, 0, D};
    ONE(contract_passing)(&s, kernels, b->m, D, 334, VECTORS(D) * LANES, 0, X, W1, 1, panels, finish,
            x);
}

/* H[i,j] = sum_{q<d} Z2[i,q] W2[q,j] */
APART ONE(H)(ONE(task) *x, const ONE(kernel) *kernels, ONE(finish) *finish)
{
    const two_layer_batch *b = x->b;
    const real *W2 = &x->p->W2[0][0];
    real *Z2 = x->w + AT_Z2;
    real *panels = x->w + PANELS_H;
    const ONE(product) s = {1, 1, D, PAD(D), 0, 0, 1, 0, 0, K};
    ONE(contract_passing)(&s, kernels, b->m, K, 2621, VECTORS(K) * LANES, 0, Z2, W2, 1, panels,
            finish, x);
}

/* W2_bar[q,j] = sum_{i<m} Z2[i,q] H_bar[i,j] */
APART ONE(W2_bar)(ONE(task) *x, const ONE(kernel) *kernels, ONE(finish) *finish)
{
    const two_layer_batch *b = x->b;
    real *Z2 = x->w + AT_Z2;
    real *H_bar = x->w + AT_H_bar;
    const ONE(product) s = {1, 1, b->m, 1, 0, 0, PAD(D), 0, 0, PAD(K)};
    x->ld = x->columns = K;
    ONE(contract_rows)(&s, kernels, D, K, Z2, H_bar, 1, 0, finish, x);
}

/* A1_bar[i,j] = where(Z2[i,j] > 0, sum_{q<k} H_bar[i,q] W2[j,q], 0) */
APART ONE(A1_bar)(ONE(task) *x, const ONE(kernel) *kernels, ONE(finish) *finish)
{
    const two_layer_batch *b = x->b;
    const real *W2 = &x->p->W2[0][0];
    real *H_bar = x->w + AT_H_bar;
    real *panels = x->w + PANELS_A1_bar;
    const ONE(product) s = {1, 1, K, PAD(K), 0, 0, 1, 0, 0, 1};
    ONE(contract_passing)(&s, kernels, b->m, D, 26214, VECTORS(D) * LANES, 0, H_bar, W2, K, panels,
            finish, x);
}

/* W1_bar[q,j] = sum_{i<m} X[i,q] A1_bar[i,j] */
APART ONE(W1_bar)(ONE(task) *x, const ONE(kernel) *kernels, ONE(finish) *finish)
{
    const two_layer_batch *b = x->b;
    const real *X = &x->b->X[0][0];
    real *A1_bar = x->w + AT_A1_bar;
    const ONE(product) s = {1, 1, b->m, 1, 0, 0, N, 0, 0, PAD(D)};
    x->ld = x->columns = D;
    ONE(contract_rows)(&s, kernels, N, D, X, A1_bar, 1, 0, finish, x);
}

/* Z2_dot[i,j] = where(Z2[i,j] > 0, sum_{q<n} X[i,q] W1_dot[q,j], 0) */
APART ONE(Z2_dot)(ONE(task) *x, const ONE(kernel) *kernels, ONE(finish) *finish)
{
    const two_layer_batch *b = x->b;
    const real *W1_dot = &x->p_dot->W1[0][0];
    const real *X = &x->b->X[0][0];
    real *panels = x->w + PANELS_Z2_dot;
    const ONE(product) s = {1, 1, N, N, 0, 0, 1, 0, 0, D};
    ONE(contract_passing)(&s, kernels, b->m, D, 334, VECTORS(D) * LANES, 0, X, W1_dot, 1, panels,
            finish, x);
}

/* ---- The functions of the interface. */

static void ONE(forward)(const ONE(set) *set, const two_layer_params *p, const two_layer_batch *b, real *w, real *to)
{
    PARALLEL
    {
        ONE(task) x = {.set = set, .p = p, .b = b, .w = w};
        set->predicted(&x);
    }
    if (to)
        for (int i = 0; i < b->m; i++)
            memcpy(to + (ptrdiff_t)i * K, w + AT_H + i * PAD(K), K * sizeof(real));
}

static void ONE(loss)(const ONE(set) *set, const two_layer_params *p, const two_layer_batch *b, real *w)
{
    PARALLEL
    {
        ONE(task) x = {.set = set, .p = p, .b = b, .w = w};
        set->lost(&x);
    }
}

static void ONE(vjp)(const ONE(set) *set, const two_layer_params *p, const two_layer_batch *b, real *w, two_layer_gradients *p_bar)
{
    PARALLEL
    {
        ONE(task) x = {.set = set, .p = p, .b = b, .w = w, .whole = {0, (real *)p_bar, 0}};
        set->pulled(&x);
        set->given(&x, ONE(store));
    }
}

enum { MOST_Z2, MOST_H_bar, MOST_X, MOST_A1_bar, MOSTS };

/* The largest magnitude of a thread's share of some rows, or of one. */
static real ONE(share)(const ONE(task) *x, const real *from, ptrdiff_t rows, int columns, ptrdiff_t ld)
{
    const ptrdiff_t n = rows > 1 ? rows : columns, first = n * THREAD / THREADS, own = n * (THREAD + 1) / THREADS - first;
    return rows > 1 ? x->set->magnitude(from + first * ld, (int)own, columns, ld) : x->set->magnitude(from + first, 1, (int)own, 0);
}

/* The largest magnitudes of what gradients are made of, and of those in the arena; NaN where one is. */
static void ONE(measure)(const ONE(task) *x, real *most)
{
    const two_layer_batch *b = x->b;
    const real *X = &x->b->X[0][0];
    real *Z2 = x->w + AT_Z2;
    real *H_bar = x->w + AT_H_bar;
    real *A1_bar = x->w + AT_A1_bar;
    const real own[MOSTS] = {
        [MOST_Z2] = ONE(share)(x, Z2, b->m, D, PAD(D)),
        [MOST_H_bar] = ONE(share)(x, H_bar, b->m, K, PAD(K)),
        [MOST_X] = ONE(share)(x, X, b->m, N, N),
        [MOST_A1_bar] = ONE(share)(x, A1_bar, b->m, D, PAD(D)),
    };
    CRITICAL
    for (int k = 0; k < MOSTS; k++)
        if (own[k] > most[k] || own[k] != own[k])
            most[k] = own[k];
}

/* Whether loss and gradients are finite for sure: those in the arena are looked at; a sum of n products is,
 * where n times the largest of each factor is far from the largest number. */
static int ONE(bounded)(const ONE(task) *x, const real *most)
{
    const two_layer_batch *b = x->b;
    real *L = x->w + AT_L;
    if (!(*L - *L == 0))
        return 0;
    if (!(most[MOST_Z2] * most[MOST_H_bar] * (real)b->m <= REAL_MAX / 4))
        return 0;
    if (!(most[MOST_X] * most[MOST_A1_bar] * (real)b->m <= REAL_MAX / 4))
        return 0;
    return 1;
}

/* Loss, gradients, and where both are finite the step of an optimizer. */
static int ONE(step)(const ONE(set) *set, two_layer_params *p, const two_layer_batch *b, real *w, two_layer_gradients *const *state, const real *scalar,
                    ONE(finish) *finish)
{
    int code = TWO_LAYER_OK, wrong = 0;
    real most[MOSTS] = {0};
    PARALLEL
    {
        ONE(task) x = {.set = set, .p = p, .b = b, .w = w, .whole = {(real *)p, (real *)state[0], (real *)state[1]}, .scalar = scalar};
        set->lost(&x);
        set->pulled(&x);
        ONE(measure)(&x, most);
        BARRIER
        int finite = ONE(bounded)(&x, most);
        if (!finite) {
            set->given(&x, ONE(check));
            if (x.wrong) {
                ATOMIC
                wrong |= x.wrong;
            }
            BARRIER
            finite = !wrong && w[AT_L] - w[AT_L] == 0;
        }
        if (finite)
            set->given(&x, finish);
        else {
            SERIAL
            code = TWO_LAYER_NONFINITE;
        }
    }
    return code;
}

#ifndef __clang__
#pragma GCC pop_options
#endif
#undef LANES
#undef VECTORS
#undef PITCH

/* Each kernel set is this file again, its other part, for vectors of another width. What is not part of a training
 * step is there once, for the narrowest. */
#if (defined(__x86_64__)) && (!defined(TWO_LAYER_SET) || TWO_LAYER_SET == 1)
#define SET avx512
#define SET_avx512
#define WIDTH 64
#define SMALL 0
#undef RARELY
#define RARELY static ALWAYS
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("arch=x86-64-v4"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("arch=x86-64-v4")
#endif
#include "two_layer_tuned.c"
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#undef SET
#undef SET_avx512
#undef WIDTH
#undef SMALL
#endif
#if (defined(__x86_64__)) && (!defined(TWO_LAYER_SET) || TWO_LAYER_SET == 2)
#define SET avx2
#define SET_avx2
#define WIDTH 32
#define SMALL 0
#undef RARELY
#define RARELY static ALWAYS
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("arch=x86-64-v3"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("arch=x86-64-v3")
#endif
#include "two_layer_tuned.c"
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#undef SET
#undef SET_avx2
#undef WIDTH
#undef SMALL
#endif
#if (defined(__x86_64__))
#define SET sse2
#define SET_sse2
#define WIDTH 16
#define SMALL 1
#define COLD
#undef RARELY
#define RARELY static __attribute__((noinline, unused))
#ifndef __clang__
#pragma GCC push_options
#pragma GCC optimize("Og", "align-functions=1", "align-jumps=1", "align-loops=1", "align-labels=1")
#endif
#include "two_layer_tuned.c"
#ifndef __clang__
#pragma GCC pop_options
#endif
#undef SET
#undef SET_sse2
#undef WIDTH
#undef SMALL
#define two_layer_jvp_cold two_layer_jvp_sse2
#undef COLD
#endif
#if (defined(__aarch64__))
#define SET neon
#define SET_neon
#define WIDTH 16
#define SMALL 0
#define COLD
#undef RARELY
#define RARELY static ALWAYS
#include "two_layer_tuned.c"
#undef SET
#undef SET_neon
#undef WIDTH
#undef SMALL
#define two_layer_jvp_cold two_layer_jvp_neon
#undef COLD
#endif
#if (!defined(__x86_64__) && !defined(__aarch64__))
#define SET plain
#define SET_plain
#define WIDTH 16
#define SMALL 0
#define COLD
#undef RARELY
#define RARELY static ALWAYS
#include "two_layer_tuned.c"
#undef SET
#undef SET_plain
#undef WIDTH
#undef SMALL
#define two_layer_jvp_cold two_layer_jvp_plain
#undef COLD
#endif

#if defined(__x86_64__) && !defined(TWO_LAYER_SET)
/* The widest set whose target the processor has in full, and whose registers the system saves (XCR0). */
static const ONE(set) *two_layer_widest(void)
{
    const unsigned first = bit_FMA | bit_MOVBE | bit_OSXSAVE | bit_AVX | bit_F16C;
    unsigned a, b, c, d, saved;
    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & first) != first)
        return &two_layer_set_sse2;
    if (!__get_cpuid(0x80000001, &a, &b, &c, &d) || !(c & bit_LZCNT) || !__get_cpuid_count(7, 0, &a, &b, &c, &d))
        return &two_layer_set_sse2;

    __asm__ volatile("xgetbv" : "=a"(saved), "=d"(d) : "c"(0));
    const unsigned avx512 = bit_AVX2 | bit_BMI | bit_BMI2 | bit_AVX512F | bit_AVX512DQ | bit_AVX512CD | bit_AVX512BW | bit_AVX512VL;
    if ((b & avx512) == avx512 && (saved & 0xe6) == 0xe6)
        return &two_layer_set_avx512;
    const unsigned avx2 = bit_AVX2 | bit_BMI | bit_BMI2;
    if ((b & avx2) == avx2 && (saved & 0x6) == 0x6)
        return &two_layer_set_avx2;
    return &two_layer_set_sse2;
}

/* The same, asked once for a workspace, as a virtual machine takes microseconds to answer: its last bytes hold the
 * address of the set. Whatever else they hold, as where nobody has written to yet, is the address of none. */
static const ONE(set) *two_layer_chosen(two_layer_workspace *w)
{
    unsigned char *const last = (unsigned char *)(w + 1) - sizeof(uintptr_t);
    uintptr_t set;
    memcpy(&set, last, sizeof set);
    if (set == (uintptr_t)&two_layer_set_avx512)
        return &two_layer_set_avx512;
    if (set == (uintptr_t)&two_layer_set_avx2)
        return &two_layer_set_avx2;
    if (set == (uintptr_t)&two_layer_set_sse2)
        return &two_layer_set_sse2;

    const ONE(set) *const widest = two_layer_widest();
    set = (uintptr_t)widest;
    memcpy(last, &set, sizeof set);
    return widest;
}
#else
/* The only set, or the one that was asked for. */
static const ONE(set) *two_layer_chosen(two_layer_workspace *w)
{
    (void)w;
#if (defined(__x86_64__)) && TWO_LAYER_SET == 1
    return &two_layer_set_avx512;
#endif
#if (defined(__x86_64__)) && TWO_LAYER_SET == 2
    return &two_layer_set_avx2;
#endif
#if (defined(__x86_64__))
    return &two_layer_set_sse2;
#endif
#if (defined(__aarch64__))
    return &two_layer_set_neon;
#endif
#if (!defined(__x86_64__) && !defined(__aarch64__))
    return &two_layer_set_plain;
#endif
}
#endif

/* What checks and hands on, initializes and saves is no part of the time of a step. */
#ifndef __clang__
#pragma GCC push_options
#pragma GCC optimize("Os")
#endif

/* The finaliser of SplitMix64: Steele, Lea, Flood, OOPSLA 2014. */
static uint64_t two_layer_mix(uint64_t z)
{
    z += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* Normal with deviation scale: a sum of twelve uniforms has mean 6 and variance 1. */
static void two_layer_normal(real *x, size_t count, uint64_t key, double scale)
{
    for (size_t e = 0; e < count; e++) {
        uint64_t s = 0;
        for (uint64_t j = 0; j < 12; j++)
            s += two_layer_mix(key + 16 * (uint64_t)e + j) >> 32;
        x[e] = (real)(((double)s - 6 * 0x1p32) * 0x1p-32 * scale);
    }
}

void two_layer_init(two_layer_params *p, uint64_t seed)
{
    const uint64_t key = two_layer_mix(seed);

    two_layer_normal(&p->W1[0][0], sizeof p->W1 / sizeof(real), two_layer_mix(key + 0), sqrt(2.0 / N));
    two_layer_normal(&p->W2[0][0], sizeof p->W2 / sizeof(real), two_layer_mix(key + 1), sqrt(1.0 / D));
}

static int two_layer_check_batch(const two_layer_batch *b)
{
    if (b->m < 1 || b->m > TWO_LAYER_M)
        return TWO_LAYER_BATCH;
    return TWO_LAYER_OK;
}

static int two_layer_check(const two_layer_batch *b)
{
    const int code = two_layer_check_batch(b);
    if (code != TWO_LAYER_OK)
        return code;
    if (!b->y)
        return TWO_LAYER_LABEL;
    for (int i = 0; i < b->m; i++)
        if (b->y[i] < 0 || b->y[i] >= K)
            return TWO_LAYER_LABEL;
    return TWO_LAYER_OK;
}

int two_layer_forward(const two_layer_params *p, const two_layer_batch *b, two_layer_workspace *w,
                      two_layer_real *H)
{
    const int code = two_layer_check_batch(b);
    if (code == TWO_LAYER_OK)
        ONE(forward)(two_layer_chosen(w), p, b, two_layer_arena(w), H);
    return code;
}

int two_layer_loss(const two_layer_params *p, const two_layer_batch *b, two_layer_workspace *w,
                   two_layer_real *L)
{
    const int code = two_layer_check(b);
    if (code != TWO_LAYER_OK)
        return code;

    ONE(loss)(two_layer_chosen(w), p, b, two_layer_arena(w));
    *L = two_layer_arena(w)[AT_L];
    return TWO_LAYER_OK;
}

int two_layer_vjp(const two_layer_params *p, const two_layer_batch *b, two_layer_workspace *w,
                  two_layer_real L_bar, two_layer_gradients *p_bar)
{
    const int code = two_layer_check(b);
    if (code != TWO_LAYER_OK)
        return code;

    two_layer_arena(w)[AT_L_bar] = L_bar;
    ONE(vjp)(two_layer_chosen(w), p, b, two_layer_arena(w), p_bar);
    return TWO_LAYER_OK;
}

int two_layer_jvp(const two_layer_params *p, const two_layer_gradients *p_dot, const two_layer_batch *b,
                  two_layer_workspace *w, two_layer_real *L, two_layer_real *L_dot)
{
    const int code = two_layer_check(b);
    if (code != TWO_LAYER_OK)
        return code;

    two_layer_jvp_cold(p, p_dot, b, two_layer_arena(w));
    *L = two_layer_arena(w)[AT_L];
    *L_dot = two_layer_arena(w)[AT_L_dot];
    return TWO_LAYER_OK;
}

int two_layer_predict(const two_layer_params *p, const two_layer_batch *b, two_layer_workspace *w,
                      int32_t *labels)
{
    const int code = two_layer_check_batch(b);
    if (code != TWO_LAYER_OK)
        return code;

    real *H = two_layer_arena(w) + AT_H;
    ONE(forward)(two_layer_chosen(w), p, b, two_layer_arena(w), 0);
    for (int i = 0; i < b->m; i++, H += PAD(K)) {
        int best = 0;
        for (int j = 1; j < K; j++)
            best = H[j] > H[best] ? j : best;
        labels[i] = best;
    }
    return TWO_LAYER_OK;
}

/* What all steps have in common: labels that are none are refused, and a loss is given where there was a step. */
static int two_layer_stepped(two_layer_params *p, const two_layer_batch *b, two_layer_workspace *w, two_layer_gradients *const *state, const real *scalar,
                           int update, real *L)
{
    int code = two_layer_check(b);
    if (code != TWO_LAYER_OK)
        return code;

    const ONE(set) *set = two_layer_chosen(w);
    real *arena = two_layer_arena(w);
    arena[AT_L_bar] = 1;
    code = ONE(step)(set, p, b, arena, state, scalar, set->updates[update]);
    if (code == TWO_LAYER_OK)
        *L = arena[AT_L];
    return code;
}

int two_layer_sgd_step(two_layer_params *p, const two_layer_batch *b, two_layer_workspace *w, two_layer_real lr,
                       two_layer_real weight_decay, two_layer_real *L)
{
    const real scalar[] = {lr, weight_decay};
    return two_layer_stepped(p, b, w, (two_layer_gradients *const[2]){0}, scalar, ONE(sgd), L);
}

int two_layer_momentum_step(two_layer_params *p, two_layer_gradients *v, const two_layer_batch *b,
                            two_layer_workspace *w, two_layer_real lr, two_layer_real mu,
                            two_layer_real weight_decay, two_layer_real *L)
{
    const real scalar[] = {lr, mu, weight_decay};
    return two_layer_stepped(p, b, w, (two_layer_gradients *const[2]){v}, scalar, ONE(momentum), L);
}

int two_layer_averaged_step(two_layer_params *p, two_layer_gradients *u, const two_layer_batch *b,
                            two_layer_workspace *w, two_layer_real lr, two_layer_real mu,
                            two_layer_real weight_decay, two_layer_real *L)
{
    const real scalar[] = {lr, mu, weight_decay};
    return two_layer_stepped(p, b, w, (two_layer_gradients *const[2]){u}, scalar, ONE(averaged), L);
}

int two_layer_adamw_step(two_layer_params *p, two_layer_gradients *m, two_layer_gradients *s,
                         const two_layer_batch *b, two_layer_workspace *w, two_layer_real lr,
                         two_layer_real beta1, two_layer_real beta2, two_layer_real eps, two_layer_real t,
                         two_layer_real weight_decay, two_layer_real *L)
{
    const real c1 = 1 - POW(beta1, t);
    const real c2 = 1 - POW(beta2, t);
    const real scalar[] = {lr, beta1, beta2, eps, t, weight_decay, c1, c2};
    return two_layer_stepped(p, b, w, (two_layer_gradients *const[2]){m, s}, scalar, ONE(adamw), L);
}

/* A checkpoint is eight bytes of length, a header of text, and the parameters, all little-endian (safetensors).
 * The header is spelled out letter by letter: to be counted, written, or compared with one that exists. */
typedef struct {
    unsigned char *to;
    const unsigned char *same;
    size_t n;
    int differs;
} two_layer_header;

#ifdef TWO_LAYER_DOUBLE
typedef uint64_t two_layer_bits;
#define DTYPE "F64"
#else
typedef uint32_t two_layer_bits;
#define DTYPE "F32"
#endif

static void two_layer_text(two_layer_header *h, const char *text)
{
    for (; *text; text++, h->n++) {
        if (h->to)
            h->to[h->n] = (unsigned char)*text;
        if (h->same && h->same[h->n] != (unsigned char)*text)
            h->differs = 1;
    }
}

static void two_layer_number(two_layer_header *h, size_t value)
{
    char digits[24] = {0};
    size_t start = sizeof digits - 1;
    do
        digits[--start] = (char)('0' + value % 10);
    while (value /= 10);
    two_layer_text(h, &digits[start]);
}

static void two_layer_spell(two_layer_header *h)
{
    static const struct {
        const char *name;
        size_t shape[2], rank, start, end;
    } tensors[] = {
        {"W1", {N, D}, 2, offsetof(two_layer_params, W1), offsetof(two_layer_params, W1) + sizeof((two_layer_params *)0)->W1},
        {"W2", {D, K}, 2, offsetof(two_layer_params, W2), offsetof(two_layer_params, W2) + sizeof((two_layer_params *)0)->W2},
    };
    for (size_t t = 0; t < sizeof tensors / sizeof tensors[0]; t++) {
        two_layer_text(h, t ? ",\"" : "{\"");
        two_layer_text(h, tensors[t].name);
        two_layer_text(h, "\":{\"dtype\":\"" DTYPE "\",\"shape\":[");
        for (size_t a = 0; a < tensors[t].rank; a++) {
            two_layer_text(h, a ? "," : "");
            two_layer_number(h, tensors[t].shape[a]);
        }
        two_layer_text(h, "],\"data_offsets\":[");
        two_layer_number(h, tensors[t].start);
        two_layer_text(h, ",");
        two_layer_number(h, tensors[t].end);
        two_layer_text(h, "]}");
    }
    two_layer_text(h, "}");
    while (h->n % 8)
        two_layer_text(h, " ");
}

size_t two_layer_save(const two_layer_params *p, void *buffer, size_t size)
{
    const real *x = (const real *)p;
    unsigned char *to = buffer;
    two_layer_header h = {0};
    two_layer_spell(&h);
    if (size < 8 + h.n + sizeof *p)
        return 8 + h.n + sizeof *p;

    for (int i = 0; i < 8; i++)
        to[i] = (unsigned char)(((uint64_t)h.n >> (8 * i)) & 255);
    h = (two_layer_header){.to = to + 8};
    two_layer_spell(&h);
    to += 8 + h.n;
    for (size_t e = 0; e < sizeof *p / sizeof *x; e++) {
        two_layer_bits bits;
        memcpy(&bits, &x[e], sizeof bits);
        for (size_t i = 0; i < sizeof bits; i++)
            *to++ = (unsigned char)((bits >> (8 * i)) & 255);
    }
    return 8 + h.n + sizeof *p;
}

int two_layer_load(two_layer_params *p, const void *buffer, size_t size)
{
    const unsigned char *from = buffer;
    real *x = (real *)p;
    uint64_t length = 0;
    two_layer_header h = {0};
    two_layer_spell(&h);
    if (size != 8 + h.n + sizeof *p)
        return TWO_LAYER_FORMAT;

    for (int i = 0; i < 8; i++)
        length |= (uint64_t)from[i] << (8 * i);
    h = (two_layer_header){.same = from + 8};
    two_layer_spell(&h);
    if (length != h.n || h.differs)
        return TWO_LAYER_FORMAT;

    from += 8 + h.n;
    for (size_t e = 0; e < sizeof *p / sizeof *x; e++) {
        two_layer_bits bits = 0;
        for (size_t i = 0; i < sizeof bits; i++)
            bits |= (two_layer_bits)*from++ << (8 * i);
        memcpy(&x[e], &bits, sizeof bits);
    }
    return TWO_LAYER_OK;
}

size_t two_layer_params_bytes(void) { return sizeof(two_layer_params); }
size_t two_layer_gradients_bytes(void) { return sizeof(two_layer_gradients); }
size_t two_layer_workspace_bytes(void) { return sizeof(two_layer_workspace); }
size_t two_layer_real_bytes(void) { return sizeof(real); }
int two_layer_max_batch(void) { return TWO_LAYER_M; }
#ifndef __clang__
#pragma GCC pop_options
#endif
#else
/* ---- One width of vectors: its instructions. */
#undef fma_
#undef scale_
#undef min_
#undef max_
#undef sqrt_
#undef nan_
#undef first_
#undef put_first_
#undef more_
#undef select_
#undef PITCH_ROWS
#if defined(SET_avx512) && !defined(TWO_LAYER_DOUBLE)
#ifdef __clang__
#define fma_(a, b, c) __builtin_ia32_vfmaddps512_mask(a, b, c, (unsigned short)-1, 4)
#else
#define fma_(a, b, c) __builtin_ia32_vfmaddps512_mask(a, b, c, -1, 4)
#endif
#ifdef __clang__
#define scale_(p, k) __builtin_ia32_scalefps512_mask(p, k, p, (unsigned short)-1, 4)
#else
#define scale_(p, k) __builtin_ia32_scalefps512_mask(p, k, p, -1, 4)
#endif
#ifdef __clang__
#define min_(a, b) __builtin_ia32_minps512(a, b, 4)
#else
#define min_(a, b) __builtin_ia32_minps512_mask(a, b, a, -1, 4)
#endif
#ifdef __clang__
#define max_(a, b) __builtin_ia32_maxps512(a, b, 4)
#else
#define max_(a, b) __builtin_ia32_maxps512_mask(a, b, a, -1, 4)
#endif
#ifdef __clang__
#define sqrt_(a) __builtin_ia32_sqrtps512(a, 4)
#else
#define sqrt_(a) __builtin_ia32_sqrtps512_mask(a, a, -1, 4)
#endif
#define nan_(a) __builtin_ia32_cmpps512_mask(a, a, 3, (unsigned short)-1, 4)
#define first_(x, n) __builtin_ia32_loadups512_mask((const void *)(x), (vec){0}, (unsigned short)((1u << LARGER(n, 0)) - 1))
#define put_first_(x, v, n) __builtin_ia32_storeups512_mask((void *)(x), v, (unsigned short)((1u << LARGER(n, 0)) - 1))
#ifdef __clang__
#define more_(a, b) (((a) & ((a) > (b))) | ((b) & ~((a) > (b))))
#else
#define more_(a, b) __builtin_ia32_pmaxsd512_mask(a, b, a, (unsigned short)-1)
#endif
#define PITCH_ROWS 14
#elif defined(SET_avx512) && defined(TWO_LAYER_DOUBLE)
#define fma_(a, b, c) __builtin_ia32_vfmaddpd512_mask(a, b, c, (unsigned char)-1, 4)
#define scale_(p, k) __builtin_ia32_scalefpd512_mask(p, k, p, (unsigned char)-1, 4)
#ifdef __clang__
#define min_(a, b) __builtin_ia32_minpd512(a, b, 4)
#else
#define min_(a, b) __builtin_ia32_minpd512_mask(a, b, a, (unsigned char)-1, 4)
#endif
#ifdef __clang__
#define max_(a, b) __builtin_ia32_maxpd512(a, b, 4)
#else
#define max_(a, b) __builtin_ia32_maxpd512_mask(a, b, a, (unsigned char)-1, 4)
#endif
#ifdef __clang__
#define sqrt_(a) __builtin_ia32_sqrtpd512(a, 4)
#else
#define sqrt_(a) __builtin_ia32_sqrtpd512_mask(a, a, -1, 4)
#endif
#define nan_(a) __builtin_ia32_cmppd512_mask(a, a, 3, (unsigned char)-1, 4)
#define first_(x, n) __builtin_ia32_loadupd512_mask((const void *)(x), (vec){0}, (unsigned char)((1u << LARGER(n, 0)) - 1))
#define put_first_(x, v, n) __builtin_ia32_storeupd512_mask((void *)(x), v, (unsigned char)((1u << LARGER(n, 0)) - 1))
#define PITCH_ROWS 14
#elif defined(SET_avx2) && !defined(TWO_LAYER_DOUBLE)
#define fma_(a, b, c) __builtin_ia32_vfmaddps256(a, b, c)
#define min_(a, b) __builtin_ia32_minps256(a, b)
#define max_(a, b) __builtin_ia32_maxps256(a, b)
#define sqrt_(a) __builtin_ia32_sqrtps256(a)
#define nan_(a) __builtin_ia32_movmskps256((vec)((a) != (a)))
#define select_(m, a, b) __builtin_ia32_blendvps256(b, a, (vec)(m))
#define first_(x, n) __builtin_ia32_maskloadps256((const void *)(x), FN(lane)() < every(n))
#ifdef __clang__
#define more_(a, b) (((a) & ((a) > (b))) | ((b) & ~((a) > (b))))
#else
#define more_(a, b) __builtin_ia32_pmaxsd256(a, b)
#endif
#define PITCH_ROWS 6
#elif defined(SET_avx2) && defined(TWO_LAYER_DOUBLE)
#define fma_(a, b, c) __builtin_ia32_vfmaddpd256(a, b, c)
#define min_(a, b) __builtin_ia32_minpd256(a, b)
#define max_(a, b) __builtin_ia32_maxpd256(a, b)
#define sqrt_(a) __builtin_ia32_sqrtpd256(a)
#define nan_(a) __builtin_ia32_movmskpd256((vec)((a) != (a)))
#define select_(m, a, b) __builtin_ia32_blendvpd256(b, a, (vec)(m))
#define first_(x, n) __builtin_ia32_maskloadpd256((const void *)(x), FN(lane)() < every(n))
#define PITCH_ROWS 6
#elif defined(SET_sse2) && !defined(TWO_LAYER_DOUBLE)
#define fma_(a, b, c) ((a) * (b) + (c))
#define min_(a, b) __builtin_ia32_minps(a, b)
#define max_(a, b) __builtin_ia32_maxps(a, b)
#define sqrt_(a) __builtin_ia32_sqrtps(a)
#define nan_(a) __builtin_ia32_movmskps((vec)((a) != (a)))
#define PITCH_ROWS 6
#elif defined(SET_sse2) && defined(TWO_LAYER_DOUBLE)
#define fma_(a, b, c) ((a) * (b) + (c))
#define min_(a, b) __builtin_ia32_minpd(a, b)
#define max_(a, b) __builtin_ia32_maxpd(a, b)
#define sqrt_(a) __builtin_ia32_sqrtpd(a)
#define nan_(a) __builtin_ia32_movmskpd((vec)((a) != (a)))
#define PITCH_ROWS 6
#elif defined(SET_neon) && !defined(TWO_LAYER_DOUBLE)
#ifdef __clang__
#define fma_(a, b, c) FN(fused)(a, b, c)
#else
#define fma_(a, b, c) __builtin_aarch64_fmav4sf(a, b, c)
#endif
#define PITCH_ROWS 14
#elif defined(SET_neon) && defined(TWO_LAYER_DOUBLE)
#ifdef __clang__
#define fma_(a, b, c) FN(fused)(a, b, c)
#else
#define fma_(a, b, c) __builtin_aarch64_fmav2df(a, b, c)
#endif
#define PITCH_ROWS 14
#elif defined(SET_plain) && !defined(TWO_LAYER_DOUBLE)
#define fma_(a, b, c) ((a) * (b) + (c))
#define PITCH_ROWS 6
#elif defined(SET_plain) && defined(TWO_LAYER_DOUBLE)
#define fma_(a, b, c) ((a) * (b) + (c))
#define PITCH_ROWS 6
#endif
/* ---- Kernels --------------------------------------------------------------------------------------------
 * A contraction C[i,j] = sum_k A[i,k] B[k,j] is cut into tiles of a few rows i and a few vectors of columns j. The
 * sums of one tile stay in named registers while k runs: each step loads the vectors of B, sends each A[i,k] to
 * all lanes, and does one fused multiply-add for each pair. `contract` walks the tiles panel by panel of
 * columns, so that a panel of B stays near while rows of A pass by. Where the lines of a panel lie far apart the
 * first tile of rows stores them one after the other as it goes, for the tiles below it; what cannot be loaded as
 * vectors at all is laid out by `pack`. What is to become of the sums of a tile is said by its finish.
 * Rows and panels are split into nearly equal parts, so every tile is one of at most four shapes. */

typedef real FN(lanes) __attribute__((vector_size(WIDTH)));
typedef real FN(anywhere) __attribute__((vector_size(WIDTH), aligned(sizeof(real)), may_alias));
typedef word FN(masks) __attribute__((vector_size(WIDTH)));
#ifndef LANES
#define vec FN(lanes)
#define ivec FN(masks)
#define LANES ((int)(WIDTH / sizeof(real)))
#define VECTORS(n) (((n) + LANES - 1) / LANES)
#define all(x) ((x) - (vec){0})
#define every(n) ((word)(n) - (ivec){0})
#define load(x) ((vec)*(const FN(anywhere) *)(x))
#define put(x, v) (*(FN(anywhere) *)(x) = (v))
#define LINE ((int)(64 / sizeof(real)))
#define AHEAD 8
#define PITCH ((PITCH_ROWS + LANES - 1) / LANES * LANES)
#define KERNELS(number, ...) static const ONE(kernel) FN(kernels_##number)[] = {__VA_ARGS__};
#define DOTS_KERNELS(number, ...) static const ONE(dots) FN(kernels_##number)[] = {__VA_ARGS__};
#define NEAR(x, k) if ((k) * LANES % LINE == 0) __builtin_prefetch((x) + (k) * LANES);
#define SOON(x, k) if ((k) * LANES % LINE == 0) __builtin_prefetch((x) + (k) * LANES, 0, 2);

#define ROWS_1(DO) DO(0)
#define ROWS_2(DO) ROWS_1(DO) DO(1)
#define ROWS_3(DO) ROWS_2(DO) DO(2)
#define ROWS_4(DO) ROWS_3(DO) DO(3)
#define ROWS_5(DO) ROWS_4(DO) DO(4)
#define ROWS_6(DO) ROWS_5(DO) DO(5)
#define ROWS_7(DO) ROWS_6(DO) DO(6)
#define ROWS_8(DO) ROWS_7(DO) DO(7)
#define ROWS_9(DO) ROWS_8(DO) DO(8)
#define ROWS_10(DO) ROWS_9(DO) DO(9)
#define ROWS_11(DO) ROWS_10(DO) DO(10)
#define ROWS_12(DO) ROWS_11(DO) DO(11)
#define ROWS_13(DO) ROWS_12(DO) DO(12)
#define ROWS_14(DO) ROWS_13(DO) DO(13)
#define ROW_0 p0[0]
#define ROW_1 p0[row_]
#define ROW_2 p0[2 * row_]
#define ROW_3 p3[0]
#define ROW_4 p3[row_]
#define ROW_5 p3[2 * row_]
#define ROW_6 p6[0]
#define ROW_7 p6[row_]
#define ROW_8 p6[2 * row_]
#define ROW_9 p9[0]
#define ROW_10 p9[row_]
#define ROW_11 p9[2 * row_]
#define ROW_12 p12[0]
#define ROW_13 p12[row_]
#define FROM_1(row) 
#define ONWARD_1(step) p0 += step;
#define FROM_2(row) const ptrdiff_t row_ = row;
#define ONWARD_2(step) p0 += step;
#define FROM_3(row) const ptrdiff_t row_ = row;
#define ONWARD_3(step) p0 += step;
#define FROM_4(row) const ptrdiff_t row_ = row; const real *p3 = p0 + 3 * row_;
#define ONWARD_4(step) p0 += step; p3 += step;
#define FROM_5(row) const ptrdiff_t row_ = row; const real *p3 = p0 + 3 * row_;
#define ONWARD_5(step) p0 += step; p3 += step;
#define FROM_6(row) const ptrdiff_t row_ = row; const real *p3 = p0 + 3 * row_;
#define ONWARD_6(step) p0 += step; p3 += step;
#define FROM_7(row) const ptrdiff_t row_ = row; const real *p3 = p0 + 3 * row_, *p6 = p3 + 3 * row_;
#define ONWARD_7(step) p0 += step; p3 += step; p6 += step;
#define FROM_8(row) const ptrdiff_t row_ = row; const real *p3 = p0 + 3 * row_, *p6 = p3 + 3 * row_;
#define ONWARD_8(step) p0 += step; p3 += step; p6 += step;
#define FROM_9(row) const ptrdiff_t row_ = row; const real *p3 = p0 + 3 * row_, *p6 = p3 + 3 * row_;
#define ONWARD_9(step) p0 += step; p3 += step; p6 += step;
#define FROM_10(row) const ptrdiff_t row_ = row; const real *p3 = p0 + 3 * row_, *p6 = p3 + 3 * row_, *p9 = p6 + 3 * row_;
#define ONWARD_10(step) p0 += step; p3 += step; p6 += step; p9 += step;
#define FROM_11(row) const ptrdiff_t row_ = row; const real *p3 = p0 + 3 * row_, *p6 = p3 + 3 * row_, *p9 = p6 + 3 * row_;
#define ONWARD_11(step) p0 += step; p3 += step; p6 += step; p9 += step;
#define FROM_12(row) const ptrdiff_t row_ = row; const real *p3 = p0 + 3 * row_, *p6 = p3 + 3 * row_, *p9 = p6 + 3 * row_;
#define ONWARD_12(step) p0 += step; p3 += step; p6 += step; p9 += step;
#define FROM_13(row) const ptrdiff_t row_ = row; const real *p3 = p0 + 3 * row_, *p6 = p3 + 3 * row_, *p9 = p6 + 3 * row_, *p12 = p9 + 3 * row_;
#define ONWARD_13(step) p0 += step; p3 += step; p6 += step; p9 += step; p12 += step;
#define FROM_14(row) const ptrdiff_t row_ = row; const real *p3 = p0 + 3 * row_, *p6 = p3 + 3 * row_, *p9 = p6 + 3 * row_, *p12 = p9 + 3 * row_;
#define ONWARD_14(step) p0 += step; p3 += step; p6 += step; p9 += step; p12 += step;
#define ZERO_1(r) vec c##r##_0 = {0};
#define LOAD_1 const vec b0 = load(b);
#define LOAD_PART_1 const vec b0 = FN(part)(b + 0 * LANES, left);
#define PUT_1 put(to + 0 * LANES, b0);
#define NEAR_1(x) NEAR(x, 0)
#define SOON_1(x) SOON(x, 0)
#define ADD_1(r) { const vec a_ = all(ROW_##r); c##r##_0 = fma_(a_, b0, c##r##_0); }
#define KEEP_1(r) c[(r) * 1 + 0] = c##r##_0;
#define ZERO_2(r) vec c##r##_0 = {0}, c##r##_1 = {0};
#define LOAD_2 const vec b0 = load(b), b1 = load(b + LANES);
#define LOAD_PART_2 const vec b0 = load(b + 0 * LANES), b1 = FN(part)(b + 1 * LANES, left);
#define PUT_2 put(to + 0 * LANES, b0); put(to + 1 * LANES, b1);
#define NEAR_2(x) NEAR(x, 0) NEAR(x, 1)
#define SOON_2(x) SOON(x, 0) SOON(x, 1)
#define ADD_2(r) { const vec a_ = all(ROW_##r); c##r##_0 = fma_(a_, b0, c##r##_0); c##r##_1 = fma_(a_, b1, c##r##_1); }
#define KEEP_2(r) c[(r) * 2 + 0] = c##r##_0; c[(r) * 2 + 1] = c##r##_1;
#define ZERO_3(r) vec c##r##_0 = {0}, c##r##_1 = {0}, c##r##_2 = {0};
#define LOAD_3 const vec b0 = load(b), b1 = load(b + LANES), b2 = load(b + 2 * LANES);
#define LOAD_PART_3 const vec b0 = load(b + 0 * LANES), b1 = load(b + 1 * LANES), b2 = FN(part)(b + 2 * LANES, left);
#define PUT_3 put(to + 0 * LANES, b0); put(to + 1 * LANES, b1); put(to + 2 * LANES, b2);
#define NEAR_3(x) NEAR(x, 0) NEAR(x, 1) NEAR(x, 2)
#define SOON_3(x) SOON(x, 0) SOON(x, 1) SOON(x, 2)
#define ADD_3(r) { const vec a_ = all(ROW_##r); c##r##_0 = fma_(a_, b0, c##r##_0); c##r##_1 = fma_(a_, b1, c##r##_1); c##r##_2 = fma_(a_, b2, c##r##_2); }
#define KEEP_3(r) c[(r) * 3 + 0] = c##r##_0; c[(r) * 3 + 1] = c##r##_1; c[(r) * 3 + 2] = c##r##_2;
#define ZERO_4(r) vec c##r##_0 = {0}, c##r##_1 = {0}, c##r##_2 = {0}, c##r##_3 = {0};
#define LOAD_4 const vec b0 = load(b), b1 = load(b + LANES), b2 = load(b + 2 * LANES), b3 = load(b + 3 * LANES);
#define LOAD_PART_4 const vec b0 = load(b + 0 * LANES), b1 = load(b + 1 * LANES), b2 = load(b + 2 * LANES), b3 = FN(part)(b + 3 * LANES, left);
#define PUT_4 put(to + 0 * LANES, b0); put(to + 1 * LANES, b1); put(to + 2 * LANES, b2); put(to + 3 * LANES, b3);
#define NEAR_4(x) NEAR(x, 0) NEAR(x, 1) NEAR(x, 2) NEAR(x, 3)
#define SOON_4(x) SOON(x, 0) SOON(x, 1) SOON(x, 2) SOON(x, 3)
#define ADD_4(r) { const vec a_ = all(ROW_##r); c##r##_0 = fma_(a_, b0, c##r##_0); c##r##_1 = fma_(a_, b1, c##r##_1); c##r##_2 = fma_(a_, b2, c##r##_2); c##r##_3 = fma_(a_, b3, c##r##_3); }
#define KEEP_4(r) c[(r) * 4 + 0] = c##r##_0; c[(r) * 4 + 1] = c##r##_1; c[(r) * 4 + 2] = c##r##_2; c[(r) * 4 + 3] = c##r##_3;

/* The sums of r rows and v vectors. Rows are reached from every third one. */
#define TILE(r, v) \
    static void FN(tile_##r##x##v)(const ONE(product) *s, const real *p0, const real *b, const ONE(ahead) *h, void *sums) \
    { \
        vec *c = sums; \
        const ptrdiff_t a0_ = s->a0, b0_ = s->b0, ahead = AHEAD * b0_; \
        const real *near = h->from; \
        FROM_##r(s->row) \
        ROWS_##r(ZERO_##v) \
        for (int left = s->n0; left > 0; left -= h->every, near += h->step) { \
            SOON_##v(near) \
            for (int k = SMALLER(left, h->every); k > 0; k--, b += b0_) { \
                LOAD_##v \
                NEAR_##v(b + ahead) \
                ROWS_##r(ADD_##v) \
                ONWARD_##r(a0_) \
            } \
        } \
        ROWS_##r(KEEP_##v) \
    }

/* The same for a sum over up to three indices; `s` is `from_end`. */
#define TILE_3(r, v) \
    static void FN(tile_3_##r##x##v)(const ONE(product) *s, const real *p0, const real *b, const ONE(ahead) *h, void *sums) \
    { \
        vec *c = sums; \
        const ptrdiff_t a0_ = s->a0, b0_ = s->b0; \
        FROM_##r(s->row) \
        ROWS_##r(ZERO_##v) \
        for (int k2 = s->n2; k2 > 0; k2--, b += s->b2) { \
            for (int k1 = s->n1; k1 > 0; k1--, b += s->b1) { \
                for (int k = s->n0; k > 0; k--, b += b0_) { \
                    LOAD_##v \
                    ROWS_##r(ADD_##v) \
                    ONWARD_##r(a0_) \
                } \
                ONWARD_##r(s->a1) \
            } \
            ONWARD_##r(s->a2) \
        } \
        ROWS_##r(KEEP_##v) \
        (void)h; \
    }

/* The same with A in one line, and the panel stored for the tiles below; `left` columns are there. */
#define TILE_PACKS(r, v) \
    static void FN(tile_packs_##r##x##v)(const ONE(product) *s, const real *p0, const real *b, int left, real *to, void *sums) \
    { \
        vec *c = sums; \
        const ptrdiff_t a0_ = s->a0, b0_ = s->b0, ahead = AHEAD * b0_; \
        left -= (v - 1) * LANES; \
        FROM_##r(s->row) \
        ROWS_##r(ZERO_##v) \
        for (int k2 = s->n2; k2 > 0; k2--, b += s->b2) { \
            for (int k1 = s->n1; k1 > 0; k1--, b += s->b1) { \
                for (int k = s->n0; k > 0; k--, b += b0_, to += v * LANES) { \
                    LOAD_PART_##v \
                    NEAR_##v(b + ahead) \
                    PUT_##v \
                    ROWS_##r(ADD_##v) \
                    ONWARD_##r(a0_) \
                } \
            } \
        } \
        ROWS_##r(KEEP_##v) \
    }

/* The sums of w columns that are left beside whole vectors, each row of them in the first lanes of a vector: r vectors of
 * rows that lie side by side, and r rows whose terms do. */
#define TO_ALL_2 const vec b0 = all(b[0]), b1 = all(b[1]);
#define LOAD_APART_2 const vec b0 = load(b + 0 * s->n0), b1 = load(b + 1 * s->n0);
#define MEET_2(r, x) { const vec a_ = load(x); c##r##_0 = fma_(a_, b0, c##r##_0); c##r##_1 = fma_(a_, b1, c##r##_1); }
#define MEET_ROWS_2(r) MEET_2(r, a + r * LANES)
#define MEET_TERMS_2(r) MEET_2(r, &ROW_##r)
#define TO_ALL_4 const vec b0 = all(b[0]), b1 = all(b[1]), b2 = all(b[2]), b3 = all(b[3]);
#define LOAD_APART_4 const vec b0 = load(b + 0 * s->n0), b1 = load(b + 1 * s->n0), b2 = load(b + 2 * s->n0), b3 = load(b + 3 * s->n0);
#define MEET_4(r, x) { const vec a_ = load(x); c##r##_0 = fma_(a_, b0, c##r##_0); c##r##_1 = fma_(a_, b1, c##r##_1); c##r##_2 = fma_(a_, b2, c##r##_2); c##r##_3 = fma_(a_, b3, c##r##_3); }
#define MEET_ROWS_4(r) MEET_4(r, a + r * LANES)
#define MEET_TERMS_4(r) MEET_4(r, &ROW_##r)
#define ALONG(r, w) \
    static void FN(along_##r##x##w)(const ONE(product) *s, const real *a, const real *b, const ONE(ahead) *h, void *sums) \
    { \
        vec c[r * w]; \
        ROWS_##r(ZERO_##w) \
        for (int k = s->n0; k > 0; k--, a += s->a0, b += s->b0) { \
            TO_ALL_##w \
            ROWS_##r(MEET_ROWS_##w) \
        } \
        ROWS_##r(KEEP_##w) \
        FN(by_rows_##w)((const real *)c, r, sums); \
        (void)h; \
    }
#define ACROSS(r, w) \
    static void FN(across_##r##x##w)(const ONE(product) *s, const real *p0, const real *b, const ONE(ahead) *h, void *sums) \
    { \
        vec c[r * w]; \
        FROM_##r(s->row) \
        ROWS_##r(ZERO_##w) \
        for (int k = s->n0; k > 0; k -= LANES, b += LANES) { \
            LOAD_APART_##w \
            ROWS_##r(MEET_TERMS_##w) \
            ONWARD_##r(LANES) \
        } \
        ROWS_##r(KEEP_##w) \
        FN(totals_##w)(c, r, sums); \
        (void)h; \
    }
#endif

#if defined(SET_neon) && defined(__clang__)
static inline vec FN(fused)(vec a, vec b, vec c)
{
    for (int lane = 0; lane < LANES; lane++)
        c[lane] = sizeof(c[0]) == 4 ? __builtin_fmaf(a[lane], b[lane], c[lane])
                                    : __builtin_fma(a[lane], b[lane], c[lane]);
    return c;
}

#endif
static ALWAYS vec FN(select)(ivec chosen, vec x, vec y)
{
#ifdef select_
    return select_(chosen, x, y);
#else
    return (vec)((chosen & (ivec)x) | (~chosen & (ivec)y));
#endif
}

#undef EACH_LANE
#if WIDTH / REAL_BYTES == 16
#define EACH_LANE(DO) DO(0), DO(1), DO(2), DO(3), DO(4), DO(5), DO(6), DO(7), DO(8), DO(9), DO(10), DO(11), DO(12), DO(13), DO(14), DO(15)
#elif WIDTH / REAL_BYTES == 8
#define EACH_LANE(DO) DO(0), DO(1), DO(2), DO(3), DO(4), DO(5), DO(6), DO(7)
#elif WIDTH / REAL_BYTES == 4
#define EACH_LANE(DO) DO(0), DO(1), DO(2), DO(3)
#elif WIDTH / REAL_BYTES == 2
#define EACH_LANE(DO) DO(0), DO(1)
#endif

#define OWN_LANE(l) l
static ALWAYS ivec FN(lane)(void) { return (ivec){EACH_LANE(OWN_LANE)}; }
#undef OWN_LANE

/* The first n lanes in memory; the others are 0, or left alone. Four and fewer are taken one by one: of a masked load
 * of parts of what was just stored, processors forward nothing. */
#define FEW_LANES(l) n > l ? x[l] : 0
RARELY vec FN(first)(const real *x, int n)
{
    if (__builtin_constant_p(n) && n <= 4)
        return (vec){EACH_LANE(FEW_LANES)};
#ifdef first_
    return first_(x, n);
#else
    vec v = {0};
    for (int l = 0; l < LANES; l++)
        if (l < n)
            v[l] = x[l];
    return v;
#endif
}
#undef FEW_LANES

#undef HALVES
#if WIDTH / REAL_BYTES == 16
#define HALVES(DO) DO(8, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7) DO(4, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11) DO(2, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13) DO(1, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14)
#elif WIDTH / REAL_BYTES == 8
#define HALVES(DO) DO(4, 4, 5, 6, 7, 0, 1, 2, 3) DO(2, 2, 3, 0, 1, 6, 7, 4, 5) DO(1, 1, 0, 3, 2, 5, 4, 7, 6)
#elif WIDTH / REAL_BYTES == 4
#define HALVES(DO) DO(2, 2, 3, 0, 1) DO(1, 1, 0, 3, 2)
#elif WIDTH / REAL_BYTES == 2
#define HALVES(DO) DO(1, 1, 0)
#endif
#define PUT_HALF(half, ...) \
    if (n & half) { \
        memcpy(x, &v, half * sizeof(real)); \
        x += half; \
        v = __builtin_shufflevector(v, v, __VA_ARGS__); \
    }
#ifdef put_first_
static ALWAYS void FN(put_first)(real *x, vec v, int n) { put_first_(x, v, n); }
#else
RARELY void FN(put_first)(real *x, vec v, int n)
{
    n = LARGER(n, 0);
    HALVES(PUT_HALF)
    (void)x, (void)v;
}
#endif
#undef PUT_HALF

static ALWAYS vec FN(part)(const real *x, int left) { return left >= LANES ? load(x) : FN(first)(x, left); }

static ALWAYS void FN(put_part)(real *x, vec v, int left)
{
    if (left >= LANES)
        put(x, v);
    else
        FN(put_first)(x, v, left);
}

/* The same for each row of a loop: a mask, where there are masks, costs less than to ask whether the vector is whole. */
static ALWAYS vec FN(row_part)(const real *x, int left)
{
#ifdef put_first_
    return FN(first)(x, SMALLER(left, LANES));
#else
    return FN(part)(x, left);
#endif
}

static ALWAYS void FN(put_row_part)(real *x, vec v, int left)
{
#ifdef put_first_
    FN(put_first)(x, v, SMALLER(left, LANES));
#else
    FN(put_part)(x, v, left);
#endif
}

/* x in the first n lanes, y in the others. */
static ALWAYS vec FN(before)(vec x, int n, vec y) { return FN(select)(FN(lane)() < every(n), x, y); }

/* Examples side by side; those beyond the batch are 0, so that sums over examples may take whole vectors. */
static ALWAYS void FN(put_examples)(real *x, vec v, int left) { put(x, left >= LANES ? v : FN(before)(v, left, all(0))); }

/* The same where the row ends within the vector. */
static ALWAYS vec FN(within)(vec x, int left, vec y) { return left >= LANES ? x : FN(before)(x, left, y); }

/* The sum, and the maximum, of the first n lanes, where the others hold 0 and -infinity: halves are put on each
 * other, the same tree for every compiler. The maximum is NaN where one of them is, as their sum is then. */
#define ADD_HALF(half, ...) if (n > half) x += __builtin_shufflevector(x, x, __VA_ARGS__);
#undef LARGER_HALF
#ifdef nan_
#define LARGER_HALF(half, ...) if (n > half) x = max_(x, __builtin_shufflevector(x, x, __VA_ARGS__));
#else
#define LARGER_HALF(half, ...) \
    if (n > half) { \
        const vec y = __builtin_shufflevector(x, x, __VA_ARGS__); \
        x = FN(select)((y > x) | (y != y), y, x); \
    }
#endif
static ALWAYS real FN(total)(vec x, int n)
{
    HALVES(ADD_HALF)
    return x[0];
}

static ALWAYS real FN(largest)(vec x, int n)
{
#ifdef nan_
    if (nan_(x))
        return FN(total)(x, n);
#endif
    HALVES(LARGER_HALF)
    return x[0];
}
#undef ADD_HALF

/* Vectors of rows, of so many columns each, as rows whose columns are in the first lanes. */
#define LANE_OF(l) l < columns ? x[l * LANES] : 0
static ALWAYS void FN(by_rows)(const real *sums, int vectors, int columns, vec *c)
{
    for (int v = 0; v < vectors; v++, sums += columns * LANES)
        for (const real *x = sums; x < sums + LANES; x++)
            *c++ = (vec){EACH_LANE(LANE_OF)};
}
#undef LANE_OF

APART FN(by_rows_2)(const real *sums, int vectors, vec *c) { FN(by_rows)(sums, vectors, 2, c); }
APART FN(by_rows_4)(const real *sums, int vectors, vec *c) { FN(by_rows)(sums, vectors, 4, c); }

/* Of rows of so many sums the lanes added. */
#define TOTAL_OF(l) l < columns ? FN(total)(sums[l], LANES) : 0
static ALWAYS void FN(totals)(const vec *sums, int rows, int columns, vec *c)
{
    for (; rows > 0; rows--, sums += columns)
        *c++ = (vec){EACH_LANE(TOTAL_OF)};
}
#undef TOTAL_OF

APART FN(totals_2)(const vec *sums, int rows, vec *c) { FN(totals)(sums, rows, 2, c); }
APART FN(totals_4)(const vec *sums, int rows, vec *c) { FN(totals)(sums, rows, 4, c); }

/* Packing and tiles are written in the order in which they are to run: gcc need not look for a better one, and finds none. */
#ifndef __clang__
#pragma GCC push_options
#pragma GCC optimize("Og")
#endif
/* The most terms that are packed as columns are 10: where vectors are longer nothing is transposed. */
#undef CROSSED
#define CROSSED (WIDTH / REAL_BYTES <= 10)
#if CROSSED
#undef LOW
#undef HIGH
#if WIDTH / REAL_BYTES == 16
#define LOW(x, y) __builtin_shufflevector(x, y, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define HIGH(x, y) __builtin_shufflevector(x, y, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#elif WIDTH / REAL_BYTES == 8
#define LOW(x, y) __builtin_shufflevector(x, y, 0, 8, 1, 9, 2, 10, 3, 11)
#define HIGH(x, y) __builtin_shufflevector(x, y, 4, 12, 5, 13, 6, 14, 7, 15)
#elif WIDTH / REAL_BYTES == 4
#define LOW(x, y) __builtin_shufflevector(x, y, 0, 4, 1, 5)
#define HIGH(x, y) __builtin_shufflevector(x, y, 2, 6, 3, 7)
#elif WIDTH / REAL_BYTES == 2
#define LOW(x, y) __builtin_shufflevector(x, y, 0, 2)
#define HIGH(x, y) __builtin_shufflevector(x, y, 1, 3)
#endif

/* As many rows as lanes, `apart` from each other, become columns, `step` from each other: each round takes two rows
 * half of all apart and mixes their lanes. The rows below are asked for. */
static ALWAYS void FN(transpose)(const real *from, ptrdiff_t apart, real *to, ptrdiff_t step)
{
    const real *soon = from + LANES * apart;
#if WIDTH / REAL_BYTES == 16
    const vec r0_0 = load(from + 0 * apart), r0_1 = load(from + 1 * apart), r0_2 = load(from + 2 * apart), r0_3 = load(from + 3 * apart), r0_4 = load(from + 4 * apart), r0_5 = load(from + 5 * apart), r0_6 = load(from + 6 * apart), r0_7 = load(from + 7 * apart), r0_8 = load(from + 8 * apart), r0_9 = load(from + 9 * apart), r0_10 = load(from + 10 * apart), r0_11 = load(from + 11 * apart), r0_12 = load(from + 12 * apart), r0_13 = load(from + 13 * apart), r0_14 = load(from + 14 * apart), r0_15 = load(from + 15 * apart);
    const vec r1_0 = LOW(r0_0, r0_8), r1_1 = HIGH(r0_0, r0_8), r1_2 = LOW(r0_1, r0_9), r1_3 = HIGH(r0_1, r0_9), r1_4 = LOW(r0_2, r0_10), r1_5 = HIGH(r0_2, r0_10), r1_6 = LOW(r0_3, r0_11), r1_7 = HIGH(r0_3, r0_11), r1_8 = LOW(r0_4, r0_12), r1_9 = HIGH(r0_4, r0_12), r1_10 = LOW(r0_5, r0_13), r1_11 = HIGH(r0_5, r0_13), r1_12 = LOW(r0_6, r0_14), r1_13 = HIGH(r0_6, r0_14), r1_14 = LOW(r0_7, r0_15), r1_15 = HIGH(r0_7, r0_15);
    const vec r2_0 = LOW(r1_0, r1_8), r2_1 = HIGH(r1_0, r1_8), r2_2 = LOW(r1_1, r1_9), r2_3 = HIGH(r1_1, r1_9), r2_4 = LOW(r1_2, r1_10), r2_5 = HIGH(r1_2, r1_10), r2_6 = LOW(r1_3, r1_11), r2_7 = HIGH(r1_3, r1_11), r2_8 = LOW(r1_4, r1_12), r2_9 = HIGH(r1_4, r1_12), r2_10 = LOW(r1_5, r1_13), r2_11 = HIGH(r1_5, r1_13), r2_12 = LOW(r1_6, r1_14), r2_13 = HIGH(r1_6, r1_14), r2_14 = LOW(r1_7, r1_15), r2_15 = HIGH(r1_7, r1_15);
    const vec r3_0 = LOW(r2_0, r2_8), r3_1 = HIGH(r2_0, r2_8), r3_2 = LOW(r2_1, r2_9), r3_3 = HIGH(r2_1, r2_9), r3_4 = LOW(r2_2, r2_10), r3_5 = HIGH(r2_2, r2_10), r3_6 = LOW(r2_3, r2_11), r3_7 = HIGH(r2_3, r2_11), r3_8 = LOW(r2_4, r2_12), r3_9 = HIGH(r2_4, r2_12), r3_10 = LOW(r2_5, r2_13), r3_11 = HIGH(r2_5, r2_13), r3_12 = LOW(r2_6, r2_14), r3_13 = HIGH(r2_6, r2_14), r3_14 = LOW(r2_7, r2_15), r3_15 = HIGH(r2_7, r2_15);
    const vec r4_0 = LOW(r3_0, r3_8), r4_1 = HIGH(r3_0, r3_8), r4_2 = LOW(r3_1, r3_9), r4_3 = HIGH(r3_1, r3_9), r4_4 = LOW(r3_2, r3_10), r4_5 = HIGH(r3_2, r3_10), r4_6 = LOW(r3_3, r3_11), r4_7 = HIGH(r3_3, r3_11), r4_8 = LOW(r3_4, r3_12), r4_9 = HIGH(r3_4, r3_12), r4_10 = LOW(r3_5, r3_13), r4_11 = HIGH(r3_5, r3_13), r4_12 = LOW(r3_6, r3_14), r4_13 = HIGH(r3_6, r3_14), r4_14 = LOW(r3_7, r3_15), r4_15 = HIGH(r3_7, r3_15);
    put(to + 0 * step, r4_0);
    __builtin_prefetch(soon + 0 * apart);
    put(to + 1 * step, r4_1);
    __builtin_prefetch(soon + 1 * apart);
    put(to + 2 * step, r4_2);
    __builtin_prefetch(soon + 2 * apart);
    put(to + 3 * step, r4_3);
    __builtin_prefetch(soon + 3 * apart);
    put(to + 4 * step, r4_4);
    __builtin_prefetch(soon + 4 * apart);
    put(to + 5 * step, r4_5);
    __builtin_prefetch(soon + 5 * apart);
    put(to + 6 * step, r4_6);
    __builtin_prefetch(soon + 6 * apart);
    put(to + 7 * step, r4_7);
    __builtin_prefetch(soon + 7 * apart);
    put(to + 8 * step, r4_8);
    __builtin_prefetch(soon + 8 * apart);
    put(to + 9 * step, r4_9);
    __builtin_prefetch(soon + 9 * apart);
    put(to + 10 * step, r4_10);
    __builtin_prefetch(soon + 10 * apart);
    put(to + 11 * step, r4_11);
    __builtin_prefetch(soon + 11 * apart);
    put(to + 12 * step, r4_12);
    __builtin_prefetch(soon + 12 * apart);
    put(to + 13 * step, r4_13);
    __builtin_prefetch(soon + 13 * apart);
    put(to + 14 * step, r4_14);
    __builtin_prefetch(soon + 14 * apart);
    put(to + 15 * step, r4_15);
    __builtin_prefetch(soon + 15 * apart);
#elif WIDTH / REAL_BYTES == 8
    const vec r0_0 = load(from + 0 * apart), r0_1 = load(from + 1 * apart), r0_2 = load(from + 2 * apart), r0_3 = load(from + 3 * apart), r0_4 = load(from + 4 * apart), r0_5 = load(from + 5 * apart), r0_6 = load(from + 6 * apart), r0_7 = load(from + 7 * apart);
    const vec r1_0 = LOW(r0_0, r0_4), r1_1 = HIGH(r0_0, r0_4), r1_2 = LOW(r0_1, r0_5), r1_3 = HIGH(r0_1, r0_5), r1_4 = LOW(r0_2, r0_6), r1_5 = HIGH(r0_2, r0_6), r1_6 = LOW(r0_3, r0_7), r1_7 = HIGH(r0_3, r0_7);
    const vec r2_0 = LOW(r1_0, r1_4), r2_1 = HIGH(r1_0, r1_4), r2_2 = LOW(r1_1, r1_5), r2_3 = HIGH(r1_1, r1_5), r2_4 = LOW(r1_2, r1_6), r2_5 = HIGH(r1_2, r1_6), r2_6 = LOW(r1_3, r1_7), r2_7 = HIGH(r1_3, r1_7);
    const vec r3_0 = LOW(r2_0, r2_4), r3_1 = HIGH(r2_0, r2_4), r3_2 = LOW(r2_1, r2_5), r3_3 = HIGH(r2_1, r2_5), r3_4 = LOW(r2_2, r2_6), r3_5 = HIGH(r2_2, r2_6), r3_6 = LOW(r2_3, r2_7), r3_7 = HIGH(r2_3, r2_7);
    put(to + 0 * step, r3_0);
    __builtin_prefetch(soon + 0 * apart);
    put(to + 1 * step, r3_1);
    __builtin_prefetch(soon + 1 * apart);
    put(to + 2 * step, r3_2);
    __builtin_prefetch(soon + 2 * apart);
    put(to + 3 * step, r3_3);
    __builtin_prefetch(soon + 3 * apart);
    put(to + 4 * step, r3_4);
    __builtin_prefetch(soon + 4 * apart);
    put(to + 5 * step, r3_5);
    __builtin_prefetch(soon + 5 * apart);
    put(to + 6 * step, r3_6);
    __builtin_prefetch(soon + 6 * apart);
    put(to + 7 * step, r3_7);
    __builtin_prefetch(soon + 7 * apart);
#elif WIDTH / REAL_BYTES == 4
    const vec r0_0 = load(from + 0 * apart), r0_1 = load(from + 1 * apart), r0_2 = load(from + 2 * apart), r0_3 = load(from + 3 * apart);
    const vec r1_0 = LOW(r0_0, r0_2), r1_1 = HIGH(r0_0, r0_2), r1_2 = LOW(r0_1, r0_3), r1_3 = HIGH(r0_1, r0_3);
    const vec r2_0 = LOW(r1_0, r1_2), r2_1 = HIGH(r1_0, r1_2), r2_2 = LOW(r1_1, r1_3), r2_3 = HIGH(r1_1, r1_3);
    put(to + 0 * step, r2_0);
    __builtin_prefetch(soon + 0 * apart);
    put(to + 1 * step, r2_1);
    __builtin_prefetch(soon + 1 * apart);
    put(to + 2 * step, r2_2);
    __builtin_prefetch(soon + 2 * apart);
    put(to + 3 * step, r2_3);
    __builtin_prefetch(soon + 3 * apart);
#elif WIDTH / REAL_BYTES == 2
    const vec r0_0 = load(from + 0 * apart), r0_1 = load(from + 1 * apart);
    const vec r1_0 = LOW(r0_0, r0_1), r1_1 = HIGH(r0_0, r0_1);
    put(to + 0 * step, r1_0);
    __builtin_prefetch(soon + 0 * apart);
    put(to + 1 * step, r1_1);
    __builtin_prefetch(soon + 1 * apart);
#endif
}

#endif
/* One vector of columns, for k = 0 .. n - 1: of a row of B lanes lie `column` apart, and k follow each other. The last
 * k are laid out together with some before them that are there already. */
static __attribute__((unused)) void FN(pack_across)(const real *b, ptrdiff_t column, int n, int left, ptrdiff_t step, real *to)
{
    int k = 0;
#if CROSSED
    if (left >= LANES && n >= LANES)
        for (; k < n; k += LANES) {
            const int from = SMALLER(k, n - LANES);
            FN(transpose)(b + from, column, to + from * step, step);
        }
#endif
    for (; k < n; k++)
        for (int l = 0; l < LANES; l++)
            to[k * step + l] = l < left ? b[l * column + k] : 0;
}

/* One panel of B: the vectors of each k, one after the other; columns lie `column` apart. */
APART FN(pack_panel)(const ONE(product) *s, const real *from, ptrdiff_t column, int width, int left, real *to)
{
    for (int k2 = 0; k2 < s->n2; k2++)
        for (int k1 = 0; k1 < s->n1; k1++) {
            const real *b = from + k2 * s->b2 + k1 * s->b1;
            if (column != 1 && s->b0 == 1) {
                for (int v = 0; v < width; v++)
                    FN(pack_across)(b + v * LANES * column, column, s->n0, left - v * LANES, width * LANES, to + v * LANES);
                to += (ptrdiff_t)s->n0 * width * LANES;
                continue;
            }
            const ptrdiff_t step = s->b0, further = AHEAD * step;
            for (int k0 = s->n0; k0 > 0; k0--, b += step)
                if (column == 1)
                    for (int v = 0; v < width; v++, to += LANES) {
                        put(to, FN(part)(b + v * LANES, left - v * LANES));
                        __builtin_prefetch(b + v * LANES + 2 * further);
                    }
                else
                    for (int l = 0; l < width * LANES; l++)
                        *to++ = l < left ? b[l * column] : 0;
        }
}

#if defined(SET_avx512) && !defined(TWO_LAYER_DOUBLE)
TILE(9, 3)
TILE(8, 3)
TILE(1, 3)
TILE_PACKS(8, 3)
ACROSS(6, 4)
ACROSS(1, 4)
TILE(13, 1)
TILE(1, 1)
ALONG(5, 4)
enum { FN(nth_tile_9x3) = 0, FN(nth_tile_8x3) = 1, FN(nth_tile_1x3) = 2, FN(nth_across_6x4) = 3, FN(nth_across_1x4) = 4, FN(nth_tile_13x1) = 5, FN(nth_tile_1x1) = 6, FN(nth_along_5x4) = 7, FN(nth_tile_packs_8x3) = 1 };
static ONE(tile) *const FN(tiles)[] = {FN(tile_9x3), FN(tile_8x3), FN(tile_1x3), FN(across_6x4), FN(across_1x4), FN(tile_13x1), FN(tile_1x1), FN(along_5x4)};
static ONE(packing_tile) *const FN(packing)[] = {0, FN(tile_packs_8x3)};
KERNELS(1, {2, 3, 9, 8, FN(nth_tile_9x3), FN(nth_tile_8x3), FN(nth_tile_1x3), FN(nth_tile_packs_8x3)}, {0}, {1, 1, 6, 6, FN(nth_across_6x4), FN(nth_across_6x4), FN(nth_across_1x4), 0})
KERNELS(2, {1, 1, 13, 13, FN(nth_tile_13x1), FN(nth_tile_13x1), FN(nth_tile_1x1), 0}, {0}, {0})
KERNELS(3, {1, 1, 13, 13, FN(nth_tile_13x1), FN(nth_tile_13x1), 0, 0}, {0}, {0})
KERNELS(4, {2, 3, 9, 8, FN(nth_tile_9x3), FN(nth_tile_8x3), FN(nth_tile_1x3), 0}, {1, 1, 13, 13, FN(nth_tile_13x1), FN(nth_tile_13x1), FN(nth_tile_1x1), 0}, {0})
KERNELS(5, {2, 3, 9, 8, FN(nth_tile_9x3), FN(nth_tile_8x3), 0, 0}, {0}, {0, 1, 5, 5, FN(nth_along_5x4), FN(nth_along_5x4), 0, 0})
#undef KERNELS_Z2
#define KERNELS_Z2 FN(kernels_1)
#undef KERNELS_H
#define KERNELS_H FN(kernels_2)
#undef KERNELS_W2_bar
#define KERNELS_W2_bar FN(kernels_3)
#undef KERNELS_A1_bar
#define KERNELS_A1_bar FN(kernels_4)
#undef KERNELS_W1_bar
#define KERNELS_W1_bar FN(kernels_5)
#undef KERNELS_Z2_dot
#define KERNELS_Z2_dot FN(kernels_1)
#elif defined(SET_avx512) && defined(TWO_LAYER_DOUBLE)
TILE(9, 3)
TILE(8, 3)
TILE(1, 3)
TILE_PACKS(8, 3)
ACROSS(6, 4)
ACROSS(1, 4)
TILE(13, 2)
TILE(1, 2)
ALONG(6, 4)
enum { FN(nth_tile_9x3) = 0, FN(nth_tile_8x3) = 1, FN(nth_tile_1x3) = 2, FN(nth_across_6x4) = 3, FN(nth_across_1x4) = 4, FN(nth_tile_13x2) = 5, FN(nth_tile_1x2) = 6, FN(nth_along_6x4) = 7, FN(nth_tile_packs_8x3) = 1 };
static ONE(tile) *const FN(tiles)[] = {FN(tile_9x3), FN(tile_8x3), FN(tile_1x3), FN(across_6x4), FN(across_1x4), FN(tile_13x2), FN(tile_1x2), FN(along_6x4)};
static ONE(packing_tile) *const FN(packing)[] = {0, FN(tile_packs_8x3)};
KERNELS(1, {4, 3, 9, 8, FN(nth_tile_9x3), FN(nth_tile_8x3), FN(nth_tile_1x3), FN(nth_tile_packs_8x3)}, {0}, {1, 1, 6, 6, FN(nth_across_6x4), FN(nth_across_6x4), FN(nth_across_1x4), 0})
KERNELS(2, {1, 2, 13, 13, FN(nth_tile_13x2), FN(nth_tile_13x2), FN(nth_tile_1x2), 0}, {0}, {0})
KERNELS(3, {1, 2, 13, 13, FN(nth_tile_13x2), FN(nth_tile_13x2), 0, 0}, {0}, {0})
KERNELS(4, {3, 3, 9, 8, FN(nth_tile_9x3), FN(nth_tile_8x3), FN(nth_tile_1x3), 0}, {2, 2, 13, 13, FN(nth_tile_13x2), FN(nth_tile_13x2), FN(nth_tile_1x2), 0}, {0})
KERNELS(5, {4, 3, 9, 8, FN(nth_tile_9x3), FN(nth_tile_8x3), 0, 0}, {0}, {0, 1, 6, 6, FN(nth_along_6x4), FN(nth_along_6x4), 0, 0})
#undef KERNELS_Z2
#define KERNELS_Z2 FN(kernels_1)
#undef KERNELS_H
#define KERNELS_H FN(kernels_2)
#undef KERNELS_W2_bar
#define KERNELS_W2_bar FN(kernels_3)
#undef KERNELS_A1_bar
#define KERNELS_A1_bar FN(kernels_4)
#undef KERNELS_W1_bar
#define KERNELS_W1_bar FN(kernels_5)
#undef KERNELS_Z2_dot
#define KERNELS_Z2_dot FN(kernels_1)
#elif defined(SET_avx2) && !defined(TWO_LAYER_DOUBLE)
TILE(6, 2)
TILE(5, 2)
TILE(1, 2)
TILE_PACKS(5, 2)
ACROSS(2, 4)
ACROSS(1, 4)
TILE(4, 3)
TILE(1, 3)
ALONG(2, 4)
enum { FN(nth_tile_6x2) = 0, FN(nth_tile_5x2) = 1, FN(nth_tile_1x2) = 2, FN(nth_across_2x4) = 3, FN(nth_across_1x4) = 4, FN(nth_tile_4x3) = 5, FN(nth_tile_1x3) = 6, FN(nth_along_2x4) = 7, FN(nth_tile_packs_5x2) = 1 };
static ONE(tile) *const FN(tiles)[] = {FN(tile_6x2), FN(tile_5x2), FN(tile_1x2), FN(across_2x4), FN(across_1x4), FN(tile_4x3), FN(tile_1x3), FN(along_2x4)};
static ONE(packing_tile) *const FN(packing)[] = {0, FN(tile_packs_5x2)};
KERNELS(1, {6, 2, 6, 5, FN(nth_tile_6x2), FN(nth_tile_5x2), FN(nth_tile_1x2), FN(nth_tile_packs_5x2)}, {0}, {1, 1, 2, 2, FN(nth_across_2x4), FN(nth_across_2x4), FN(nth_across_1x4), 0})
KERNELS(2, {1, 2, 6, 5, FN(nth_tile_6x2), FN(nth_tile_5x2), FN(nth_tile_1x2), FN(nth_tile_packs_5x2)}, {0}, {0})
KERNELS(3, {1, 2, 6, 5, FN(nth_tile_6x2), FN(nth_tile_5x2), 0, 0}, {0}, {0})
KERNELS(4, {3, 3, 4, 4, FN(nth_tile_4x3), FN(nth_tile_4x3), FN(nth_tile_1x3), 0}, {2, 2, 6, 5, FN(nth_tile_6x2), FN(nth_tile_5x2), FN(nth_tile_1x2), 0}, {0})
KERNELS(5, {6, 2, 6, 5, FN(nth_tile_6x2), FN(nth_tile_5x2), 0, 0}, {0}, {0, 1, 2, 2, FN(nth_along_2x4), FN(nth_along_2x4), 0, 0})
#undef KERNELS_Z2
#define KERNELS_Z2 FN(kernels_1)
#undef KERNELS_H
#define KERNELS_H FN(kernels_2)
#undef KERNELS_W2_bar
#define KERNELS_W2_bar FN(kernels_3)
#undef KERNELS_A1_bar
#define KERNELS_A1_bar FN(kernels_4)
#undef KERNELS_W1_bar
#define KERNELS_W1_bar FN(kernels_5)
#undef KERNELS_Z2_dot
#define KERNELS_Z2_dot FN(kernels_1)
#elif defined(SET_avx2) && defined(TWO_LAYER_DOUBLE)
TILE(6, 2)
TILE(5, 2)
TILE(1, 2)
TILE_PACKS(5, 2)
TILE(13, 1)
TILE(1, 1)
TILE_PACKS(13, 1)
ACROSS(6, 2)
ACROSS(1, 2)
ALONG(5, 2)
enum { FN(nth_tile_6x2) = 0, FN(nth_tile_5x2) = 1, FN(nth_tile_1x2) = 2, FN(nth_tile_13x1) = 3, FN(nth_tile_1x1) = 4, FN(nth_across_6x2) = 5, FN(nth_across_1x2) = 6, FN(nth_along_5x2) = 7, FN(nth_tile_packs_5x2) = 1, FN(nth_tile_packs_13x1) = 2 };
static ONE(tile) *const FN(tiles)[] = {FN(tile_6x2), FN(tile_5x2), FN(tile_1x2), FN(tile_13x1), FN(tile_1x1), FN(across_6x2), FN(across_1x2), FN(along_5x2)};
static ONE(packing_tile) *const FN(packing)[] = {0, FN(tile_packs_5x2), FN(tile_packs_13x1)};
KERNELS(1, {12, 2, 6, 5, FN(nth_tile_6x2), FN(nth_tile_5x2), FN(nth_tile_1x2), FN(nth_tile_packs_5x2)}, {1, 1, 13, 13, FN(nth_tile_13x1), FN(nth_tile_13x1), FN(nth_tile_1x1), FN(nth_tile_packs_13x1)}, {0})
KERNELS(2, {1, 2, 6, 5, FN(nth_tile_6x2), FN(nth_tile_5x2), FN(nth_tile_1x2), FN(nth_tile_packs_5x2)}, {0}, {1, 1, 6, 6, FN(nth_across_6x2), FN(nth_across_6x2), FN(nth_across_1x2), 0})
KERNELS(3, {1, 2, 6, 5, FN(nth_tile_6x2), FN(nth_tile_5x2), 0, 0}, {0}, {0, 1, 5, 5, FN(nth_along_5x2), FN(nth_along_5x2), 0, 0})
KERNELS(4, {12, 2, 6, 5, FN(nth_tile_6x2), FN(nth_tile_5x2), FN(nth_tile_1x2), 0}, {1, 1, 13, 13, FN(nth_tile_13x1), FN(nth_tile_13x1), FN(nth_tile_1x1), 0}, {0})
KERNELS(5, {12, 2, 6, 5, FN(nth_tile_6x2), FN(nth_tile_5x2), 0, 0}, {1, 1, 13, 13, FN(nth_tile_13x1), FN(nth_tile_13x1), 0, 0}, {0})
#undef KERNELS_Z2
#define KERNELS_Z2 FN(kernels_1)
#undef KERNELS_H
#define KERNELS_H FN(kernels_2)
#undef KERNELS_W2_bar
#define KERNELS_W2_bar FN(kernels_3)
#undef KERNELS_A1_bar
#define KERNELS_A1_bar FN(kernels_4)
#undef KERNELS_W1_bar
#define KERNELS_W1_bar FN(kernels_5)
#undef KERNELS_Z2_dot
#define KERNELS_Z2_dot FN(kernels_1)
#elif defined(SET_sse2) && !defined(TWO_LAYER_DOUBLE)
TILE(4, 2)
TILE(1, 2)
TILE(4, 1)
TILE(1, 1)
enum { FN(nth_tile_4x2) = 0, FN(nth_tile_1x2) = 1, FN(nth_tile_4x1) = 2, FN(nth_tile_1x1) = 3 };
static ONE(tile) *const FN(tiles)[] = {FN(tile_4x2), FN(tile_1x2), FN(tile_4x1), FN(tile_1x1)};
static ONE(packing_tile) *const FN(packing)[] = {0};
KERNELS(1, {12, 2, 4, 4, FN(nth_tile_4x2), FN(nth_tile_4x2), FN(nth_tile_1x2), 0}, {1, 1, 4, 4, FN(nth_tile_4x1), FN(nth_tile_4x1), FN(nth_tile_1x1), 0}, {0})
KERNELS(2, {1, 2, 4, 4, FN(nth_tile_4x2), FN(nth_tile_4x2), FN(nth_tile_1x2), 0}, {1, 1, 4, 4, FN(nth_tile_4x1), FN(nth_tile_4x1), FN(nth_tile_1x1), 0}, {0})
#undef KERNELS_Z2
#define KERNELS_Z2 FN(kernels_1)
#undef KERNELS_H
#define KERNELS_H FN(kernels_2)
#undef KERNELS_W2_bar
#define KERNELS_W2_bar FN(kernels_2)
#undef KERNELS_A1_bar
#define KERNELS_A1_bar FN(kernels_1)
#undef KERNELS_W1_bar
#define KERNELS_W1_bar FN(kernels_1)
#undef KERNELS_Z2_dot
#define KERNELS_Z2_dot FN(kernels_1)
#elif defined(SET_sse2) && defined(TWO_LAYER_DOUBLE)
TILE(4, 2)
TILE(1, 2)
TILE(4, 1)
TILE(1, 1)
enum { FN(nth_tile_4x2) = 0, FN(nth_tile_1x2) = 1, FN(nth_tile_4x1) = 2, FN(nth_tile_1x1) = 3 };
static ONE(tile) *const FN(tiles)[] = {FN(tile_4x2), FN(tile_1x2), FN(tile_4x1), FN(tile_1x1)};
static ONE(packing_tile) *const FN(packing)[] = {0};
KERNELS(1, {25, 2, 4, 4, FN(nth_tile_4x2), FN(nth_tile_4x2), FN(nth_tile_1x2), 0}, {0}, {0})
KERNELS(2, {2, 2, 4, 4, FN(nth_tile_4x2), FN(nth_tile_4x2), FN(nth_tile_1x2), 0}, {1, 1, 4, 4, FN(nth_tile_4x1), FN(nth_tile_4x1), FN(nth_tile_1x1), 0}, {0})
#undef KERNELS_Z2
#define KERNELS_Z2 FN(kernels_1)
#undef KERNELS_H
#define KERNELS_H FN(kernels_2)
#undef KERNELS_W2_bar
#define KERNELS_W2_bar FN(kernels_2)
#undef KERNELS_A1_bar
#define KERNELS_A1_bar FN(kernels_1)
#undef KERNELS_W1_bar
#define KERNELS_W1_bar FN(kernels_1)
#undef KERNELS_Z2_dot
#define KERNELS_Z2_dot FN(kernels_1)
#elif defined(SET_neon) && !defined(TWO_LAYER_DOUBLE)
TILE(9, 3)
TILE(8, 3)
TILE(1, 3)
TILE_PACKS(8, 3)
TILE(13, 2)
TILE(12, 2)
TILE(1, 2)
TILE_PACKS(12, 2)
ACROSS(6, 2)
ACROSS(1, 2)
ALONG(5, 2)
TILE(14, 2)
enum { FN(nth_tile_9x3) = 0, FN(nth_tile_8x3) = 1, FN(nth_tile_1x3) = 2, FN(nth_tile_13x2) = 3, FN(nth_tile_12x2) = 4, FN(nth_tile_1x2) = 5, FN(nth_across_6x2) = 6, FN(nth_across_1x2) = 7, FN(nth_along_5x2) = 8, FN(nth_tile_14x2) = 9, FN(nth_tile_packs_8x3) = 1, FN(nth_tile_packs_12x2) = 2 };
static ONE(tile) *const FN(tiles)[] = {FN(tile_9x3), FN(tile_8x3), FN(tile_1x3), FN(tile_13x2), FN(tile_12x2), FN(tile_1x2), FN(across_6x2), FN(across_1x2), FN(along_5x2), FN(tile_14x2)};
static ONE(packing_tile) *const FN(packing)[] = {0, FN(tile_packs_8x3), FN(tile_packs_12x2)};
KERNELS(1, {7, 3, 9, 8, FN(nth_tile_9x3), FN(nth_tile_8x3), FN(nth_tile_1x3), FN(nth_tile_packs_8x3)}, {2, 2, 13, 12, FN(nth_tile_13x2), FN(nth_tile_12x2), FN(nth_tile_1x2), FN(nth_tile_packs_12x2)}, {0})
KERNELS(2, {1, 2, 13, 12, FN(nth_tile_13x2), FN(nth_tile_12x2), FN(nth_tile_1x2), FN(nth_tile_packs_12x2)}, {0}, {1, 1, 6, 6, FN(nth_across_6x2), FN(nth_across_6x2), FN(nth_across_1x2), 0})
KERNELS(3, {1, 2, 13, 12, FN(nth_tile_13x2), FN(nth_tile_12x2), 0, 0}, {0}, {0, 1, 5, 5, FN(nth_along_5x2), FN(nth_along_5x2), 0, 0})
KERNELS(4, {7, 3, 9, 8, FN(nth_tile_9x3), FN(nth_tile_8x3), FN(nth_tile_1x3), 0}, {2, 2, 13, 12, FN(nth_tile_13x2), FN(nth_tile_12x2), FN(nth_tile_1x2), 0}, {0})
KERNELS(5, {7, 3, 9, 8, FN(nth_tile_9x3), FN(nth_tile_8x3), 0, 0}, {2, 2, 14, 14, FN(nth_tile_14x2), FN(nth_tile_14x2), 0, 0}, {0})
#undef KERNELS_Z2
#define KERNELS_Z2 FN(kernels_1)
#undef KERNELS_H
#define KERNELS_H FN(kernels_2)
#undef KERNELS_W2_bar
#define KERNELS_W2_bar FN(kernels_3)
#undef KERNELS_A1_bar
#define KERNELS_A1_bar FN(kernels_4)
#undef KERNELS_W1_bar
#define KERNELS_W1_bar FN(kernels_5)
#undef KERNELS_Z2_dot
#define KERNELS_Z2_dot FN(kernels_1)
#elif defined(SET_neon) && defined(TWO_LAYER_DOUBLE)
TILE(9, 3)
TILE(8, 3)
TILE(1, 3)
TILE_PACKS(8, 3)
TILE(13, 2)
TILE(1, 2)
TILE_PACKS(13, 2)
enum { FN(nth_tile_9x3) = 0, FN(nth_tile_8x3) = 1, FN(nth_tile_1x3) = 2, FN(nth_tile_13x2) = 3, FN(nth_tile_1x2) = 4, FN(nth_tile_packs_8x3) = 1, FN(nth_tile_packs_13x2) = 2 };
static ONE(tile) *const FN(tiles)[] = {FN(tile_9x3), FN(tile_8x3), FN(tile_1x3), FN(tile_13x2), FN(tile_1x2)};
static ONE(packing_tile) *const FN(packing)[] = {0, FN(tile_packs_8x3), FN(tile_packs_13x2)};
KERNELS(1, {16, 3, 9, 8, FN(nth_tile_9x3), FN(nth_tile_8x3), FN(nth_tile_1x3), FN(nth_tile_packs_8x3)}, {1, 2, 13, 13, FN(nth_tile_13x2), FN(nth_tile_13x2), FN(nth_tile_1x2), FN(nth_tile_packs_13x2)}, {0})
KERNELS(2, {1, 3, 9, 8, FN(nth_tile_9x3), FN(nth_tile_8x3), FN(nth_tile_1x3), FN(nth_tile_packs_8x3)}, {1, 2, 13, 13, FN(nth_tile_13x2), FN(nth_tile_13x2), FN(nth_tile_1x2), FN(nth_tile_packs_13x2)}, {0})
KERNELS(3, {1, 3, 9, 8, FN(nth_tile_9x3), FN(nth_tile_8x3), 0, 0}, {1, 2, 13, 13, FN(nth_tile_13x2), FN(nth_tile_13x2), 0, 0}, {0})
KERNELS(4, {16, 3, 9, 8, FN(nth_tile_9x3), FN(nth_tile_8x3), FN(nth_tile_1x3), 0}, {1, 2, 13, 13, FN(nth_tile_13x2), FN(nth_tile_13x2), FN(nth_tile_1x2), 0}, {0})
KERNELS(5, {16, 3, 9, 8, FN(nth_tile_9x3), FN(nth_tile_8x3), 0, 0}, {1, 2, 13, 13, FN(nth_tile_13x2), FN(nth_tile_13x2), 0, 0}, {0})
#undef KERNELS_Z2
#define KERNELS_Z2 FN(kernels_1)
#undef KERNELS_H
#define KERNELS_H FN(kernels_2)
#undef KERNELS_W2_bar
#define KERNELS_W2_bar FN(kernels_3)
#undef KERNELS_A1_bar
#define KERNELS_A1_bar FN(kernels_4)
#undef KERNELS_W1_bar
#define KERNELS_W1_bar FN(kernels_5)
#undef KERNELS_Z2_dot
#define KERNELS_Z2_dot FN(kernels_1)
#elif defined(SET_plain) && !defined(TWO_LAYER_DOUBLE)
TILE(6, 2)
TILE(5, 2)
TILE(1, 2)
TILE_PACKS(5, 2)
TILE(13, 1)
TILE(1, 1)
TILE_PACKS(13, 1)
ACROSS(6, 2)
ACROSS(1, 2)
ALONG(5, 2)
enum { FN(nth_tile_6x2) = 0, FN(nth_tile_5x2) = 1, FN(nth_tile_1x2) = 2, FN(nth_tile_13x1) = 3, FN(nth_tile_1x1) = 4, FN(nth_across_6x2) = 5, FN(nth_across_1x2) = 6, FN(nth_along_5x2) = 7, FN(nth_tile_packs_5x2) = 1, FN(nth_tile_packs_13x1) = 2 };
static ONE(tile) *const FN(tiles)[] = {FN(tile_6x2), FN(tile_5x2), FN(tile_1x2), FN(tile_13x1), FN(tile_1x1), FN(across_6x2), FN(across_1x2), FN(along_5x2)};
static ONE(packing_tile) *const FN(packing)[] = {0, FN(tile_packs_5x2), FN(tile_packs_13x1)};
KERNELS(1, {12, 2, 6, 5, FN(nth_tile_6x2), FN(nth_tile_5x2), FN(nth_tile_1x2), FN(nth_tile_packs_5x2)}, {1, 1, 13, 13, FN(nth_tile_13x1), FN(nth_tile_13x1), FN(nth_tile_1x1), FN(nth_tile_packs_13x1)}, {0})
KERNELS(2, {1, 2, 6, 5, FN(nth_tile_6x2), FN(nth_tile_5x2), FN(nth_tile_1x2), FN(nth_tile_packs_5x2)}, {0}, {1, 1, 6, 6, FN(nth_across_6x2), FN(nth_across_6x2), FN(nth_across_1x2), 0})
KERNELS(3, {1, 2, 6, 5, FN(nth_tile_6x2), FN(nth_tile_5x2), 0, 0}, {0}, {0, 1, 5, 5, FN(nth_along_5x2), FN(nth_along_5x2), 0, 0})
KERNELS(4, {12, 2, 6, 5, FN(nth_tile_6x2), FN(nth_tile_5x2), FN(nth_tile_1x2), 0}, {1, 1, 13, 13, FN(nth_tile_13x1), FN(nth_tile_13x1), FN(nth_tile_1x1), 0}, {0})
KERNELS(5, {12, 2, 6, 5, FN(nth_tile_6x2), FN(nth_tile_5x2), 0, 0}, {1, 1, 13, 13, FN(nth_tile_13x1), FN(nth_tile_13x1), 0, 0}, {0})
#undef KERNELS_Z2
#define KERNELS_Z2 FN(kernels_1)
#undef KERNELS_H
#define KERNELS_H FN(kernels_2)
#undef KERNELS_W2_bar
#define KERNELS_W2_bar FN(kernels_3)
#undef KERNELS_A1_bar
#define KERNELS_A1_bar FN(kernels_4)
#undef KERNELS_W1_bar
#define KERNELS_W1_bar FN(kernels_5)
#undef KERNELS_Z2_dot
#define KERNELS_Z2_dot FN(kernels_1)
#elif defined(SET_plain) && defined(TWO_LAYER_DOUBLE)
TILE(6, 2)
TILE(5, 2)
TILE(1, 2)
TILE_PACKS(5, 2)
TILE(3, 3)
TILE(1, 3)
enum { FN(nth_tile_6x2) = 0, FN(nth_tile_5x2) = 1, FN(nth_tile_1x2) = 2, FN(nth_tile_3x3) = 3, FN(nth_tile_1x3) = 4, FN(nth_tile_packs_5x2) = 1 };
static ONE(tile) *const FN(tiles)[] = {FN(tile_6x2), FN(tile_5x2), FN(tile_1x2), FN(tile_3x3), FN(tile_1x3)};
static ONE(packing_tile) *const FN(packing)[] = {0, FN(tile_packs_5x2)};
KERNELS(1, {25, 2, 6, 5, FN(nth_tile_6x2), FN(nth_tile_5x2), FN(nth_tile_1x2), FN(nth_tile_packs_5x2)}, {0}, {0})
KERNELS(2, {1, 3, 3, 3, FN(nth_tile_3x3), FN(nth_tile_3x3), FN(nth_tile_1x3), 0}, {1, 2, 6, 5, FN(nth_tile_6x2), FN(nth_tile_5x2), FN(nth_tile_1x2), FN(nth_tile_packs_5x2)}, {0})
KERNELS(3, {1, 3, 3, 3, FN(nth_tile_3x3), FN(nth_tile_3x3), 0, 0}, {1, 2, 6, 5, FN(nth_tile_6x2), FN(nth_tile_5x2), 0, 0}, {0})
KERNELS(4, {25, 2, 6, 5, FN(nth_tile_6x2), FN(nth_tile_5x2), FN(nth_tile_1x2), 0}, {0}, {0})
KERNELS(5, {25, 2, 6, 5, FN(nth_tile_6x2), FN(nth_tile_5x2), 0, 0}, {0}, {0})
#undef KERNELS_Z2
#define KERNELS_Z2 FN(kernels_1)
#undef KERNELS_H
#define KERNELS_H FN(kernels_2)
#undef KERNELS_W2_bar
#define KERNELS_W2_bar FN(kernels_3)
#undef KERNELS_A1_bar
#define KERNELS_A1_bar FN(kernels_4)
#undef KERNELS_W1_bar
#define KERNELS_W1_bar FN(kernels_5)
#undef KERNELS_Z2_dot
#define KERNELS_Z2_dot FN(kernels_1)
#endif
#ifndef __clang__
#pragma GCC pop_options
#endif

static ALWAYS ivec FN(more)(ivec x, ivec y)
{
#ifdef more_
    return more_(x, y);
#else
    return (x & (x > y)) | (y & ~(x > y));
#endif
}

/* The largest |x| of rows of columns; NaN counts as larger than any number. */
static real FN(magnitude)(const real *x, int rows, int columns, ptrdiff_t ld)
{
    const ivec unsigned_ = every(~(uword)0 >> 1);
    ivec most = {0}, other = {0};
    for (int i = 0; i < rows; i++, x += ld) {
        int j = 0;
        for (; j + 4 * LANES <= columns; j += 4 * LANES) {
            most = FN(more)((ivec)load(x + j) & unsigned_, most);
            other = FN(more)((ivec)load(x + j + LANES) & unsigned_, other);
            most = FN(more)((ivec)load(x + j + 2 * LANES) & unsigned_, most);
            other = FN(more)((ivec)load(x + j + 3 * LANES) & unsigned_, other);
        }
        for (; j < columns; j += LANES)
            most = FN(more)((ivec)FN(part)(x + j, columns - j) & unsigned_, most);
    }
    most = FN(more)(other, most);
    word found = 0;
    for (int l = 0; l < LANES; l++)
        found = most[l] > found ? most[l] : found;
    real result;
    memcpy(&result, &found, sizeof result);
    return result;
}

#ifdef TWO_LAYER_DOUBLE
/* Elementary functions of a vector of double: reduced arguments, then polynomials of least largest error
 * whose coefficients were rounded one after the other. k times the leading parts of ln(2) and pi/2 is exact.
 * The error beside a function is the largest one measured, in units of the last place. */
typedef unsigned long long FN(bits) __attribute__((vector_size(sizeof(vec))));
#define ALL(c) ((vec){0} + (c))
#define SIGN (unsigned long long)0x8000000000000000ull

/* the larger of two; x where it is not a number */
static inline vec FN(at_least)(vec low, vec x)
{
#ifdef max_
    return max_(low, x);
#else
    return FN(select)((ivec)(x < low), low, x);
#endif
}

/* the smaller of two; x where it is not a number */
static inline vec FN(at_most)(vec high, vec x)
{
#ifdef min_
    return min_(high, x);
#else
    return FN(select)((ivec)(x > high), high, x);
#endif
}

/* p 2^k for integers k, rounded once; in two factors, each a normal number */
static inline vec FN(scaled)(vec p, vec k)
{
#ifdef scale_
    return scale_(p, k);
#else
    FN(bits) both = (FN(bits))(k + ALL(6755399441057790.0));
    FN(bits) half = both >> 1;

    return p * (vec)(half << 52) * (vec)((both - half) << 52);
#endif
}

/* e^x = 2^k e^r, k = [x/ln(2)], e^r = 1 + r q(r); 1.02 ulp */
static inline vec FN(exp)(vec x)
{
    x = FN(at_least)(ALL(-746.0), FN(at_most)(ALL(710.0), x));
    vec k = fma_(x, ALL(1.4426950408889634), ALL(6755399441055744.0)) - ALL(6755399441055744.0);
    vec r = fma_(k, ALL(-5.4979230187083712e-14), fma_(k, ALL(-0.69314718055989033), x));
    vec q = ALL(2.0837969969197718e-9);
    q = fma_(q, r, ALL(2.5107574158187726e-8));
    q = fma_(q, r, ALL(2.7557503246432426e-7));
    q = fma_(q, r, ALL(2.7557247966042495e-6));
    q = fma_(q, r, ALL(2.4801587089278402e-5));
    q = fma_(q, r, ALL(0.00019841269883407047));
    q = fma_(q, r, ALL(0.00138888888889781));
    q = fma_(q, r, ALL(0.0083333333333217487));
    q = fma_(q, r, ALL(0.04166666666666656));
    q = fma_(q, r, ALL(0.1666666666666668));
    q = fma_(q, r, ALL(0.5));
    q = fma_(q, r, ALL(1.0));
    return FN(scaled)(fma_(r, q, ALL(1.0)), k);
}

static inline vec FN(sqrt)(vec x)
{
#ifdef sqrt_
    return sqrt_(x);
#else
    for (int lane = 0; lane < LANES; lane++)
        x[lane] = __builtin_sqrt(x[lane]);
    return x;
#endif
}
#undef ALL
#undef SIGN
#else
/* Elementary functions of a vector of float: reduced arguments, then polynomials of least largest error
 * whose coefficients were rounded one after the other. k times the leading parts of ln(2) and pi/2 is exact.
 * The error beside a function is the largest one measured, in units of the last place. */
typedef unsigned FN(bits) __attribute__((vector_size(sizeof(vec))));
#define ALL(c) ((vec){0} + (c))
#define SIGN (unsigned)0x80000000u

/* the larger of two; x where it is not a number */
static inline vec FN(at_least)(vec low, vec x)
{
#ifdef max_
    return max_(low, x);
#else
    return FN(select)((ivec)(x < low), low, x);
#endif
}

/* the smaller of two; x where it is not a number */
static inline vec FN(at_most)(vec high, vec x)
{
#ifdef min_
    return min_(high, x);
#else
    return FN(select)((ivec)(x > high), high, x);
#endif
}

/* p 2^k for integers k, rounded once; in two factors, each a normal number */
static inline vec FN(scaled)(vec p, vec k)
{
#ifdef scale_
    return scale_(p, k);
#else
    FN(bits) both = (FN(bits))(k + ALL(12583166.0f));
    FN(bits) half = both >> 1;

    return p * (vec)(half << 23) * (vec)((both - half) << 23);
#endif
}

/* e^x = 2^k e^r, k = [x/ln(2)], e^r = 1 + r q(r); 1.10 ulp */
static inline vec FN(exp)(vec x)
{
    x = FN(at_least)(ALL(-104.0f), FN(at_most)(ALL(89.0f), x));
    vec k = fma_(x, ALL(1.44269502f), ALL(12582912.0f)) - ALL(12582912.0f);
    vec r = fma_(k, ALL(-1.42860677e-6f), fma_(k, ALL(-0.693145752f), x));
    vec q = ALL(0.00138204894f);
    q = fma_(q, r, ALL(0.00836874824f));
    q = fma_(q, r, ALL(0.0416682325f));
    q = fma_(q, r, ALL(0.166665211f));
    q = fma_(q, r, ALL(0.49999994f));
    q = fma_(q, r, ALL(1.0f));
    return FN(scaled)(fma_(r, q, ALL(1.0f)), k);
}

static inline vec FN(sqrt)(vec x)
{
#ifdef sqrt_
    return sqrt_(x);
#else
    for (int lane = 0; lane < LANES; lane++)
        x[lane] = __builtin_sqrtf(x[lane]);
    return x;
#endif
}
#undef ALL
#undef SIGN
#endif

/* A vector divided by one number: times its inverse, where that is a normal number. */
static ALWAYS vec FN(over)(vec x, real y)
{
    const real size = y < 0 ? -y : y;
    return size > (real)1e-37 && size < (real)1e37 ? x * all(1 / y) : x / all(y);
}

/* The larger of two; NaN where either is. */
static ALWAYS vec FN(larger)(vec x, vec y)
{
#ifdef max_
    return FN(select)(x != x, x, max_(x, y));
#else
    return FN(select)((x > y) | (x != x), x, y);
#endif
}

/* ---- The equations, each a function. */

/* A1[i,j] = sum_{q<n} X[i,q] W1[q,j]
   Z2[i,j] = where(A1[i,j] > 0, A1[i,j], 0) */
static void FN(Z2_finish)(ONE(task) *x, int first, int lane, int rows, int vectors, const void *sums)
{
    const vec *c = sums;
    real *Z2 = x->w + AT_Z2;
    for (int r = 0; r < rows; r++) {
        const int i = first + r;
        for (int v = 0; v < vectors; v++) {
            const int j = lane + v * LANES;
            const vec sum = c[r * vectors + v];
            const vec A1_ = sum;
            const vec Z2_ = FN(select)(A1_ < all(0), all(0), A1_);
            put(Z2 + i * PAD(D) + j, Z2_);
            __builtin_prefetch(Z2 + i * PAD(D) + j + rows * (PAD(D)), 1);
        }
    }
}

/* H[i,j] = sum_{q<d} Z2[i,q] W2[q,j] */
static void FN(H_finish)(ONE(task) *x, int first, int lane, int rows, int vectors, const void *sums)
{
    const vec *c = sums;
    real *H = x->w + AT_H;
    for (int r = 0; r < rows; r++) {
        const int i = first + r;
        for (int v = 0; v < vectors; v++) {
            const int j = lane + v * LANES;
            const vec sum = c[r * vectors + v];
            const vec H_ = sum;
            put(H + i * PAD(K) + j, H_);
            __builtin_prefetch(H + i * PAD(K) + j + rows * (PAD(K)), 1);
        }
    }
}

/* M[i] = max_{q<k} H[i,q]
   E[i,q] = exp(H[i,q] - M[i])
   T[i] = sum_{q<k} E[i,q]
   S[i,q] = E[i,q]/T[i] */
APART FN(S)(ONE(task) *x)
{
    const int examples = x->b->m;
    real *H = x->w + AT_H;
    real *S = x->w + AT_S;
    real *M = x->w + AT_M;
    real *E = x->w + AT_E;
    real *T = x->w + AT_T;
    SHARED
    for (int i = 0; i < examples; i++) {
        vec M_max = all(-(real)INFINITY);
        for (int q = 0; q < K; q += LANES)
            M_max =
                    FN(larger)(FN(within)(load(H + i * PAD(K) + q), K - q, all(-(real)INFINITY)), M_max);
        const real M_whole = FN(largest)(M_max, K);
        const real M_ = M_whole;
        M[i] = M_;
        vec T_sum = all(0);
        for (int q = 0; q < K; q += LANES) {
            const vec E_ = FN(exp)(load(H + i * PAD(K) + q) - all(M_));
            const vec T_term = FN(within)(E_, K - q, all(0));
            T_sum += T_term;
            put(E + i * PAD(K) + q, E_);
        }
        const real T_whole = FN(total)(T_sum, K);
        const real T_ = T_whole;
        T[i] = T_;
        for (int q = 0; q < K; q += LANES) {
            const vec S_ = FN(over)(load(E + i * PAD(K) + q), T_);
            put(S + i * PAD(K) + q, S_);
        }
    }
}

/* L = sum_{i<m} (M[i] - H[i,y[i]] + log(T[i]))/m */
static ALWAYS void FN(L)(ONE(task) *x)
{
    const int examples = x->b->m;
    const int32_t *y = &x->b->y[0];
    real *H = x->w + AT_H;
    real *L = x->w + AT_L;
    real *M = x->w + AT_M;
    real *T = x->w + AT_T;
    SERIAL
    {
        *L = 0;
        for (int i = 0; i < examples; i++)
            *L += M[i] - H[i * PAD(K) + y[i]] + LOG(T[i]);
        *L /= (real)examples;
    }
}

/* H_bar[i,j] = L_bar (S[i,j] - [j == y[i]])/m */
static ALWAYS void FN(H_bar)(ONE(task) *x)
{
    const int examples = x->b->m;
    const int32_t *y = &x->b->y[0];
    real *S = x->w + AT_S;
    real *H_bar = x->w + AT_H_bar;
    real *L_bar = x->w + AT_L_bar;
    SHARED
    for (int i = 0; i < examples; i++)
        for (int j = 0; j < K; j += LANES) {
            const vec H_bar_ =
                    all(*L_bar)
                    * (load(S + i * PAD(K) + j)
                    - FN(select)((FN(lane)() == every(y[i] - j)), all((real)(1)), all((real)(0))))
                    * (1 / (real)examples);
            put(H_bar + i * PAD(K) + j, H_bar_);
        }
}

/* A1_bar[i,j] = where(Z2[i,j] > 0, sum_{q<k} H_bar[i,q] W2[j,q], 0) */
static void FN(A1_bar_finish)(ONE(task) *x, int first, int lane, int rows, int vectors, const void *sums)
{
    const vec *c = sums;
    real *Z2 = x->w + AT_Z2;
    real *A1_bar = x->w + AT_A1_bar;
    for (int r = 0; r < rows; r++) {
        const int i = first + r;
        for (int v = 0; v < vectors; v++) {
            const int j = lane + v * LANES;
            const vec sum = c[r * vectors + v];
            const vec A1_bar_ =
                    FN(select)((load(Z2 + i * PAD(D) + j) > all((real)(0))), sum, all((real)(0)));
            put(A1_bar + i * PAD(D) + j, A1_bar_);
            __builtin_prefetch(A1_bar + i * PAD(D) + j + rows * (PAD(D)), 1);
        }
    }
}

#ifdef COLD
/* Z2_dot[i,j] = where(Z2[i,j] > 0, sum_{q<n} X[i,q] W1_dot[q,j], 0) */
static void FN(Z2_dot_finish)(ONE(task) *x, int first, int lane, int rows, int vectors, const void *sums)
{
    const vec *c = sums;
    real *Z2 = x->w + AT_Z2;
    real *Z2_dot = x->w + AT_Z2_dot;
    for (int r = 0; r < rows; r++) {
        const int i = first + r;
        for (int v = 0; v < vectors; v++) {
            const int j = lane + v * LANES;
            const vec sum = c[r * vectors + v];
            const vec Z2_dot_ =
                    FN(select)((load(Z2 + i * PAD(D) + j) > all((real)(0))), sum, all((real)(0)));
            put(Z2_dot + i * PAD(D) + j, Z2_dot_);
            __builtin_prefetch(Z2_dot + i * PAD(D) + j + rows * (PAD(D)), 1);
        }
    }
}
#endif

#ifdef COLD
/* H_dot[i,j] = sum_{q<d} Z2_dot[i,q] W2[q,j] + sum_{q<d} Z2[i,q] W2_dot[q,j] */
APART FN(H_dot)(ONE(task) *x)
{
    const int examples = x->b->m;
    const real *W2 = &x->p->W2[0][0];
    const real *W2_dot = &x->p_dot->W2[0][0];
    real *Z2 = x->w + AT_Z2;
    real *Z2_dot = x->w + AT_Z2_dot;
    real *H_dot = x->w + AT_H_dot;
    SHARED
    for (int i = 0; i < examples; i++)
        for (int j = 0; j < K; j += LANES) {
            vec H_dot_sum = all((real)(0));
            for (int q = 0; q < D; q++)
                H_dot_sum += FN(part)(W2 + q * K + j, K - j) * all(Z2_dot[i * PAD(D) + q]);
            for (int q = 0; q < D; q++)
                H_dot_sum += FN(part)(W2_dot + q * K + j, K - j) * all(Z2[i * PAD(D) + q]);
            const vec H_dot_ = H_dot_sum;
            put(H_dot + i * PAD(K) + j, H_dot_);
        }
}
#endif

#ifdef COLD
/* L_dot = (sum_{i<m,q<k} H_dot[i,q] S[i,q] - sum_{i<m} H_dot[i,y[i]])/m */
APART FN(L_dot)(ONE(task) *x)
{
    const int examples = x->b->m;
    const int32_t *y = &x->b->y[0];
    real *S = x->w + AT_S;
    real *H_dot = x->w + AT_H_dot;
    real *L_dot = x->w + AT_L_dot;
    SERIAL
    {
        *L_dot = 0;
        for (int i = 0; i < examples; i++)
            *L_dot -= H_dot[i * PAD(K) + y[i]];
        for (int i = 0; i < examples; i++)
            for (int q = 0; q < K; q++)
                *L_dot += H_dot[i * PAD(K) + q] * S[i * PAD(K) + q];
        *L_dot /= (real)examples;
    }
}
#endif

/* Whether a vector is whole is asked once for all rows, where there are no masks that make it one. */
#undef ASKED
#if SMALL || defined(put_first_)
#define ASKED 0
#else
#define ASKED 1
#endif

/* W_new[i] = W[i] - lr (weight_decay W[i] + W_bar[i]) */
static ALWAYS void FN(sgd_rows)(const ONE(task) *x, ptrdiff_t at, int rows, int left, const vec *c, int vectors)
{
    const ptrdiff_t ld = x->ld;
    real *W_row = x->to + at;
    const vec lr_ = all(x->scalar[0]);
    const vec weight_decay_ = all(x->scalar[1]);
    for (int r = 0; r < rows; r++, W_row += ld, c += vectors) {
        const vec W_ = FN(row_part)(W_row, left);
        const vec W_bar_ = *c;
        const vec W_new_ = W_ - lr_ * (weight_decay_ * W_ + W_bar_);
        FN(put_row_part)(W_row, W_new_, left);
    }
}

static void FN(sgd_finish)(ONE(task) *x, int first, int lane, int rows, int vectors, const void *sums)
{
    const vec *c = sums;
    for (int v = 0; v < vectors; v++, lane += LANES) {
        const int left = x->columns - lane;
        if (ASKED && left >= LANES)
            FN(sgd_rows)(x, first * x->ld + lane, rows, LANES, c + v, vectors);
        else
            FN(sgd_rows)(x, first * x->ld + lane, rows, left, c + v, vectors);
    }
}

/* v_new[i] = mu v[i] - lr (weight_decay W[i] + W_bar[i]); W_new[i] = W[i] + v_new[i] */
static ALWAYS void FN(momentum_rows)(const ONE(task) *x, ptrdiff_t at, int rows, int left, const vec *c, int vectors)
{
    const ptrdiff_t ld = x->ld;
    real *W_row = x->to + at, *v_row = x->state[0] + at;
    const vec lr_ = all(x->scalar[0]);
    const vec mu_ = all(x->scalar[1]);
    const vec weight_decay_ = all(x->scalar[2]);
    for (int r = 0; r < rows; r++, W_row += ld, v_row += ld, c += vectors) {
        const vec W_ = FN(row_part)(W_row, left);
        const vec W_bar_ = *c;
        const vec v_ = FN(row_part)(v_row, left);
        const vec v_new_ = mu_ * v_ - lr_ * (weight_decay_ * W_ + W_bar_);
        const vec W_new_ = W_ + v_new_;
        FN(put_row_part)(W_row, W_new_, left);
        FN(put_row_part)(v_row, v_new_, left);
    }
}

static void FN(momentum_finish)(ONE(task) *x, int first, int lane, int rows, int vectors, const void *sums)
{
    const vec *c = sums;
    for (int v = 0; v < vectors; v++, lane += LANES) {
        const int left = x->columns - lane;
        if (ASKED && left >= LANES)
            FN(momentum_rows)(x, first * x->ld + lane, rows, LANES, c + v, vectors);
        else
            FN(momentum_rows)(x, first * x->ld + lane, rows, left, c + v, vectors);
    }
}

/* u_new[i] = (1 - mu) (weight_decay W[i] + W_bar[i]) + mu u[i]; W_new[i] = W[i] - lr u_new[i] */
static ALWAYS void FN(averaged_rows)(const ONE(task) *x, ptrdiff_t at, int rows, int left, const vec *c, int vectors)
{
    const ptrdiff_t ld = x->ld;
    real *W_row = x->to + at, *u_row = x->state[0] + at;
    const vec lr_ = all(x->scalar[0]);
    const vec mu_ = all(x->scalar[1]);
    const vec weight_decay_ = all(x->scalar[2]);
    for (int r = 0; r < rows; r++, W_row += ld, u_row += ld, c += vectors) {
        const vec W_ = FN(row_part)(W_row, left);
        const vec W_bar_ = *c;
        const vec u_ = FN(row_part)(u_row, left);
        const vec u_new_ = (1 - mu_) * (weight_decay_ * W_ + W_bar_) + mu_ * u_;
        const vec W_new_ = W_ - lr_ * u_new_;
        FN(put_row_part)(W_row, W_new_, left);
        FN(put_row_part)(u_row, u_new_, left);
    }
}

static void FN(averaged_finish)(ONE(task) *x, int first, int lane, int rows, int vectors, const void *sums)
{
    const vec *c = sums;
    for (int v = 0; v < vectors; v++, lane += LANES) {
        const int left = x->columns - lane;
        if (ASKED && left >= LANES)
            FN(averaged_rows)(x, first * x->ld + lane, rows, LANES, c + v, vectors);
        else
            FN(averaged_rows)(x, first * x->ld + lane, rows, left, c + v, vectors);
    }
}

/* c1 = 1 - beta1^t; c2 = 1 - beta2^t; m_new[i] = W_bar[i] (1 - beta1) + beta1 m[i]; s_new[i] = W_bar[i]^2 (1 - beta2) + beta2 s[i]; W_new[i] = W[i] (1 - lr weight_decay) - lr m_new[i]/(c1 (sqrt(s_new[i]/c2) + eps)) */
static ALWAYS void FN(adamw_rows)(const ONE(task) *x, ptrdiff_t at, int rows, int left, const vec *c, int vectors)
{
    const ptrdiff_t ld = x->ld;
    real *W_row = x->to + at, *m_row = x->state[0] + at, *s_row = x->state[1] + at;
    const vec lr_ = all(x->scalar[0]);
    const vec beta1_ = all(x->scalar[1]);
    const vec beta2_ = all(x->scalar[2]);
    const vec eps_ = all(x->scalar[3]);
    const vec weight_decay_ = all(x->scalar[5]);
    const vec c1_ = all(x->scalar[6]);
    const real c2 = x->scalar[7];
    for (int r = 0; r < rows; r++, W_row += ld, m_row += ld, s_row += ld, c += vectors) {
        const vec W_ = FN(row_part)(W_row, left);
        const vec W_bar_ = *c;
        const vec m_ = FN(row_part)(m_row, left);
        const vec s_ = FN(row_part)(s_row, left);
        const vec m_new_ = W_bar_ * (1 - beta1_) + beta1_ * m_;
        const vec s_new_ = W_bar_ * W_bar_ * (1 - beta2_) + beta2_ * s_;
        const vec W_new_ = W_ * (1 - lr_ * weight_decay_) - lr_ * m_new_ / (c1_ * (FN(sqrt)(FN(over)(s_new_, c2)) + eps_));
        FN(put_row_part)(W_row, W_new_, left);
        FN(put_row_part)(m_row, m_new_, left);
        FN(put_row_part)(s_row, s_new_, left);
    }
}

static void FN(adamw_finish)(ONE(task) *x, int first, int lane, int rows, int vectors, const void *sums)
{
    const vec *c = sums;
    for (int v = 0; v < vectors; v++, lane += LANES) {
        const int left = x->columns - lane;
        if (ASKED && left >= LANES)
            FN(adamw_rows)(x, first * x->ld + lane, rows, LANES, c + v, vectors);
        else
            FN(adamw_rows)(x, first * x->ld + lane, rows, left, c + v, vectors);
    }
}

/* ---- The passes, as lists of equations. */

APART FN(predicted)(ONE(task) *x)
{
    /* A1[i,j] = sum_{q<n} X[i,q] W1[q,j]
       Z2[i,j] = where(A1[i,j] > 0, A1[i,j], 0) */
    ONE(Z2)(x, KERNELS_Z2, FN(Z2_finish));
    /* H[i,j] = sum_{q<d} Z2[i,q] W2[q,j] */
    ONE(H)(x, KERNELS_H, FN(H_finish));
}

APART FN(lost)(ONE(task) *x)
{
    FN(predicted)(x);
    /* M[i] = max_{q<k} H[i,q]
       E[i,q] = exp(H[i,q] - M[i])
       T[i] = sum_{q<k} E[i,q]
       S[i,q] = E[i,q]/T[i] */
    FN(S)(x);
    /* L = sum_{i<m} (M[i] - H[i,y[i]] + log(T[i]))/m */
    FN(L)(x);
}

/* All but the gradients that are used up where they are computed. */
APART FN(pulled)(ONE(task) *x)
{
    /* H_bar[i,j] = L_bar (S[i,j] - [j == y[i]])/m */
    FN(H_bar)(x);
    /* A1_bar[i,j] = where(Z2[i,j] > 0, sum_{q<k} H_bar[i,q] W2[j,q], 0) */
    ONE(A1_bar)(x, KERNELS_A1_bar, FN(A1_bar_finish));
}

/* Every gradient, each given to a finish: stored, checked, or made the step of an optimizer. */
APART FN(given)(ONE(task) *x, ONE(finish) *finish)
{
    ONE(aim)(x, offsetof(two_layer_params, W1), offsetof(two_layer_gradients, W1)); ONE(W1_bar)(x, KERNELS_W1_bar, finish);
    ONE(aim)(x, offsetof(two_layer_params, W2), offsetof(two_layer_gradients, W2)); ONE(W2_bar)(x, KERNELS_W2_bar, finish);
}

static const ONE(set) FN(set) = {
    LANES, PITCH, FN(tiles), FN(packing), FN(pack_panel),
    FN(predicted), FN(lost), FN(pulled), FN(given), FN(magnitude),
    {FN(sgd_finish), FN(momentum_finish), FN(averaged_finish), FN(adamw_finish)},
};

#ifdef COLD
static void FN(jvp)(const two_layer_params *p, const two_layer_gradients *p_dot, const two_layer_batch *b, real *w)
{
    PARALLEL
    {
        ONE(task) task = {.set = &FN(set), .p = p, .b = b, .w = w, .p_dot = p_dot}, *x = &task;
        /* A1[i,j] = sum_{q<n} X[i,q] W1[q,j]
           Z2[i,j] = where(A1[i,j] > 0, A1[i,j], 0) */
        ONE(Z2)(x, KERNELS_Z2, FN(Z2_finish));
        /* Z2_dot[i,j] = where(Z2[i,j] > 0, sum_{q<n} X[i,q] W1_dot[q,j], 0) */
        ONE(Z2_dot)(x, KERNELS_Z2_dot, FN(Z2_dot_finish));
        /* H[i,j] = sum_{q<d} Z2[i,q] W2[q,j] */
        ONE(H)(x, KERNELS_H, FN(H_finish));
        /* H_dot[i,j] = sum_{q<d} Z2_dot[i,q] W2[q,j] + sum_{q<d} Z2[i,q] W2_dot[q,j] */
        FN(H_dot)(x);
        /* M[i] = max_{q<k} H[i,q]
           E[i,q] = exp(H[i,q] - M[i])
           T[i] = sum_{q<k} E[i,q]
           S[i,q] = E[i,q]/T[i] */
        FN(S)(x);
        /* L = sum_{i<m} (M[i] - H[i,y[i]] + log(T[i]))/m */
        FN(L)(x);
        /* L_dot = (sum_{i<m,q<k} H_dot[i,q] S[i,q] - sum_{i<m} H_dot[i,y[i]])/m */
        FN(L_dot)(x);
    }
}
#endif
#endif
