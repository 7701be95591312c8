/* gpt: H = layernorm(Z_L) E^T, Z_0 = E[x] + P, L blocks of causal attention and gelu
   Emitted by `python -m derive build gpt`; change the definition, not this file. */
#include "gpt.h"

#include <math.h>
#include <string.h>

/* The same bits from every compiler: no reassociation, no contraction into fused multiply-adds. */
#ifdef __FAST_MATH__
#error "gpt.c needs exact floating point: compile without -ffast-math"
#endif
#if defined(__clang__) || !defined(__GNUC__)
#pragma STDC FP_CONTRACT OFF
#else
#pragma GCC optimize("fp-contract=off")
#endif

#ifdef GPT_DOUBLE
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

typedef gpt_real real;

enum { L = GPT_L, D = GPT_D, T = GPT_T, V = GPT_V };

/* sum_{p<n} x[p] y[p], in 16 sums side by side that fill vector registers */
static real gpt_dot(const real *x, const real *y, int n)
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
static real gpt_larger(real a, real b)
{
    return a > b || a != a ? a : b;
}

/* The finaliser of SplitMix64: Steele, Lea, Flood, OOPSLA 2014. */
static uint64_t gpt_mix(uint64_t z)
{
    z += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* Normal with deviation scale: a sum of twelve uniforms has mean 6 and variance 1. */
static void gpt_normal(real *x, size_t count, uint64_t key, double scale)
{
    for (size_t e = 0; e < count; e++) {
        uint64_t s = 0;
        for (uint64_t j = 0; j < 12; j++)
            s += gpt_mix(key + 16 * (uint64_t)e + j) >> 32;
        x[e] = (real)(((double)s - 6 * 0x1p32) * 0x1p-32 * scale);
    }
}

static void gpt_fill(real *x, size_t count, real value)
{
    for (size_t e = 0; e < count; e++)
        x[e] = value;
}

void gpt_init(gpt_params *p, uint64_t seed)
{
    const uint64_t key = gpt_mix(seed);

    gpt_normal(&p->E[0][0], sizeof p->E / sizeof(real), gpt_mix(key + 0), sqrt(1.0 / 2500));
    gpt_normal(&p->P[0][0], sizeof p->P / sizeof(real), gpt_mix(key + 1), sqrt(1.0 / 2500));
    gpt_fill(&p->g1[0][0], sizeof p->g1 / sizeof(real), 1);
    gpt_fill(&p->s1[0][0], sizeof p->s1 / sizeof(real), 0);
    gpt_normal(&p->Wa[0][0][0][0][0], sizeof p->Wa / sizeof(real), gpt_mix(key + 4), sqrt(1.0 / 2500));
    gpt_fill(&p->ba[0][0][0][0], sizeof p->ba / sizeof(real), 0);
    gpt_normal(&p->Wo[0][0][0][0], sizeof p->Wo / sizeof(real), gpt_mix(key + 6), sqrt(1.0 / 2500));
    gpt_fill(&p->bo[0][0], sizeof p->bo / sizeof(real), 0);
    gpt_fill(&p->g2[0][0], sizeof p->g2 / sizeof(real), 1);
    gpt_fill(&p->s2[0][0], sizeof p->s2 / sizeof(real), 0);
    gpt_normal(&p->Wf[0][0][0], sizeof p->Wf / sizeof(real), gpt_mix(key + 10), sqrt(1.0 / 2500));
    gpt_fill(&p->bf[0][0], sizeof p->bf / sizeof(real), 0);
    gpt_normal(&p->Wp[0][0][0], sizeof p->Wp / sizeof(real), gpt_mix(key + 12), sqrt(1.0 / 2500));
    gpt_fill(&p->bp[0][0], sizeof p->bp / sizeof(real), 0);
    gpt_fill(&p->g[0], sizeof p->g / sizeof(real), 1);
    gpt_fill(&p->s[0], sizeof p->s / sizeof(real), 0);
}

static int gpt_check_batch(const gpt_batch *b)
{
    if (b->m < 1 || b->m > GPT_M)
        return GPT_BATCH;
    for (int i = 0; i < b->m; i++)
        for (int e = 0; e < T; e++)
            if ((&b->x[i][0])[e] < 0 || (&b->x[i][0])[e] >= V)
                return GPT_LABEL;
    return GPT_OK;
}

static int gpt_check(const gpt_batch *b)
{
    const int code = gpt_check_batch(b);
    if (code != GPT_OK)
        return code;
    if (!b->y)
        return GPT_LABEL;
    for (int i = 0; i < b->m; i++)
        for (int e = 0; e < T; e++)
            if ((&b->y[i][0])[e] < 0 || (&b->y[i][0])[e] >= V)
                return GPT_LABEL;
    return GPT_OK;
}

int gpt_forward(const gpt_params *restrict p, const gpt_batch *b, gpt_workspace *restrict w, gpt_real *H)
{
    const int code = gpt_check_batch(b);
    if (code != GPT_OK)
        return code;

    for (int i = 0; i < b->m; i++) {
        const int32_t *x = b->x[i];
        real (*X)[D] = w->X[i];

        /* X[i,t,j] = E[x[i,t],j] + P[t,j] */
        for (int t = 0; t < T; t++)
            for (int j = 0; j < D; j++)
                X[t][j] = p->E[x[t]][j] + p->P[t][j];
    }

    /* Z[0,i,t,j] = X[i,t,j] */
    for (int i = 0; i < b->m; i++)
        for (int t = 0; t < T; t++)
            for (int j = 0; j < D; j++)
                w->Z[0][i][t][j] = w->X[i][t][j];

    /* for l < L */
    for (int l = 0; l < L; l++) {
        /* mu1[i,t] = sum_{q<d} Z[l,i,t,q]/d */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++) {
                real sum = 0;
                for (int q = 0; q < D; q++)
                    sum += w->Z[l][i][t][q];
                w->mu1[i][t] = sum / (real)D;
            }

        /* C1[i,t,j] = Z[l,i,t,j] - mu1[i,t] */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                for (int j = 0; j < D; j++)
                    w->C1[i][t][j] = w->Z[l][i][t][j] - w->mu1[i][t];

        /* v1[i,t] = sum_{q<d} C1[i,t,q]^2/d */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++) {
                real sum = 0;
                for (int q = 0; q < D; q++)
                    sum += w->C1[i][t][q] * w->C1[i][t][q];
                w->v1[i][t] = sum / (real)D;
            }

        /* r1[l,i,t] = 1/sqrt(v1[i,t] + 1/100000) */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                w->r1[l][i][t] = 1 / SQRT(w->v1[i][t] + (real)1e-05);

        /* Xhat1[l,i,t,j] = r1[l,i,t] C1[i,t,j] */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                for (int j = 0; j < D; j++)
                    w->Xhat1[l][i][t][j] = w->r1[l][i][t] * w->C1[i][t][j];

        /* N1[l,i,t,j] = g1[l,j] Xhat1[l,i,t,j] + s1[l,j] */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                for (int j = 0; j < D; j++)
                    w->N1[l][i][t][j] = p->g1[l][j] * w->Xhat1[l][i][t][j] + p->s1[l][j];

        /* A[l,c,i,a,t,n] = ba[l,c,a,n] + sum_{q<d} N1[l,i,t,q] Wa[l,q,c,a,n] */
        for (int c = 0; c < 3; c++)
            for (int i = 0; i < b->m; i++)
                for (int a = 0; a < GPT_H; a++)
                    for (int t = 0; t < T; t++) {
                        for (int n = 0; n < GPT_E; n++)
                            w->A[l][c][i][a][t][n] = p->ba[l][c][a][n];
                        for (int q = 0; q < D; q++)
                            for (int n = 0; n < GPT_E; n++)
                                w->A[l][c][i][a][t][n] += w->N1[l][i][t][q] * p->Wa[l][q][c][a][n];
                    }

        /* R[i,a,t,q] = sum_{n<e} A[l,0,i,a,t,n] A[l,1,i,a,q,n]/sqrt(e) */
        for (int i = 0; i < b->m; i++)
            for (int a = 0; a < GPT_H; a++)
                for (int t = 0; t < T; t++)
                    for (int q = 0; q < T; q++)
                        w->R[i][a][t][q] =
                                gpt_dot(w->A[l][0][i][a][t], w->A[l][1][i][a][q], GPT_E) / SQRT((real)GPT_E);

        /* M[i,a,t] = max_{q<=t} R[i,a,t,q] */
        for (int i = 0; i < b->m; i++)
            for (int a = 0; a < GPT_H; a++)
                for (int t = 0; t < T; t++) {
                    real largest = -(real)INFINITY;
                    for (int q = 0; q <= t; q++)
                        largest = gpt_larger(w->R[i][a][t][q], largest);
                    w->M[i][a][t] = largest;
                }

        /* E2[i,a,t,q] = where(t >= q, exp(R[i,a,t,q] - M[i,a,t]), 0) */
        for (int i = 0; i < b->m; i++)
            for (int a = 0; a < GPT_H; a++)
                for (int t = 0; t < T; t++)
                    for (int q = 0; q < T; q++)
                        w->E2[i][a][t][q] = t >= q ? EXP(w->R[i][a][t][q] - w->M[i][a][t]) : 0;

        /* T2[i,a,t] = sum_{q<T} E2[i,a,t,q] */
        for (int i = 0; i < b->m; i++)
            for (int a = 0; a < GPT_H; a++)
                for (int t = 0; t < T; t++) {
                    real sum = 0;
                    for (int q = 0; q < T; q++)
                        sum += w->E2[i][a][t][q];
                    w->T2[i][a][t] = sum;
                }

        /* P2[l,i,a,t,q] = where(t >= q, E2[i,a,t,q]/T2[i,a,t], 0) */
        for (int i = 0; i < b->m; i++)
            for (int a = 0; a < GPT_H; a++)
                for (int t = 0; t < T; t++)
                    for (int q = 0; q < T; q++)
                        w->P2[l][i][a][t][q] = t >= q ? w->E2[i][a][t][q] / w->T2[i][a][t] : 0;

        /* O[l,i,a,t,n] = sum_{q<=t} P2[l,i,a,t,q] A[l,2,i,a,q,n] */
        for (int i = 0; i < b->m; i++)
            for (int a = 0; a < GPT_H; a++)
                for (int t = 0; t < T; t++) {
                    for (int n = 0; n < GPT_E; n++)
                        w->O[l][i][a][t][n] = 0;
                    for (int q = 0; q <= t; q++)
                        for (int n = 0; n < GPT_E; n++)
                            w->O[l][i][a][t][n] += w->P2[l][i][a][t][q] * w->A[l][2][i][a][q][n];
                }

        /* B[i,t,j] = bo[l,j] + Z[l,i,t,j] + sum_{a<h,n<e} O[l,i,a,t,n] Wo[l,a,n,j] */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++) {
                for (int j = 0; j < D; j++)
                    w->B[i][t][j] = p->bo[l][j] + w->Z[l][i][t][j];
                for (int a = 0; a < GPT_H; a++)
                    for (int n = 0; n < GPT_E; n++)
                        for (int j = 0; j < D; j++)
                            w->B[i][t][j] += w->O[l][i][a][t][n] * p->Wo[l][a][n][j];
            }

        /* mu2[i,t] = sum_{q<d} B[i,t,q]/d */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++) {
                real sum = 0;
                for (int q = 0; q < D; q++)
                    sum += w->B[i][t][q];
                w->mu2[i][t] = sum / (real)D;
            }

        /* C2[i,t,j] = B[i,t,j] - mu2[i,t] */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                for (int j = 0; j < D; j++)
                    w->C2[i][t][j] = w->B[i][t][j] - w->mu2[i][t];

        /* v2[i,t] = sum_{q<d} C2[i,t,q]^2/d */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++) {
                real sum = 0;
                for (int q = 0; q < D; q++)
                    sum += w->C2[i][t][q] * w->C2[i][t][q];
                w->v2[i][t] = sum / (real)D;
            }

        /* r2[l,i,t] = 1/sqrt(v2[i,t] + 1/100000) */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                w->r2[l][i][t] = 1 / SQRT(w->v2[i][t] + (real)1e-05);

        /* Xhat2[l,i,t,j] = r2[l,i,t] C2[i,t,j] */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                for (int j = 0; j < D; j++)
                    w->Xhat2[l][i][t][j] = w->r2[l][i][t] * w->C2[i][t][j];

        /* N2[l,i,t,j] = g2[l,j] Xhat2[l,i,t,j] + s2[l,j] */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                for (int j = 0; j < D; j++)
                    w->N2[l][i][t][j] = p->g2[l][j] * w->Xhat2[l][i][t][j] + p->s2[l][j];

        /* F[l,i,t,k] = bf[l,k] + sum_{q<d} Wf[l,q,k] N2[l,i,t,q] */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++) {
                for (int k = 0; k < GPT_F; k++)
                    w->F[l][i][t][k] = p->bf[l][k];
                for (int q = 0; q < D; q++)
                    for (int k = 0; k < GPT_F; k++)
                        w->F[l][i][t][k] += p->Wf[l][q][k] * w->N2[l][i][t][q];
            }

        /* A2[i,t,k] = 2 sqrt(2) (8943 F[l,i,t,k]^3/200000 + F[l,i,t,k])/sqrt(pi) */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                for (int k = 0; k < GPT_F; k++)
                    w->A2[i][t][k] =
                            (real)1.5957691216057308
                            * ((real)0.044715 * (w->F[l][i][t][k] * w->F[l][i][t][k] * w->F[l][i][t][k])
                            + w->F[l][i][t][k]);

        /* E4[l,i,t,k] = exp(-abs(A2[i,t,k])) */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                for (int k = 0; k < GPT_F; k++)
                    w->E4[l][i][t][k] = EXP(-FABS(w->A2[i][t][k]));

        /* C3[l,i,t,k] = where(A2[i,t,k] >= 0, 1, E4[l,i,t,k]) */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                for (int k = 0; k < GPT_F; k++)
                    w->C3[l][i][t][k] = w->A2[i][t][k] >= 0 ? 1 : w->E4[l][i][t][k];

        /* G[l,i,t,k] = F[l,i,t,k] (C3[l,i,t,k] - C3[l,i,t,k] E4[l,i,t,k]/(E4[l,i,t,k] + 1)) */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                for (int k = 0; k < GPT_F; k++)
                    w->G[l][i][t][k] =
                            w->F[l][i][t][k]
                            * (w->C3[l][i][t][k]
                            - w->C3[l][i][t][k] * w->E4[l][i][t][k] / (w->E4[l][i][t][k] + 1));

        /* Z[l + 1,i,t,j] = bp[l,j] + B[i,t,j] + sum_{k<f} G[l,i,t,k] Wp[l,k,j] */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++) {
                for (int j = 0; j < D; j++)
                    w->Z[l + 1][i][t][j] = p->bp[l][j] + w->B[i][t][j];
                for (int k = 0; k < GPT_F; k++)
                    for (int j = 0; j < D; j++)
                        w->Z[l + 1][i][t][j] += w->G[l][i][t][k] * p->Wp[l][k][j];
            }
    }

    for (int i = 0; i < b->m; i++) {
        real (*Y)[D] = w->Y, *mu = w->mu, (*C)[D] = w->C, *var = w->var, *r = w->r[i],
                (*Xhat)[D] = w->Xhat[i], (*N)[D] = w->N[i];

        /* Y[i,t,j] = Z[L,i,t,j] */
        for (int t = 0; t < T; t++)
            for (int j = 0; j < D; j++)
                Y[t][j] = w->Z[L][i][t][j];

        /* mu[i,t] = sum_{q<d} Y[i,t,q]/d */
        for (int t = 0; t < T; t++) {
            real sum = 0;
            for (int q = 0; q < D; q++)
                sum += Y[t][q];
            mu[t] = sum / (real)D;
        }

        /* C[i,t,j] = Y[i,t,j] - mu[i,t] */
        for (int t = 0; t < T; t++)
            for (int j = 0; j < D; j++)
                C[t][j] = Y[t][j] - mu[t];

        /* var[i,t] = sum_{q<d} C[i,t,q]^2/d */
        for (int t = 0; t < T; t++) {
            real sum = 0;
            for (int q = 0; q < D; q++)
                sum += C[t][q] * C[t][q];
            var[t] = sum / (real)D;
        }

        /* r[i,t] = 1/sqrt(var[i,t] + 1/100000) */
        for (int t = 0; t < T; t++)
            r[t] = 1 / SQRT(var[t] + (real)1e-05);

        /* Xhat[i,t,j] = r[i,t] C[i,t,j] */
        for (int t = 0; t < T; t++)
            for (int j = 0; j < D; j++)
                Xhat[t][j] = r[t] * C[t][j];

        /* N[i,t,j] = Xhat[i,t,j] g[j] + s[j] */
        for (int t = 0; t < T; t++)
            for (int j = 0; j < D; j++)
                N[t][j] = Xhat[t][j] * p->g[j] + p->s[j];

        /* H[i,t,k] = sum_{q<d} N[i,t,q] E[k,q] */
        for (int t = 0; t < T; t++)
            for (int k = 0; k < V; k++)
                H[(i * T + t) * V + k] = gpt_dot(N[t], p->E[k], D);
    }
    return GPT_OK;
}

int gpt_loss(const gpt_params *restrict p, const gpt_batch *b, gpt_workspace *restrict w, gpt_real *J)
{
    const int code = gpt_check(b);
    if (code != GPT_OK)
        return code;

    for (int i = 0; i < b->m; i++) {
        const int32_t *x = b->x[i];
        real (*X)[D] = w->X[i];

        /* X[i,t,j] = E[x[i,t],j] + P[t,j] */
        for (int t = 0; t < T; t++)
            for (int j = 0; j < D; j++)
                X[t][j] = p->E[x[t]][j] + p->P[t][j];
    }

    /* Z[0,i,t,j] = X[i,t,j] */
    for (int i = 0; i < b->m; i++)
        for (int t = 0; t < T; t++)
            for (int j = 0; j < D; j++)
                w->Z[0][i][t][j] = w->X[i][t][j];

    /* for l < L */
    for (int l = 0; l < L; l++) {
        /* mu1[i,t] = sum_{q<d} Z[l,i,t,q]/d */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++) {
                real sum = 0;
                for (int q = 0; q < D; q++)
                    sum += w->Z[l][i][t][q];
                w->mu1[i][t] = sum / (real)D;
            }

        /* C1[i,t,j] = Z[l,i,t,j] - mu1[i,t] */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                for (int j = 0; j < D; j++)
                    w->C1[i][t][j] = w->Z[l][i][t][j] - w->mu1[i][t];

        /* v1[i,t] = sum_{q<d} C1[i,t,q]^2/d */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++) {
                real sum = 0;
                for (int q = 0; q < D; q++)
                    sum += w->C1[i][t][q] * w->C1[i][t][q];
                w->v1[i][t] = sum / (real)D;
            }

        /* r1[l,i,t] = 1/sqrt(v1[i,t] + 1/100000) */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                w->r1[l][i][t] = 1 / SQRT(w->v1[i][t] + (real)1e-05);

        /* Xhat1[l,i,t,j] = r1[l,i,t] C1[i,t,j] */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                for (int j = 0; j < D; j++)
                    w->Xhat1[l][i][t][j] = w->r1[l][i][t] * w->C1[i][t][j];

        /* N1[l,i,t,j] = g1[l,j] Xhat1[l,i,t,j] + s1[l,j] */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                for (int j = 0; j < D; j++)
                    w->N1[l][i][t][j] = p->g1[l][j] * w->Xhat1[l][i][t][j] + p->s1[l][j];

        /* A[l,c,i,a,t,n] = ba[l,c,a,n] + sum_{q<d} N1[l,i,t,q] Wa[l,q,c,a,n] */
        for (int c = 0; c < 3; c++)
            for (int i = 0; i < b->m; i++)
                for (int a = 0; a < GPT_H; a++)
                    for (int t = 0; t < T; t++) {
                        for (int n = 0; n < GPT_E; n++)
                            w->A[l][c][i][a][t][n] = p->ba[l][c][a][n];
                        for (int q = 0; q < D; q++)
                            for (int n = 0; n < GPT_E; n++)
                                w->A[l][c][i][a][t][n] += w->N1[l][i][t][q] * p->Wa[l][q][c][a][n];
                    }

        /* R[i,a,t,q] = sum_{n<e} A[l,0,i,a,t,n] A[l,1,i,a,q,n]/sqrt(e) */
        for (int i = 0; i < b->m; i++)
            for (int a = 0; a < GPT_H; a++)
                for (int t = 0; t < T; t++)
                    for (int q = 0; q < T; q++)
                        w->R[i][a][t][q] =
                                gpt_dot(w->A[l][0][i][a][t], w->A[l][1][i][a][q], GPT_E) / SQRT((real)GPT_E);

        /* M[i,a,t] = max_{q<=t} R[i,a,t,q] */
        for (int i = 0; i < b->m; i++)
            for (int a = 0; a < GPT_H; a++)
                for (int t = 0; t < T; t++) {
                    real largest = -(real)INFINITY;
                    for (int q = 0; q <= t; q++)
                        largest = gpt_larger(w->R[i][a][t][q], largest);
                    w->M[i][a][t] = largest;
                }

        /* E2[i,a,t,q] = where(t >= q, exp(R[i,a,t,q] - M[i,a,t]), 0) */
        for (int i = 0; i < b->m; i++)
            for (int a = 0; a < GPT_H; a++)
                for (int t = 0; t < T; t++)
                    for (int q = 0; q < T; q++)
                        w->E2[i][a][t][q] = t >= q ? EXP(w->R[i][a][t][q] - w->M[i][a][t]) : 0;

        /* T2[i,a,t] = sum_{q<T} E2[i,a,t,q] */
        for (int i = 0; i < b->m; i++)
            for (int a = 0; a < GPT_H; a++)
                for (int t = 0; t < T; t++) {
                    real sum = 0;
                    for (int q = 0; q < T; q++)
                        sum += w->E2[i][a][t][q];
                    w->T2[i][a][t] = sum;
                }

        /* P2[l,i,a,t,q] = where(t >= q, E2[i,a,t,q]/T2[i,a,t], 0) */
        for (int i = 0; i < b->m; i++)
            for (int a = 0; a < GPT_H; a++)
                for (int t = 0; t < T; t++)
                    for (int q = 0; q < T; q++)
                        w->P2[l][i][a][t][q] = t >= q ? w->E2[i][a][t][q] / w->T2[i][a][t] : 0;

        /* O[l,i,a,t,n] = sum_{q<=t} P2[l,i,a,t,q] A[l,2,i,a,q,n] */
        for (int i = 0; i < b->m; i++)
            for (int a = 0; a < GPT_H; a++)
                for (int t = 0; t < T; t++) {
                    for (int n = 0; n < GPT_E; n++)
                        w->O[l][i][a][t][n] = 0;
                    for (int q = 0; q <= t; q++)
                        for (int n = 0; n < GPT_E; n++)
                            w->O[l][i][a][t][n] += w->P2[l][i][a][t][q] * w->A[l][2][i][a][q][n];
                }

        /* B[i,t,j] = bo[l,j] + Z[l,i,t,j] + sum_{a<h,n<e} O[l,i,a,t,n] Wo[l,a,n,j] */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++) {
                for (int j = 0; j < D; j++)
                    w->B[i][t][j] = p->bo[l][j] + w->Z[l][i][t][j];
                for (int a = 0; a < GPT_H; a++)
                    for (int n = 0; n < GPT_E; n++)
                        for (int j = 0; j < D; j++)
                            w->B[i][t][j] += w->O[l][i][a][t][n] * p->Wo[l][a][n][j];
            }

        /* mu2[i,t] = sum_{q<d} B[i,t,q]/d */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++) {
                real sum = 0;
                for (int q = 0; q < D; q++)
                    sum += w->B[i][t][q];
                w->mu2[i][t] = sum / (real)D;
            }

        /* C2[i,t,j] = B[i,t,j] - mu2[i,t] */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                for (int j = 0; j < D; j++)
                    w->C2[i][t][j] = w->B[i][t][j] - w->mu2[i][t];

        /* v2[i,t] = sum_{q<d} C2[i,t,q]^2/d */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++) {
                real sum = 0;
                for (int q = 0; q < D; q++)
                    sum += w->C2[i][t][q] * w->C2[i][t][q];
                w->v2[i][t] = sum / (real)D;
            }

        /* r2[l,i,t] = 1/sqrt(v2[i,t] + 1/100000) */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                w->r2[l][i][t] = 1 / SQRT(w->v2[i][t] + (real)1e-05);

        /* Xhat2[l,i,t,j] = r2[l,i,t] C2[i,t,j] */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                for (int j = 0; j < D; j++)
                    w->Xhat2[l][i][t][j] = w->r2[l][i][t] * w->C2[i][t][j];

        /* N2[l,i,t,j] = g2[l,j] Xhat2[l,i,t,j] + s2[l,j] */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                for (int j = 0; j < D; j++)
                    w->N2[l][i][t][j] = p->g2[l][j] * w->Xhat2[l][i][t][j] + p->s2[l][j];

        /* F[l,i,t,k] = bf[l,k] + sum_{q<d} Wf[l,q,k] N2[l,i,t,q] */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++) {
                for (int k = 0; k < GPT_F; k++)
                    w->F[l][i][t][k] = p->bf[l][k];
                for (int q = 0; q < D; q++)
                    for (int k = 0; k < GPT_F; k++)
                        w->F[l][i][t][k] += p->Wf[l][q][k] * w->N2[l][i][t][q];
            }

        /* A2[i,t,k] = 2 sqrt(2) (8943 F[l,i,t,k]^3/200000 + F[l,i,t,k])/sqrt(pi) */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                for (int k = 0; k < GPT_F; k++)
                    w->A2[i][t][k] =
                            (real)1.5957691216057308
                            * ((real)0.044715 * (w->F[l][i][t][k] * w->F[l][i][t][k] * w->F[l][i][t][k])
                            + w->F[l][i][t][k]);

        /* E4[l,i,t,k] = exp(-abs(A2[i,t,k])) */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                for (int k = 0; k < GPT_F; k++)
                    w->E4[l][i][t][k] = EXP(-FABS(w->A2[i][t][k]));

        /* C3[l,i,t,k] = where(A2[i,t,k] >= 0, 1, E4[l,i,t,k]) */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                for (int k = 0; k < GPT_F; k++)
                    w->C3[l][i][t][k] = w->A2[i][t][k] >= 0 ? 1 : w->E4[l][i][t][k];

        /* G[l,i,t,k] = F[l,i,t,k] (C3[l,i,t,k] - C3[l,i,t,k] E4[l,i,t,k]/(E4[l,i,t,k] + 1)) */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                for (int k = 0; k < GPT_F; k++)
                    w->G[l][i][t][k] =
                            w->F[l][i][t][k]
                            * (w->C3[l][i][t][k]
                            - w->C3[l][i][t][k] * w->E4[l][i][t][k] / (w->E4[l][i][t][k] + 1));

        /* Z[l + 1,i,t,j] = bp[l,j] + B[i,t,j] + sum_{k<f} G[l,i,t,k] Wp[l,k,j] */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++) {
                for (int j = 0; j < D; j++)
                    w->Z[l + 1][i][t][j] = p->bp[l][j] + w->B[i][t][j];
                for (int k = 0; k < GPT_F; k++)
                    for (int j = 0; j < D; j++)
                        w->Z[l + 1][i][t][j] += w->G[l][i][t][k] * p->Wp[l][k][j];
            }
    }

    *J = 0;
    for (int i = 0; i < b->m; i++) {
        const int32_t *y = b->y[i];
        real (*Y)[D] = w->Y, *mu = w->mu, (*C)[D] = w->C, *var = w->var, *r = w->r[i],
                (*Xhat)[D] = w->Xhat[i], (*N)[D] = w->N[i], (*H)[V] = w->H[i], *M2 = w->M2, (*E3)[V] = w->E3,
                *T3 = w->T3, (*S)[V] = w->S[i];

        /* Y[i,t,j] = Z[L,i,t,j] */
        for (int t = 0; t < T; t++)
            for (int j = 0; j < D; j++)
                Y[t][j] = w->Z[L][i][t][j];

        /* mu[i,t] = sum_{q<d} Y[i,t,q]/d */
        for (int t = 0; t < T; t++) {
            real sum = 0;
            for (int q = 0; q < D; q++)
                sum += Y[t][q];
            mu[t] = sum / (real)D;
        }

        /* C[i,t,j] = Y[i,t,j] - mu[i,t] */
        for (int t = 0; t < T; t++)
            for (int j = 0; j < D; j++)
                C[t][j] = Y[t][j] - mu[t];

        /* var[i,t] = sum_{q<d} C[i,t,q]^2/d */
        for (int t = 0; t < T; t++) {
            real sum = 0;
            for (int q = 0; q < D; q++)
                sum += C[t][q] * C[t][q];
            var[t] = sum / (real)D;
        }

        /* r[i,t] = 1/sqrt(var[i,t] + 1/100000) */
        for (int t = 0; t < T; t++)
            r[t] = 1 / SQRT(var[t] + (real)1e-05);

        /* Xhat[i,t,j] = r[i,t] C[i,t,j] */
        for (int t = 0; t < T; t++)
            for (int j = 0; j < D; j++)
                Xhat[t][j] = r[t] * C[t][j];

        /* N[i,t,j] = Xhat[i,t,j] g[j] + s[j] */
        for (int t = 0; t < T; t++)
            for (int j = 0; j < D; j++)
                N[t][j] = Xhat[t][j] * p->g[j] + p->s[j];

        /* H[i,t,k] = sum_{q<d} N[i,t,q] E[k,q] */
        for (int t = 0; t < T; t++)
            for (int k = 0; k < V; k++)
                H[t][k] = gpt_dot(N[t], p->E[k], D);

        /* M2[i,t] = max_{q<v} H[i,t,q] */
        for (int t = 0; t < T; t++) {
            real largest = -(real)INFINITY;
            for (int q = 0; q < V; q++)
                largest = gpt_larger(H[t][q], largest);
            M2[t] = largest;
        }

        /* E3[i,t,q] = exp(H[i,t,q] - M2[i,t]) */
        for (int t = 0; t < T; t++)
            for (int q = 0; q < V; q++)
                E3[t][q] = EXP(H[t][q] - M2[t]);

        /* T3[i,t] = sum_{q<v} E3[i,t,q] */
        for (int t = 0; t < T; t++) {
            real sum = 0;
            for (int q = 0; q < V; q++)
                sum += E3[t][q];
            T3[t] = sum;
        }

        /* J = sum_{i<m,t<T} (M2[i,t] - H[i,t,y[i,t]] + log(T3[i,t]))/(T m) */
        for (int t = 0; t < T; t++)
            *J += M2[t] - H[t][y[t]] + LOG(T3[t]);

        /* S[i,t,j] = E3[i,t,j]/T3[i,t] */
        for (int t = 0; t < T; t++)
            for (int j = 0; j < V; j++)
                S[t][j] = E3[t][j] / T3[t];
    }
    *J /= (real)(T * b->m);
    return GPT_OK;
}

int gpt_vjp(const gpt_params *restrict p, const gpt_batch *b, gpt_workspace *restrict w, gpt_real J_bar,
            gpt_gradients *restrict p_bar)
{
    const int code = gpt_check(b);
    if (code != GPT_OK)
        return code;

    for (int j = 0; j < D; j++)
        p_bar->g[j] = 0;
    for (int j = 0; j < D; j++)
        p_bar->s[j] = 0;
    for (int i = 0; i < b->m; i++) {
        const int32_t *y = b->y[i];
        real (*H_bar)[V] = w->H_bar[i], (*S)[V] = w->S[i], (*N_bar)[D] = w->N_bar,
                (*Xhat)[D] = w->Xhat[i], (*Xhat_bar)[D] = w->Xhat_bar[i], *Z_bar_sum = w->Z_bar_sum[i],
                *Z_bar_sum2 = w->Z_bar_sum2[i];

        /* H_bar[i,t,k] = J_bar (S[i,t,k] - [k == y[i,t]])/(T m) */
        for (int t = 0; t < T; t++)
            for (int k = 0; k < V; k++)
                H_bar[t][k] = J_bar * (S[t][k] - (real)(k == y[t])) / ((real)T * (real)b->m);

        /* N_bar[i,t,j] = sum_{k<v} H_bar[i,t,k] E[k,j] */
        for (int t = 0; t < T; t++) {
            for (int j = 0; j < D; j++)
                N_bar[t][j] = 0;
            for (int k = 0; k < V; k++)
                for (int j = 0; j < D; j++)
                    N_bar[t][j] += H_bar[t][k] * p->E[k][j];
        }

        /* g_bar[j] = sum_{i<m,t<T} N_bar[i,t,j] Xhat[i,t,j] */
        for (int t = 0; t < T; t++)
            for (int j = 0; j < D; j++)
                p_bar->g[j] += N_bar[t][j] * Xhat[t][j];

        /* s_bar[j] = sum_{i<m,t<T} N_bar[i,t,j] */
        for (int t = 0; t < T; t++)
            for (int j = 0; j < D; j++)
                p_bar->s[j] += N_bar[t][j];

        /* Xhat_bar[i,t,j] = N_bar[i,t,j] g[j] */
        for (int t = 0; t < T; t++)
            for (int j = 0; j < D; j++)
                Xhat_bar[t][j] = N_bar[t][j] * p->g[j];

        /* Z_bar_sum[i,t] = sum_{j<d} Xhat_bar[i,t,j] */
        for (int t = 0; t < T; t++) {
            real sum = 0;
            for (int j = 0; j < D; j++)
                sum += Xhat_bar[t][j];
            Z_bar_sum[t] = sum;
        }

        /* Z_bar_sum2[i,t] = sum_{j<d} Xhat[i,t,j] Xhat_bar[i,t,j] */
        for (int t = 0; t < T; t++)
            Z_bar_sum2[t] = gpt_dot(Xhat[t], Xhat_bar[t], D);
    }

    /* Z_bar[L,i,t,j] = r[i,t] (Xhat_bar[i,t,j] - Z_bar_sum[i,t]/d - Z_bar_sum2[i,t] Xhat[i,t,j]/d) */
    for (int i = 0; i < b->m; i++)
        for (int t = 0; t < T; t++)
            for (int j = 0; j < D; j++)
                w->Z_bar[L][i][t][j] =
                        w->r[i][t]
                        * (w->Xhat_bar[i][t][j] - w->Z_bar_sum[i][t] / (real)D
                        - w->Z_bar_sum2[i][t] * w->Xhat[i][t][j] / (real)D);

    /* for l < L backwards */
    for (int l = L - 1; l >= 0; l--) {
        /* G_bar[i,t,k] = sum_{j<d} Z_bar[l + 1,i,t,j] Wp[l,k,j] */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                for (int k = 0; k < GPT_F; k++)
                    w->G_bar[i][t][k] = gpt_dot(w->Z_bar[l + 1][i][t], p->Wp[l][k], D);

        /* F_bar[l,i,t,k] = G_bar[i,t,k] (C3[l,i,t,k] - C3[l,i,t,k] E4[l,i,t,k]/(E4[l,i,t,k] + 1))
           + where(E4[l,i,t,k] > 0, 2 sqrt(2) E4[l,i,t,k] F[l,i,t,k] G_bar[i,t,k]
           (26829 F[l,i,t,k]^2/200000 + 1)/(sqrt(pi) (E4[l,i,t,k] (E4[l,i,t,k] + 2) + 1)), 0) */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                for (int k = 0; k < GPT_F; k++)
                    w->F_bar[l][i][t][k] =
                            w->G_bar[i][t][k]
                            * (w->C3[l][i][t][k]
                            - w->C3[l][i][t][k] * w->E4[l][i][t][k] / (w->E4[l][i][t][k] + 1))
                            + (w->E4[l][i][t][k] > 0
                            ? (real)1.5957691216057308 * w->E4[l][i][t][k] * w->F[l][i][t][k]
                            * w->G_bar[i][t][k]
                            * ((real)0.134145 * (w->F[l][i][t][k] * w->F[l][i][t][k]) + 1)
                            / (w->E4[l][i][t][k] * (w->E4[l][i][t][k] + 2) + 1) : 0);

        /* N2_bar[l,i,t,j] = sum_{k<f} Wf[l,j,k] F_bar[l,i,t,k] */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                for (int j = 0; j < D; j++)
                    w->N2_bar[l][i][t][j] = gpt_dot(p->Wf[l][j], w->F_bar[l][i][t], GPT_F);

        /* Xhat2_bar[i,t,j] = N2_bar[l,i,t,j] g2[l,j] */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                for (int j = 0; j < D; j++)
                    w->Xhat2_bar[i][t][j] = w->N2_bar[l][i][t][j] * p->g2[l][j];

        /* B_bar_sum[i,t] = sum_{j<d} Xhat2_bar[i,t,j] */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++) {
                real sum = 0;
                for (int j = 0; j < D; j++)
                    sum += w->Xhat2_bar[i][t][j];
                w->B_bar_sum[i][t] = sum;
            }

        /* B_bar_sum2[i,t] = sum_{j<d} Xhat2_bar[i,t,j] Xhat2[l,i,t,j] */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                w->B_bar_sum2[i][t] = gpt_dot(w->Xhat2_bar[i][t], w->Xhat2[l][i][t], D);

        /* B_bar[l,i,t,j] = r2[l,i,t]
           (Xhat2_bar[i,t,j] - B_bar_sum[i,t]/d - Xhat2[l,i,t,j] B_bar_sum2[i,t]/d) + Z_bar[l + 1,i,t,j] */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                for (int j = 0; j < D; j++)
                    w->B_bar[l][i][t][j] =
                            w->r2[l][i][t]
                            * (w->Xhat2_bar[i][t][j] - w->B_bar_sum[i][t] / (real)D
                            - w->Xhat2[l][i][t][j] * w->B_bar_sum2[i][t] / (real)D)
                            + w->Z_bar[l + 1][i][t][j];

        /* O_bar[i,a,t,n] = sum_{j<d} B_bar[l,i,t,j] Wo[l,a,n,j] */
        for (int i = 0; i < b->m; i++)
            for (int a = 0; a < GPT_H; a++)
                for (int t = 0; t < T; t++)
                    for (int n = 0; n < GPT_E; n++)
                        w->O_bar[i][a][t][n] = gpt_dot(w->B_bar[l][i][t], p->Wo[l][a][n], D);

        /* P2_bar[i,a,t,s] = where(t >= s, sum_{n<e} O_bar[i,a,t,n] A[l,2,i,a,s,n], 0) */
        for (int i = 0; i < b->m; i++)
            for (int a = 0; a < GPT_H; a++)
                for (int t = 0; t < T; t++)
                    for (int s = 0; s < T; s++)
                        w->P2_bar[i][a][t][s] = t >= s
                                ? gpt_dot(w->O_bar[i][a][t], w->A[l][2][i][a][s], GPT_E) : 0;

        /* R_bar_sum[i,a,t] = sum_{s<=t} P2_bar[i,a,t,s] P2[l,i,a,t,s] */
        for (int i = 0; i < b->m; i++)
            for (int a = 0; a < GPT_H; a++)
                for (int t = 0; t < T; t++) {
                    real sum = 0;
                    for (int s = 0; s <= t; s++)
                        sum += w->P2_bar[i][a][t][s] * w->P2[l][i][a][t][s];
                    w->R_bar_sum[i][a][t] = sum;
                }

        /* R_bar[i,a,t,s] = where(t >= s, P2[l,i,a,t,s] (P2_bar[i,a,t,s] - R_bar_sum[i,a,t]), 0) */
        for (int i = 0; i < b->m; i++)
            for (int a = 0; a < GPT_H; a++)
                for (int t = 0; t < T; t++)
                    for (int s = 0; s < T; s++)
                        w->R_bar[i][a][t][s] = t >= s
                                ? w->P2[l][i][a][t][s] * (w->P2_bar[i][a][t][s] - w->R_bar_sum[i][a][t]) : 0;

        /* A_bar[l,0,i,a,t,n] = sum_{s<T} A[l,1,i,a,s,n] R_bar[i,a,t,s]/sqrt(e) */
        for (int i = 0; i < b->m; i++)
            for (int a = 0; a < GPT_H; a++)
                for (int t = 0; t < T; t++) {
                    for (int n = 0; n < GPT_E; n++)
                        w->A_bar[l][0][i][a][t][n] = 0;
                    for (int s = 0; s < T; s++)
                        for (int n = 0; n < GPT_E; n++)
                            w->A_bar[l][0][i][a][t][n] +=
                                    w->A[l][1][i][a][s][n] * w->R_bar[i][a][t][s];
                    for (int n = 0; n < GPT_E; n++)
                        w->A_bar[l][0][i][a][t][n] /= SQRT((real)GPT_E);
                }

        /* A_bar[l,1,i,a,t,n] = sum_{q<T} A[l,0,i,a,q,n] R_bar[i,a,q,t]/sqrt(e) */
        for (int i = 0; i < b->m; i++)
            for (int a = 0; a < GPT_H; a++)
                for (int t = 0; t < T; t++) {
                    for (int n = 0; n < GPT_E; n++)
                        w->A_bar[l][1][i][a][t][n] = 0;
                    for (int q = 0; q < T; q++)
                        for (int n = 0; n < GPT_E; n++)
                            w->A_bar[l][1][i][a][t][n] +=
                                    w->A[l][0][i][a][q][n] * w->R_bar[i][a][q][t];
                    for (int n = 0; n < GPT_E; n++)
                        w->A_bar[l][1][i][a][t][n] /= SQRT((real)GPT_E);
                }

        /* A_bar[l,2,i,a,t,n] = sum_{q<T} where(q >= t, P2[l,i,a,q,t] O_bar[i,a,q,n], 0) */
        for (int i = 0; i < b->m; i++)
            for (int a = 0; a < GPT_H; a++)
                for (int t = 0; t < T; t++) {
                    for (int n = 0; n < GPT_E; n++)
                        w->A_bar[l][2][i][a][t][n] = 0;
                    for (int q = t; q < T; q++)
                        for (int n = 0; n < GPT_E; n++)
                            w->A_bar[l][2][i][a][t][n] += w->P2[l][i][a][q][t] * w->O_bar[i][a][q][n];
                }

        /* N1_bar[l,i,t,j] = sum_{c<3,a<h,n<e} Wa[l,j,c,a,n] A_bar[l,c,i,a,t,n] */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                for (int j = 0; j < D; j++) {
                    real sum = 0;
                    for (int c = 0; c < 3; c++)
                        for (int a = 0; a < GPT_H; a++)
                            for (int n = 0; n < GPT_E; n++)
                                sum += p->Wa[l][j][c][a][n] * w->A_bar[l][c][i][a][t][n];
                    w->N1_bar[l][i][t][j] = sum;
                }

        /* Xhat1_bar[i,t,j] = N1_bar[l,i,t,j] g1[l,j] */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                for (int j = 0; j < D; j++)
                    w->Xhat1_bar[i][t][j] = w->N1_bar[l][i][t][j] * p->g1[l][j];

        /* Z_bar_sum3[i,t] = sum_{j<d} Xhat1_bar[i,t,j] */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++) {
                real sum = 0;
                for (int j = 0; j < D; j++)
                    sum += w->Xhat1_bar[i][t][j];
                w->Z_bar_sum3[i][t] = sum;
            }

        /* Z_bar_sum4[i,t] = sum_{j<d} Xhat1_bar[i,t,j] Xhat1[l,i,t,j] */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                w->Z_bar_sum4[i][t] = gpt_dot(w->Xhat1_bar[i][t], w->Xhat1[l][i][t], D);

        /* Z_bar[l,i,t,j] = r1[l,i,t]
           (Xhat1_bar[i,t,j] - Z_bar_sum3[i,t]/d - Xhat1[l,i,t,j] Z_bar_sum4[i,t]/d) + B_bar[l,i,t,j] */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                for (int j = 0; j < D; j++)
                    w->Z_bar[l][i][t][j] =
                            w->r1[l][i][t]
                            * (w->Xhat1_bar[i][t][j] - w->Z_bar_sum3[i][t] / (real)D
                            - w->Xhat1[l][i][t][j] * w->Z_bar_sum4[i][t] / (real)D) + w->B_bar[l][i][t][j];
    }

    /* P_bar[t,j] = sum_{i<m} Z_bar[0,i,t,j] */
    for (int t = 0; t < T; t++) {
        for (int j = 0; j < D; j++)
            p_bar->P[t][j] = 0;
        for (int i = 0; i < b->m; i++)
            for (int j = 0; j < D; j++)
                p_bar->P[t][j] += w->Z_bar[0][i][t][j];
    }

    /* g1_bar[l,j] = sum_{i<m,t<T} N1_bar[l,i,t,j] Xhat1[l,i,t,j] */
    for (int l = 0; l < L; l++) {
        for (int j = 0; j < D; j++)
            p_bar->g1[l][j] = 0;
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                for (int j = 0; j < D; j++)
                    p_bar->g1[l][j] += w->N1_bar[l][i][t][j] * w->Xhat1[l][i][t][j];
    }

    /* s1_bar[l,j] = sum_{i<m,t<T} N1_bar[l,i,t,j] */
    for (int l = 0; l < L; l++) {
        for (int j = 0; j < D; j++)
            p_bar->s1[l][j] = 0;
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                for (int j = 0; j < D; j++)
                    p_bar->s1[l][j] += w->N1_bar[l][i][t][j];
    }

    /* Wa_bar[l,q,c,a,n] = sum_{i<m,t<T} N1[l,i,t,q] A_bar[l,c,i,a,t,n] */
    for (int l = 0; l < L; l++)
        for (int q = 0; q < D; q++)
            for (int c = 0; c < 3; c++)
                for (int a = 0; a < GPT_H; a++) {
                    for (int n = 0; n < GPT_E; n++)
                        p_bar->Wa[l][q][c][a][n] = 0;
                    for (int i = 0; i < b->m; i++)
                        for (int t = 0; t < T; t++)
                            for (int n = 0; n < GPT_E; n++)
                                p_bar->Wa[l][q][c][a][n] +=
                                        w->N1[l][i][t][q] * w->A_bar[l][c][i][a][t][n];
                }

    /* ba_bar[l,c,a,n] = sum_{i<m,t<T} A_bar[l,c,i,a,t,n] */
    for (int l = 0; l < L; l++)
        for (int c = 0; c < 3; c++)
            for (int a = 0; a < GPT_H; a++) {
                for (int n = 0; n < GPT_E; n++)
                    p_bar->ba[l][c][a][n] = 0;
                for (int i = 0; i < b->m; i++)
                    for (int t = 0; t < T; t++)
                        for (int n = 0; n < GPT_E; n++)
                            p_bar->ba[l][c][a][n] += w->A_bar[l][c][i][a][t][n];
            }

    /* Wo_bar[l,a,n,j] = sum_{i<m,t<T} B_bar[l,i,t,j] O[l,i,a,t,n] */
    for (int l = 0; l < L; l++)
        for (int a = 0; a < GPT_H; a++)
            for (int n = 0; n < GPT_E; n++) {
                for (int j = 0; j < D; j++)
                    p_bar->Wo[l][a][n][j] = 0;
                for (int i = 0; i < b->m; i++)
                    for (int t = 0; t < T; t++)
                        for (int j = 0; j < D; j++)
                            p_bar->Wo[l][a][n][j] += w->B_bar[l][i][t][j] * w->O[l][i][a][t][n];
            }

    /* bo_bar[l,j] = sum_{i<m,t<T} B_bar[l,i,t,j] */
    for (int l = 0; l < L; l++) {
        for (int j = 0; j < D; j++)
            p_bar->bo[l][j] = 0;
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                for (int j = 0; j < D; j++)
                    p_bar->bo[l][j] += w->B_bar[l][i][t][j];
    }

    /* g2_bar[l,j] = sum_{i<m,t<T} N2_bar[l,i,t,j] Xhat2[l,i,t,j] */
    for (int l = 0; l < L; l++) {
        for (int j = 0; j < D; j++)
            p_bar->g2[l][j] = 0;
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                for (int j = 0; j < D; j++)
                    p_bar->g2[l][j] += w->N2_bar[l][i][t][j] * w->Xhat2[l][i][t][j];
    }

    /* s2_bar[l,j] = sum_{i<m,t<T} N2_bar[l,i,t,j] */
    for (int l = 0; l < L; l++) {
        for (int j = 0; j < D; j++)
            p_bar->s2[l][j] = 0;
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                for (int j = 0; j < D; j++)
                    p_bar->s2[l][j] += w->N2_bar[l][i][t][j];
    }

    /* Wf_bar[l,q,k] = sum_{i<m,t<T} F_bar[l,i,t,k] N2[l,i,t,q] */
    for (int l = 0; l < L; l++)
        for (int q = 0; q < D; q++) {
            for (int k = 0; k < GPT_F; k++)
                p_bar->Wf[l][q][k] = 0;
            for (int i = 0; i < b->m; i++)
                for (int t = 0; t < T; t++)
                    for (int k = 0; k < GPT_F; k++)
                        p_bar->Wf[l][q][k] += w->F_bar[l][i][t][k] * w->N2[l][i][t][q];
        }

    /* bf_bar[l,k] = sum_{i<m,t<T} F_bar[l,i,t,k] */
    for (int l = 0; l < L; l++) {
        for (int k = 0; k < GPT_F; k++)
            p_bar->bf[l][k] = 0;
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                for (int k = 0; k < GPT_F; k++)
                    p_bar->bf[l][k] += w->F_bar[l][i][t][k];
    }

    /* Wp_bar[l,k,j] = sum_{i<m,t<T} G[l,i,t,k] Z_bar[l + 1,i,t,j] */
    for (int l = 0; l < L; l++)
        for (int k = 0; k < GPT_F; k++) {
            for (int j = 0; j < D; j++)
                p_bar->Wp[l][k][j] = 0;
            for (int i = 0; i < b->m; i++)
                for (int t = 0; t < T; t++)
                    for (int j = 0; j < D; j++)
                        p_bar->Wp[l][k][j] += w->G[l][i][t][k] * w->Z_bar[l + 1][i][t][j];
        }

    /* bp_bar[l,j] = sum_{i<m,t<T} Z_bar[l + 1,i,t,j] */
    for (int l = 0; l < L; l++) {
        for (int j = 0; j < D; j++)
            p_bar->bp[l][j] = 0;
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                for (int j = 0; j < D; j++)
                    p_bar->bp[l][j] += w->Z_bar[l + 1][i][t][j];
    }

    for (int i = 0; i < V; i++)
        for (int q = 0; q < D; q++)
            w->E_bar_1[i][q] = 0;
    for (int i = 0; i < b->m; i++) {
        const int32_t *x = b->x[i];

        /* E_bar_1[x[i,t],q] += Z_bar[0,i,t,q] */
        for (int t = 0; t < T; t++)
            for (int q = 0; q < D; q++)
                w->E_bar_1[x[t]][q] += w->Z_bar[0][i][t][q];
    }

    /* E_bar[k,q] = E_bar_1[k,q] + sum_{i<m,t<T} H_bar[i,t,k] N[i,t,q] */
    for (int k = 0; k < V; k++) {
        for (int q = 0; q < D; q++)
            p_bar->E[k][q] = w->E_bar_1[k][q];
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                for (int q = 0; q < D; q++)
                    p_bar->E[k][q] += w->H_bar[i][t][k] * w->N[i][t][q];
    }
    return GPT_OK;
}

int gpt_jvp(const gpt_params *restrict p, const gpt_gradients *p_dot, const gpt_batch *b,
            gpt_workspace *restrict w, gpt_real *J, gpt_real *J_dot)
{
    const int code = gpt_check(b);
    if (code != GPT_OK)
        return code;

    /* Z_dot[0,i,t,j] = E_dot[x[i,t],j] + P_dot[t,j] */
    for (int i = 0; i < b->m; i++)
        for (int t = 0; t < T; t++)
            for (int j = 0; j < D; j++)
                w->Z_dot[0][i][t][j] = p_dot->E[b->x[i][t]][j] + p_dot->P[t][j];

    for (int i = 0; i < b->m; i++) {
        const int32_t *x = b->x[i];
        real (*X)[D] = w->X[i];

        /* X[i,t,j] = E[x[i,t],j] + P[t,j] */
        for (int t = 0; t < T; t++)
            for (int j = 0; j < D; j++)
                X[t][j] = p->E[x[t]][j] + p->P[t][j];
    }

    /* Z[0,i,t,j] = X[i,t,j] */
    for (int i = 0; i < b->m; i++)
        for (int t = 0; t < T; t++)
            for (int j = 0; j < D; j++)
                w->Z[0][i][t][j] = w->X[i][t][j];

    /* for l < L */
    for (int l = 0; l < L; l++) {
        /* mu1[i,t] = sum_{q<d} Z[l,i,t,q]/d */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++) {
                real sum = 0;
                for (int q = 0; q < D; q++)
                    sum += w->Z[l][i][t][q];
                w->mu1[i][t] = sum / (real)D;
            }

        /* C1[i,t,j] = Z[l,i,t,j] - mu1[i,t] */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                for (int j = 0; j < D; j++)
                    w->C1[i][t][j] = w->Z[l][i][t][j] - w->mu1[i][t];

        /* C1_dot_sum[i,t] = sum_{q<d} Z_dot[l,i,t,q] */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++) {
                real sum = 0;
                for (int q = 0; q < D; q++)
                    sum += w->Z_dot[l][i][t][q];
                w->C1_dot_sum[i][t] = sum;
            }

        /* C1_dot[i,t,j] = Z_dot[l,i,t,j] - C1_dot_sum[i,t]/d */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                for (int j = 0; j < D; j++)
                    w->C1_dot[i][t][j] = w->Z_dot[l][i][t][j] - w->C1_dot_sum[i][t] / (real)D;

        /* v1[i,t] = sum_{q<d} C1[i,t,q]^2/d */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++) {
                real sum = 0;
                for (int q = 0; q < D; q++)
                    sum += w->C1[i][t][q] * w->C1[i][t][q];
                w->v1[i][t] = sum / (real)D;
            }

        /* r1[l,i,t] = 1/sqrt(v1[i,t] + 1/100000) */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                w->r1[l][i][t] = 1 / SQRT(w->v1[i][t] + (real)1e-05);

        /* Xhat1[l,i,t,j] = r1[l,i,t] C1[i,t,j] */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                for (int j = 0; j < D; j++)
                    w->Xhat1[l][i][t][j] = w->r1[l][i][t] * w->C1[i][t][j];

        /* N1[l,i,t,j] = g1[l,j] Xhat1[l,i,t,j] + s1[l,j] */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                for (int j = 0; j < D; j++)
                    w->N1[l][i][t][j] = p->g1[l][j] * w->Xhat1[l][i][t][j] + p->s1[l][j];

        /* N1_dot_sum[i,t] = sum_{q<d} C1_dot[i,t,q] Xhat1[l,i,t,q] */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                w->N1_dot_sum[i][t] = gpt_dot(w->C1_dot[i][t], w->Xhat1[l][i][t], D);

        /* N1_dot[i,t,j] = Xhat1[l,i,t,j] g1_dot[l,j]
           + r1[l,i,t] g1[l,j] (C1_dot[i,t,j] - N1_dot_sum[i,t] Xhat1[l,i,t,j]/d) + s1_dot[l,j] */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                for (int j = 0; j < D; j++)
                    w->N1_dot[i][t][j] = w->Xhat1[l][i][t][j] * p_dot->g1[l][j]
                            + w->r1[l][i][t] * p->g1[l][j]
                            * (w->C1_dot[i][t][j] - w->N1_dot_sum[i][t] * w->Xhat1[l][i][t][j] / (real)D)
                            + p_dot->s1[l][j];

        /* A[l,c,i,a,t,n] = ba[l,c,a,n] + sum_{q<d} N1[l,i,t,q] Wa[l,q,c,a,n] */
        for (int c = 0; c < 3; c++)
            for (int i = 0; i < b->m; i++)
                for (int a = 0; a < GPT_H; a++)
                    for (int t = 0; t < T; t++) {
                        for (int n = 0; n < GPT_E; n++)
                            w->A[l][c][i][a][t][n] = p->ba[l][c][a][n];
                        for (int q = 0; q < D; q++)
                            for (int n = 0; n < GPT_E; n++)
                                w->A[l][c][i][a][t][n] += w->N1[l][i][t][q] * p->Wa[l][q][c][a][n];
                    }

        /* A_dot[c,i,a,t,n] = ba_dot[l,c,a,n] + sum_{q<d} Wa[l,q,c,a,n] N1_dot[i,t,q]
           + sum_{q<d} Wa_dot[l,q,c,a,n] N1[l,i,t,q] */
        for (int c = 0; c < 3; c++)
            for (int i = 0; i < b->m; i++)
                for (int a = 0; a < GPT_H; a++)
                    for (int t = 0; t < T; t++) {
                        for (int n = 0; n < GPT_E; n++)
                            w->A_dot[c][i][a][t][n] = p_dot->ba[l][c][a][n];
                        for (int q = 0; q < D; q++)
                            for (int n = 0; n < GPT_E; n++)
                                w->A_dot[c][i][a][t][n] += p->Wa[l][q][c][a][n] * w->N1_dot[i][t][q];
                        for (int q = 0; q < D; q++)
                            for (int n = 0; n < GPT_E; n++)
                                w->A_dot[c][i][a][t][n] +=
                                        p_dot->Wa[l][q][c][a][n] * w->N1[l][i][t][q];
                    }

        /* R[i,a,t,q] = sum_{n<e} A[l,0,i,a,t,n] A[l,1,i,a,q,n]/sqrt(e) */
        for (int i = 0; i < b->m; i++)
            for (int a = 0; a < GPT_H; a++)
                for (int t = 0; t < T; t++)
                    for (int q = 0; q < T; q++)
                        w->R[i][a][t][q] =
                                gpt_dot(w->A[l][0][i][a][t], w->A[l][1][i][a][q], GPT_E) / SQRT((real)GPT_E);

        /* R_dot[i,a,t,q] =
           (sum_{n<e} A_dot[0,i,a,t,n] A[l,1,i,a,q,n] + sum_{n<e} A_dot[1,i,a,q,n] A[l,0,i,a,t,n])/sqrt(e) */
        for (int i = 0; i < b->m; i++)
            for (int a = 0; a < GPT_H; a++)
                for (int t = 0; t < T; t++)
                    for (int q = 0; q < T; q++) {
                        real sum = 0;
                        for (int n = 0; n < GPT_E; n++)
                            sum += w->A_dot[0][i][a][t][n] * w->A[l][1][i][a][q][n];
                        for (int n = 0; n < GPT_E; n++)
                            sum += w->A_dot[1][i][a][q][n] * w->A[l][0][i][a][t][n];
                        w->R_dot[i][a][t][q] = sum / SQRT((real)GPT_E);
                    }

        /* M[i,a,t] = max_{q<=t} R[i,a,t,q] */
        for (int i = 0; i < b->m; i++)
            for (int a = 0; a < GPT_H; a++)
                for (int t = 0; t < T; t++) {
                    real largest = -(real)INFINITY;
                    for (int q = 0; q <= t; q++)
                        largest = gpt_larger(w->R[i][a][t][q], largest);
                    w->M[i][a][t] = largest;
                }

        /* E2[i,a,t,q] = where(t >= q, exp(R[i,a,t,q] - M[i,a,t]), 0) */
        for (int i = 0; i < b->m; i++)
            for (int a = 0; a < GPT_H; a++)
                for (int t = 0; t < T; t++)
                    for (int q = 0; q < T; q++)
                        w->E2[i][a][t][q] = t >= q ? EXP(w->R[i][a][t][q] - w->M[i][a][t]) : 0;

        /* T2[i,a,t] = sum_{q<T} E2[i,a,t,q] */
        for (int i = 0; i < b->m; i++)
            for (int a = 0; a < GPT_H; a++)
                for (int t = 0; t < T; t++) {
                    real sum = 0;
                    for (int q = 0; q < T; q++)
                        sum += w->E2[i][a][t][q];
                    w->T2[i][a][t] = sum;
                }

        /* P2[l,i,a,t,q] = where(t >= q, E2[i,a,t,q]/T2[i,a,t], 0) */
        for (int i = 0; i < b->m; i++)
            for (int a = 0; a < GPT_H; a++)
                for (int t = 0; t < T; t++)
                    for (int q = 0; q < T; q++)
                        w->P2[l][i][a][t][q] = t >= q ? w->E2[i][a][t][q] / w->T2[i][a][t] : 0;

        /* O[l,i,a,t,n] = sum_{q<=t} P2[l,i,a,t,q] A[l,2,i,a,q,n] */
        for (int i = 0; i < b->m; i++)
            for (int a = 0; a < GPT_H; a++)
                for (int t = 0; t < T; t++) {
                    for (int n = 0; n < GPT_E; n++)
                        w->O[l][i][a][t][n] = 0;
                    for (int q = 0; q <= t; q++)
                        for (int n = 0; n < GPT_E; n++)
                            w->O[l][i][a][t][n] += w->P2[l][i][a][t][q] * w->A[l][2][i][a][q][n];
                }

        /* O_dot_sum[i,a,t] = sum_{q<=t} R_dot[i,a,t,q] P2[l,i,a,t,q] */
        for (int i = 0; i < b->m; i++)
            for (int a = 0; a < GPT_H; a++)
                for (int t = 0; t < T; t++) {
                    real sum = 0;
                    for (int q = 0; q <= t; q++)
                        sum += w->R_dot[i][a][t][q] * w->P2[l][i][a][t][q];
                    w->O_dot_sum[i][a][t] = sum;
                }

        /* O_dot[i,a,t,n] = sum_{q<=t} A_dot[2,i,a,q,n] P2[l,i,a,t,q]
           + sum_{q<=t} P2[l,i,a,t,q] A[l,2,i,a,q,n] (R_dot[i,a,t,q] - O_dot_sum[i,a,t]) */
        for (int i = 0; i < b->m; i++)
            for (int a = 0; a < GPT_H; a++)
                for (int t = 0; t < T; t++) {
                    for (int n = 0; n < GPT_E; n++)
                        w->O_dot[i][a][t][n] = 0;
                    for (int q = 0; q <= t; q++)
                        for (int n = 0; n < GPT_E; n++)
                            w->O_dot[i][a][t][n] += w->A_dot[2][i][a][q][n] * w->P2[l][i][a][t][q];
                    for (int q = 0; q <= t; q++)
                        for (int n = 0; n < GPT_E; n++)
                            w->O_dot[i][a][t][n] +=
                                    w->P2[l][i][a][t][q] * w->A[l][2][i][a][q][n]
                                    * (w->R_dot[i][a][t][q] - w->O_dot_sum[i][a][t]);
                }

        /* B[i,t,j] = bo[l,j] + Z[l,i,t,j] + sum_{a<h,n<e} O[l,i,a,t,n] Wo[l,a,n,j] */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++) {
                for (int j = 0; j < D; j++)
                    w->B[i][t][j] = p->bo[l][j] + w->Z[l][i][t][j];
                for (int a = 0; a < GPT_H; a++)
                    for (int n = 0; n < GPT_E; n++)
                        for (int j = 0; j < D; j++)
                            w->B[i][t][j] += w->O[l][i][a][t][n] * p->Wo[l][a][n][j];
            }

        /* B_dot[i,t,j] = bo_dot[l,j] + Z_dot[l,i,t,j] + sum_{a<h,n<e} O_dot[i,a,t,n] Wo[l,a,n,j]
           + sum_{a<h,n<e} O[l,i,a,t,n] Wo_dot[l,a,n,j] */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++) {
                for (int j = 0; j < D; j++)
                    w->B_dot[i][t][j] = p_dot->bo[l][j] + w->Z_dot[l][i][t][j];
                for (int a = 0; a < GPT_H; a++)
                    for (int n = 0; n < GPT_E; n++)
                        for (int j = 0; j < D; j++)
                            w->B_dot[i][t][j] += w->O_dot[i][a][t][n] * p->Wo[l][a][n][j];
                for (int a = 0; a < GPT_H; a++)
                    for (int n = 0; n < GPT_E; n++)
                        for (int j = 0; j < D; j++)
                            w->B_dot[i][t][j] += w->O[l][i][a][t][n] * p_dot->Wo[l][a][n][j];
            }

        /* mu2[i,t] = sum_{q<d} B[i,t,q]/d */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++) {
                real sum = 0;
                for (int q = 0; q < D; q++)
                    sum += w->B[i][t][q];
                w->mu2[i][t] = sum / (real)D;
            }

        /* C2[i,t,j] = B[i,t,j] - mu2[i,t] */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                for (int j = 0; j < D; j++)
                    w->C2[i][t][j] = w->B[i][t][j] - w->mu2[i][t];

        /* C2_dot_sum[i,t] = sum_{q<d} B_dot[i,t,q] */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++) {
                real sum = 0;
                for (int q = 0; q < D; q++)
                    sum += w->B_dot[i][t][q];
                w->C2_dot_sum[i][t] = sum;
            }

        /* C2_dot[i,t,j] = B_dot[i,t,j] - C2_dot_sum[i,t]/d */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                for (int j = 0; j < D; j++)
                    w->C2_dot[i][t][j] = w->B_dot[i][t][j] - w->C2_dot_sum[i][t] / (real)D;

        /* v2[i,t] = sum_{q<d} C2[i,t,q]^2/d */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++) {
                real sum = 0;
                for (int q = 0; q < D; q++)
                    sum += w->C2[i][t][q] * w->C2[i][t][q];
                w->v2[i][t] = sum / (real)D;
            }

        /* r2[l,i,t] = 1/sqrt(v2[i,t] + 1/100000) */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                w->r2[l][i][t] = 1 / SQRT(w->v2[i][t] + (real)1e-05);

        /* Xhat2[l,i,t,j] = r2[l,i,t] C2[i,t,j] */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                for (int j = 0; j < D; j++)
                    w->Xhat2[l][i][t][j] = w->r2[l][i][t] * w->C2[i][t][j];

        /* N2[l,i,t,j] = g2[l,j] Xhat2[l,i,t,j] + s2[l,j] */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                for (int j = 0; j < D; j++)
                    w->N2[l][i][t][j] = p->g2[l][j] * w->Xhat2[l][i][t][j] + p->s2[l][j];

        /* N2_dot_sum[i,t] = sum_{q<d} C2_dot[i,t,q] Xhat2[l,i,t,q] */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                w->N2_dot_sum[i][t] = gpt_dot(w->C2_dot[i][t], w->Xhat2[l][i][t], D);

        /* N2_dot[i,t,j] = Xhat2[l,i,t,j] g2_dot[l,j]
           + r2[l,i,t] g2[l,j] (C2_dot[i,t,j] - N2_dot_sum[i,t] Xhat2[l,i,t,j]/d) + s2_dot[l,j] */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                for (int j = 0; j < D; j++)
                    w->N2_dot[i][t][j] = w->Xhat2[l][i][t][j] * p_dot->g2[l][j]
                            + w->r2[l][i][t] * p->g2[l][j]
                            * (w->C2_dot[i][t][j] - w->N2_dot_sum[i][t] * w->Xhat2[l][i][t][j] / (real)D)
                            + p_dot->s2[l][j];

        /* F[l,i,t,k] = bf[l,k] + sum_{q<d} Wf[l,q,k] N2[l,i,t,q] */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++) {
                for (int k = 0; k < GPT_F; k++)
                    w->F[l][i][t][k] = p->bf[l][k];
                for (int q = 0; q < D; q++)
                    for (int k = 0; k < GPT_F; k++)
                        w->F[l][i][t][k] += p->Wf[l][q][k] * w->N2[l][i][t][q];
            }

        /* F_dot[i,t,k] = bf_dot[l,k] + sum_{q<d} N2_dot[i,t,q] Wf[l,q,k]
           + sum_{q<d} N2[l,i,t,q] Wf_dot[l,q,k] */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++) {
                for (int k = 0; k < GPT_F; k++)
                    w->F_dot[i][t][k] = p_dot->bf[l][k];
                for (int q = 0; q < D; q++)
                    for (int k = 0; k < GPT_F; k++)
                        w->F_dot[i][t][k] += w->N2_dot[i][t][q] * p->Wf[l][q][k];
                for (int q = 0; q < D; q++)
                    for (int k = 0; k < GPT_F; k++)
                        w->F_dot[i][t][k] += w->N2[l][i][t][q] * p_dot->Wf[l][q][k];
            }

        /* A2[i,t,k] = 2 sqrt(2) (8943 F[l,i,t,k]^3/200000 + F[l,i,t,k])/sqrt(pi) */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                for (int k = 0; k < GPT_F; k++)
                    w->A2[i][t][k] =
                            (real)1.5957691216057308
                            * ((real)0.044715 * (w->F[l][i][t][k] * w->F[l][i][t][k] * w->F[l][i][t][k])
                            + w->F[l][i][t][k]);

        /* E4[l,i,t,k] = exp(-abs(A2[i,t,k])) */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                for (int k = 0; k < GPT_F; k++)
                    w->E4[l][i][t][k] = EXP(-FABS(w->A2[i][t][k]));

        /* C3[l,i,t,k] = where(A2[i,t,k] >= 0, 1, E4[l,i,t,k]) */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                for (int k = 0; k < GPT_F; k++)
                    w->C3[l][i][t][k] = w->A2[i][t][k] >= 0 ? 1 : w->E4[l][i][t][k];

        /* G[l,i,t,k] = F[l,i,t,k] (C3[l,i,t,k] - C3[l,i,t,k] E4[l,i,t,k]/(E4[l,i,t,k] + 1)) */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                for (int k = 0; k < GPT_F; k++)
                    w->G[l][i][t][k] =
                            w->F[l][i][t][k]
                            * (w->C3[l][i][t][k]
                            - w->C3[l][i][t][k] * w->E4[l][i][t][k] / (w->E4[l][i][t][k] + 1));

        /* G_dot[i,t,k] = F_dot[i,t,k] (C3[l,i,t,k] - C3[l,i,t,k] E4[l,i,t,k]/(E4[l,i,t,k] + 1))
           + where(E4[l,i,t,k] > 0, 2 sqrt(2) F_dot[i,t,k] E4[l,i,t,k] F[l,i,t,k]
           (26829 F[l,i,t,k]^2/200000 + 1)/(sqrt(pi) (E4[l,i,t,k] (E4[l,i,t,k] + 2) + 1)), 0) */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++)
                for (int k = 0; k < GPT_F; k++)
                    w->G_dot[i][t][k] =
                            w->F_dot[i][t][k]
                            * (w->C3[l][i][t][k]
                            - w->C3[l][i][t][k] * w->E4[l][i][t][k] / (w->E4[l][i][t][k] + 1))
                            + (w->E4[l][i][t][k] > 0
                            ? (real)1.5957691216057308 * w->F_dot[i][t][k] * w->E4[l][i][t][k]
                            * w->F[l][i][t][k] * ((real)0.134145 * (w->F[l][i][t][k] * w->F[l][i][t][k]) + 1)
                            / (w->E4[l][i][t][k] * (w->E4[l][i][t][k] + 2) + 1) : 0);

        /* Z[l + 1,i,t,j] = bp[l,j] + B[i,t,j] + sum_{k<f} G[l,i,t,k] Wp[l,k,j] */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++) {
                for (int j = 0; j < D; j++)
                    w->Z[l + 1][i][t][j] = p->bp[l][j] + w->B[i][t][j];
                for (int k = 0; k < GPT_F; k++)
                    for (int j = 0; j < D; j++)
                        w->Z[l + 1][i][t][j] += w->G[l][i][t][k] * p->Wp[l][k][j];
            }

        /* Z_dot[l + 1,i,t,j] = bp_dot[l,j] + B_dot[i,t,j] + sum_{k<f} G_dot[i,t,k] Wp[l,k,j]
           + sum_{k<f} G[l,i,t,k] Wp_dot[l,k,j] */
        for (int i = 0; i < b->m; i++)
            for (int t = 0; t < T; t++) {
                for (int j = 0; j < D; j++)
                    w->Z_dot[l + 1][i][t][j] = p_dot->bp[l][j] + w->B_dot[i][t][j];
                for (int k = 0; k < GPT_F; k++)
                    for (int j = 0; j < D; j++)
                        w->Z_dot[l + 1][i][t][j] += w->G_dot[i][t][k] * p->Wp[l][k][j];
                for (int k = 0; k < GPT_F; k++)
                    for (int j = 0; j < D; j++)
                        w->Z_dot[l + 1][i][t][j] += w->G[l][i][t][k] * p_dot->Wp[l][k][j];
            }
    }

    *J = 0;
    *J_dot = 0;
    for (int i = 0; i < b->m; i++) {
        const int32_t *y = b->y[i];
        real (*Y)[D] = w->Y, *mu = w->mu, (*C)[D] = w->C, *var = w->var, *r = w->r[i],
                (*Xhat)[D] = w->Xhat[i], (*N)[D] = w->N[i], *N_dot_sum = w->N_dot_sum,
                *N_dot_sum2 = w->N_dot_sum2, (*N_dot)[D] = w->N_dot, (*H)[V] = w->H[i],
                (*H_dot)[V] = w->H_dot, *M2 = w->M2, (*E3)[V] = w->E3, *T3 = w->T3, (*S)[V] = w->S[i];

        /* Y[i,t,j] = Z[L,i,t,j] */
        for (int t = 0; t < T; t++)
            for (int j = 0; j < D; j++)
                Y[t][j] = w->Z[L][i][t][j];

        /* mu[i,t] = sum_{q<d} Y[i,t,q]/d */
        for (int t = 0; t < T; t++) {
            real sum = 0;
            for (int q = 0; q < D; q++)
                sum += Y[t][q];
            mu[t] = sum / (real)D;
        }

        /* C[i,t,j] = Y[i,t,j] - mu[i,t] */
        for (int t = 0; t < T; t++)
            for (int j = 0; j < D; j++)
                C[t][j] = Y[t][j] - mu[t];

        /* var[i,t] = sum_{q<d} C[i,t,q]^2/d */
        for (int t = 0; t < T; t++) {
            real sum = 0;
            for (int q = 0; q < D; q++)
                sum += C[t][q] * C[t][q];
            var[t] = sum / (real)D;
        }

        /* r[i,t] = 1/sqrt(var[i,t] + 1/100000) */
        for (int t = 0; t < T; t++)
            r[t] = 1 / SQRT(var[t] + (real)1e-05);

        /* Xhat[i,t,j] = r[i,t] C[i,t,j] */
        for (int t = 0; t < T; t++)
            for (int j = 0; j < D; j++)
                Xhat[t][j] = r[t] * C[t][j];

        /* N[i,t,j] = Xhat[i,t,j] g[j] + s[j] */
        for (int t = 0; t < T; t++)
            for (int j = 0; j < D; j++)
                N[t][j] = Xhat[t][j] * p->g[j] + p->s[j];

        /* N_dot_sum[i,t] = sum_{q<d} Z_dot[L,i,t,q] */
        for (int t = 0; t < T; t++) {
            real sum = 0;
            for (int q = 0; q < D; q++)
                sum += w->Z_dot[L][i][t][q];
            N_dot_sum[t] = sum;
        }

        /* N_dot_sum2[i,t] = sum_{q<d} Xhat[i,t,q] Z_dot[L,i,t,q] */
        for (int t = 0; t < T; t++)
            N_dot_sum2[t] = gpt_dot(Xhat[t], w->Z_dot[L][i][t], D);

        /* N_dot[i,t,j] = Xhat[i,t,j] g_dot[j]
           + r[i,t] g[j] (Z_dot[L,i,t,j] - N_dot_sum[i,t]/d - N_dot_sum2[i,t] Xhat[i,t,j]/d) + s_dot[j] */
        for (int t = 0; t < T; t++)
            for (int j = 0; j < D; j++)
                N_dot[t][j] = Xhat[t][j] * p_dot->g[j]
                        + r[t] * p->g[j]
                        * (w->Z_dot[L][i][t][j] - N_dot_sum[t] / (real)D
                        - N_dot_sum2[t] * Xhat[t][j] / (real)D) + p_dot->s[j];

        /* H[i,t,k] = sum_{q<d} N[i,t,q] E[k,q] */
        for (int t = 0; t < T; t++)
            for (int k = 0; k < V; k++)
                H[t][k] = gpt_dot(N[t], p->E[k], D);

        /* H_dot[i,t,k] = sum_{q<d} N_dot[i,t,q] E[k,q] + sum_{q<d} N[i,t,q] E_dot[k,q] */
        for (int t = 0; t < T; t++)
            for (int k = 0; k < V; k++) {
                real sum = 0;
                for (int q = 0; q < D; q++)
                    sum += N_dot[t][q] * p->E[k][q];
                for (int q = 0; q < D; q++)
                    sum += N[t][q] * p_dot->E[k][q];
                H_dot[t][k] = sum;
            }

        /* M2[i,t] = max_{q<v} H[i,t,q] */
        for (int t = 0; t < T; t++) {
            real largest = -(real)INFINITY;
            for (int q = 0; q < V; q++)
                largest = gpt_larger(H[t][q], largest);
            M2[t] = largest;
        }

        /* E3[i,t,q] = exp(H[i,t,q] - M2[i,t]) */
        for (int t = 0; t < T; t++)
            for (int q = 0; q < V; q++)
                E3[t][q] = EXP(H[t][q] - M2[t]);

        /* T3[i,t] = sum_{q<v} E3[i,t,q] */
        for (int t = 0; t < T; t++) {
            real sum = 0;
            for (int q = 0; q < V; q++)
                sum += E3[t][q];
            T3[t] = sum;
        }

        /* J = sum_{i<m,t<T} (M2[i,t] - H[i,t,y[i,t]] + log(T3[i,t]))/(T m) */
        for (int t = 0; t < T; t++)
            *J += M2[t] - H[t][y[t]] + LOG(T3[t]);

        /* S[i,t,j] = E3[i,t,j]/T3[i,t] */
        for (int t = 0; t < T; t++)
            for (int j = 0; j < V; j++)
                S[t][j] = E3[t][j] / T3[t];

        /* J_dot = (sum_{i<m,t<T,q<v} H_dot[i,t,q] S[i,t,q] - sum_{i<m,t<T} H_dot[i,t,y[i,t]])/(T m) */
        for (int t = 0; t < T; t++)
            *J_dot -= H_dot[t][y[t]];
        for (int t = 0; t < T; t++)
            for (int q = 0; q < V; q++)
                *J_dot += H_dot[t][q] * S[t][q];
    }
    *J /= (real)(T * b->m);
    *J_dot /= (real)(T * b->m);
    return GPT_OK;
}

int gpt_predict(const gpt_params *p, const gpt_batch *b, gpt_workspace *w, int32_t *labels)
{
    const int code = gpt_forward(p, b, w, &w->H[0][0][0]);
    if (code != GPT_OK)
        return code;

    for (int i = 0; i < b->m * T; i++) {
        const real *H = &w->H[0][0][0] + (size_t)i * V;
        int best = 0;
        for (int j = 1; j < V; j++)
            best = H[j] > H[best] ? j : best;
        labels[i] = best;
    }
    return GPT_OK;
}

static int gpt_finite(const real *x, size_t n)
{
    int bad = 0;
    for (size_t e = 0; e < n; e++)
        bad |= !(x[e] - x[e] == 0);
    return !bad;
}

/* The loss, and its gradients in w->p_bar; both finite, or GPT_NONFINITE. */
static int gpt_gradients_of(const gpt_params *p, const gpt_batch *b, gpt_workspace *w, real *J)
{
    int code = gpt_loss(p, b, w, J);
    if (code == GPT_OK && !gpt_finite(J, 1))
        code = GPT_NONFINITE;
    if (code == GPT_OK)
        code = gpt_vjp(p, b, w, 1, &w->p_bar);
    if (code == GPT_OK && !gpt_finite((const real *)&w->p_bar, sizeof w->p_bar / sizeof(real)))
        code = GPT_NONFINITE;
    return code;
}

/* W_new[i] = W[i] - lr (weight_decay W[i] + W_bar[i]) */
static void gpt_sgd(real *restrict W, const real *restrict W_bar, size_t n, real lr, real weight_decay)
{
    for (size_t i = 0; i < n; i++)
        W[i] -= lr * (weight_decay * W[i] + W_bar[i]);
}

int gpt_sgd_step(gpt_params *p, const gpt_batch *b, gpt_workspace *w, gpt_real lr, gpt_real weight_decay,
                 gpt_real *J)
{
    real now;
    const int code = gpt_gradients_of(p, b, w, &now);
    if (code != GPT_OK)
        return code;

    gpt_sgd((real *)p, (const real *)&w->p_bar, sizeof *p / sizeof(real), lr, weight_decay);
    *J = now;
    return GPT_OK;
}

/* v_new[i] = mu v[i] - lr (weight_decay W[i] + W_bar[i]); W_new[i] = W[i] + v_new[i] */
static void gpt_momentum(real *restrict W, const real *restrict W_bar, real *restrict v, size_t n, real lr,
                         real mu, real weight_decay)
{
    for (size_t i = 0; i < n; i++) {
        v[i] = mu * v[i] - lr * (weight_decay * W[i] + W_bar[i]);
        W[i] += v[i];
    }
}

int gpt_momentum_step(gpt_params *p, gpt_gradients *v, const gpt_batch *b, gpt_workspace *w, gpt_real lr,
                      gpt_real mu, gpt_real weight_decay, gpt_real *J)
{
    real now;
    const int code = gpt_gradients_of(p, b, w, &now);
    if (code != GPT_OK)
        return code;

    gpt_momentum((real *)p, (const real *)&w->p_bar, (real *)v, sizeof *p / sizeof(real), lr, mu, weight_decay);
    *J = now;
    return GPT_OK;
}

/* u_new[i] = (1 - mu) (weight_decay W[i] + W_bar[i]) + mu u[i]; W_new[i] = W[i] - lr u_new[i] */
static void gpt_averaged(real *restrict W, const real *restrict W_bar, real *restrict u, size_t n, real lr,
                         real mu, real weight_decay)
{
    for (size_t i = 0; i < n; i++) {
        u[i] = (1 - mu) * (weight_decay * W[i] + W_bar[i]) + mu * u[i];
        W[i] -= lr * u[i];
    }
}

int gpt_averaged_step(gpt_params *p, gpt_gradients *u, const gpt_batch *b, gpt_workspace *w, gpt_real lr,
                      gpt_real mu, gpt_real weight_decay, gpt_real *J)
{
    real now;
    const int code = gpt_gradients_of(p, b, w, &now);
    if (code != GPT_OK)
        return code;

    gpt_averaged((real *)p, (const real *)&w->p_bar, (real *)u, sizeof *p / sizeof(real), lr, mu, weight_decay);
    *J = now;
    return GPT_OK;
}

/* c1 = 1 - beta1^t;
   c2 = 1 - beta2^t;
   m_new[i] = W_bar[i] (1 - beta1) + beta1 m[i];
   s_new[i] = W_bar[i]^2 (1 - beta2) + beta2 s[i];
   W_new[i] = W[i] (1 - lr weight_decay) - lr m_new[i]/(c1 (sqrt(s_new[i]/c2) + eps)) */
static void gpt_adamw(real *restrict W, const real *restrict W_bar, real *restrict m, real *restrict s,
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

int gpt_adamw_step(gpt_params *p, gpt_gradients *m, gpt_gradients *s, const gpt_batch *b, gpt_workspace *w,
                   gpt_real lr, gpt_real beta1, gpt_real beta2, gpt_real eps, gpt_real t, gpt_real weight_decay,
                   gpt_real *J)
{
    real now;
    const int code = gpt_gradients_of(p, b, w, &now);
    if (code != GPT_OK)
        return code;

    gpt_adamw((real *)p, (const real *)&w->p_bar, (real *)m, (real *)s, sizeof *p / sizeof(real), lr, beta1,
              beta2, eps, t, weight_decay);
    *J = now;
    return GPT_OK;
}

/* A checkpoint is eight bytes of length, a header of text, and the parameters, all little-endian (safetensors).
 * The header is spelled out letter by letter: to be counted, written, or compared with one that exists. */
typedef struct {
    unsigned char *to;
    const unsigned char *same;
    size_t n;
    int differs;
} gpt_header;

#ifdef GPT_DOUBLE
typedef uint64_t gpt_bits;
#define DTYPE "F64"
#else
typedef uint32_t gpt_bits;
#define DTYPE "F32"
#endif

static void gpt_text(gpt_header *h, const char *text)
{
    for (; *text; text++, h->n++) {
        if (h->to)
            h->to[h->n] = (unsigned char)*text;
        if (h->same && h->same[h->n] != (unsigned char)*text)
            h->differs = 1;
    }
}

static void gpt_number(gpt_header *h, size_t value)
{
    char digits[24] = {0};
    size_t start = sizeof digits - 1;
    do
        digits[--start] = (char)('0' + value % 10);
    while (value /= 10);
    gpt_text(h, &digits[start]);
}

static void gpt_spell(gpt_header *h)
{
    static const struct {
        const char *name;
        size_t shape[5], rank, start, end;
    } tensors[] = {
        {"E", {V, D}, 2, offsetof(gpt_params, E), offsetof(gpt_params, E) + sizeof((gpt_params *)0)->E},
        {"P", {T, D}, 2, offsetof(gpt_params, P), offsetof(gpt_params, P) + sizeof((gpt_params *)0)->P},
        {"g1", {L, D}, 2, offsetof(gpt_params, g1), offsetof(gpt_params, g1) + sizeof((gpt_params *)0)->g1},
        {"s1", {L, D}, 2, offsetof(gpt_params, s1), offsetof(gpt_params, s1) + sizeof((gpt_params *)0)->s1},
        {"Wa", {L, D, 3, GPT_H, GPT_E}, 5, offsetof(gpt_params, Wa), offsetof(gpt_params, Wa) + sizeof((gpt_params *)0)->Wa},
        {"ba", {L, 3, GPT_H, GPT_E}, 4, offsetof(gpt_params, ba), offsetof(gpt_params, ba) + sizeof((gpt_params *)0)->ba},
        {"Wo", {L, GPT_H, GPT_E, D}, 4, offsetof(gpt_params, Wo), offsetof(gpt_params, Wo) + sizeof((gpt_params *)0)->Wo},
        {"bo", {L, D}, 2, offsetof(gpt_params, bo), offsetof(gpt_params, bo) + sizeof((gpt_params *)0)->bo},
        {"g2", {L, D}, 2, offsetof(gpt_params, g2), offsetof(gpt_params, g2) + sizeof((gpt_params *)0)->g2},
        {"s2", {L, D}, 2, offsetof(gpt_params, s2), offsetof(gpt_params, s2) + sizeof((gpt_params *)0)->s2},
        {"Wf", {L, D, GPT_F}, 3, offsetof(gpt_params, Wf), offsetof(gpt_params, Wf) + sizeof((gpt_params *)0)->Wf},
        {"bf", {L, GPT_F}, 2, offsetof(gpt_params, bf), offsetof(gpt_params, bf) + sizeof((gpt_params *)0)->bf},
        {"Wp", {L, GPT_F, D}, 3, offsetof(gpt_params, Wp), offsetof(gpt_params, Wp) + sizeof((gpt_params *)0)->Wp},
        {"bp", {L, D}, 2, offsetof(gpt_params, bp), offsetof(gpt_params, bp) + sizeof((gpt_params *)0)->bp},
        {"g", {D}, 1, offsetof(gpt_params, g), offsetof(gpt_params, g) + sizeof((gpt_params *)0)->g},
        {"s", {D}, 1, offsetof(gpt_params, s), offsetof(gpt_params, s) + sizeof((gpt_params *)0)->s},
    };
    for (size_t t = 0; t < sizeof tensors / sizeof tensors[0]; t++) {
        gpt_text(h, t ? ",\"" : "{\"");
        gpt_text(h, tensors[t].name);
        gpt_text(h, "\":{\"dtype\":\"" DTYPE "\",\"shape\":[");
        for (size_t a = 0; a < tensors[t].rank; a++) {
            gpt_text(h, a ? "," : "");
            gpt_number(h, tensors[t].shape[a]);
        }
        gpt_text(h, "],\"data_offsets\":[");
        gpt_number(h, tensors[t].start);
        gpt_text(h, ",");
        gpt_number(h, tensors[t].end);
        gpt_text(h, "]}");
    }
    gpt_text(h, "}");
    while (h->n % 8)
        gpt_text(h, " ");
}

size_t gpt_save(const gpt_params *p, void *buffer, size_t size)
{
    const real *x = (const real *)p;
    unsigned char *to = buffer;
    gpt_header h = {0};
    gpt_spell(&h);
    if (size < 8 + h.n + sizeof *p)
        return 8 + h.n + sizeof *p;

    for (int i = 0; i < 8; i++)
        to[i] = (unsigned char)(((uint64_t)h.n >> (8 * i)) & 255);
    h = (gpt_header){.to = to + 8};
    gpt_spell(&h);
    to += 8 + h.n;
    for (size_t e = 0; e < sizeof *p / sizeof *x; e++) {
        gpt_bits bits;
        memcpy(&bits, &x[e], sizeof bits);
        for (size_t i = 0; i < sizeof bits; i++)
            *to++ = (unsigned char)((bits >> (8 * i)) & 255);
    }
    return 8 + h.n + sizeof *p;
}

int gpt_load(gpt_params *p, const void *buffer, size_t size)
{
    const unsigned char *from = buffer;
    real *x = (real *)p;
    uint64_t length = 0;
    gpt_header h = {0};
    gpt_spell(&h);
    if (size != 8 + h.n + sizeof *p)
        return GPT_FORMAT;

    for (int i = 0; i < 8; i++)
        length |= (uint64_t)from[i] << (8 * i);
    h = (gpt_header){.same = from + 8};
    gpt_spell(&h);
    if (length != h.n || h.differs)
        return GPT_FORMAT;

    from += 8 + h.n;
    for (size_t e = 0; e < sizeof *p / sizeof *x; e++) {
        gpt_bits bits = 0;
        for (size_t i = 0; i < sizeof bits; i++)
            bits |= (gpt_bits)*from++ << (8 * i);
        memcpy(&x[e], &bits, sizeof bits);
    }
    return GPT_OK;
}

size_t gpt_params_bytes(void) { return sizeof(gpt_params); }
size_t gpt_gradients_bytes(void) { return sizeof(gpt_gradients); }
size_t gpt_workspace_bytes(void) { return sizeof(gpt_workspace); }
size_t gpt_real_bytes(void) { return sizeof(real); }
int gpt_max_batch(void) { return GPT_M; }
