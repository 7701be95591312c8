/* three_layer_bias: h(X) = relu(relu(X W1 + b1) W2 + b2) W3 + b3
   Emitted by `python -m derive build three_layer_bias`; change the definition, not this file. */
#include "three_layer_bias.h"

#include <math.h>
#include <string.h>

/* The same bits from every compiler: no reassociation, no contraction into fused multiply-adds. */
#ifdef __FAST_MATH__
#error "three_layer_bias.c needs exact floating point: compile without -ffast-math"
#endif
#if defined(__clang__) || !defined(__GNUC__)
#pragma STDC FP_CONTRACT OFF
#else
#pragma GCC optimize("fp-contract=off")
#endif

#ifdef THREE_LAYER_BIAS_DOUBLE
#define EXP exp
#define LOG log
#define POW pow
#define SQRT sqrt
#else
#define EXP expf
#define LOG logf
#define POW powf
#define SQRT sqrtf
#endif

typedef three_layer_bias_real real;

enum { N = THREE_LAYER_BIAS_N, D1 = THREE_LAYER_BIAS_D1, D2 = THREE_LAYER_BIAS_D2, K = THREE_LAYER_BIAS_K };

/* sum_{p<n} x[p] y[p], in 16 sums side by side that fill vector registers */
static real three_layer_bias_dot(const real *x, const real *y, int n)
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
static real three_layer_bias_larger(real a, real b)
{
    return a > b || a != a ? a : b;
}

/* The finaliser of SplitMix64: Steele, Lea, Flood, OOPSLA 2014. */
static uint64_t three_layer_bias_mix(uint64_t z)
{
    z += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* Normal with deviation scale: a sum of twelve uniforms has mean 6 and variance 1. */
static void three_layer_bias_normal(real *x, size_t count, uint64_t key, double scale)
{
    for (size_t e = 0; e < count; e++) {
        uint64_t s = 0;
        for (uint64_t j = 0; j < 12; j++)
            s += three_layer_bias_mix(key + 16 * (uint64_t)e + j) >> 32;
        x[e] = (real)(((double)s - 6 * 0x1p32) * 0x1p-32 * scale);
    }
}

static void three_layer_bias_fill(real *x, size_t count, real value)
{
    for (size_t e = 0; e < count; e++)
        x[e] = value;
}

void three_layer_bias_init(three_layer_bias_params *p, uint64_t seed)
{
    const uint64_t key = three_layer_bias_mix(seed);

    three_layer_bias_normal(&p->W1[0][0], sizeof p->W1 / sizeof(real), three_layer_bias_mix(key + 0), sqrt(2.0 / N));
    three_layer_bias_fill(&p->b1[0], sizeof p->b1 / sizeof(real), 0);
    three_layer_bias_normal(&p->W2[0][0], sizeof p->W2 / sizeof(real), three_layer_bias_mix(key + 2), sqrt(2.0 / D1));
    three_layer_bias_fill(&p->b2[0], sizeof p->b2 / sizeof(real), 0);
    three_layer_bias_normal(&p->W3[0][0], sizeof p->W3 / sizeof(real), three_layer_bias_mix(key + 4), sqrt(1.0 / D2));
    three_layer_bias_fill(&p->b3[0], sizeof p->b3 / sizeof(real), 0);
}

static int three_layer_bias_check_batch(const three_layer_bias_batch *b)
{
    if (b->m < 1 || b->m > THREE_LAYER_BIAS_M)
        return THREE_LAYER_BIAS_BATCH;
    return THREE_LAYER_BIAS_OK;
}

static int three_layer_bias_check(const three_layer_bias_batch *b)
{
    const int code = three_layer_bias_check_batch(b);
    if (code != THREE_LAYER_BIAS_OK)
        return code;
    if (!b->y)
        return THREE_LAYER_BIAS_LABEL;
    for (int i = 0; i < b->m; i++)
        if (b->y[i] < 0 || b->y[i] >= K)
            return THREE_LAYER_BIAS_LABEL;
    return THREE_LAYER_BIAS_OK;
}

int three_layer_bias_forward(const three_layer_bias_params *restrict p, const three_layer_bias_batch *b,
                             three_layer_bias_workspace *restrict w, three_layer_bias_real *H)
{
    const int code = three_layer_bias_check_batch(b);
    if (code != THREE_LAYER_BIAS_OK)
        return code;

    for (int i = 0; i < b->m; i++) {
        const real *X = b->X[i];
        real *A1 = w->A1, *Z2 = w->Z2[i], *A2 = w->A2, *Z3 = w->Z3[i];

        /* A1[i,j] = b1[j] + sum_{q<n} X[i,q] W1[q,j] */
        for (int j = 0; j < D1; j++)
            A1[j] = p->b1[j];
        for (int q = 0; q < N; q++)
            for (int j = 0; j < D1; j++)
                A1[j] += X[q] * p->W1[q][j];

        /* Z2[i,j] = where(A1[i,j] > 0, A1[i,j], 0) */
        for (int j = 0; j < D1; j++)
            Z2[j] = A1[j] < 0 ? 0 : A1[j];

        /* A2[i,j] = b2[j] + sum_{q<d1} Z2[i,q] W2[q,j] */
        for (int j = 0; j < D2; j++)
            A2[j] = p->b2[j];
        for (int q = 0; q < D1; q++)
            for (int j = 0; j < D2; j++)
                A2[j] += Z2[q] * p->W2[q][j];

        /* Z3[i,j] = where(A2[i,j] > 0, A2[i,j], 0) */
        for (int j = 0; j < D2; j++)
            Z3[j] = A2[j] < 0 ? 0 : A2[j];

        /* H[i,j] = b3[j] + sum_{q<d2} Z3[i,q] W3[q,j] */
        for (int j = 0; j < K; j++)
            H[i * K + j] = p->b3[j];
        for (int q = 0; q < D2; q++)
            for (int j = 0; j < K; j++)
                H[i * K + j] += Z3[q] * p->W3[q][j];
    }
    return THREE_LAYER_BIAS_OK;
}

int three_layer_bias_loss(const three_layer_bias_params *restrict p, const three_layer_bias_batch *b,
                          three_layer_bias_workspace *restrict w, three_layer_bias_real *L)
{
    const int code = three_layer_bias_check(b);
    if (code != THREE_LAYER_BIAS_OK)
        return code;

    *L = 0;
    for (int i = 0; i < b->m; i++) {
        const real *X = b->X[i];
        real *A1 = w->A1, *Z2 = w->Z2[i], *A2 = w->A2, *Z3 = w->Z3[i], *H = w->H[i], *E = w->E,
                *S = w->S[i];

        /* A1[i,j] = b1[j] + sum_{q<n} X[i,q] W1[q,j] */
        for (int j = 0; j < D1; j++)
            A1[j] = p->b1[j];
        for (int q = 0; q < N; q++)
            for (int j = 0; j < D1; j++)
                A1[j] += X[q] * p->W1[q][j];

        /* Z2[i,j] = where(A1[i,j] > 0, A1[i,j], 0) */
        for (int j = 0; j < D1; j++)
            Z2[j] = A1[j] < 0 ? 0 : A1[j];

        /* A2[i,j] = b2[j] + sum_{q<d1} Z2[i,q] W2[q,j] */
        for (int j = 0; j < D2; j++)
            A2[j] = p->b2[j];
        for (int q = 0; q < D1; q++)
            for (int j = 0; j < D2; j++)
                A2[j] += Z2[q] * p->W2[q][j];

        /* Z3[i,j] = where(A2[i,j] > 0, A2[i,j], 0) */
        for (int j = 0; j < D2; j++)
            Z3[j] = A2[j] < 0 ? 0 : A2[j];

        /* H[i,j] = b3[j] + sum_{q<d2} Z3[i,q] W3[q,j] */
        for (int j = 0; j < K; j++)
            H[j] = p->b3[j];
        for (int q = 0; q < D2; q++)
            for (int j = 0; j < K; j++)
                H[j] += Z3[q] * p->W3[q][j];

        /* M[i] = max_{q<k} H[i,q] */
        real M = -(real)INFINITY;
        for (int q = 0; q < K; q++)
            M = three_layer_bias_larger(H[q], M);

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
    return THREE_LAYER_BIAS_OK;
}

int three_layer_bias_vjp(const three_layer_bias_params *restrict p, const three_layer_bias_batch *b,
                         three_layer_bias_workspace *restrict w, three_layer_bias_real L_bar,
                         three_layer_bias_gradients *restrict p_bar)
{
    const int code = three_layer_bias_check(b);
    if (code != THREE_LAYER_BIAS_OK)
        return code;

    for (int j = 0; j < K; j++)
        p_bar->b3[j] = 0;
    for (int j = 0; j < D2; j++)
        p_bar->b2[j] = 0;
    for (int j = 0; j < D1; j++)
        p_bar->b1[j] = 0;
    for (int i = 0; i < b->m; i++) {
        const real *S = w->S[i], *Z3 = w->Z3[i], *Z2 = w->Z2[i];
        real *H_bar = w->H_bar[i], *A2_bar = w->A2_bar[i], *A1_bar = w->A1_bar[i];

        /* H_bar[i,j] = L_bar (S[i,j] - [j == y[i]])/m */
        for (int j = 0; j < K; j++)
            H_bar[j] = L_bar * (S[j] - (real)(j == b->y[i])) / (real)b->m;

        /* b3_bar[j] = sum_{i<m} H_bar[i,j] */
        for (int j = 0; j < K; j++)
            p_bar->b3[j] += H_bar[j];

        /* A2_bar[i,j] = where(Z3[i,j] > 0, sum_{q<k} H_bar[i,q] W3[j,q], 0) */
        for (int j = 0; j < D2; j++)
            A2_bar[j] = Z3[j] > 0 ? three_layer_bias_dot(H_bar, p->W3[j], K) : 0;

        /* b2_bar[j] = sum_{i<m} A2_bar[i,j] */
        for (int j = 0; j < D2; j++)
            p_bar->b2[j] += A2_bar[j];

        /* A1_bar[i,j] = where(Z2[i,j] > 0, sum_{q<d2} A2_bar[i,q] W2[j,q], 0) */
        for (int j = 0; j < D1; j++)
            A1_bar[j] = Z2[j] > 0 ? three_layer_bias_dot(A2_bar, p->W2[j], D2) : 0;

        /* b1_bar[j] = sum_{i<m} A1_bar[i,j] */
        for (int j = 0; j < D1; j++)
            p_bar->b1[j] += A1_bar[j];
    }

    /* W3_bar[q,j] = sum_{i<m} Z3[i,q] H_bar[i,j] */
    for (int q = 0; q < D2; q++) {
        for (int j = 0; j < K; j++)
            p_bar->W3[q][j] = 0;
        for (int i = 0; i < b->m; i++)
            for (int j = 0; j < K; j++)
                p_bar->W3[q][j] += w->Z3[i][q] * w->H_bar[i][j];
    }

    /* W2_bar[q,j] = sum_{i<m} Z2[i,q] A2_bar[i,j] */
    for (int q = 0; q < D1; q++) {
        for (int j = 0; j < D2; j++)
            p_bar->W2[q][j] = 0;
        for (int i = 0; i < b->m; i++)
            for (int j = 0; j < D2; j++)
                p_bar->W2[q][j] += w->Z2[i][q] * w->A2_bar[i][j];
    }

    /* W1_bar[q,j] = sum_{i<m} X[i,q] A1_bar[i,j] */
    for (int q = 0; q < N; q++) {
        for (int j = 0; j < D1; j++)
            p_bar->W1[q][j] = 0;
        for (int i = 0; i < b->m; i++)
            for (int j = 0; j < D1; j++)
                p_bar->W1[q][j] += b->X[i][q] * w->A1_bar[i][j];
    }
    return THREE_LAYER_BIAS_OK;
}

int three_layer_bias_jvp(const three_layer_bias_params *restrict p, const three_layer_bias_gradients *p_dot,
                         const three_layer_bias_batch *b, three_layer_bias_workspace *restrict w,
                         three_layer_bias_real *L, three_layer_bias_real *L_dot)
{
    const int code = three_layer_bias_check(b);
    if (code != THREE_LAYER_BIAS_OK)
        return code;

    *L = 0;
    *L_dot = 0;
    for (int i = 0; i < b->m; i++) {
        const real *X = b->X[i];
        real *A1 = w->A1, *Z2 = w->Z2[i], *Z2_dot = w->Z2_dot, *A2 = w->A2, *Z3 = w->Z3[i],
                *Z3_dot = w->Z3_dot, *H = w->H[i], *H_dot = w->H_dot, *E = w->E, *S = w->S[i];

        /* A1[i,j] = b1[j] + sum_{q<n} X[i,q] W1[q,j] */
        for (int j = 0; j < D1; j++)
            A1[j] = p->b1[j];
        for (int q = 0; q < N; q++)
            for (int j = 0; j < D1; j++)
                A1[j] += X[q] * p->W1[q][j];

        /* Z2[i,j] = where(A1[i,j] > 0, A1[i,j], 0) */
        for (int j = 0; j < D1; j++)
            Z2[j] = A1[j] < 0 ? 0 : A1[j];

        /* Z2_dot[i,j] = where(Z2[i,j] > 0, b1_dot[j] + sum_{q<n} X[i,q] W1_dot[q,j], 0) */
        for (int j = 0; j < D1; j++)
            Z2_dot[j] = p_dot->b1[j];
        for (int q = 0; q < N; q++)
            for (int j = 0; j < D1; j++)
                Z2_dot[j] += X[q] * p_dot->W1[q][j];
        for (int j = 0; j < D1; j++)
            Z2_dot[j] = Z2[j] > 0 ? Z2_dot[j] : 0;

        /* A2[i,j] = b2[j] + sum_{q<d1} Z2[i,q] W2[q,j] */
        for (int j = 0; j < D2; j++)
            A2[j] = p->b2[j];
        for (int q = 0; q < D1; q++)
            for (int j = 0; j < D2; j++)
                A2[j] += Z2[q] * p->W2[q][j];

        /* Z3[i,j] = where(A2[i,j] > 0, A2[i,j], 0) */
        for (int j = 0; j < D2; j++)
            Z3[j] = A2[j] < 0 ? 0 : A2[j];

        /* Z3_dot[i,j] =
           where(Z3[i,j] > 0, b2_dot[j] + sum_{q<d1} Z2_dot[i,q] W2[q,j]
           + sum_{q<d1} Z2[i,q] W2_dot[q,j], 0) */
        for (int j = 0; j < D2; j++)
            Z3_dot[j] = p_dot->b2[j];
        for (int q = 0; q < D1; q++)
            for (int j = 0; j < D2; j++)
                Z3_dot[j] += Z2_dot[q] * p->W2[q][j];
        for (int q = 0; q < D1; q++)
            for (int j = 0; j < D2; j++)
                Z3_dot[j] += Z2[q] * p_dot->W2[q][j];
        for (int j = 0; j < D2; j++)
            Z3_dot[j] = Z3[j] > 0 ? Z3_dot[j] : 0;

        /* H[i,j] = b3[j] + sum_{q<d2} Z3[i,q] W3[q,j] */
        for (int j = 0; j < K; j++)
            H[j] = p->b3[j];
        for (int q = 0; q < D2; q++)
            for (int j = 0; j < K; j++)
                H[j] += Z3[q] * p->W3[q][j];

        /* H_dot[i,j] = b3_dot[j] + sum_{q<d2} Z3_dot[i,q] W3[q,j] + sum_{q<d2} Z3[i,q] W3_dot[q,j] */
        for (int j = 0; j < K; j++)
            H_dot[j] = p_dot->b3[j];
        for (int q = 0; q < D2; q++)
            for (int j = 0; j < K; j++)
                H_dot[j] += Z3_dot[q] * p->W3[q][j];
        for (int q = 0; q < D2; q++)
            for (int j = 0; j < K; j++)
                H_dot[j] += Z3[q] * p_dot->W3[q][j];

        /* M[i] = max_{q<k} H[i,q] */
        real M = -(real)INFINITY;
        for (int q = 0; q < K; q++)
            M = three_layer_bias_larger(H[q], M);

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
    return THREE_LAYER_BIAS_OK;
}

int three_layer_bias_predict(const three_layer_bias_params *p, const three_layer_bias_batch *b,
                             three_layer_bias_workspace *w, int32_t *labels)
{
    const int code = three_layer_bias_forward(p, b, w, &w->H[0][0]);
    if (code != THREE_LAYER_BIAS_OK)
        return code;

    for (int i = 0; i < b->m; i++) {
        const real *H = &w->H[0][0] + (size_t)i * K;
        int best = 0;
        for (int j = 1; j < K; j++)
            best = H[j] > H[best] ? j : best;
        labels[i] = best;
    }
    return THREE_LAYER_BIAS_OK;
}

static int three_layer_bias_finite(const real *x, size_t n)
{
    int bad = 0;
    for (size_t e = 0; e < n; e++)
        bad |= !(x[e] - x[e] == 0);
    return !bad;
}

/* The loss, and its gradients in w->p_bar; both finite, or THREE_LAYER_BIAS_NONFINITE. */
static int three_layer_bias_gradients_of(const three_layer_bias_params *p, const three_layer_bias_batch *b,
                                         three_layer_bias_workspace *w, real *L)
{
    int code = three_layer_bias_loss(p, b, w, L);
    if (code == THREE_LAYER_BIAS_OK && !three_layer_bias_finite(L, 1))
        code = THREE_LAYER_BIAS_NONFINITE;
    if (code == THREE_LAYER_BIAS_OK)
        code = three_layer_bias_vjp(p, b, w, 1, &w->p_bar);
    if (code == THREE_LAYER_BIAS_OK && !three_layer_bias_finite((const real *)&w->p_bar, sizeof w->p_bar / sizeof(real)))
        code = THREE_LAYER_BIAS_NONFINITE;
    return code;
}

/* W_new[i] = W[i] - lr (weight_decay W[i] + W_bar[i]) */
static void three_layer_bias_sgd(real *restrict W, const real *restrict W_bar, size_t n, real lr,
                                 real weight_decay)
{
    for (size_t i = 0; i < n; i++)
        W[i] -= lr * (weight_decay * W[i] + W_bar[i]);
}

int three_layer_bias_sgd_step(three_layer_bias_params *p, const three_layer_bias_batch *b,
                              three_layer_bias_workspace *w, three_layer_bias_real lr,
                              three_layer_bias_real weight_decay, three_layer_bias_real *L)
{
    real now;
    const int code = three_layer_bias_gradients_of(p, b, w, &now);
    if (code != THREE_LAYER_BIAS_OK)
        return code;

    three_layer_bias_sgd((real *)p, (const real *)&w->p_bar, sizeof *p / sizeof(real), lr, weight_decay);
    *L = now;
    return THREE_LAYER_BIAS_OK;
}

/* v_new[i] = mu v[i] - lr (weight_decay W[i] + W_bar[i]); W_new[i] = W[i] + v_new[i] */
static void three_layer_bias_momentum(real *restrict W, const real *restrict W_bar, real *restrict v, size_t n,
                                      real lr, real mu, real weight_decay)
{
    for (size_t i = 0; i < n; i++) {
        v[i] = mu * v[i] - lr * (weight_decay * W[i] + W_bar[i]);
        W[i] += v[i];
    }
}

int three_layer_bias_momentum_step(three_layer_bias_params *p, three_layer_bias_gradients *v,
                                   const three_layer_bias_batch *b, three_layer_bias_workspace *w,
                                   three_layer_bias_real lr, three_layer_bias_real mu,
                                   three_layer_bias_real weight_decay, three_layer_bias_real *L)
{
    real now;
    const int code = three_layer_bias_gradients_of(p, b, w, &now);
    if (code != THREE_LAYER_BIAS_OK)
        return code;

    three_layer_bias_momentum((real *)p, (const real *)&w->p_bar, (real *)v, sizeof *p / sizeof(real), lr, mu,
                              weight_decay);
    *L = now;
    return THREE_LAYER_BIAS_OK;
}

/* u_new[i] = (1 - mu) (weight_decay W[i] + W_bar[i]) + mu u[i]; W_new[i] = W[i] - lr u_new[i] */
static void three_layer_bias_averaged(real *restrict W, const real *restrict W_bar, real *restrict u, size_t n,
                                      real lr, real mu, real weight_decay)
{
    for (size_t i = 0; i < n; i++) {
        u[i] = (1 - mu) * (weight_decay * W[i] + W_bar[i]) + mu * u[i];
        W[i] -= lr * u[i];
    }
}

int three_layer_bias_averaged_step(three_layer_bias_params *p, three_layer_bias_gradients *u,
                                   const three_layer_bias_batch *b, three_layer_bias_workspace *w,
                                   three_layer_bias_real lr, three_layer_bias_real mu,
                                   three_layer_bias_real weight_decay, three_layer_bias_real *L)
{
    real now;
    const int code = three_layer_bias_gradients_of(p, b, w, &now);
    if (code != THREE_LAYER_BIAS_OK)
        return code;

    three_layer_bias_averaged((real *)p, (const real *)&w->p_bar, (real *)u, sizeof *p / sizeof(real), lr, mu,
                              weight_decay);
    *L = now;
    return THREE_LAYER_BIAS_OK;
}

/* c1 = 1 - beta1^t;
   c2 = 1 - beta2^t;
   m_new[i] = W_bar[i] (1 - beta1) + beta1 m[i];
   s_new[i] = W_bar[i]^2 (1 - beta2) + beta2 s[i];
   W_new[i] = W[i] (1 - lr weight_decay) - lr m_new[i]/(c1 (sqrt(s_new[i]/c2) + eps)) */
static void three_layer_bias_adamw(real *restrict W, const real *restrict W_bar, real *restrict m,
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

int three_layer_bias_adamw_step(three_layer_bias_params *p, three_layer_bias_gradients *m,
                                three_layer_bias_gradients *s, const three_layer_bias_batch *b,
                                three_layer_bias_workspace *w, three_layer_bias_real lr,
                                three_layer_bias_real beta1, three_layer_bias_real beta2,
                                three_layer_bias_real eps, three_layer_bias_real t,
                                three_layer_bias_real weight_decay, three_layer_bias_real *L)
{
    real now;
    const int code = three_layer_bias_gradients_of(p, b, w, &now);
    if (code != THREE_LAYER_BIAS_OK)
        return code;

    three_layer_bias_adamw((real *)p, (const real *)&w->p_bar, (real *)m, (real *)s, sizeof *p / sizeof(real),
                           lr, beta1, beta2, eps, t, weight_decay);
    *L = now;
    return THREE_LAYER_BIAS_OK;
}

/* A checkpoint is eight bytes of length, a header of text, and the parameters, all little-endian (safetensors).
 * The header is spelled out letter by letter: to be counted, written, or compared with one that exists. */
typedef struct {
    unsigned char *to;
    const unsigned char *same;
    size_t n;
    int differs;
} three_layer_bias_header;

#ifdef THREE_LAYER_BIAS_DOUBLE
typedef uint64_t three_layer_bias_bits;
#define DTYPE "F64"
#else
typedef uint32_t three_layer_bias_bits;
#define DTYPE "F32"
#endif

static void three_layer_bias_text(three_layer_bias_header *h, const char *text)
{
    for (; *text; text++, h->n++) {
        if (h->to)
            h->to[h->n] = (unsigned char)*text;
        if (h->same && h->same[h->n] != (unsigned char)*text)
            h->differs = 1;
    }
}

static void three_layer_bias_number(three_layer_bias_header *h, size_t value)
{
    char digits[24] = {0};
    size_t start = sizeof digits - 1;
    do
        digits[--start] = (char)('0' + value % 10);
    while (value /= 10);
    three_layer_bias_text(h, &digits[start]);
}

static void three_layer_bias_spell(three_layer_bias_header *h)
{
    static const struct {
        const char *name;
        size_t shape[2], rank, start, end;
    } tensors[] = {
        {"W1", {N, D1}, 2, offsetof(three_layer_bias_params, W1), offsetof(three_layer_bias_params, W1) + sizeof((three_layer_bias_params *)0)->W1},
        {"b1", {D1}, 1, offsetof(three_layer_bias_params, b1), offsetof(three_layer_bias_params, b1) + sizeof((three_layer_bias_params *)0)->b1},
        {"W2", {D1, D2}, 2, offsetof(three_layer_bias_params, W2), offsetof(three_layer_bias_params, W2) + sizeof((three_layer_bias_params *)0)->W2},
        {"b2", {D2}, 1, offsetof(three_layer_bias_params, b2), offsetof(three_layer_bias_params, b2) + sizeof((three_layer_bias_params *)0)->b2},
        {"W3", {D2, K}, 2, offsetof(three_layer_bias_params, W3), offsetof(three_layer_bias_params, W3) + sizeof((three_layer_bias_params *)0)->W3},
        {"b3", {K}, 1, offsetof(three_layer_bias_params, b3), offsetof(three_layer_bias_params, b3) + sizeof((three_layer_bias_params *)0)->b3},
    };
    for (size_t t = 0; t < sizeof tensors / sizeof tensors[0]; t++) {
        three_layer_bias_text(h, t ? ",\"" : "{\"");
        three_layer_bias_text(h, tensors[t].name);
        three_layer_bias_text(h, "\":{\"dtype\":\"" DTYPE "\",\"shape\":[");
        for (size_t a = 0; a < tensors[t].rank; a++) {
            three_layer_bias_text(h, a ? "," : "");
            three_layer_bias_number(h, tensors[t].shape[a]);
        }
        three_layer_bias_text(h, "],\"data_offsets\":[");
        three_layer_bias_number(h, tensors[t].start);
        three_layer_bias_text(h, ",");
        three_layer_bias_number(h, tensors[t].end);
        three_layer_bias_text(h, "]}");
    }
    three_layer_bias_text(h, "}");
    while (h->n % 8)
        three_layer_bias_text(h, " ");
}

size_t three_layer_bias_save(const three_layer_bias_params *p, void *buffer, size_t size)
{
    const real *x = (const real *)p;
    unsigned char *to = buffer;
    three_layer_bias_header h = {0};
    three_layer_bias_spell(&h);
    if (size < 8 + h.n + sizeof *p)
        return 8 + h.n + sizeof *p;

    for (int i = 0; i < 8; i++)
        to[i] = (unsigned char)(((uint64_t)h.n >> (8 * i)) & 255);
    h = (three_layer_bias_header){.to = to + 8};
    three_layer_bias_spell(&h);
    to += 8 + h.n;
    for (size_t e = 0; e < sizeof *p / sizeof *x; e++) {
        three_layer_bias_bits bits;
        memcpy(&bits, &x[e], sizeof bits);
        for (size_t i = 0; i < sizeof bits; i++)
            *to++ = (unsigned char)((bits >> (8 * i)) & 255);
    }
    return 8 + h.n + sizeof *p;
}

int three_layer_bias_load(three_layer_bias_params *p, const void *buffer, size_t size)
{
    const unsigned char *from = buffer;
    real *x = (real *)p;
    uint64_t length = 0;
    three_layer_bias_header h = {0};
    three_layer_bias_spell(&h);
    if (size != 8 + h.n + sizeof *p)
        return THREE_LAYER_BIAS_FORMAT;

    for (int i = 0; i < 8; i++)
        length |= (uint64_t)from[i] << (8 * i);
    h = (three_layer_bias_header){.same = from + 8};
    three_layer_bias_spell(&h);
    if (length != h.n || h.differs)
        return THREE_LAYER_BIAS_FORMAT;

    from += 8 + h.n;
    for (size_t e = 0; e < sizeof *p / sizeof *x; e++) {
        three_layer_bias_bits bits = 0;
        for (size_t i = 0; i < sizeof bits; i++)
            bits |= (three_layer_bias_bits)*from++ << (8 * i);
        memcpy(&x[e], &bits, sizeof bits);
    }
    return THREE_LAYER_BIAS_OK;
}

size_t three_layer_bias_params_bytes(void) { return sizeof(three_layer_bias_params); }
size_t three_layer_bias_gradients_bytes(void) { return sizeof(three_layer_bias_gradients); }
size_t three_layer_bias_workspace_bytes(void) { return sizeof(three_layer_bias_workspace); }
size_t three_layer_bias_real_bytes(void) { return sizeof(real); }
int three_layer_bias_max_batch(void) { return THREE_LAYER_BIAS_M; }
