/* residual: h(X) = (relu(relu(Z U) U) + Z) W2 + X V, Z = relu(X W1)
   Emitted by `python -m derive build residual`; change the definition, not this file. */
#include "residual.h"

#include <math.h>
#include <string.h>

/* The same bits from every compiler: no reassociation, no contraction into fused multiply-adds. */
#ifdef __FAST_MATH__
#error "residual.c needs exact floating point: compile without -ffast-math"
#endif
#if defined(__clang__) || !defined(__GNUC__)
#pragma STDC FP_CONTRACT OFF
#else
#pragma GCC optimize("fp-contract=off")
#endif

#ifdef RESIDUAL_DOUBLE
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

typedef residual_real real;

enum { N = RESIDUAL_N, D = RESIDUAL_D, K = RESIDUAL_K };

/* sum_{p<n} x[p] y[p], in 16 sums side by side that fill vector registers */
static real residual_dot(const real *x, const real *y, int n)
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
static real residual_larger(real a, real b)
{
    return a > b || a != a ? a : b;
}

/* a where the condition holds, else b; both are read, so that no compiler needs a masked load */
static real residual_where(int condition, real a, real b)
{
    return condition ? a : b;
}

/* The finaliser of SplitMix64: Steele, Lea, Flood, OOPSLA 2014. */
static uint64_t residual_mix(uint64_t z)
{
    z += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* Normal with deviation scale: a sum of twelve uniforms has mean 6 and variance 1. */
static void residual_normal(real *x, size_t count, uint64_t key, double scale)
{
    for (size_t e = 0; e < count; e++) {
        uint64_t s = 0;
        for (uint64_t j = 0; j < 12; j++)
            s += residual_mix(key + 16 * (uint64_t)e + j) >> 32;
        x[e] = (real)(((double)s - 6 * 0x1p32) * 0x1p-32 * scale);
    }
}

void residual_init(residual_params *p, uint64_t seed)
{
    const uint64_t key = residual_mix(seed);

    residual_normal(&p->W1[0][0], sizeof p->W1 / sizeof(real), residual_mix(key + 0), sqrt(2.0 / N));
    residual_normal(&p->U[0][0], sizeof p->U / sizeof(real), residual_mix(key + 1), sqrt(1.0 / D));
    residual_normal(&p->W2[0][0], sizeof p->W2 / sizeof(real), residual_mix(key + 2), sqrt(1.0 / D));
    residual_normal(&p->V[0][0], sizeof p->V / sizeof(real), residual_mix(key + 3), sqrt(1.0 / N));
}

static int residual_check_batch(const residual_batch *b)
{
    if (b->m < 1 || b->m > RESIDUAL_M)
        return RESIDUAL_BATCH;
    return RESIDUAL_OK;
}

static int residual_check(const residual_batch *b)
{
    const int code = residual_check_batch(b);
    if (code != RESIDUAL_OK)
        return code;
    if (!b->y)
        return RESIDUAL_LABEL;
    for (int i = 0; i < b->m; i++)
        if (b->y[i] < 0 || b->y[i] >= K)
            return RESIDUAL_LABEL;
    return RESIDUAL_OK;
}

int residual_forward(const residual_params *restrict p, const residual_batch *b, residual_workspace *restrict w,
                     residual_real *H)
{
    const int code = residual_check_batch(b);
    if (code != RESIDUAL_OK)
        return code;

    for (int i = 0; i < b->m; i++) {
        const real *X = b->X[i];
        real *A1 = w->A1, *Z2 = w->Z2[i], *A2 = w->A2, *Z3 = w->Z3[i], *A3 = w->A3[i], *Z4 = w->Z4[i];

        /* A1[i,j] = sum_{q<n} X[i,q] W1[q,j] */
        for (int j = 0; j < D; j++)
            A1[j] = 0;
        for (int q = 0; q < N; q++)
            for (int j = 0; j < D; j++)
                A1[j] += X[q] * p->W1[q][j];

        /* Z2[i,j] = where(A1[i,j] > 0, A1[i,j], 0) */
        for (int j = 0; j < D; j++)
            Z2[j] = A1[j] < 0 ? 0 : A1[j];

        /* A2[i,j] = sum_{q<d} Z2[i,q] U[q,j] */
        for (int j = 0; j < D; j++)
            A2[j] = 0;
        for (int q = 0; q < D; q++)
            for (int j = 0; j < D; j++)
                A2[j] += Z2[q] * p->U[q][j];

        /* Z3[i,j] = where(A2[i,j] > 0, A2[i,j], 0) */
        for (int j = 0; j < D; j++)
            Z3[j] = A2[j] < 0 ? 0 : A2[j];

        /* A3[i,j] = sum_{q<d} Z3[i,q] U[q,j] */
        for (int j = 0; j < D; j++)
            A3[j] = 0;
        for (int q = 0; q < D; q++)
            for (int j = 0; j < D; j++)
                A3[j] += Z3[q] * p->U[q][j];

        /* Z4[i,j] = Z2[i,j] + where(A3[i,j] > 0, A3[i,j], 0) */
        for (int j = 0; j < D; j++)
            Z4[j] = Z2[j] + (A3[j] < 0 ? 0 : A3[j]);

        /* H[i,j] = sum_{q<n} X[i,q] V[q,j] + sum_{q<d} Z4[i,q] W2[q,j] */
        for (int j = 0; j < K; j++)
            H[i * K + j] = 0;
        for (int q = 0; q < N; q++)
            for (int j = 0; j < K; j++)
                H[i * K + j] += X[q] * p->V[q][j];
        for (int q = 0; q < D; q++)
            for (int j = 0; j < K; j++)
                H[i * K + j] += Z4[q] * p->W2[q][j];
    }
    return RESIDUAL_OK;
}

int residual_loss(const residual_params *restrict p, const residual_batch *b, residual_workspace *restrict w,
                  residual_real *L)
{
    const int code = residual_check(b);
    if (code != RESIDUAL_OK)
        return code;

    *L = 0;
    for (int i = 0; i < b->m; i++) {
        const real *X = b->X[i];
        real *A1 = w->A1, *Z2 = w->Z2[i], *A2 = w->A2, *Z3 = w->Z3[i], *A3 = w->A3[i], *Z4 = w->Z4[i],
                *H = w->H[i], *E = w->E, *S = w->S[i];

        /* A1[i,j] = sum_{q<n} X[i,q] W1[q,j] */
        for (int j = 0; j < D; j++)
            A1[j] = 0;
        for (int q = 0; q < N; q++)
            for (int j = 0; j < D; j++)
                A1[j] += X[q] * p->W1[q][j];

        /* Z2[i,j] = where(A1[i,j] > 0, A1[i,j], 0) */
        for (int j = 0; j < D; j++)
            Z2[j] = A1[j] < 0 ? 0 : A1[j];

        /* A2[i,j] = sum_{q<d} Z2[i,q] U[q,j] */
        for (int j = 0; j < D; j++)
            A2[j] = 0;
        for (int q = 0; q < D; q++)
            for (int j = 0; j < D; j++)
                A2[j] += Z2[q] * p->U[q][j];

        /* Z3[i,j] = where(A2[i,j] > 0, A2[i,j], 0) */
        for (int j = 0; j < D; j++)
            Z3[j] = A2[j] < 0 ? 0 : A2[j];

        /* A3[i,j] = sum_{q<d} Z3[i,q] U[q,j] */
        for (int j = 0; j < D; j++)
            A3[j] = 0;
        for (int q = 0; q < D; q++)
            for (int j = 0; j < D; j++)
                A3[j] += Z3[q] * p->U[q][j];

        /* Z4[i,j] = Z2[i,j] + where(A3[i,j] > 0, A3[i,j], 0) */
        for (int j = 0; j < D; j++)
            Z4[j] = Z2[j] + (A3[j] < 0 ? 0 : A3[j]);

        /* H[i,j] = sum_{q<n} X[i,q] V[q,j] + sum_{q<d} Z4[i,q] W2[q,j] */
        for (int j = 0; j < K; j++)
            H[j] = 0;
        for (int q = 0; q < N; q++)
            for (int j = 0; j < K; j++)
                H[j] += X[q] * p->V[q][j];
        for (int q = 0; q < D; q++)
            for (int j = 0; j < K; j++)
                H[j] += Z4[q] * p->W2[q][j];

        /* M[i] = max_{q<k} H[i,q] */
        real M = -(real)INFINITY;
        for (int q = 0; q < K; q++)
            M = residual_larger(H[q], M);

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
    return RESIDUAL_OK;
}

int residual_vjp(const residual_params *restrict p, const residual_batch *b, residual_workspace *restrict w,
                 residual_real L_bar, residual_gradients *restrict p_bar)
{
    const int code = residual_check(b);
    if (code != RESIDUAL_OK)
        return code;

    for (int i = 0; i < b->m; i++) {
        const real *S = w->S[i], *A3 = w->A3[i], *Z3 = w->Z3[i], *Z2 = w->Z2[i];
        real *H_bar = w->H_bar[i], *Z4_bar = w->Z4_bar, *A3_bar = w->A3_bar[i],
                *A2_bar = w->A2_bar[i], *A1_bar = w->A1_bar[i];

        /* H_bar[i,j] = L_bar (S[i,j] - [j == y[i]])/m */
        for (int j = 0; j < K; j++)
            H_bar[j] = L_bar * (S[j] - (real)(j == b->y[i])) / (real)b->m;

        /* Z4_bar[i,j] = sum_{q<k} H_bar[i,q] W2[j,q] */
        for (int j = 0; j < D; j++)
            Z4_bar[j] = residual_dot(H_bar, p->W2[j], K);

        /* A3_bar[i,j] = where(A3[i,j] > 0, Z4_bar[i,j], 0) */
        for (int j = 0; j < D; j++)
            A3_bar[j] = residual_where(A3[j] > 0, Z4_bar[j], 0);

        /* A2_bar[i,j] = where(Z3[i,j] > 0, sum_{q<d} A3_bar[i,q] U[j,q], 0) */
        for (int j = 0; j < D; j++)
            A2_bar[j] = Z3[j] > 0 ? residual_dot(A3_bar, p->U[j], D) : 0;

        /* A1_bar[i,j] = where(Z2[i,j] > 0, Z4_bar[i,j] + sum_{q<d} A2_bar[i,q] U[j,q], 0) */
        for (int j = 0; j < D; j++) {
            real sum = Z4_bar[j];
            for (int q = 0; q < D; q++)
                sum += A2_bar[q] * p->U[j][q];
            A1_bar[j] = Z2[j] > 0 ? sum : 0;
        }
    }

    /* W2_bar[q,j] = sum_{i<m} Z4[i,q] H_bar[i,j] */
    for (int q = 0; q < D; q++) {
        for (int j = 0; j < K; j++)
            p_bar->W2[q][j] = 0;
        for (int i = 0; i < b->m; i++)
            for (int j = 0; j < K; j++)
                p_bar->W2[q][j] += w->Z4[i][q] * w->H_bar[i][j];
    }

    /* V_bar[q,j] = sum_{i<m} X[i,q] H_bar[i,j] */
    for (int q = 0; q < N; q++) {
        for (int j = 0; j < K; j++)
            p_bar->V[q][j] = 0;
        for (int i = 0; i < b->m; i++)
            for (int j = 0; j < K; j++)
                p_bar->V[q][j] += b->X[i][q] * w->H_bar[i][j];
    }

    /* U_bar[q,j] = sum_{i<m} Z2[i,q] A2_bar[i,j] + sum_{i<m} Z3[i,q] A3_bar[i,j] */
    for (int q = 0; q < D; q++) {
        for (int j = 0; j < D; j++)
            p_bar->U[q][j] = 0;
        for (int i = 0; i < b->m; i++)
            for (int j = 0; j < D; j++)
                p_bar->U[q][j] += w->Z2[i][q] * w->A2_bar[i][j];
        for (int i = 0; i < b->m; i++)
            for (int j = 0; j < D; j++)
                p_bar->U[q][j] += w->Z3[i][q] * w->A3_bar[i][j];
    }

    /* W1_bar[q,j] = sum_{i<m} X[i,q] A1_bar[i,j] */
    for (int q = 0; q < N; q++) {
        for (int j = 0; j < D; j++)
            p_bar->W1[q][j] = 0;
        for (int i = 0; i < b->m; i++)
            for (int j = 0; j < D; j++)
                p_bar->W1[q][j] += b->X[i][q] * w->A1_bar[i][j];
    }
    return RESIDUAL_OK;
}

int residual_jvp(const residual_params *restrict p, const residual_gradients *p_dot, const residual_batch *b,
                 residual_workspace *restrict w, residual_real *L, residual_real *L_dot)
{
    const int code = residual_check(b);
    if (code != RESIDUAL_OK)
        return code;

    *L = 0;
    *L_dot = 0;
    for (int i = 0; i < b->m; i++) {
        const real *X = b->X[i];
        real *A1 = w->A1, *Z2 = w->Z2[i], *Z2_dot = w->Z2_dot, *A2 = w->A2, *Z3 = w->Z3[i],
                *Z3_dot = w->Z3_dot, *A3 = w->A3[i], *Z4 = w->Z4[i], *Z4_dot = w->Z4_dot, *H = w->H[i],
                *H_dot = w->H_dot, *E = w->E, *S = w->S[i];

        /* A1[i,j] = sum_{q<n} X[i,q] W1[q,j] */
        for (int j = 0; j < D; j++)
            A1[j] = 0;
        for (int q = 0; q < N; q++)
            for (int j = 0; j < D; j++)
                A1[j] += X[q] * p->W1[q][j];

        /* Z2[i,j] = where(A1[i,j] > 0, A1[i,j], 0) */
        for (int j = 0; j < D; j++)
            Z2[j] = A1[j] < 0 ? 0 : A1[j];

        /* Z2_dot[i,j] = where(Z2[i,j] > 0, sum_{q<n} X[i,q] W1_dot[q,j], 0) */
        for (int j = 0; j < D; j++)
            Z2_dot[j] = 0;
        for (int q = 0; q < N; q++)
            for (int j = 0; j < D; j++)
                Z2_dot[j] += X[q] * p_dot->W1[q][j];
        for (int j = 0; j < D; j++)
            Z2_dot[j] = Z2[j] > 0 ? Z2_dot[j] : 0;

        /* A2[i,j] = sum_{q<d} Z2[i,q] U[q,j] */
        for (int j = 0; j < D; j++)
            A2[j] = 0;
        for (int q = 0; q < D; q++)
            for (int j = 0; j < D; j++)
                A2[j] += Z2[q] * p->U[q][j];

        /* Z3[i,j] = where(A2[i,j] > 0, A2[i,j], 0) */
        for (int j = 0; j < D; j++)
            Z3[j] = A2[j] < 0 ? 0 : A2[j];

        /* Z3_dot[i,j] = where(Z3[i,j] > 0, sum_{q<d} Z2_dot[i,q] U[q,j] + sum_{q<d} Z2[i,q] U_dot[q,j], 0) */
        for (int j = 0; j < D; j++)
            Z3_dot[j] = 0;
        for (int q = 0; q < D; q++)
            for (int j = 0; j < D; j++)
                Z3_dot[j] += Z2_dot[q] * p->U[q][j];
        for (int q = 0; q < D; q++)
            for (int j = 0; j < D; j++)
                Z3_dot[j] += Z2[q] * p_dot->U[q][j];
        for (int j = 0; j < D; j++)
            Z3_dot[j] = Z3[j] > 0 ? Z3_dot[j] : 0;

        /* A3[i,j] = sum_{q<d} Z3[i,q] U[q,j] */
        for (int j = 0; j < D; j++)
            A3[j] = 0;
        for (int q = 0; q < D; q++)
            for (int j = 0; j < D; j++)
                A3[j] += Z3[q] * p->U[q][j];

        /* Z4[i,j] = Z2[i,j] + where(A3[i,j] > 0, A3[i,j], 0) */
        for (int j = 0; j < D; j++)
            Z4[j] = Z2[j] + (A3[j] < 0 ? 0 : A3[j]);

        /* Z4_dot[i,j] = Z2_dot[i,j]
           + where(A3[i,j] > 0, sum_{q<d} Z3_dot[i,q] U[q,j] + sum_{q<d} Z3[i,q] U_dot[q,j], 0) */
        for (int j = 0; j < D; j++)
            Z4_dot[j] = 0;
        for (int q = 0; q < D; q++)
            for (int j = 0; j < D; j++)
                Z4_dot[j] += Z3_dot[q] * p->U[q][j];
        for (int q = 0; q < D; q++)
            for (int j = 0; j < D; j++)
                Z4_dot[j] += Z3[q] * p_dot->U[q][j];
        for (int j = 0; j < D; j++)
            Z4_dot[j] = Z2_dot[j] + (A3[j] > 0 ? Z4_dot[j] : 0);

        /* H[i,j] = sum_{q<n} X[i,q] V[q,j] + sum_{q<d} Z4[i,q] W2[q,j] */
        for (int j = 0; j < K; j++)
            H[j] = 0;
        for (int q = 0; q < N; q++)
            for (int j = 0; j < K; j++)
                H[j] += X[q] * p->V[q][j];
        for (int q = 0; q < D; q++)
            for (int j = 0; j < K; j++)
                H[j] += Z4[q] * p->W2[q][j];

        /* H_dot[i,j] = sum_{q<n} X[i,q] V_dot[q,j] + sum_{q<d} Z4_dot[i,q] W2[q,j]
           + sum_{q<d} Z4[i,q] W2_dot[q,j] */
        for (int j = 0; j < K; j++)
            H_dot[j] = 0;
        for (int q = 0; q < N; q++)
            for (int j = 0; j < K; j++)
                H_dot[j] += X[q] * p_dot->V[q][j];
        for (int q = 0; q < D; q++)
            for (int j = 0; j < K; j++)
                H_dot[j] += Z4_dot[q] * p->W2[q][j];
        for (int q = 0; q < D; q++)
            for (int j = 0; j < K; j++)
                H_dot[j] += Z4[q] * p_dot->W2[q][j];

        /* M[i] = max_{q<k} H[i,q] */
        real M = -(real)INFINITY;
        for (int q = 0; q < K; q++)
            M = residual_larger(H[q], M);

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
    return RESIDUAL_OK;
}

int residual_predict(const residual_params *p, const residual_batch *b, residual_workspace *w, int32_t *labels)
{
    const int code = residual_forward(p, b, w, &w->H[0][0]);
    if (code != RESIDUAL_OK)
        return code;

    for (int i = 0; i < b->m; i++) {
        const real *H = &w->H[0][0] + (size_t)i * K;
        int best = 0;
        for (int j = 1; j < K; j++)
            best = H[j] > H[best] ? j : best;
        labels[i] = best;
    }
    return RESIDUAL_OK;
}

static int residual_finite(const real *x, size_t n)
{
    int bad = 0;
    for (size_t e = 0; e < n; e++)
        bad |= !(x[e] - x[e] == 0);
    return !bad;
}

/* The loss, and its gradients in w->p_bar; both finite, or RESIDUAL_NONFINITE. */
static int residual_gradients_of(const residual_params *p, const residual_batch *b, residual_workspace *w,
                                 real *L)
{
    int code = residual_loss(p, b, w, L);
    if (code == RESIDUAL_OK && !residual_finite(L, 1))
        code = RESIDUAL_NONFINITE;
    if (code == RESIDUAL_OK)
        code = residual_vjp(p, b, w, 1, &w->p_bar);
    if (code == RESIDUAL_OK && !residual_finite((const real *)&w->p_bar, sizeof w->p_bar / sizeof(real)))
        code = RESIDUAL_NONFINITE;
    return code;
}

/* W_new[i] = W[i] - lr (weight_decay W[i] + W_bar[i]) */
static void residual_sgd(real *restrict W, const real *restrict W_bar, size_t n, real lr, real weight_decay)
{
    for (size_t i = 0; i < n; i++)
        W[i] -= lr * (weight_decay * W[i] + W_bar[i]);
}

int residual_sgd_step(residual_params *p, const residual_batch *b, residual_workspace *w, residual_real lr,
                      residual_real weight_decay, residual_real *L)
{
    real now;
    const int code = residual_gradients_of(p, b, w, &now);
    if (code != RESIDUAL_OK)
        return code;

    residual_sgd((real *)p, (const real *)&w->p_bar, sizeof *p / sizeof(real), lr, weight_decay);
    *L = now;
    return RESIDUAL_OK;
}

/* v_new[i] = mu v[i] - lr (weight_decay W[i] + W_bar[i]); W_new[i] = W[i] + v_new[i] */
static void residual_momentum(real *restrict W, const real *restrict W_bar, real *restrict v, size_t n, real lr,
                              real mu, real weight_decay)
{
    for (size_t i = 0; i < n; i++) {
        v[i] = mu * v[i] - lr * (weight_decay * W[i] + W_bar[i]);
        W[i] += v[i];
    }
}

int residual_momentum_step(residual_params *p, residual_gradients *v, const residual_batch *b,
                           residual_workspace *w, residual_real lr, residual_real mu,
                           residual_real weight_decay, residual_real *L)
{
    real now;
    const int code = residual_gradients_of(p, b, w, &now);
    if (code != RESIDUAL_OK)
        return code;

    residual_momentum((real *)p, (const real *)&w->p_bar, (real *)v, sizeof *p / sizeof(real), lr, mu,
                      weight_decay);
    *L = now;
    return RESIDUAL_OK;
}

/* u_new[i] = (1 - mu) (weight_decay W[i] + W_bar[i]) + mu u[i]; W_new[i] = W[i] - lr u_new[i] */
static void residual_averaged(real *restrict W, const real *restrict W_bar, real *restrict u, size_t n, real lr,
                              real mu, real weight_decay)
{
    for (size_t i = 0; i < n; i++) {
        u[i] = (1 - mu) * (weight_decay * W[i] + W_bar[i]) + mu * u[i];
        W[i] -= lr * u[i];
    }
}

int residual_averaged_step(residual_params *p, residual_gradients *u, const residual_batch *b,
                           residual_workspace *w, residual_real lr, residual_real mu,
                           residual_real weight_decay, residual_real *L)
{
    real now;
    const int code = residual_gradients_of(p, b, w, &now);
    if (code != RESIDUAL_OK)
        return code;

    residual_averaged((real *)p, (const real *)&w->p_bar, (real *)u, sizeof *p / sizeof(real), lr, mu,
                      weight_decay);
    *L = now;
    return RESIDUAL_OK;
}

/* c1 = 1 - beta1^t;
   c2 = 1 - beta2^t;
   m_new[i] = W_bar[i] (1 - beta1) + beta1 m[i];
   s_new[i] = W_bar[i]^2 (1 - beta2) + beta2 s[i];
   W_new[i] = W[i] (1 - lr weight_decay) - lr m_new[i]/(c1 (sqrt(s_new[i]/c2) + eps)) */
static void residual_adamw(real *restrict W, const real *restrict W_bar, real *restrict m, real *restrict s,
                           size_t n, real lr, real beta1, real beta2, real eps, real t, real weight_decay)
{
    const real c1 = 1 - POW(beta1, t);
    const real c2 = 1 - POW(beta2, t);
    for (size_t i = 0; i < n; i++) {
        m[i] = W_bar[i] * (1 - beta1) + beta1 * m[i];
        s[i] = W_bar[i] * W_bar[i] * (1 - beta2) + beta2 * s[i];
        W[i] = W[i] * (1 - lr * weight_decay) - lr * m[i] / (c1 * (SQRT(s[i] / c2) + eps));
    }
}

int residual_adamw_step(residual_params *p, residual_gradients *m, residual_gradients *s,
                        const residual_batch *b, residual_workspace *w, residual_real lr, residual_real beta1,
                        residual_real beta2, residual_real eps, residual_real t, residual_real weight_decay,
                        residual_real *L)
{
    real now;
    const int code = residual_gradients_of(p, b, w, &now);
    if (code != RESIDUAL_OK)
        return code;

    residual_adamw((real *)p, (const real *)&w->p_bar, (real *)m, (real *)s, sizeof *p / sizeof(real), lr,
                   beta1, beta2, eps, t, weight_decay);
    *L = now;
    return RESIDUAL_OK;
}

/* A checkpoint is eight bytes of length, a header of text, and the parameters, all little-endian (safetensors).
 * The header is spelled out letter by letter: to be counted, written, or compared with one that exists. */
typedef struct {
    unsigned char *to;
    const unsigned char *same;
    size_t n;
    int differs;
} residual_header;

#ifdef RESIDUAL_DOUBLE
typedef uint64_t residual_bits;
#define DTYPE "F64"
#else
typedef uint32_t residual_bits;
#define DTYPE "F32"
#endif

static void residual_text(residual_header *h, const char *text)
{
    for (; *text; text++, h->n++) {
        if (h->to)
            h->to[h->n] = (unsigned char)*text;
        if (h->same && h->same[h->n] != (unsigned char)*text)
            h->differs = 1;
    }
}

static void residual_number(residual_header *h, size_t value)
{
    char digits[24] = {0};
    size_t start = sizeof digits - 1;
    do
        digits[--start] = (char)('0' + value % 10);
    while (value /= 10);
    residual_text(h, &digits[start]);
}

static void residual_spell(residual_header *h)
{
    static const struct {
        const char *name;
        size_t shape[2], rank, start, end;
    } tensors[] = {
        {"W1", {N, D}, 2, offsetof(residual_params, W1), offsetof(residual_params, W1) + sizeof((residual_params *)0)->W1},
        {"U", {D, D}, 2, offsetof(residual_params, U), offsetof(residual_params, U) + sizeof((residual_params *)0)->U},
        {"W2", {D, K}, 2, offsetof(residual_params, W2), offsetof(residual_params, W2) + sizeof((residual_params *)0)->W2},
        {"V", {N, K}, 2, offsetof(residual_params, V), offsetof(residual_params, V) + sizeof((residual_params *)0)->V},
    };
    for (size_t t = 0; t < sizeof tensors / sizeof tensors[0]; t++) {
        residual_text(h, t ? ",\"" : "{\"");
        residual_text(h, tensors[t].name);
        residual_text(h, "\":{\"dtype\":\"" DTYPE "\",\"shape\":[");
        for (size_t a = 0; a < tensors[t].rank; a++) {
            residual_text(h, a ? "," : "");
            residual_number(h, tensors[t].shape[a]);
        }
        residual_text(h, "],\"data_offsets\":[");
        residual_number(h, tensors[t].start);
        residual_text(h, ",");
        residual_number(h, tensors[t].end);
        residual_text(h, "]}");
    }
    residual_text(h, "}");
    while (h->n % 8)
        residual_text(h, " ");
}

size_t residual_save(const residual_params *p, void *buffer, size_t size)
{
    const real *x = (const real *)p;
    unsigned char *to = buffer;
    residual_header h = {0};
    residual_spell(&h);
    if (size < 8 + h.n + sizeof *p)
        return 8 + h.n + sizeof *p;

    for (int i = 0; i < 8; i++)
        to[i] = (unsigned char)(((uint64_t)h.n >> (8 * i)) & 255);
    h = (residual_header){.to = to + 8};
    residual_spell(&h);
    to += 8 + h.n;
    for (size_t e = 0; e < sizeof *p / sizeof *x; e++) {
        residual_bits bits;
        memcpy(&bits, &x[e], sizeof bits);
        for (size_t i = 0; i < sizeof bits; i++)
            *to++ = (unsigned char)((bits >> (8 * i)) & 255);
    }
    return 8 + h.n + sizeof *p;
}

int residual_load(residual_params *p, const void *buffer, size_t size)
{
    const unsigned char *from = buffer;
    real *x = (real *)p;
    uint64_t length = 0;
    residual_header h = {0};
    residual_spell(&h);
    if (size != 8 + h.n + sizeof *p)
        return RESIDUAL_FORMAT;

    for (int i = 0; i < 8; i++)
        length |= (uint64_t)from[i] << (8 * i);
    h = (residual_header){.same = from + 8};
    residual_spell(&h);
    if (length != h.n || h.differs)
        return RESIDUAL_FORMAT;

    from += 8 + h.n;
    for (size_t e = 0; e < sizeof *p / sizeof *x; e++) {
        residual_bits bits = 0;
        for (size_t i = 0; i < sizeof bits; i++)
            bits |= (residual_bits)*from++ << (8 * i);
        memcpy(&x[e], &bits, sizeof bits);
    }
    return RESIDUAL_OK;
}

size_t residual_params_bytes(void) { return sizeof(residual_params); }
size_t residual_gradients_bytes(void) { return sizeof(residual_gradients); }
size_t residual_workspace_bytes(void) { return sizeof(residual_workspace); }
size_t residual_real_bytes(void) { return sizeof(real); }
int residual_max_batch(void) { return RESIDUAL_M; }
