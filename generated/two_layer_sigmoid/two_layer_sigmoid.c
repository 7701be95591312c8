/* two_layer_sigmoid: h(X) = sigma(X W1) W2, sigma = sigmoid
   Emitted by `python -m derive build two_layer_sigmoid`; change the definition, not this file. */
#include "two_layer_sigmoid.h"

#include <math.h>
#include <string.h>

/* The same bits from every compiler: no reassociation, no contraction into fused multiply-adds. */
#ifdef __FAST_MATH__
#error "two_layer_sigmoid.c needs exact floating point: compile without -ffast-math"
#endif
#if defined(__clang__) || !defined(__GNUC__)
#pragma STDC FP_CONTRACT OFF
#else
#pragma GCC optimize("fp-contract=off")
#endif

#ifdef TWO_LAYER_SIGMOID_DOUBLE
#define EXP exp
#define FABS fabs
#define LOG log
#define POW pow
#define SQRT sqrt
#else
#define EXP expf
#define FABS fabsf
#define LOG logf
#define POW powf
#define SQRT sqrtf
#endif

typedef two_layer_sigmoid_real real;

enum { N = TWO_LAYER_SIGMOID_N, D = TWO_LAYER_SIGMOID_D, K = TWO_LAYER_SIGMOID_K };

/* sum_{p<n} x[p] y[p], in 16 sums side by side that fill vector registers */
static real two_layer_sigmoid_dot(const real *x, const real *y, int n)
{
    real side[16] = {0}, sum = 0;
    int p = 0;

    for (; p + 16 <= n; p += 16)
        for (int s = 0; s < 16; s++)
            side[s] += x[p + s] * y[p + s];
    for (; p < n; p++)
        sum += x[p] * y[p];
    for (int s = 0; s < 16; s++)
        sum += side[s];
    return sum;
}

/* the larger of two numbers; not a number where one is none */
static real two_layer_sigmoid_larger(real a, real b)
{
    return a > b || a != a ? a : b;
}

/* a where the condition holds, else b; both are read, so that no compiler needs a masked load */
static real two_layer_sigmoid_where(int condition, real a, real b)
{
    return condition ? a : b;
}

/* The finaliser of SplitMix64: Steele, Lea, Flood, OOPSLA 2014. */
static uint64_t two_layer_sigmoid_mix(uint64_t z)
{
    z += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* Normal with deviation scale: a sum of twelve uniforms has mean 6 and variance 1. */
static void two_layer_sigmoid_normal(real *x, size_t count, uint64_t key, double scale)
{
    for (size_t e = 0; e < count; e++) {
        uint64_t s = 0;
        for (uint64_t j = 0; j < 12; j++)
            s += two_layer_sigmoid_mix(key + 16 * (uint64_t)e + j) >> 32;
        x[e] = (real)(((double)s - 6 * 0x1p32) * 0x1p-32 * scale);
    }
}

void two_layer_sigmoid_init(two_layer_sigmoid_params *p, uint64_t seed)
{
    const uint64_t key = two_layer_sigmoid_mix(seed);

    two_layer_sigmoid_normal(&p->W1[0][0], sizeof p->W1 / sizeof(real), two_layer_sigmoid_mix(key + 0), sqrt(1.0 / N));
    two_layer_sigmoid_normal(&p->W2[0][0], sizeof p->W2 / sizeof(real), two_layer_sigmoid_mix(key + 1), sqrt(1.0 / D));
}

static int two_layer_sigmoid_check_batch(const two_layer_sigmoid_batch *b)
{
    if (b->m < 1 || b->m > TWO_LAYER_SIGMOID_M)
        return TWO_LAYER_SIGMOID_BATCH;
    return TWO_LAYER_SIGMOID_OK;
}

static int two_layer_sigmoid_check(const two_layer_sigmoid_batch *b)
{
    const int code = two_layer_sigmoid_check_batch(b);
    if (code != TWO_LAYER_SIGMOID_OK)
        return code;
    if (!b->y)
        return TWO_LAYER_SIGMOID_LABEL;
    for (int i = 0; i < b->m; i++)
        if (b->y[i] < 0 || b->y[i] >= K)
            return TWO_LAYER_SIGMOID_LABEL;
    return TWO_LAYER_SIGMOID_OK;
}

int two_layer_sigmoid_forward(const two_layer_sigmoid_params *restrict p, const two_layer_sigmoid_batch *b,
                              two_layer_sigmoid_workspace *restrict w, two_layer_sigmoid_real *H)
{
    const int code = two_layer_sigmoid_check_batch(b);
    if (code != TWO_LAYER_SIGMOID_OK)
        return code;

    for (int i = 0; i < b->m; i++) {
        const real *X = b->X[i];
        real *A1 = w->A1, *E2 = w->E2[i], *C = w->C, *Z2 = w->Z2[i];

        /* A1[i,j] = sum_{q<n} X[i,q] W1[q,j] */
        for (int j = 0; j < D; j++)
            A1[j] = 0;
        for (int q = 0; q < N; q++)
            for (int j = 0; j < D; j++)
                A1[j] += X[q] * p->W1[q][j];

        /* E2[i,j] = exp(-abs(A1[i,j])) */
        for (int j = 0; j < D; j++)
            E2[j] = EXP(-FABS(A1[j]));

        /* C[i,j] = where(A1[i,j] >= 0, 1, E2[i,j]) */
        for (int j = 0; j < D; j++)
            C[j] = two_layer_sigmoid_where(A1[j] >= 0, 1, E2[j]);

        /* Z2[i,j] = C[i,j] - C[i,j] E2[i,j]/(E2[i,j] + 1) */
        for (int j = 0; j < D; j++)
            Z2[j] = C[j] - C[j] * E2[j] / (E2[j] + 1);

        /* H[i,j] = sum_{q<d} Z2[i,q] W2[q,j] */
        for (int j = 0; j < K; j++)
            H[i * K + j] = 0;
        for (int q = 0; q < D; q++)
            for (int j = 0; j < K; j++)
                H[i * K + j] += Z2[q] * p->W2[q][j];
    }
    return TWO_LAYER_SIGMOID_OK;
}

int two_layer_sigmoid_loss(const two_layer_sigmoid_params *restrict p, const two_layer_sigmoid_batch *b,
                           two_layer_sigmoid_workspace *restrict w, two_layer_sigmoid_real *L)
{
    const int code = two_layer_sigmoid_check(b);
    if (code != TWO_LAYER_SIGMOID_OK)
        return code;

    *L = 0;
    for (int i = 0; i < b->m; i++) {
        const real *X = b->X[i];
        real *A1 = w->A1, *E2 = w->E2[i], *C = w->C, *Z2 = w->Z2[i], *H = w->H[i], *E = w->E,
                *S = w->S[i];

        /* A1[i,j] = sum_{q<n} X[i,q] W1[q,j] */
        for (int j = 0; j < D; j++)
            A1[j] = 0;
        for (int q = 0; q < N; q++)
            for (int j = 0; j < D; j++)
                A1[j] += X[q] * p->W1[q][j];

        /* E2[i,j] = exp(-abs(A1[i,j])) */
        for (int j = 0; j < D; j++)
            E2[j] = EXP(-FABS(A1[j]));

        /* C[i,j] = where(A1[i,j] >= 0, 1, E2[i,j]) */
        for (int j = 0; j < D; j++)
            C[j] = two_layer_sigmoid_where(A1[j] >= 0, 1, E2[j]);

        /* Z2[i,j] = C[i,j] - C[i,j] E2[i,j]/(E2[i,j] + 1) */
        for (int j = 0; j < D; j++)
            Z2[j] = C[j] - C[j] * E2[j] / (E2[j] + 1);

        /* H[i,j] = sum_{q<d} Z2[i,q] W2[q,j] */
        for (int j = 0; j < K; j++)
            H[j] = 0;
        for (int q = 0; q < D; q++)
            for (int j = 0; j < K; j++)
                H[j] += Z2[q] * p->W2[q][j];

        /* M[i] = max_{q<k} H[i,q] */
        real M = -(real)INFINITY;
        for (int q = 0; q < K; q++)
            M = two_layer_sigmoid_larger(H[q], M);

        /* E[i,q] = exp(H[i,q] - M[i]) */
        for (int q = 0; q < K; q++)
            E[q] = EXP(H[q] - M);

        /* T[i] = sum_{q<k} E[i,q] */
        real T = 0;
        for (int q = 0; q < K; q++)
            T += E[q];

        /* L = sum_{i<m} (M[i] - H[i,y[i]] + log(T[i]))/m */
        *L += M - H[b->y[i]] + LOG(T);

        /* S[i,j] = E[i,j]/T[i] */
        for (int j = 0; j < K; j++)
            S[j] = E[j] / T;
    }
    *L /= (real)b->m;
    return TWO_LAYER_SIGMOID_OK;
}

int two_layer_sigmoid_vjp(const two_layer_sigmoid_params *restrict p, const two_layer_sigmoid_batch *b,
                          two_layer_sigmoid_workspace *restrict w, two_layer_sigmoid_real L_bar,
                          two_layer_sigmoid_gradients *restrict p_bar)
{
    const int code = two_layer_sigmoid_check(b);
    if (code != TWO_LAYER_SIGMOID_OK)
        return code;

    for (int i = 0; i < b->m; i++) {
        const real *S = w->S[i], *E2 = w->E2[i];
        real *H_bar = w->H_bar[i], *A1_bar = w->A1_bar[i];

        /* H_bar[i,j] = L_bar (S[i,j] - [j == y[i]])/m */
        for (int j = 0; j < K; j++)
            H_bar[j] = L_bar * (S[j] - (real)(j == b->y[i])) / (real)b->m;

        /* A1_bar[i,j] = E2[i,j] sum_{q<k} H_bar[i,q] W2[j,q]/(E2[i,j] (E2[i,j] + 2) + 1) */
        for (int j = 0; j < D; j++)
            A1_bar[j] = two_layer_sigmoid_dot(H_bar, p->W2[j], K) * E2[j] / (E2[j] * (E2[j] + 2) + 1);
    }

    /* W2_bar[q,j] = sum_{i<m} Z2[i,q] H_bar[i,j] */
    for (int q = 0; q < D; q++) {
        for (int j = 0; j < K; j++)
            p_bar->W2[q][j] = 0;
        for (int i = 0; i < b->m; i++)
            for (int j = 0; j < K; j++)
                p_bar->W2[q][j] += w->Z2[i][q] * w->H_bar[i][j];
    }

    /* W1_bar[q,j] = sum_{i<m} X[i,q] A1_bar[i,j] */
    for (int q = 0; q < N; q++) {
        for (int j = 0; j < D; j++)
            p_bar->W1[q][j] = 0;
        for (int i = 0; i < b->m; i++)
            for (int j = 0; j < D; j++)
                p_bar->W1[q][j] += b->X[i][q] * w->A1_bar[i][j];
    }
    return TWO_LAYER_SIGMOID_OK;
}

int two_layer_sigmoid_jvp(const two_layer_sigmoid_params *restrict p, const two_layer_sigmoid_gradients *p_dot,
                          const two_layer_sigmoid_batch *b, two_layer_sigmoid_workspace *restrict w,
                          two_layer_sigmoid_real *L, two_layer_sigmoid_real *L_dot)
{
    const int code = two_layer_sigmoid_check(b);
    if (code != TWO_LAYER_SIGMOID_OK)
        return code;

    *L = 0;
    *L_dot = 0;
    for (int i = 0; i < b->m; i++) {
        const real *X = b->X[i];
        real *A1 = w->A1, *E2 = w->E2[i], *C = w->C, *Z2 = w->Z2[i], *Z2_dot = w->Z2_dot,
                *H = w->H[i], *H_dot = w->H_dot, *E = w->E, *S = w->S[i];

        /* A1[i,j] = sum_{q<n} X[i,q] W1[q,j] */
        for (int j = 0; j < D; j++)
            A1[j] = 0;
        for (int q = 0; q < N; q++)
            for (int j = 0; j < D; j++)
                A1[j] += X[q] * p->W1[q][j];

        /* E2[i,j] = exp(-abs(A1[i,j])) */
        for (int j = 0; j < D; j++)
            E2[j] = EXP(-FABS(A1[j]));

        /* C[i,j] = where(A1[i,j] >= 0, 1, E2[i,j]) */
        for (int j = 0; j < D; j++)
            C[j] = two_layer_sigmoid_where(A1[j] >= 0, 1, E2[j]);

        /* Z2[i,j] = C[i,j] - C[i,j] E2[i,j]/(E2[i,j] + 1) */
        for (int j = 0; j < D; j++)
            Z2[j] = C[j] - C[j] * E2[j] / (E2[j] + 1);

        /* Z2_dot[i,j] = E2[i,j] sum_{q<n} X[i,q] W1_dot[q,j]/(E2[i,j] (E2[i,j] + 2) + 1) */
        for (int j = 0; j < D; j++)
            Z2_dot[j] = 0;
        for (int q = 0; q < N; q++)
            for (int j = 0; j < D; j++)
                Z2_dot[j] += X[q] * p_dot->W1[q][j];
        for (int j = 0; j < D; j++)
            Z2_dot[j] *= E2[j] / (E2[j] * (E2[j] + 2) + 1);

        /* H[i,j] = sum_{q<d} Z2[i,q] W2[q,j] */
        for (int j = 0; j < K; j++)
            H[j] = 0;
        for (int q = 0; q < D; q++)
            for (int j = 0; j < K; j++)
                H[j] += Z2[q] * p->W2[q][j];

        /* H_dot[i,j] = sum_{q<d} Z2_dot[i,q] W2[q,j] + sum_{q<d} Z2[i,q] W2_dot[q,j] */
        for (int j = 0; j < K; j++)
            H_dot[j] = 0;
        for (int q = 0; q < D; q++)
            for (int j = 0; j < K; j++)
                H_dot[j] += Z2_dot[q] * p->W2[q][j];
        for (int q = 0; q < D; q++)
            for (int j = 0; j < K; j++)
                H_dot[j] += Z2[q] * p_dot->W2[q][j];

        /* M[i] = max_{q<k} H[i,q] */
        real M = -(real)INFINITY;
        for (int q = 0; q < K; q++)
            M = two_layer_sigmoid_larger(H[q], M);

        /* E[i,q] = exp(H[i,q] - M[i]) */
        for (int q = 0; q < K; q++)
            E[q] = EXP(H[q] - M);

        /* T[i] = sum_{q<k} E[i,q] */
        real T = 0;
        for (int q = 0; q < K; q++)
            T += E[q];

        /* L = sum_{i<m} (M[i] - H[i,y[i]] + log(T[i]))/m */
        *L += M - H[b->y[i]] + LOG(T);

        /* S[i,j] = E[i,j]/T[i] */
        for (int j = 0; j < K; j++)
            S[j] = E[j] / T;

        /* L_dot = (sum_{i<m,q<k} H_dot[i,q] S[i,q] - sum_{i<m} H_dot[i,y[i]])/m */
        *L_dot -= H_dot[b->y[i]];
        for (int q = 0; q < K; q++)
            *L_dot += H_dot[q] * S[q];
    }
    *L /= (real)b->m;
    *L_dot /= (real)b->m;
    return TWO_LAYER_SIGMOID_OK;
}

int two_layer_sigmoid_predict(const two_layer_sigmoid_params *p, const two_layer_sigmoid_batch *b,
                              two_layer_sigmoid_workspace *w, int32_t *labels)
{
    const int code = two_layer_sigmoid_forward(p, b, w, &w->H[0][0]);
    if (code != TWO_LAYER_SIGMOID_OK)
        return code;

    for (int i = 0; i < b->m; i++) {
        const real *H = &w->H[0][0] + (size_t)i * K;
        int best = 0;
        for (int j = 1; j < K; j++)
            best = H[j] > H[best] ? j : best;
        labels[i] = best;
    }
    return TWO_LAYER_SIGMOID_OK;
}

static int two_layer_sigmoid_finite(const real *x, size_t n)
{
    int bad = 0;
    for (size_t e = 0; e < n; e++)
        bad |= !(x[e] - x[e] == 0);
    return !bad;
}

/* The loss, and its gradients in w->p_bar; both finite, or TWO_LAYER_SIGMOID_NONFINITE. */
static int two_layer_sigmoid_gradients_of(const two_layer_sigmoid_params *p, const two_layer_sigmoid_batch *b,
                                          two_layer_sigmoid_workspace *w, real *L)
{
    int code = two_layer_sigmoid_loss(p, b, w, L);
    if (code == TWO_LAYER_SIGMOID_OK && !two_layer_sigmoid_finite(L, 1))
        code = TWO_LAYER_SIGMOID_NONFINITE;
    if (code == TWO_LAYER_SIGMOID_OK)
        code = two_layer_sigmoid_vjp(p, b, w, 1, &w->p_bar);
    if (code == TWO_LAYER_SIGMOID_OK && !two_layer_sigmoid_finite((const real *)&w->p_bar, sizeof w->p_bar / sizeof(real)))
        code = TWO_LAYER_SIGMOID_NONFINITE;
    return code;
}

/* W_new[i] = W[i] - lr (weight_decay W[i] + W_bar[i]) */
static void two_layer_sigmoid_sgd(real *restrict W, const real *restrict W_bar, size_t n, real lr,
                                  real weight_decay)
{
    for (size_t i = 0; i < n; i++)
        W[i] -= lr * (weight_decay * W[i] + W_bar[i]);
}

int two_layer_sigmoid_sgd_step(two_layer_sigmoid_params *p, const two_layer_sigmoid_batch *b,
                               two_layer_sigmoid_workspace *w, two_layer_sigmoid_real lr,
                               two_layer_sigmoid_real weight_decay, two_layer_sigmoid_real *L)
{
    real now;
    const int code = two_layer_sigmoid_gradients_of(p, b, w, &now);
    if (code != TWO_LAYER_SIGMOID_OK)
        return code;

    two_layer_sigmoid_sgd((real *)p, (const real *)&w->p_bar, sizeof *p / sizeof(real), lr, weight_decay);
    *L = now;
    return TWO_LAYER_SIGMOID_OK;
}

/* v_new[i] = mu v[i] - lr (weight_decay W[i] + W_bar[i]); W_new[i] = W[i] + v_new[i] */
static void two_layer_sigmoid_momentum(real *restrict W, const real *restrict W_bar, real *restrict v, size_t n,
                                       real lr, real mu, real weight_decay)
{
    for (size_t i = 0; i < n; i++) {
        v[i] = mu * v[i] - lr * (weight_decay * W[i] + W_bar[i]);
        W[i] += v[i];
    }
}

int two_layer_sigmoid_momentum_step(two_layer_sigmoid_params *p, two_layer_sigmoid_gradients *v,
                                    const two_layer_sigmoid_batch *b, two_layer_sigmoid_workspace *w,
                                    two_layer_sigmoid_real lr, two_layer_sigmoid_real mu,
                                    two_layer_sigmoid_real weight_decay, two_layer_sigmoid_real *L)
{
    real now;
    const int code = two_layer_sigmoid_gradients_of(p, b, w, &now);
    if (code != TWO_LAYER_SIGMOID_OK)
        return code;

    two_layer_sigmoid_momentum((real *)p, (const real *)&w->p_bar, (real *)v, sizeof *p / sizeof(real), lr, mu,
                               weight_decay);
    *L = now;
    return TWO_LAYER_SIGMOID_OK;
}

/* u_new[i] = (1 - mu) (weight_decay W[i] + W_bar[i]) + mu u[i]; W_new[i] = W[i] - lr u_new[i] */
static void two_layer_sigmoid_averaged(real *restrict W, const real *restrict W_bar, real *restrict u, size_t n,
                                       real lr, real mu, real weight_decay)
{
    for (size_t i = 0; i < n; i++) {
        u[i] = (1 - mu) * (weight_decay * W[i] + W_bar[i]) + mu * u[i];
        W[i] -= lr * u[i];
    }
}

int two_layer_sigmoid_averaged_step(two_layer_sigmoid_params *p, two_layer_sigmoid_gradients *u,
                                    const two_layer_sigmoid_batch *b, two_layer_sigmoid_workspace *w,
                                    two_layer_sigmoid_real lr, two_layer_sigmoid_real mu,
                                    two_layer_sigmoid_real weight_decay, two_layer_sigmoid_real *L)
{
    real now;
    const int code = two_layer_sigmoid_gradients_of(p, b, w, &now);
    if (code != TWO_LAYER_SIGMOID_OK)
        return code;

    two_layer_sigmoid_averaged((real *)p, (const real *)&w->p_bar, (real *)u, sizeof *p / sizeof(real), lr, mu,
                               weight_decay);
    *L = now;
    return TWO_LAYER_SIGMOID_OK;
}

/* c1 = 1 - beta1^t;
   c2 = 1 - beta2^t;
   m_new[i] = W_bar[i] (1 - beta1) + beta1 m[i];
   s_new[i] = W_bar[i]^2 (1 - beta2) + beta2 s[i];
   W_new[i] = W[i] (1 - lr weight_decay) - lr m_new[i]/(c1 (sqrt(s_new[i]/c2) + eps)) */
static void two_layer_sigmoid_adamw(real *restrict W, const real *restrict W_bar, real *restrict m,
                                    real *restrict s, size_t n, real lr, real beta1, real beta2, real eps,
                                    real t, real weight_decay)
{
    const real c1 = 1 - POW(beta1, t);
    const real c2 = 1 - POW(beta2, t);
    for (size_t i = 0; i < n; i++) {
        m[i] = W_bar[i] * (1 - beta1) + beta1 * m[i];
        s[i] = W_bar[i] * W_bar[i] * (1 - beta2) + beta2 * s[i];
        W[i] = W[i] * (1 - lr * weight_decay) - lr * m[i] / (c1 * (SQRT(s[i] / c2) + eps));
    }
}

int two_layer_sigmoid_adamw_step(two_layer_sigmoid_params *p, two_layer_sigmoid_gradients *m,
                                 two_layer_sigmoid_gradients *s, const two_layer_sigmoid_batch *b,
                                 two_layer_sigmoid_workspace *w, two_layer_sigmoid_real lr,
                                 two_layer_sigmoid_real beta1, two_layer_sigmoid_real beta2,
                                 two_layer_sigmoid_real eps, two_layer_sigmoid_real t,
                                 two_layer_sigmoid_real weight_decay, two_layer_sigmoid_real *L)
{
    real now;
    const int code = two_layer_sigmoid_gradients_of(p, b, w, &now);
    if (code != TWO_LAYER_SIGMOID_OK)
        return code;

    two_layer_sigmoid_adamw((real *)p, (const real *)&w->p_bar, (real *)m, (real *)s, sizeof *p / sizeof(real),
                            lr, beta1, beta2, eps, t, weight_decay);
    *L = now;
    return TWO_LAYER_SIGMOID_OK;
}

/* A checkpoint is eight bytes of length, a header of text, and the parameters, all little-endian (safetensors).
 * The header is spelled out letter by letter: to be counted, written, or compared with one that exists. */
typedef struct {
    unsigned char *to;
    const unsigned char *same;
    size_t n;
    int differs;
} two_layer_sigmoid_header;

#ifdef TWO_LAYER_SIGMOID_DOUBLE
typedef uint64_t two_layer_sigmoid_bits;
#define DTYPE "F64"
#else
typedef uint32_t two_layer_sigmoid_bits;
#define DTYPE "F32"
#endif

static void two_layer_sigmoid_text(two_layer_sigmoid_header *h, const char *text)
{
    for (; *text; text++, h->n++) {
        if (h->to)
            h->to[h->n] = (unsigned char)*text;
        if (h->same && h->same[h->n] != (unsigned char)*text)
            h->differs = 1;
    }
}

static void two_layer_sigmoid_number(two_layer_sigmoid_header *h, size_t value)
{
    char digits[24] = {0};
    size_t start = sizeof digits - 1;
    do
        digits[--start] = (char)('0' + value % 10);
    while (value /= 10);
    two_layer_sigmoid_text(h, &digits[start]);
}

static void two_layer_sigmoid_spell(two_layer_sigmoid_header *h)
{
    static const struct {
        const char *name;
        size_t shape[2], rank, start, end;
    } tensors[] = {
        {"W1", {N, D}, 2, offsetof(two_layer_sigmoid_params, W1), offsetof(two_layer_sigmoid_params, W1) + sizeof((two_layer_sigmoid_params *)0)->W1},
        {"W2", {D, K}, 2, offsetof(two_layer_sigmoid_params, W2), offsetof(two_layer_sigmoid_params, W2) + sizeof((two_layer_sigmoid_params *)0)->W2},
    };
    for (size_t t = 0; t < sizeof tensors / sizeof tensors[0]; t++) {
        two_layer_sigmoid_text(h, t ? ",\"" : "{\"");
        two_layer_sigmoid_text(h, tensors[t].name);
        two_layer_sigmoid_text(h, "\":{\"dtype\":\"" DTYPE "\",\"shape\":[");
        for (size_t a = 0; a < tensors[t].rank; a++) {
            two_layer_sigmoid_text(h, a ? "," : "");
            two_layer_sigmoid_number(h, tensors[t].shape[a]);
        }
        two_layer_sigmoid_text(h, "],\"data_offsets\":[");
        two_layer_sigmoid_number(h, tensors[t].start);
        two_layer_sigmoid_text(h, ",");
        two_layer_sigmoid_number(h, tensors[t].end);
        two_layer_sigmoid_text(h, "]}");
    }
    two_layer_sigmoid_text(h, "}");
    while (h->n % 8)
        two_layer_sigmoid_text(h, " ");
}

size_t two_layer_sigmoid_save(const two_layer_sigmoid_params *p, void *buffer, size_t size)
{
    const real *x = (const real *)p;
    unsigned char *to = buffer;
    two_layer_sigmoid_header h = {0};
    two_layer_sigmoid_spell(&h);
    if (size < 8 + h.n + sizeof *p)
        return 8 + h.n + sizeof *p;

    for (int i = 0; i < 8; i++)
        to[i] = (unsigned char)(((uint64_t)h.n >> (8 * i)) & 255);
    h = (two_layer_sigmoid_header){.to = to + 8};
    two_layer_sigmoid_spell(&h);
    to += 8 + h.n;
    for (size_t e = 0; e < sizeof *p / sizeof *x; e++) {
        two_layer_sigmoid_bits bits;
        memcpy(&bits, &x[e], sizeof bits);
        for (size_t i = 0; i < sizeof bits; i++)
            *to++ = (unsigned char)((bits >> (8 * i)) & 255);
    }
    return 8 + h.n + sizeof *p;
}

int two_layer_sigmoid_load(two_layer_sigmoid_params *p, const void *buffer, size_t size)
{
    const unsigned char *from = buffer;
    real *x = (real *)p;
    uint64_t length = 0;
    two_layer_sigmoid_header h = {0};
    two_layer_sigmoid_spell(&h);
    if (size != 8 + h.n + sizeof *p)
        return TWO_LAYER_SIGMOID_FORMAT;

    for (int i = 0; i < 8; i++)
        length |= (uint64_t)from[i] << (8 * i);
    h = (two_layer_sigmoid_header){.same = from + 8};
    two_layer_sigmoid_spell(&h);
    if (length != h.n || h.differs)
        return TWO_LAYER_SIGMOID_FORMAT;

    from += 8 + h.n;
    for (size_t e = 0; e < sizeof *p / sizeof *x; e++) {
        two_layer_sigmoid_bits bits = 0;
        for (size_t i = 0; i < sizeof bits; i++)
            bits |= (two_layer_sigmoid_bits)*from++ << (8 * i);
        memcpy(&x[e], &bits, sizeof bits);
    }
    return TWO_LAYER_SIGMOID_OK;
}

size_t two_layer_sigmoid_params_bytes(void) { return sizeof(two_layer_sigmoid_params); }
size_t two_layer_sigmoid_gradients_bytes(void) { return sizeof(two_layer_sigmoid_gradients); }
size_t two_layer_sigmoid_workspace_bytes(void) { return sizeof(two_layer_sigmoid_workspace); }
size_t two_layer_sigmoid_real_bytes(void) { return sizeof(real); }
int two_layer_sigmoid_max_batch(void) { return TWO_LAYER_SIGMOID_M; }
