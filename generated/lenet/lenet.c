/* lenet: h(X) = relu(relu(F W3 + b3) W4 + b4) W5 + b5, F = P2 by rows
   Emitted by `python -m derive build lenet`; change the definition, not this file. */
#include "lenet.h"

#include <math.h>
#include <string.h>

/* The same bits from every compiler: no reassociation, no contraction into fused multiply-adds. */
#ifdef __FAST_MATH__
#error "lenet.c needs exact floating point: compile without -ffast-math"
#endif
#if defined(__clang__) || !defined(__GNUC__)
#pragma STDC FP_CONTRACT OFF
#else
#pragma GCC optimize("fp-contract=off")
#endif

#ifdef LENET_DOUBLE
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

typedef lenet_real real;

enum { C = LENET_C, A = LENET_A, B = LENET_B, O1 = LENET_O1, O2 = LENET_O2, D1 = LENET_D1, D2 = LENET_D2, K = LENET_K };

/* sum_{p<n} x[p] y[p], in 16 sums side by side that fill vector registers */
static real lenet_dot(const real *x, const real *y, int n)
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
static real lenet_larger(real a, real b)
{
    return a > b || a != a ? a : b;
}

/* a where the condition holds, else b; both are read, so that no compiler needs a masked load */
static real lenet_where(int condition, real a, real b)
{
    return condition ? a : b;
}

/* The finaliser of SplitMix64: Steele, Lea, Flood, OOPSLA 2014. */
static uint64_t lenet_mix(uint64_t z)
{
    z += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* Normal with deviation scale: a sum of twelve uniforms has mean 6 and variance 1. */
static void lenet_normal(real *x, size_t count, uint64_t key, double scale)
{
    for (size_t e = 0; e < count; e++) {
        uint64_t s = 0;
        for (uint64_t j = 0; j < 12; j++)
            s += lenet_mix(key + 16 * (uint64_t)e + j) >> 32;
        x[e] = (real)(((double)s - 6 * 0x1p32) * 0x1p-32 * scale);
    }
}

static void lenet_fill(real *x, size_t count, real value)
{
    for (size_t e = 0; e < count; e++)
        x[e] = value;
}

void lenet_init(lenet_params *p, uint64_t seed)
{
    const uint64_t key = lenet_mix(seed);

    lenet_normal(&p->K1[0][0][0][0], sizeof p->K1 / sizeof(real), lenet_mix(key + 0), sqrt(2.0 / (25 * C)));
    lenet_fill(&p->b1[0], sizeof p->b1 / sizeof(real), 0);
    lenet_normal(&p->K2[0][0][0][0], sizeof p->K2 / sizeof(real), lenet_mix(key + 2), sqrt(2.0 / (25 * O1)));
    lenet_fill(&p->b2[0], sizeof p->b2 / sizeof(real), 0);
    lenet_normal(&p->W3[0][0], sizeof p->W3 / sizeof(real), lenet_mix(key + 4), sqrt(2.0 / (A * B * O2)));
    lenet_fill(&p->b3[0], sizeof p->b3 / sizeof(real), 0);
    lenet_normal(&p->W4[0][0], sizeof p->W4 / sizeof(real), lenet_mix(key + 6), sqrt(2.0 / D1));
    lenet_fill(&p->b4[0], sizeof p->b4 / sizeof(real), 0);
    lenet_normal(&p->W5[0][0], sizeof p->W5 / sizeof(real), lenet_mix(key + 8), sqrt(1.0 / D2));
    lenet_fill(&p->b5[0], sizeof p->b5 / sizeof(real), 0);
}

static int lenet_check_batch(const lenet_batch *b)
{
    if (b->m < 1 || b->m > LENET_M)
        return LENET_BATCH;
    return LENET_OK;
}

static int lenet_check(const lenet_batch *b)
{
    const int code = lenet_check_batch(b);
    if (code != LENET_OK)
        return code;
    if (!b->y)
        return LENET_LABEL;
    for (int i = 0; i < b->m; i++)
        if (b->y[i] < 0 || b->y[i] >= K)
            return LENET_LABEL;
    return LENET_OK;
}

int lenet_forward(const lenet_params *restrict p, const lenet_batch *b, lenet_workspace *restrict w,
                  lenet_real *Z5)
{
    const int code = lenet_check_batch(b);
    if (code != LENET_OK)
        return code;

    for (int e = 0; e < b->m; e++) {
        const real (*X)[4 * A + 8][4 * B + 8] = b->X[e];
        real (*A1)[4 * A + 8][4 * B + 8] = w->A1, (*Z1)[4 * A + 8][4 * B + 8] = w->Z1[e],
                (*P1)[2 * A + 4][2 * B + 4] = w->P1[e], (*A2)[2 * A][2 * B] = w->A2,
                (*Z2)[2 * A][2 * B] = w->Z2[e], (*P2)[A][B] = w->P2[e], *F = w->F[e], *A3 = w->A3,
                *Z3 = w->Z3[e], *A4 = w->A4, *Z4 = w->Z4[e];

        /* A1[e,o,h,q] = b1[o]
           + sum_{c<c,u<5,v<5}
           where(h + u >= 2 and q + v >= 2 and h + u <= 4 a + 9 and q + v <= 4 b
           + 9, X[e,c,h + u - 2,q + v - 2] K1[o,c,u,v], 0) */
        for (int o = 0; o < O1; o++)
            for (int h = 0; h < 4 * A + 8; h++) {
                for (int q = 0; q < 4 * B + 8; q++)
                    A1[o][h][q] = p->b1[o];
                for (int c = 0; c < C; c++)
                    for (int u = 0; u < 5; u++)
                        if (h + u >= 2 && h + u <= 4 * A + 9)
                            for (int v = 0; v < 5; v++)
                                for (int q = 0; q < 4 * B + 8; q++)
                                    if (q + v >= 2 && q + v <= 4 * B + 9)
                                        A1[o][h][q] += X[c][h + u - 2][q + v - 2] * p->K1[o][c][u][v];
            }

        /* Z1[e,j,k,l] = where(A1[e,j,k,l] > 0, A1[e,j,k,l], 0) */
        for (int j = 0; j < O1; j++)
            for (int k = 0; k < 4 * A + 8; k++)
                for (int l = 0; l < 4 * B + 8; l++)
                    Z1[j][k][l] = A1[j][k][l] < 0 ? 0 : A1[j][k][l];

        /* P1[e,c,h,q] = max_{u<2,v<2} Z1[e,c,2 h + u,2 q + v] */
        for (int c = 0; c < O1; c++)
            for (int h = 0; h < 2 * A + 4; h++)
                for (int q = 0; q < 2 * B + 4; q++) {
                    real largest = -(real)INFINITY;
                    for (int u = 0; u < 2; u++)
                        for (int v = 0; v < 2; v++)
                            largest = lenet_larger(Z1[c][2 * h + u][2 * q + v], largest);
                    P1[c][h][q] = largest;
                }

        /* A2[e,o,h,q] = b2[o] + sum_{c<o1,u<5,v<5} P1[e,c,h + u,q + v] K2[o,c,u,v] */
        for (int o = 0; o < O2; o++)
            for (int h = 0; h < 2 * A; h++) {
                for (int q = 0; q < 2 * B; q++)
                    A2[o][h][q] = p->b2[o];
                for (int c = 0; c < O1; c++)
                    for (int u = 0; u < 5; u++)
                        for (int v = 0; v < 5; v++)
                            for (int q = 0; q < 2 * B; q++)
                                A2[o][h][q] += P1[c][h + u][q + v] * p->K2[o][c][u][v];
            }

        /* Z2[e,j,k,l] = where(A2[e,j,k,l] > 0, A2[e,j,k,l], 0) */
        for (int j = 0; j < O2; j++)
            for (int k = 0; k < 2 * A; k++)
                for (int l = 0; l < 2 * B; l++)
                    Z2[j][k][l] = A2[j][k][l] < 0 ? 0 : A2[j][k][l];

        /* P2[e,c,h,q] = max_{u<2,v<2} Z2[e,c,2 h + u,2 q + v] */
        for (int c = 0; c < O2; c++)
            for (int h = 0; h < A; h++)
                for (int q = 0; q < B; q++) {
                    real largest = -(real)INFINITY;
                    for (int u = 0; u < 2; u++)
                        for (int v = 0; v < 2; v++)
                            largest = lenet_larger(Z2[c][2 * h + u][2 * q + v], largest);
                    P2[c][h][q] = largest;
                }

        /* F[e,j] = P2[e,(j//(a b)),((j//b)%a),(j%b)] */
        for (int j = 0; j < A * B * O2; j++)
            F[j] = P2[j / (A * B)][j / B % A][j % B];

        /* A3[e,j] = b3[j] + sum_{q<a b o2} F[e,q] W3[q,j] */
        for (int j = 0; j < D1; j++)
            A3[j] = p->b3[j];
        for (int q = 0; q < A * B * O2; q++)
            for (int j = 0; j < D1; j++)
                A3[j] += F[q] * p->W3[q][j];

        /* Z3[e,j] = where(A3[e,j] > 0, A3[e,j], 0) */
        for (int j = 0; j < D1; j++)
            Z3[j] = A3[j] < 0 ? 0 : A3[j];

        /* A4[e,j] = b4[j] + sum_{q<d1} Z3[e,q] W4[q,j] */
        for (int j = 0; j < D2; j++)
            A4[j] = p->b4[j];
        for (int q = 0; q < D1; q++)
            for (int j = 0; j < D2; j++)
                A4[j] += Z3[q] * p->W4[q][j];

        /* Z4[e,j] = where(A4[e,j] > 0, A4[e,j], 0) */
        for (int j = 0; j < D2; j++)
            Z4[j] = A4[j] < 0 ? 0 : A4[j];

        /* Z5[e,j] = b5[j] + sum_{q<d2} Z4[e,q] W5[q,j] */
        for (int j = 0; j < K; j++)
            Z5[e * K + j] = p->b5[j];
        for (int q = 0; q < D2; q++)
            for (int j = 0; j < K; j++)
                Z5[e * K + j] += Z4[q] * p->W5[q][j];
    }
    return LENET_OK;
}

int lenet_loss(const lenet_params *restrict p, const lenet_batch *b, lenet_workspace *restrict w, lenet_real *L)
{
    const int code = lenet_check(b);
    if (code != LENET_OK)
        return code;

    *L = 0;
    for (int e = 0; e < b->m; e++) {
        const real (*X)[4 * A + 8][4 * B + 8] = b->X[e];
        real (*A1)[4 * A + 8][4 * B + 8] = w->A1, (*Z1)[4 * A + 8][4 * B + 8] = w->Z1[e],
                (*P1)[2 * A + 4][2 * B + 4] = w->P1[e], (*A2)[2 * A][2 * B] = w->A2,
                (*Z2)[2 * A][2 * B] = w->Z2[e], (*P2)[A][B] = w->P2[e], *F = w->F[e], *A3 = w->A3,
                *Z3 = w->Z3[e], *A4 = w->A4, *Z4 = w->Z4[e], *Z5 = w->Z5[e], *E = w->E, *S = w->S[e],
                (*P2_ties)[A][B] = w->P2_ties[e], (*P1_ties)[2 * A + 4][2 * B + 4] = w->P1_ties[e];

        /* A1[e,o,h,q] = b1[o]
           + sum_{c<c,u<5,v<5}
           where(h + u >= 2 and q + v >= 2 and h + u <= 4 a + 9 and q + v <= 4 b
           + 9, X[e,c,h + u - 2,q + v - 2] K1[o,c,u,v], 0) */
        for (int o = 0; o < O1; o++)
            for (int h = 0; h < 4 * A + 8; h++) {
                for (int q = 0; q < 4 * B + 8; q++)
                    A1[o][h][q] = p->b1[o];
                for (int c = 0; c < C; c++)
                    for (int u = 0; u < 5; u++)
                        if (h + u >= 2 && h + u <= 4 * A + 9)
                            for (int v = 0; v < 5; v++)
                                for (int q = 0; q < 4 * B + 8; q++)
                                    if (q + v >= 2 && q + v <= 4 * B + 9)
                                        A1[o][h][q] += X[c][h + u - 2][q + v - 2] * p->K1[o][c][u][v];
            }

        /* Z1[e,j,k,l] = where(A1[e,j,k,l] > 0, A1[e,j,k,l], 0) */
        for (int j = 0; j < O1; j++)
            for (int k = 0; k < 4 * A + 8; k++)
                for (int l = 0; l < 4 * B + 8; l++)
                    Z1[j][k][l] = A1[j][k][l] < 0 ? 0 : A1[j][k][l];

        /* P1[e,c,h,q] = max_{u<2,v<2} Z1[e,c,2 h + u,2 q + v] */
        for (int c = 0; c < O1; c++)
            for (int h = 0; h < 2 * A + 4; h++)
                for (int q = 0; q < 2 * B + 4; q++) {
                    real largest = -(real)INFINITY;
                    for (int u = 0; u < 2; u++)
                        for (int v = 0; v < 2; v++)
                            largest = lenet_larger(Z1[c][2 * h + u][2 * q + v], largest);
                    P1[c][h][q] = largest;
                }

        /* A2[e,o,h,q] = b2[o] + sum_{c<o1,u<5,v<5} P1[e,c,h + u,q + v] K2[o,c,u,v] */
        for (int o = 0; o < O2; o++)
            for (int h = 0; h < 2 * A; h++) {
                for (int q = 0; q < 2 * B; q++)
                    A2[o][h][q] = p->b2[o];
                for (int c = 0; c < O1; c++)
                    for (int u = 0; u < 5; u++)
                        for (int v = 0; v < 5; v++)
                            for (int q = 0; q < 2 * B; q++)
                                A2[o][h][q] += P1[c][h + u][q + v] * p->K2[o][c][u][v];
            }

        /* Z2[e,j,k,l] = where(A2[e,j,k,l] > 0, A2[e,j,k,l], 0) */
        for (int j = 0; j < O2; j++)
            for (int k = 0; k < 2 * A; k++)
                for (int l = 0; l < 2 * B; l++)
                    Z2[j][k][l] = A2[j][k][l] < 0 ? 0 : A2[j][k][l];

        /* P2[e,c,h,q] = max_{u<2,v<2} Z2[e,c,2 h + u,2 q + v] */
        for (int c = 0; c < O2; c++)
            for (int h = 0; h < A; h++)
                for (int q = 0; q < B; q++) {
                    real largest = -(real)INFINITY;
                    for (int u = 0; u < 2; u++)
                        for (int v = 0; v < 2; v++)
                            largest = lenet_larger(Z2[c][2 * h + u][2 * q + v], largest);
                    P2[c][h][q] = largest;
                }

        /* F[e,j] = P2[e,(j//(a b)),((j//b)%a),(j%b)] */
        for (int j = 0; j < A * B * O2; j++)
            F[j] = P2[j / (A * B)][j / B % A][j % B];

        /* A3[e,j] = b3[j] + sum_{q<a b o2} F[e,q] W3[q,j] */
        for (int j = 0; j < D1; j++)
            A3[j] = p->b3[j];
        for (int q = 0; q < A * B * O2; q++)
            for (int j = 0; j < D1; j++)
                A3[j] += F[q] * p->W3[q][j];

        /* Z3[e,j] = where(A3[e,j] > 0, A3[e,j], 0) */
        for (int j = 0; j < D1; j++)
            Z3[j] = A3[j] < 0 ? 0 : A3[j];

        /* A4[e,j] = b4[j] + sum_{q<d1} Z3[e,q] W4[q,j] */
        for (int j = 0; j < D2; j++)
            A4[j] = p->b4[j];
        for (int q = 0; q < D1; q++)
            for (int j = 0; j < D2; j++)
                A4[j] += Z3[q] * p->W4[q][j];

        /* Z4[e,j] = where(A4[e,j] > 0, A4[e,j], 0) */
        for (int j = 0; j < D2; j++)
            Z4[j] = A4[j] < 0 ? 0 : A4[j];

        /* Z5[e,j] = b5[j] + sum_{q<d2} Z4[e,q] W5[q,j] */
        for (int j = 0; j < K; j++)
            Z5[j] = p->b5[j];
        for (int q = 0; q < D2; q++)
            for (int j = 0; j < K; j++)
                Z5[j] += Z4[q] * p->W5[q][j];

        /* M[e] = max_{q<k} Z5[e,q] */
        real M = -(real)INFINITY;
        for (int q = 0; q < K; q++)
            M = lenet_larger(Z5[q], M);

        /* E[e,q] = exp(Z5[e,q] - M[e]) */
        for (int q = 0; q < K; q++)
            E[q] = EXP(Z5[q] - M);

        /* T[e] = sum_{q<k} E[e,q] */
        real T = 0;
        for (int q = 0; q < K; q++)
            T += E[q];

        /* L = sum_{e<m} (M[e] - Z5[e,y[e]] + log(T[e]))/m */
        *L += M - Z5[b->y[e]] + LOG(T);

        /* S[e,j] = E[e,j]/T[e] */
        for (int j = 0; j < K; j++)
            S[j] = E[j] / T;

        /* P2_ties[e,c,h,q] = sum_{u<2,v<2} [Z2[e,c,2 h + u,2 q + v] == P2[e,c,h,q]] */
        for (int c = 0; c < O2; c++)
            for (int h = 0; h < A; h++) {
                for (int q = 0; q < B; q++)
                    P2_ties[c][h][q] = 0;
                for (int u = 0; u < 2; u++)
                    for (int v = 0; v < 2; v++)
                        for (int q = 0; q < B; q++)
                            if (Z2[c][2 * h + u][2 * q + v] == P2[c][h][q])
                                P2_ties[c][h][q] += 1;
            }

        /* P1_ties[e,c,h,q] = sum_{u<2,v<2} [Z1[e,c,2 h + u,2 q + v] == P1[e,c,h,q]] */
        for (int c = 0; c < O1; c++)
            for (int h = 0; h < 2 * A + 4; h++) {
                for (int q = 0; q < 2 * B + 4; q++)
                    P1_ties[c][h][q] = 0;
                for (int u = 0; u < 2; u++)
                    for (int v = 0; v < 2; v++)
                        for (int q = 0; q < 2 * B + 4; q++)
                            if (Z1[c][2 * h + u][2 * q + v] == P1[c][h][q])
                                P1_ties[c][h][q] += 1;
            }
    }
    *L /= (real)b->m;
    return LENET_OK;
}

int lenet_vjp(const lenet_params *restrict p, const lenet_batch *b, lenet_workspace *restrict w,
              lenet_real L_bar, lenet_gradients *restrict p_bar)
{
    const int code = lenet_check(b);
    if (code != LENET_OK)
        return code;

    for (int j = 0; j < K; j++)
        p_bar->b5[j] = 0;
    for (int j = 0; j < D2; j++)
        p_bar->b4[j] = 0;
    for (int j = 0; j < D1; j++)
        p_bar->b3[j] = 0;
    for (int o = 0; o < O2; o++)
        p_bar->b2[o] = 0;
    for (int o = 0; o < O1; o++)
        p_bar->b1[o] = 0;
    for (int i = 0; i < b->m; i++) {
        const real *S = w->S[i], *Z4 = w->Z4[i], *Z3 = w->Z3[i];
        real *Z5_bar = w->Z5_bar[i], *A4_bar = w->A4_bar[i], *A3_bar = w->A3_bar[i],
                *F_bar = w->F_bar, (*A2_bar)[2 * A][2 * B] = w->A2_bar[i], (*P2)[A][B] = w->P2[i],
                (*P2_ties)[A][B] = w->P2_ties[i], (*Z2)[2 * A][2 * B] = w->Z2[i],
                (*P1_bar)[2 * A + 4][2 * B + 4] = w->P1_bar, (*A1_bar)[4 * A + 8][4 * B + 8] = w->A1_bar[i],
                (*P1)[2 * A + 4][2 * B + 4] = w->P1[i], (*P1_ties)[2 * A + 4][2 * B + 4] = w->P1_ties[i],
                (*Z1)[4 * A + 8][4 * B + 8] = w->Z1[i];

        /* Z5_bar[i,j] = L_bar (S[i,j] - [j == y[i]])/m */
        for (int j = 0; j < K; j++)
            Z5_bar[j] = L_bar * (S[j] - (real)(j == b->y[i])) / (real)b->m;

        /* b5_bar[j] = sum_{i<m} Z5_bar[i,j] */
        for (int j = 0; j < K; j++)
            p_bar->b5[j] += Z5_bar[j];

        /* A4_bar[i,j] = where(Z4[i,j] > 0, sum_{q<k} Z5_bar[i,q] W5[j,q], 0) */
        for (int j = 0; j < D2; j++)
            A4_bar[j] = Z4[j] > 0 ? lenet_dot(Z5_bar, p->W5[j], K) : 0;

        /* b4_bar[j] = sum_{i<m} A4_bar[i,j] */
        for (int j = 0; j < D2; j++)
            p_bar->b4[j] += A4_bar[j];

        /* A3_bar[i,j] = where(Z3[i,j] > 0, sum_{q<d2} A4_bar[i,q] W4[j,q], 0) */
        for (int j = 0; j < D1; j++)
            A3_bar[j] = Z3[j] > 0 ? lenet_dot(A4_bar, p->W4[j], D2) : 0;

        /* b3_bar[j] = sum_{i<m} A3_bar[i,j] */
        for (int j = 0; j < D1; j++)
            p_bar->b3[j] += A3_bar[j];

        /* F_bar[i,j] = sum_{q<d1} A3_bar[i,q] W3[j,q] */
        for (int j = 0; j < A * B * O2; j++)
            F_bar[j] = lenet_dot(A3_bar, p->W3[j], D1);

        /* A2_bar[i,o,h,q] =
           where(Z2[i,o,h,q] > 0 and Z2[i,o,h,q] == P2[i,o,(h//2),(q//2)],
           F_bar[i,(h//2) b + o a b + (q//2)]/P2_ties[i,o,(h//2),(q//2)], 0) */
        for (int o = 0; o < O2; o++)
            for (int h = 0; h < 2 * A; h++)
                for (int q = 0; q < 2 * B; q++)
                    A2_bar[o][h][q] =
                            lenet_where(Z2[o][h][q] > 0 && Z2[o][h][q] == P2[o][h / 2][q / 2],
                            F_bar[(h / 2) * B + o * A * B + q / 2] / P2_ties[o][h / 2][q / 2], 0);

        /* b2_bar[o] = sum_{i<m,h<2 a,q<2 b} A2_bar[i,o,h,q] */
        for (int h = 0; h < 2 * A; h++)
            for (int q = 0; q < 2 * B; q++)
                for (int o = 0; o < O2; o++)
                    p_bar->b2[o] += A2_bar[o][h][q];

        /* P1_bar[i,c,h,q] = sum_{o<o2,u<5,v<5}
           where(h >= u and q >= v and 2 a + u > h and 2 b + v > q, A2_bar[i,o,h - u,q - v] K2[o,c,u,v], 0) */
        for (int c = 0; c < O1; c++)
            for (int h = 0; h < 2 * A + 4; h++) {
                for (int q = 0; q < 2 * B + 4; q++)
                    P1_bar[c][h][q] = 0;
                for (int o = 0; o < O2; o++)
                    for (int u = 0; u < 5; u++)
                        if (h >= u && 2 * A + u > h)
                            for (int v = 0; v < 5; v++)
                                for (int q = v; q <= 2 * B + v - 1; q++)
                                    P1_bar[c][h][q] += A2_bar[o][h - u][q - v] * p->K2[o][c][u][v];
            }

        /* A1_bar[i,o,h,q] =
           where(Z1[i,o,h,q] > 0 and Z1[i,o,h,q] == P1[i,o,(h//2),(q//2)],
           P1_bar[i,o,(h//2),(q//2)]/P1_ties[i,o,(h//2),(q//2)], 0) */
        for (int o = 0; o < O1; o++)
            for (int h = 0; h < 4 * A + 8; h++)
                for (int q = 0; q < 4 * B + 8; q++)
                    A1_bar[o][h][q] =
                            lenet_where(Z1[o][h][q] > 0 && Z1[o][h][q] == P1[o][h / 2][q / 2],
                            P1_bar[o][h / 2][q / 2] / P1_ties[o][h / 2][q / 2], 0);

        /* b1_bar[o] = sum_{i<m,h<4 a + 8,q<4 b + 8} A1_bar[i,o,h,q] */
        for (int h = 0; h < 4 * A + 8; h++)
            for (int q = 0; q < 4 * B + 8; q++)
                for (int o = 0; o < O1; o++)
                    p_bar->b1[o] += A1_bar[o][h][q];
    }

    /* W5_bar[q,j] = sum_{i<m} Z4[i,q] Z5_bar[i,j] */
    for (int q = 0; q < D2; q++) {
        for (int j = 0; j < K; j++)
            p_bar->W5[q][j] = 0;
        for (int i = 0; i < b->m; i++)
            for (int j = 0; j < K; j++)
                p_bar->W5[q][j] += w->Z4[i][q] * w->Z5_bar[i][j];
    }

    /* W4_bar[q,j] = sum_{i<m} Z3[i,q] A4_bar[i,j] */
    for (int q = 0; q < D1; q++) {
        for (int j = 0; j < D2; j++)
            p_bar->W4[q][j] = 0;
        for (int i = 0; i < b->m; i++)
            for (int j = 0; j < D2; j++)
                p_bar->W4[q][j] += w->Z3[i][q] * w->A4_bar[i][j];
    }

    /* W3_bar[q,j] = sum_{i<m} F[i,q] A3_bar[i,j] */
    for (int q = 0; q < A * B * O2; q++) {
        for (int j = 0; j < D1; j++)
            p_bar->W3[q][j] = 0;
        for (int i = 0; i < b->m; i++)
            for (int j = 0; j < D1; j++)
                p_bar->W3[q][j] += w->F[i][q] * w->A3_bar[i][j];
    }

    /* K2_bar[o,c,u,v] = sum_{e<m,h<2 a,q<2 b} A2_bar[e,o,h,q] P1[e,c,h + u,q + v] */
    for (int o = 0; o < O2; o++)
        for (int c = 0; c < O1; c++)
            for (int u = 0; u < 5; u++) {
                for (int v = 0; v < 5; v++)
                    p_bar->K2[o][c][u][v] = 0;
                for (int e = 0; e < b->m; e++)
                    for (int h = 0; h < 2 * A; h++)
                        for (int q = 0; q < 2 * B; q++)
                            for (int v = 0; v < 5; v++)
                                p_bar->K2[o][c][u][v] +=
                                        w->A2_bar[e][o][h][q] * w->P1[e][c][h + u][q + v];
            }

    /* K1_bar[o,c,u,v] = sum_{e<m,h<4 a + 8,q<4 b + 8}
       where(h + u >= 2 and q + v >= 2 and h + u <= 4 a + 9 and q + v <= 4 b
       + 9, A1_bar[e,o,h,q] X[e,c,h + u - 2,q + v - 2], 0) */
    for (int o = 0; o < O1; o++)
        for (int c = 0; c < C; c++)
            for (int u = 0; u < 5; u++) {
                for (int v = 0; v < 5; v++)
                    p_bar->K1[o][c][u][v] = 0;
                for (int e = 0; e < b->m; e++)
                    for (int h = 0; h < 4 * A + 8; h++)
                        if (h + u >= 2 && h + u <= 4 * A + 9)
                            for (int q = 0; q < 4 * B + 8; q++)
                                for (int v = 0; v < 5; v++)
                                    if (q + v >= 2 && q + v <= 4 * B + 9)
                                        p_bar->K1[o][c][u][v] +=
                                                w->A1_bar[e][o][h][q] * b->X[e][c][h + u - 2][q + v - 2];
            }
    return LENET_OK;
}

int lenet_jvp(const lenet_params *restrict p, const lenet_gradients *p_dot, const lenet_batch *b,
              lenet_workspace *restrict w, lenet_real *L, lenet_real *L_dot)
{
    const int code = lenet_check(b);
    if (code != LENET_OK)
        return code;

    *L = 0;
    *L_dot = 0;
    for (int e = 0; e < b->m; e++) {
        const real (*X)[4 * A + 8][4 * B + 8] = b->X[e];
        real (*A1)[4 * A + 8][4 * B + 8] = w->A1, (*Z1)[4 * A + 8][4 * B + 8] = w->Z1[e],
                (*Z1_dot)[4 * A + 8][4 * B + 8] = w->Z1_dot, (*P1)[2 * A + 4][2 * B + 4] = w->P1[e],
                (*P1_dot_sum)[2 * A + 4][2 * B + 4] = w->P1_dot_sum,
                (*P1_dot_sum2)[2 * A + 4][2 * B + 4] = w->P1_dot_sum2,
                (*P1_dot)[2 * A + 4][2 * B + 4] = w->P1_dot, (*A2)[2 * A][2 * B] = w->A2,
                (*Z2)[2 * A][2 * B] = w->Z2[e], (*Z2_dot)[2 * A][2 * B] = w->Z2_dot, (*P2)[A][B] = w->P2[e],
                (*P2_dot_sum)[A][B] = w->P2_dot_sum, (*P2_dot_sum2)[A][B] = w->P2_dot_sum2,
                (*P2_dot)[A][B] = w->P2_dot, *F = w->F[e], *A3 = w->A3, *Z3 = w->Z3[e], *Z3_dot = w->Z3_dot,
                *A4 = w->A4, *Z4 = w->Z4[e], *Z4_dot = w->Z4_dot, *Z5 = w->Z5[e], *Z5_dot = w->Z5_dot,
                *E = w->E, *S = w->S[e];

        /* A1[e,o,h,q] = b1[o]
           + sum_{c<c,u<5,v<5}
           where(h + u >= 2 and q + v >= 2 and h + u <= 4 a + 9 and q + v <= 4 b
           + 9, X[e,c,h + u - 2,q + v - 2] K1[o,c,u,v], 0) */
        for (int o = 0; o < O1; o++)
            for (int h = 0; h < 4 * A + 8; h++) {
                for (int q = 0; q < 4 * B + 8; q++)
                    A1[o][h][q] = p->b1[o];
                for (int c = 0; c < C; c++)
                    for (int u = 0; u < 5; u++)
                        if (h + u >= 2 && h + u <= 4 * A + 9)
                            for (int v = 0; v < 5; v++)
                                for (int q = 0; q < 4 * B + 8; q++)
                                    if (q + v >= 2 && q + v <= 4 * B + 9)
                                        A1[o][h][q] += X[c][h + u - 2][q + v - 2] * p->K1[o][c][u][v];
            }

        /* Z1[e,j,k,l] = where(A1[e,j,k,l] > 0, A1[e,j,k,l], 0) */
        for (int j = 0; j < O1; j++)
            for (int k = 0; k < 4 * A + 8; k++)
                for (int l = 0; l < 4 * B + 8; l++)
                    Z1[j][k][l] = A1[j][k][l] < 0 ? 0 : A1[j][k][l];

        /* Z1_dot[e,j,k,l] =
           where(Z1[e,j,k,l] > 0, b1_dot[j]
           + sum_{c<c,u<5,v<5}
           where(k + u >= 2 and l + v >= 2 and k + u <= 4 a + 9 and l + v <= 4 b
           + 9, X[e,c,k + u - 2,l + v - 2] K1_dot[j,c,u,v], 0), 0) */
        for (int j = 0; j < O1; j++)
            for (int k = 0; k < 4 * A + 8; k++) {
                for (int l = 0; l < 4 * B + 8; l++)
                    Z1_dot[j][k][l] = p_dot->b1[j];
                for (int c = 0; c < C; c++)
                    for (int u = 0; u < 5; u++)
                        if (k + u >= 2 && k + u <= 4 * A + 9)
                            for (int v = 0; v < 5; v++)
                                for (int l = 0; l < 4 * B + 8; l++)
                                    if (l + v >= 2 && l + v <= 4 * B + 9)
                                        Z1_dot[j][k][l] +=
                                                X[c][k + u - 2][l + v - 2] * p_dot->K1[j][c][u][v];
                for (int l = 0; l < 4 * B + 8; l++)
                    Z1_dot[j][k][l] = Z1[j][k][l] > 0 ? Z1_dot[j][k][l] : 0;
            }

        /* P1[e,c,h,q] = max_{u<2,v<2} Z1[e,c,2 h + u,2 q + v] */
        for (int c = 0; c < O1; c++)
            for (int h = 0; h < 2 * A + 4; h++)
                for (int q = 0; q < 2 * B + 4; q++) {
                    real largest = -(real)INFINITY;
                    for (int u = 0; u < 2; u++)
                        for (int v = 0; v < 2; v++)
                            largest = lenet_larger(Z1[c][2 * h + u][2 * q + v], largest);
                    P1[c][h][q] = largest;
                }

        /* P1_dot_sum[e,c,h,q] = sum_{u<2,v<2} [Z1[e,c,2 h + u,2 q + v] == P1[e,c,h,q]] */
        for (int c = 0; c < O1; c++)
            for (int h = 0; h < 2 * A + 4; h++) {
                for (int q = 0; q < 2 * B + 4; q++)
                    P1_dot_sum[c][h][q] = 0;
                for (int u = 0; u < 2; u++)
                    for (int v = 0; v < 2; v++)
                        for (int q = 0; q < 2 * B + 4; q++)
                            if (Z1[c][2 * h + u][2 * q + v] == P1[c][h][q])
                                P1_dot_sum[c][h][q] += 1;
            }

        /* P1_dot_sum2[e,c,h,q] = sum_{u<2,v<2}
           where(Z1[e,c,2 h + u,2 q + v] == P1[e,c,h,q], Z1_dot[e,c,2 h + u,2 q + v], 0) */
        for (int c = 0; c < O1; c++)
            for (int h = 0; h < 2 * A + 4; h++) {
                for (int q = 0; q < 2 * B + 4; q++)
                    P1_dot_sum2[c][h][q] = 0;
                for (int u = 0; u < 2; u++)
                    for (int v = 0; v < 2; v++)
                        for (int q = 0; q < 2 * B + 4; q++)
                            P1_dot_sum2[c][h][q] +=
                                    lenet_where(Z1[c][2 * h + u][2 * q + v] == P1[c][h][q],
                                    Z1_dot[c][2 * h + u][2 * q + v], 0);
            }

        /* P1_dot[e,c,h,q] = P1_dot_sum2[e,c,h,q]/P1_dot_sum[e,c,h,q] */
        for (int c = 0; c < O1; c++)
            for (int h = 0; h < 2 * A + 4; h++)
                for (int q = 0; q < 2 * B + 4; q++)
                    P1_dot[c][h][q] = P1_dot_sum2[c][h][q] / P1_dot_sum[c][h][q];

        /* A2[e,o,h,q] = b2[o] + sum_{c<o1,u<5,v<5} P1[e,c,h + u,q + v] K2[o,c,u,v] */
        for (int o = 0; o < O2; o++)
            for (int h = 0; h < 2 * A; h++) {
                for (int q = 0; q < 2 * B; q++)
                    A2[o][h][q] = p->b2[o];
                for (int c = 0; c < O1; c++)
                    for (int u = 0; u < 5; u++)
                        for (int v = 0; v < 5; v++)
                            for (int q = 0; q < 2 * B; q++)
                                A2[o][h][q] += P1[c][h + u][q + v] * p->K2[o][c][u][v];
            }

        /* Z2[e,j,k,l] = where(A2[e,j,k,l] > 0, A2[e,j,k,l], 0) */
        for (int j = 0; j < O2; j++)
            for (int k = 0; k < 2 * A; k++)
                for (int l = 0; l < 2 * B; l++)
                    Z2[j][k][l] = A2[j][k][l] < 0 ? 0 : A2[j][k][l];

        /* Z2_dot[e,j,k,l] =
           where(Z2[e,j,k,l] > 0, b2_dot[j] + sum_{c<o1,u<5,v<5} P1_dot[e,c,k + u,l + v] K2[j,c,u,v]
           + sum_{c<o1,u<5,v<5} P1[e,c,k + u,l + v] K2_dot[j,c,u,v], 0) */
        for (int j = 0; j < O2; j++)
            for (int k = 0; k < 2 * A; k++) {
                for (int l = 0; l < 2 * B; l++)
                    Z2_dot[j][k][l] = p_dot->b2[j];
                for (int c = 0; c < O1; c++)
                    for (int u = 0; u < 5; u++)
                        for (int v = 0; v < 5; v++)
                            for (int l = 0; l < 2 * B; l++)
                                Z2_dot[j][k][l] += P1_dot[c][k + u][l + v] * p->K2[j][c][u][v];
                for (int c = 0; c < O1; c++)
                    for (int u = 0; u < 5; u++)
                        for (int v = 0; v < 5; v++)
                            for (int l = 0; l < 2 * B; l++)
                                Z2_dot[j][k][l] += P1[c][k + u][l + v] * p_dot->K2[j][c][u][v];
                for (int l = 0; l < 2 * B; l++)
                    Z2_dot[j][k][l] = Z2[j][k][l] > 0 ? Z2_dot[j][k][l] : 0;
            }

        /* P2[e,c,h,q] = max_{u<2,v<2} Z2[e,c,2 h + u,2 q + v] */
        for (int c = 0; c < O2; c++)
            for (int h = 0; h < A; h++)
                for (int q = 0; q < B; q++) {
                    real largest = -(real)INFINITY;
                    for (int u = 0; u < 2; u++)
                        for (int v = 0; v < 2; v++)
                            largest = lenet_larger(Z2[c][2 * h + u][2 * q + v], largest);
                    P2[c][h][q] = largest;
                }

        /* P2_dot_sum[e,c,h,q] = sum_{u<2,v<2} [Z2[e,c,2 h + u,2 q + v] == P2[e,c,h,q]] */
        for (int c = 0; c < O2; c++)
            for (int h = 0; h < A; h++) {
                for (int q = 0; q < B; q++)
                    P2_dot_sum[c][h][q] = 0;
                for (int u = 0; u < 2; u++)
                    for (int v = 0; v < 2; v++)
                        for (int q = 0; q < B; q++)
                            if (Z2[c][2 * h + u][2 * q + v] == P2[c][h][q])
                                P2_dot_sum[c][h][q] += 1;
            }

        /* P2_dot_sum2[e,c,h,q] = sum_{u<2,v<2}
           where(Z2[e,c,2 h + u,2 q + v] == P2[e,c,h,q], Z2_dot[e,c,2 h + u,2 q + v], 0) */
        for (int c = 0; c < O2; c++)
            for (int h = 0; h < A; h++) {
                for (int q = 0; q < B; q++)
                    P2_dot_sum2[c][h][q] = 0;
                for (int u = 0; u < 2; u++)
                    for (int v = 0; v < 2; v++)
                        for (int q = 0; q < B; q++)
                            P2_dot_sum2[c][h][q] +=
                                    lenet_where(Z2[c][2 * h + u][2 * q + v] == P2[c][h][q],
                                    Z2_dot[c][2 * h + u][2 * q + v], 0);
            }

        /* P2_dot[e,c,h,q] = P2_dot_sum2[e,c,h,q]/P2_dot_sum[e,c,h,q] */
        for (int c = 0; c < O2; c++)
            for (int h = 0; h < A; h++)
                for (int q = 0; q < B; q++)
                    P2_dot[c][h][q] = P2_dot_sum2[c][h][q] / P2_dot_sum[c][h][q];

        /* F[e,j] = P2[e,(j//(a b)),((j//b)%a),(j%b)] */
        for (int j = 0; j < A * B * O2; j++)
            F[j] = P2[j / (A * B)][j / B % A][j % B];

        /* A3[e,j] = b3[j] + sum_{q<a b o2} F[e,q] W3[q,j] */
        for (int j = 0; j < D1; j++)
            A3[j] = p->b3[j];
        for (int q = 0; q < A * B * O2; q++)
            for (int j = 0; j < D1; j++)
                A3[j] += F[q] * p->W3[q][j];

        /* Z3[e,j] = where(A3[e,j] > 0, A3[e,j], 0) */
        for (int j = 0; j < D1; j++)
            Z3[j] = A3[j] < 0 ? 0 : A3[j];

        /* Z3_dot[e,j] =
           where(Z3[e,j] > 0, b3_dot[j] + sum_{q<a b o2} F[e,q] W3_dot[q,j]
           + sum_{q<a b o2} P2_dot[e,(q//(a b)),((q//b)%a),(q%b)] W3[q,j], 0) */
        for (int j = 0; j < D1; j++)
            Z3_dot[j] = p_dot->b3[j];
        for (int q = 0; q < A * B * O2; q++)
            for (int j = 0; j < D1; j++)
                Z3_dot[j] += F[q] * p_dot->W3[q][j];
        for (int q = 0; q < A * B * O2; q++)
            for (int j = 0; j < D1; j++)
                Z3_dot[j] += P2_dot[q / (A * B)][q / B % A][q % B] * p->W3[q][j];
        for (int j = 0; j < D1; j++)
            Z3_dot[j] = Z3[j] > 0 ? Z3_dot[j] : 0;

        /* A4[e,j] = b4[j] + sum_{q<d1} Z3[e,q] W4[q,j] */
        for (int j = 0; j < D2; j++)
            A4[j] = p->b4[j];
        for (int q = 0; q < D1; q++)
            for (int j = 0; j < D2; j++)
                A4[j] += Z3[q] * p->W4[q][j];

        /* Z4[e,j] = where(A4[e,j] > 0, A4[e,j], 0) */
        for (int j = 0; j < D2; j++)
            Z4[j] = A4[j] < 0 ? 0 : A4[j];

        /* Z4_dot[e,j] =
           where(Z4[e,j] > 0, b4_dot[j] + sum_{q<d1} Z3_dot[e,q] W4[q,j]
           + sum_{q<d1} Z3[e,q] W4_dot[q,j], 0) */
        for (int j = 0; j < D2; j++)
            Z4_dot[j] = p_dot->b4[j];
        for (int q = 0; q < D1; q++)
            for (int j = 0; j < D2; j++)
                Z4_dot[j] += Z3_dot[q] * p->W4[q][j];
        for (int q = 0; q < D1; q++)
            for (int j = 0; j < D2; j++)
                Z4_dot[j] += Z3[q] * p_dot->W4[q][j];
        for (int j = 0; j < D2; j++)
            Z4_dot[j] = Z4[j] > 0 ? Z4_dot[j] : 0;

        /* Z5[e,j] = b5[j] + sum_{q<d2} Z4[e,q] W5[q,j] */
        for (int j = 0; j < K; j++)
            Z5[j] = p->b5[j];
        for (int q = 0; q < D2; q++)
            for (int j = 0; j < K; j++)
                Z5[j] += Z4[q] * p->W5[q][j];

        /* Z5_dot[e,j] = b5_dot[j] + sum_{q<d2} Z4_dot[e,q] W5[q,j] + sum_{q<d2} Z4[e,q] W5_dot[q,j] */
        for (int j = 0; j < K; j++)
            Z5_dot[j] = p_dot->b5[j];
        for (int q = 0; q < D2; q++)
            for (int j = 0; j < K; j++)
                Z5_dot[j] += Z4_dot[q] * p->W5[q][j];
        for (int q = 0; q < D2; q++)
            for (int j = 0; j < K; j++)
                Z5_dot[j] += Z4[q] * p_dot->W5[q][j];

        /* M[e] = max_{q<k} Z5[e,q] */
        real M = -(real)INFINITY;
        for (int q = 0; q < K; q++)
            M = lenet_larger(Z5[q], M);

        /* E[e,q] = exp(Z5[e,q] - M[e]) */
        for (int q = 0; q < K; q++)
            E[q] = EXP(Z5[q] - M);

        /* T[e] = sum_{q<k} E[e,q] */
        real T = 0;
        for (int q = 0; q < K; q++)
            T += E[q];

        /* L = sum_{e<m} (M[e] - Z5[e,y[e]] + log(T[e]))/m */
        *L += M - Z5[b->y[e]] + LOG(T);

        /* S[e,j] = E[e,j]/T[e] */
        for (int j = 0; j < K; j++)
            S[j] = E[j] / T;

        /* L_dot = (sum_{e<m,q<k} S[e,q] Z5_dot[e,q] - sum_{e<m} Z5_dot[e,y[e]])/m */
        *L_dot -= Z5_dot[b->y[e]];
        for (int q = 0; q < K; q++)
            *L_dot += S[q] * Z5_dot[q];
    }
    *L /= (real)b->m;
    *L_dot /= (real)b->m;
    return LENET_OK;
}

int lenet_predict(const lenet_params *p, const lenet_batch *b, lenet_workspace *w, int32_t *labels)
{
    const int code = lenet_forward(p, b, w, &w->Z5[0][0]);
    if (code != LENET_OK)
        return code;

    for (int i = 0; i < b->m; i++) {
        const real *Z5 = &w->Z5[0][0] + (size_t)i * K;
        int best = 0;
        for (int j = 1; j < K; j++)
            best = Z5[j] > Z5[best] ? j : best;
        labels[i] = best;
    }
    return LENET_OK;
}

static int lenet_finite(const real *x, size_t n)
{
    int bad = 0;
    for (size_t e = 0; e < n; e++)
        bad |= !(x[e] - x[e] == 0);
    return !bad;
}

/* The loss, and its gradients in w->p_bar; both finite, or LENET_NONFINITE. */
static int lenet_gradients_of(const lenet_params *p, const lenet_batch *b, lenet_workspace *w, real *L)
{
    int code = lenet_loss(p, b, w, L);
    if (code == LENET_OK && !lenet_finite(L, 1))
        code = LENET_NONFINITE;
    if (code == LENET_OK)
        code = lenet_vjp(p, b, w, 1, &w->p_bar);
    if (code == LENET_OK && !lenet_finite((const real *)&w->p_bar, sizeof w->p_bar / sizeof(real)))
        code = LENET_NONFINITE;
    return code;
}

/* W_new[i] = W[i] - lr (weight_decay W[i] + W_bar[i]) */
static void lenet_sgd(real *restrict W, const real *restrict W_bar, size_t n, real lr, real weight_decay)
{
    for (size_t i = 0; i < n; i++)
        W[i] -= lr * (weight_decay * W[i] + W_bar[i]);
}

int lenet_sgd_step(lenet_params *p, const lenet_batch *b, lenet_workspace *w, lenet_real lr,
                   lenet_real weight_decay, lenet_real *L)
{
    real now;
    const int code = lenet_gradients_of(p, b, w, &now);
    if (code != LENET_OK)
        return code;

    lenet_sgd((real *)p, (const real *)&w->p_bar, sizeof *p / sizeof(real), lr, weight_decay);
    *L = now;
    return LENET_OK;
}

/* v_new[i] = mu v[i] - lr (weight_decay W[i] + W_bar[i]); W_new[i] = W[i] + v_new[i] */
static void lenet_momentum(real *restrict W, const real *restrict W_bar, real *restrict v, size_t n, real lr,
                           real mu, real weight_decay)
{
    for (size_t i = 0; i < n; i++) {
        v[i] = mu * v[i] - lr * (weight_decay * W[i] + W_bar[i]);
        W[i] += v[i];
    }
}

int lenet_momentum_step(lenet_params *p, lenet_gradients *v, const lenet_batch *b, lenet_workspace *w,
                        lenet_real lr, lenet_real mu, lenet_real weight_decay, lenet_real *L)
{
    real now;
    const int code = lenet_gradients_of(p, b, w, &now);
    if (code != LENET_OK)
        return code;

    lenet_momentum((real *)p, (const real *)&w->p_bar, (real *)v, sizeof *p / sizeof(real), lr, mu,
                   weight_decay);
    *L = now;
    return LENET_OK;
}

/* u_new[i] = (1 - mu) (weight_decay W[i] + W_bar[i]) + mu u[i]; W_new[i] = W[i] - lr u_new[i] */
static void lenet_averaged(real *restrict W, const real *restrict W_bar, real *restrict u, size_t n, real lr,
                           real mu, real weight_decay)
{
    for (size_t i = 0; i < n; i++) {
        u[i] = (1 - mu) * (weight_decay * W[i] + W_bar[i]) + mu * u[i];
        W[i] -= lr * u[i];
    }
}

int lenet_averaged_step(lenet_params *p, lenet_gradients *u, const lenet_batch *b, lenet_workspace *w,
                        lenet_real lr, lenet_real mu, lenet_real weight_decay, lenet_real *L)
{
    real now;
    const int code = lenet_gradients_of(p, b, w, &now);
    if (code != LENET_OK)
        return code;

    lenet_averaged((real *)p, (const real *)&w->p_bar, (real *)u, sizeof *p / sizeof(real), lr, mu,
                   weight_decay);
    *L = now;
    return LENET_OK;
}

/* c1 = 1 - beta1^t;
   c2 = 1 - beta2^t;
   m_new[i] = W_bar[i] (1 - beta1) + beta1 m[i];
   s_new[i] = W_bar[i]^2 (1 - beta2) + beta2 s[i];
   W_new[i] = W[i] (1 - lr weight_decay) - lr m_new[i]/(c1 (sqrt(s_new[i]/c2) + eps)) */
static void lenet_adamw(real *restrict W, const real *restrict W_bar, real *restrict m, real *restrict s,
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

int lenet_adamw_step(lenet_params *p, lenet_gradients *m, lenet_gradients *s, const lenet_batch *b,
                     lenet_workspace *w, lenet_real lr, lenet_real beta1, lenet_real beta2, lenet_real eps,
                     lenet_real t, lenet_real weight_decay, lenet_real *L)
{
    real now;
    const int code = lenet_gradients_of(p, b, w, &now);
    if (code != LENET_OK)
        return code;

    lenet_adamw((real *)p, (const real *)&w->p_bar, (real *)m, (real *)s, sizeof *p / sizeof(real), lr, beta1,
                beta2, eps, t, weight_decay);
    *L = now;
    return LENET_OK;
}

/* A checkpoint is eight bytes of length, a header of text, and the parameters, all little-endian (safetensors).
 * The header is spelled out letter by letter: to be counted, written, or compared with one that exists. */
typedef struct {
    unsigned char *to;
    const unsigned char *same;
    size_t n;
    int differs;
} lenet_header;

#ifdef LENET_DOUBLE
typedef uint64_t lenet_bits;
#define DTYPE "F64"
#else
typedef uint32_t lenet_bits;
#define DTYPE "F32"
#endif

static void lenet_text(lenet_header *h, const char *text)
{
    for (; *text; text++, h->n++) {
        if (h->to)
            h->to[h->n] = (unsigned char)*text;
        if (h->same && h->same[h->n] != (unsigned char)*text)
            h->differs = 1;
    }
}

static void lenet_number(lenet_header *h, size_t value)
{
    char digits[24] = {0};
    size_t start = sizeof digits - 1;
    do
        digits[--start] = (char)('0' + value % 10);
    while (value /= 10);
    lenet_text(h, &digits[start]);
}

static void lenet_spell(lenet_header *h)
{
    static const struct {
        const char *name;
        size_t shape[4], rank, start, end;
    } tensors[] = {
        {"K1", {O1, C, 5, 5}, 4, offsetof(lenet_params, K1), offsetof(lenet_params, K1) + sizeof((lenet_params *)0)->K1},
        {"b1", {O1}, 1, offsetof(lenet_params, b1), offsetof(lenet_params, b1) + sizeof((lenet_params *)0)->b1},
        {"K2", {O2, O1, 5, 5}, 4, offsetof(lenet_params, K2), offsetof(lenet_params, K2) + sizeof((lenet_params *)0)->K2},
        {"b2", {O2}, 1, offsetof(lenet_params, b2), offsetof(lenet_params, b2) + sizeof((lenet_params *)0)->b2},
        {"W3", {A * B * O2, D1}, 2, offsetof(lenet_params, W3), offsetof(lenet_params, W3) + sizeof((lenet_params *)0)->W3},
        {"b3", {D1}, 1, offsetof(lenet_params, b3), offsetof(lenet_params, b3) + sizeof((lenet_params *)0)->b3},
        {"W4", {D1, D2}, 2, offsetof(lenet_params, W4), offsetof(lenet_params, W4) + sizeof((lenet_params *)0)->W4},
        {"b4", {D2}, 1, offsetof(lenet_params, b4), offsetof(lenet_params, b4) + sizeof((lenet_params *)0)->b4},
        {"W5", {D2, K}, 2, offsetof(lenet_params, W5), offsetof(lenet_params, W5) + sizeof((lenet_params *)0)->W5},
        {"b5", {K}, 1, offsetof(lenet_params, b5), offsetof(lenet_params, b5) + sizeof((lenet_params *)0)->b5},
    };
    for (size_t t = 0; t < sizeof tensors / sizeof tensors[0]; t++) {
        lenet_text(h, t ? ",\"" : "{\"");
        lenet_text(h, tensors[t].name);
        lenet_text(h, "\":{\"dtype\":\"" DTYPE "\",\"shape\":[");
        for (size_t a = 0; a < tensors[t].rank; a++) {
            lenet_text(h, a ? "," : "");
            lenet_number(h, tensors[t].shape[a]);
        }
        lenet_text(h, "],\"data_offsets\":[");
        lenet_number(h, tensors[t].start);
        lenet_text(h, ",");
        lenet_number(h, tensors[t].end);
        lenet_text(h, "]}");
    }
    lenet_text(h, "}");
    while (h->n % 8)
        lenet_text(h, " ");
}

size_t lenet_save(const lenet_params *p, void *buffer, size_t size)
{
    const real *x = (const real *)p;
    unsigned char *to = buffer;
    lenet_header h = {0};
    lenet_spell(&h);
    if (size < 8 + h.n + sizeof *p)
        return 8 + h.n + sizeof *p;

    for (int i = 0; i < 8; i++)
        to[i] = (unsigned char)(((uint64_t)h.n >> (8 * i)) & 255);
    h = (lenet_header){.to = to + 8};
    lenet_spell(&h);
    to += 8 + h.n;
    for (size_t e = 0; e < sizeof *p / sizeof *x; e++) {
        lenet_bits bits;
        memcpy(&bits, &x[e], sizeof bits);
        for (size_t i = 0; i < sizeof bits; i++)
            *to++ = (unsigned char)((bits >> (8 * i)) & 255);
    }
    return 8 + h.n + sizeof *p;
}

int lenet_load(lenet_params *p, const void *buffer, size_t size)
{
    const unsigned char *from = buffer;
    real *x = (real *)p;
    uint64_t length = 0;
    lenet_header h = {0};
    lenet_spell(&h);
    if (size != 8 + h.n + sizeof *p)
        return LENET_FORMAT;

    for (int i = 0; i < 8; i++)
        length |= (uint64_t)from[i] << (8 * i);
    h = (lenet_header){.same = from + 8};
    lenet_spell(&h);
    if (length != h.n || h.differs)
        return LENET_FORMAT;

    from += 8 + h.n;
    for (size_t e = 0; e < sizeof *p / sizeof *x; e++) {
        lenet_bits bits = 0;
        for (size_t i = 0; i < sizeof bits; i++)
            bits |= (lenet_bits)*from++ << (8 * i);
        memcpy(&x[e], &bits, sizeof bits);
    }
    return LENET_OK;
}

size_t lenet_params_bytes(void) { return sizeof(lenet_params); }
size_t lenet_gradients_bytes(void) { return sizeof(lenet_gradients); }
size_t lenet_workspace_bytes(void) { return sizeof(lenet_workspace); }
size_t lenet_real_bytes(void) { return sizeof(real); }
int lenet_max_batch(void) { return LENET_M; }
