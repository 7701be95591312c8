#include "NAME.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef _OPENMP
#include <omp.h>
#endif

typedef NAME_real real;
typedef int32_t integer;
#ifdef REGRESSION
typedef real label;
#define LABEL "real"
#define LABELS OUTPUT
#else
typedef integer label;
#define LABEL "integer"
#define LABELS ROWS
#endif
enum { MOST = UPPER_M, OUTPUT = /*OUTPUT*/, ROWS = /*ROWS*/, GUARD = 64, BLOCKS = 16 };

/* Every array, between its guards, and its bytes as they should be. */
static struct {
    unsigned char *all, *kept;
    size_t size, bytes;
} block[BLOCKS];
static int blocks;
static unsigned drawn = 1;

static void *place(size_t bytes)
{
#ifdef BARE
    const size_t after = 0;
#else
    const size_t after = GUARD;
#endif
    const size_t before = GUARD + sizeof(real);
    unsigned char *all = malloc(before + bytes + after);
    block[blocks].all = all;
    block[blocks].kept = malloc(before + bytes + after);
    block[blocks].size = before + bytes + after;
    block[blocks++].bytes = bytes;
    memset(all, 0xa5, before + bytes + after);
    return all + before;
}

static void fail(const char *what, const char *where)
{
    fprintf(stderr, "%s: %s\n", where, what);
    exit(3);
}

static void remember(void)
{
    for (int i = 0; i < blocks; i++)
        memcpy(block[i].kept, block[i].all, block[i].size);
}

/* Guards, and all of the blocks from `first` on, are as they were. */
static void unchanged(int first, const char *where)
{
    for (int i = 0; i < blocks; i++) {
        const size_t from = GUARD + sizeof(real), to = from + block[i].bytes;
        if (memcmp(block[i].all, block[i].kept, from) || memcmp(block[i].all + to, block[i].kept + to, block[i].size - to))
            fail("a guard was overwritten", where);
        if (i >= first && memcmp(block[i].all, block[i].kept, block[i].size))
            fail("what should stay was overwritten", where);
    }
}

static unsigned draw(void)
{
    drawn = drawn * 1664525u + 1013904223u;
    return drawn >> 8;
}

static void fill_real(real *x, size_t n, int bound)
{
    (void)bound;
    for (size_t i = 0; i < n; i++)
        x[i] = (real)((double)draw() / 8388608 - 1);
}

static void fill_integer(integer *x, size_t n, int bound)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (integer)(draw() % (unsigned)bound);
}

static void print(const char *call, const char *name, const char *kind, const void *from, size_t bytes)
{
    printf("%s.%s %s %zu\n", call, name, kind, bytes);
    fwrite(from, 1, bytes, stdout);
}

static void print_params(const char *call, const NAME_params *p)
{
#define TENSOR(name) print(call, #name, "real", &p->name, sizeof p->name);
    /*PARAMETERS*/
}

int main(int argc, char **argv)
{
    const int m = argc > 1 ? atoi(argv[1]) : MOST;
#ifdef _OPENMP
    int threads = 0;
#pragma omp parallel
#pragma omp atomic
    threads++;
    fprintf(stderr, "%d threads\n", threads);
    if (threads != omp_get_max_threads() || threads != atoi(getenv("OMP_NUM_THREADS")))
        fail("another number of threads", "main");
#endif
    NAME_params *p = place(sizeof *p);
    NAME_gradients *p_bar = place(sizeof *p_bar), *p_dot = place(sizeof *p_dot);
    NAME_gradients *state[] = {place(sizeof *p), place(sizeof *p)};
    NAME_workspace *w = place(sizeof *w);
    real *H = place(sizeof(real) * OUTPUT * (size_t)m), *L = place(sizeof *L), *L_dot = place(sizeof *L);
    label *labels = place(sizeof(label) * LABELS * (size_t)m);
    const int inputs = blocks;
    NAME_batch b = {.m = m};
#define FIELD(name, type, bound, each) \
    { type *x = place(sizeof(type) * (each) * (size_t)m); fill_##type(x, (each) * (size_t)m, bound); b.name = (const void *)x; }
    /*FIELDS*/
    NAME_init(p, 5);
    fill_real((real *)p_dot, sizeof *p_dot / sizeof(real), 0);

#define CALL(what, call) \
    memset(w, 0xff, sizeof *w); \
    KEPT(what, call)
#define KEPT(what, call) \
    remember(); \
    if ((call) != UPPER_OK) \
        fail("refused", what); \
    unchanged(inputs, what);
    CALL("forward", NAME_forward(p, &b, w, (void *)H))
    print("forward", "H", "real", H, sizeof(real) * OUTPUT * (size_t)m);
    CALL("predict", NAME_predict(p, &b, w, (void *)labels))
    print("predict", "labels", LABEL, labels, sizeof(label) * LABELS * (size_t)m);
    CALL("jvp", NAME_jvp(p, p_dot, &b, w, L, L_dot))
    print("jvp", "L", "real", L, sizeof *L);
    print("jvp", "L_dot", "real", L_dot, sizeof *L);
    CALL("loss", NAME_loss(p, &b, w, L))
    print("loss", "L", "real", L, sizeof *L);
    KEPT("vjp", NAME_vjp(p, &b, w, (real)0.7, p_bar))
    print_params("vjp", p_bar);

#define STEP(kind, call) \
    NAME_init(p, 5); \
    memset(state[0], 0, sizeof *p); \
    memset(state[1], 0, sizeof *p); \
    for (int t = 1; t <= 5; t++) { \
        CALL(#kind, call) \
    } \
    print(#kind, "L", "real", L, sizeof *L); \
    print_params(#kind, p); \
    print_params(#kind "_state", state[0]); \
    print_params(#kind "_more", state[1]);
    /*STEPS*/

    const int refused[] = {0, -1, MOST + 1};
    for (int i = 0; i < 3; i++) {
        const int t = 1;
        b.m = refused[i];
#undef STEP
#define REFUSED(what, call) \
    memset(w, 0xff, sizeof *w); \
    remember(); \
    if ((call) != UPPER_BATCH) \
        fail("taken", what); \
    unchanged(0, what);
#define STEP(kind, call) REFUSED(#kind " refused", call)
        REFUSED("forward refused", NAME_forward(p, &b, w, (void *)H))
        REFUSED("predict refused", NAME_predict(p, &b, w, (void *)labels))
        REFUSED("jvp refused", NAME_jvp(p, p_dot, &b, w, L, L_dot))
        REFUSED("loss refused", NAME_loss(p, &b, w, L))
        REFUSED("vjp refused", NAME_vjp(p, &b, w, 1, p_bar))
        /*STEPS*/
        (void)t;
    }
    for (int i = 0; i < blocks; i++) {
        free(block[i].all);
        free(block[i].kept);
    }
    return 0;
}
