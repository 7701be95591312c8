/* linear_features: h(X) = X W Theta
   Emitted by `python -m derive build linear_features`; change the definition, not this file. */
#include "linear_features.h"

#include <math.h>
#include <string.h>

/* The same bits from every compiler: no reassociation, no contraction into fused multiply-adds. */
#ifdef __FAST_MATH__
#error "linear_features.c needs exact floating point: compile without -ffast-math"
#endif
#if defined(__clang__) || !defined(__GNUC__)
#pragma STDC FP_CONTRACT OFF
#else
#pragma GCC optimize("fp-contract=off")
#endif

#ifdef LINEAR_FEATURES_DOUBLE
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

typedef linear_features_real real;

enum { N = LINEAR_FEATURES_N, D = LINEAR_FEATURES_D, K = LINEAR_FEATURES_K };

/* sum_{p<n} x[p] y[p], in 16 sums side by side that fill vector registers */
static real linear_features_dot(const real *x, const real *y, int n)
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
static real linear_features_larger(real a, real b)
{
    return a > b || a != a ? a : b;
}

/* The finaliser of SplitMix64: Steele, Lea, Flood, OOPSLA 2014. */
static uint64_t linear_features_mix(uint64_t z)
{
    z += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* Normal with deviation scale: a sum of twelve uniforms has mean 6 and variance 1. */
static void linear_features_normal(real *x, size_t count, uint64_t key, double scale)
{
    for (size_t e = 0; e < count; e++) {
        uint64_t s = 0;
        for (uint64_t j = 0; j < 12; j++)
            s += linear_features_mix(key + 16 * (uint64_t)e + j) >> 32;
        x[e] = (real)(((double)s - 6 * 0x1p32) * 0x1p-32 * scale);
    }
}

void linear_features_init(linear_features_params *p, uint64_t seed)
{
    const uint64_t key = linear_features_mix(seed);

    linear_features_normal(&p->W[0][0], sizeof p->W / sizeof(real), linear_features_mix(key + 0), sqrt(1.0 / N));
    linear_features_normal(&p->Theta[0][0], sizeof p->Theta / sizeof(real), linear_features_mix(key + 1), sqrt(1.0 / D));
}

static int linear_features_check_batch(const linear_features_batch *b)
{
    if (b->m < 1 || b->m > LINEAR_FEATURES_M)
        return LINEAR_FEATURES_BATCH;
    return LINEAR_FEATURES_OK;
}

static int linear_features_check(const linear_features_batch *b)
{
    const int code = linear_features_check_batch(b);
    if (code != LINEAR_FEATURES_OK)
        return code;
    if (!b->y)
        return LINEAR_FEATURES_LABEL;
    for (int i = 0; i < b->m; i++)
        if (b->y[i] < 0 || b->y[i] >= K)
            return LINEAR_FEATURES_LABEL;
    return LINEAR_FEATURES_OK;
}

int linear_features_forward(const linear_features_params *restrict p, const linear_features_batch *b,
                            linear_features_workspace *restrict w, linear_features_real *H)
{
    const int code = linear_features_check_batch(b);
    if (code != LINEAR_FEATURES_OK)
        return code;

    for (int i = 0; i < b->m; i++) {
        const real *X = b->X[i];
        real *Phi = w->Phi[i];

        /* Phi[i,j] = sum_{q<n} X[i,q] W[q,j] */
        for (int j = 0; j < D; j++)
            Phi[j] = 0;
        for (int q = 0; q < N; q++)
            for (int j = 0; j < D; j++)
                Phi[j] += X[q] * p->W[q][j];

        /* H[i,j] = sum_{q<d} Phi[i,q] Theta[q,j] */
        for (int j = 0; j < K; j++)
            H[i * K + j] = 0;
        for (int q = 0; q < D; q++)
            for (int j = 0; j < K; j++)
                H[i * K + j] += Phi[q] * p->Theta[q][j];
    }
    return LINEAR_FEATURES_OK;
}

int linear_features_loss(const linear_features_params *restrict p, const linear_features_batch *b,
                         linear_features_workspace *restrict w, linear_features_real *L)
{
    const int code = linear_features_check(b);
    if (code != LINEAR_FEATURES_OK)
        return code;

    *L = 0;
    for (int i = 0; i < b->m; i++) {
        const real *X = b->X[i];
        real *Phi = w->Phi[i], *H = w->H[i], *E = w->E, *S = w->S[i];

        /* Phi[i,j] = sum_{q<n} X[i,q] W[q,j] */
        for (int j = 0; j < D; j++)
            Phi[j] = 0;
        for (int q = 0; q < N; q++)
            for (int j = 0; j < D; j++)
                Phi[j] += X[q] * p->W[q][j];

        /* H[i,j] = sum_{q<d} Phi[i,q] Theta[q,j] */
        for (int j = 0; j < K; j++)
            H[j] = 0;
        for (int q = 0; q < D; q++)
            for (int j = 0; j < K; j++)
                H[j] += Phi[q] * p->Theta[q][j];

        /* M[i] = max_{q<k} H[i,q] */
        real M = -(real)INFINITY;
        for (int q = 0; q < K; q++)
            M = linear_features_larger(H[q], M);

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
    return LINEAR_FEATURES_OK;
}

int linear_features_vjp(const linear_features_params *restrict p, const linear_features_batch *b,
                        linear_features_workspace *restrict w, linear_features_real L_bar,
                        linear_features_gradients *restrict p_bar)
{
    const int code = linear_features_check(b);
    if (code != LINEAR_FEATURES_OK)
        return code;

    for (int i = 0; i < b->m; i++) {
        const real *S = w->S[i];
        real *H_bar = w->H_bar[i], *Phi_bar = w->Phi_bar[i];

        /* H_bar[i,j] = L_bar (S[i,j] - [j == y[i]])/m */
        for (int j = 0; j < K; j++)
            H_bar[j] = L_bar * (S[j] - (real)(j == b->y[i])) / (real)b->m;

        /* Phi_bar[i,j] = sum_{q<k} H_bar[i,q] Theta[j,q] */
        for (int j = 0; j < D; j++)
            Phi_bar[j] = linear_features_dot(H_bar, p->Theta[j], K);
    }

    /* Theta_bar[q,j] = sum_{i<m} Phi[i,q] H_bar[i,j] */
    for (int q = 0; q < D; q++) {
        for (int j = 0; j < K; j++)
            p_bar->Theta[q][j] = 0;
        for (int i = 0; i < b->m; i++)
            for (int j = 0; j < K; j++)
                p_bar->Theta[q][j] += w->Phi[i][q] * w->H_bar[i][j];
    }

    /* W_bar[q,j] = sum_{i<m} X[i,q] Phi_bar[i,j] */
    for (int q = 0; q < N; q++) {
        for (int j = 0; j < D; j++)
            p_bar->W[q][j] = 0;
        for (int i = 0; i < b->m; i++)
            for (int j = 0; j < D; j++)
                p_bar->W[q][j] += b->X[i][q] * w->Phi_bar[i][j];
    }
    return LINEAR_FEATURES_OK;
}

int linear_features_jvp(const linear_features_params *restrict p, const linear_features_gradients *p_dot,
                        const linear_features_batch *b, linear_features_workspace *restrict w,
                        linear_features_real *L, linear_features_real *L_dot)
{
    const int code = linear_features_check(b);
    if (code != LINEAR_FEATURES_OK)
        return code;

    *L = 0;
    *L_dot = 0;
    for (int i = 0; i < b->m; i++) {
        const real *X = b->X[i];
        real *Phi = w->Phi[i], *Phi_dot = w->Phi_dot, *H = w->H[i], *H_dot = w->H_dot, *E = w->E,
                *S = w->S[i];

        /* Phi[i,j] = sum_{q<n} X[i,q] W[q,j] */
        for (int j = 0; j < D; j++)
            Phi[j] = 0;
        for (int q = 0; q < N; q++)
            for (int j = 0; j < D; j++)
                Phi[j] += X[q] * p->W[q][j];

        /* Phi_dot[i,j] = sum_{q<n} X[i,q] W_dot[q,j] */
        for (int j = 0; j < D; j++)
            Phi_dot[j] = 0;
        for (int q = 0; q < N; q++)
            for (int j = 0; j < D; j++)
                Phi_dot[j] += X[q] * p_dot->W[q][j];

        /* H[i,j] = sum_{q<d} Phi[i,q] Theta[q,j] */
        for (int j = 0; j < K; j++)
            H[j] = 0;
        for (int q = 0; q < D; q++)
            for (int j = 0; j < K; j++)
                H[j] += Phi[q] * p->Theta[q][j];

        /* H_dot[i,j] = sum_{q<d} Phi[i,q] Theta_dot[q,j] + sum_{q<d} Phi_dot[i,q] Theta[q,j] */
        for (int j = 0; j < K; j++)
            H_dot[j] = 0;
        for (int q = 0; q < D; q++)
            for (int j = 0; j < K; j++)
                H_dot[j] += Phi[q] * p_dot->Theta[q][j];
        for (int q = 0; q < D; q++)
            for (int j = 0; j < K; j++)
                H_dot[j] += Phi_dot[q] * p->Theta[q][j];

        /* M[i] = max_{q<k} H[i,q] */
        real M = -(real)INFINITY;
        for (int q = 0; q < K; q++)
            M = linear_features_larger(H[q], M);

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
    return LINEAR_FEATURES_OK;
}

int linear_features_predict(const linear_features_params *p, const linear_features_batch *b,
                            linear_features_workspace *w, int32_t *labels)
{
    const int code = linear_features_forward(p, b, w, &w->H[0][0]);
    if (code != LINEAR_FEATURES_OK)
        return code;

    for (int i = 0; i < b->m; i++) {
        const real *H = &w->H[0][0] + (size_t)i * K;
        int best = 0;
        for (int j = 1; j < K; j++)
            best = H[j] > H[best] ? j : best;
        labels[i] = best;
    }
    return LINEAR_FEATURES_OK;
}

static int linear_features_finite(const real *x, size_t n)
{
    int bad = 0;
    for (size_t e = 0; e < n; e++)
        bad |= !(x[e] - x[e] == 0);
    return !bad;
}

/* The loss, and its gradients in w->p_bar; both finite, or LINEAR_FEATURES_NONFINITE. */
static int linear_features_gradients_of(const linear_features_params *p, const linear_features_batch *b,
                                        linear_features_workspace *w, real *L)
{
    int code = linear_features_loss(p, b, w, L);
    if (code == LINEAR_FEATURES_OK && !linear_features_finite(L, 1))
        code = LINEAR_FEATURES_NONFINITE;
    if (code == LINEAR_FEATURES_OK)
        code = linear_features_vjp(p, b, w, 1, &w->p_bar);
    if (code == LINEAR_FEATURES_OK && !linear_features_finite((const real *)&w->p_bar, sizeof w->p_bar / sizeof(real)))
        code = LINEAR_FEATURES_NONFINITE;
    return code;
}

/* W_new[i] = W[i] - lr (weight_decay W[i] + W_bar[i]) */
static void linear_features_sgd(real *restrict W, const real *restrict W_bar, size_t n, real lr,
                                real weight_decay)
{
    for (size_t i = 0; i < n; i++)
        W[i] -= lr * (weight_decay * W[i] + W_bar[i]);
}

int linear_features_sgd_step(linear_features_params *p, const linear_features_batch *b,
                             linear_features_workspace *w, linear_features_real lr,
                             linear_features_real weight_decay, linear_features_real *L)
{
    real now;
    const int code = linear_features_gradients_of(p, b, w, &now);
    if (code != LINEAR_FEATURES_OK)
        return code;

    linear_features_sgd((real *)p, (const real *)&w->p_bar, sizeof *p / sizeof(real), lr, weight_decay);
    *L = now;
    return LINEAR_FEATURES_OK;
}

/* v_new[i] = mu v[i] - lr (weight_decay W[i] + W_bar[i]); W_new[i] = W[i] + v_new[i] */
static void linear_features_momentum(real *restrict W, const real *restrict W_bar, real *restrict v, size_t n,
                                     real lr, real mu, real weight_decay)
{
    for (size_t i = 0; i < n; i++) {
        v[i] = mu * v[i] - lr * (weight_decay * W[i] + W_bar[i]);
        W[i] += v[i];
    }
}

int linear_features_momentum_step(linear_features_params *p, linear_features_gradients *v,
                                  const linear_features_batch *b, linear_features_workspace *w,
                                  linear_features_real lr, linear_features_real mu,
                                  linear_features_real weight_decay, linear_features_real *L)
{
    real now;
    const int code = linear_features_gradients_of(p, b, w, &now);
    if (code != LINEAR_FEATURES_OK)
        return code;

    linear_features_momentum((real *)p, (const real *)&w->p_bar, (real *)v, sizeof *p / sizeof(real), lr, mu,
                             weight_decay);
    *L = now;
    return LINEAR_FEATURES_OK;
}

/* u_new[i] = (1 - mu) (weight_decay W[i] + W_bar[i]) + mu u[i]; W_new[i] = W[i] - lr u_new[i] */
static void linear_features_averaged(real *restrict W, const real *restrict W_bar, real *restrict u, size_t n,
                                     real lr, real mu, real weight_decay)
{
    for (size_t i = 0; i < n; i++) {
        u[i] = (1 - mu) * (weight_decay * W[i] + W_bar[i]) + mu * u[i];
        W[i] -= lr * u[i];
    }
}

int linear_features_averaged_step(linear_features_params *p, linear_features_gradients *u,
                                  const linear_features_batch *b, linear_features_workspace *w,
                                  linear_features_real lr, linear_features_real mu,
                                  linear_features_real weight_decay, linear_features_real *L)
{
    real now;
    const int code = linear_features_gradients_of(p, b, w, &now);
    if (code != LINEAR_FEATURES_OK)
        return code;

    linear_features_averaged((real *)p, (const real *)&w->p_bar, (real *)u, sizeof *p / sizeof(real), lr, mu,
                             weight_decay);
    *L = now;
    return LINEAR_FEATURES_OK;
}

/* c1 = 1 - beta1^t;
   c2 = 1 - beta2^t;
   m_new[i] = W_bar[i] (1 - beta1) + beta1 m[i];
   s_new[i] = W_bar[i]^2 (1 - beta2) + beta2 s[i];
   W_new[i] = W[i] (1 - lr weight_decay) - lr m_new[i]/(c1 (sqrt(s_new[i]/c2) + eps)) */
static void linear_features_adamw(real *restrict W, const real *restrict W_bar, real *restrict m,
                                  real *restrict s, size_t n, real lr, real beta1, real beta2, real eps, real t,
                                  real weight_decay)
{
    const real c1 = 1 - POW(beta1, t);
    const real c2 = 1 - POW(beta2, t);
    for (size_t i = 0; i < n; i++) {
        m[i] = W_bar[i] * (1 - beta1) + beta1 * m[i];
        s[i] = W_bar[i] * W_bar[i] * (1 - beta2) + beta2 * s[i];
        W[i] = W[i] * (1 - lr * weight_decay) - lr * m[i] / (c1 * (SQRT(s[i] / c2) + eps));
    }
}

int linear_features_adamw_step(linear_features_params *p, linear_features_gradients *m,
                               linear_features_gradients *s, const linear_features_batch *b,
                               linear_features_workspace *w, linear_features_real lr,
                               linear_features_real beta1, linear_features_real beta2, linear_features_real eps,
                               linear_features_real t, linear_features_real weight_decay,
                               linear_features_real *L)
{
    real now;
    const int code = linear_features_gradients_of(p, b, w, &now);
    if (code != LINEAR_FEATURES_OK)
        return code;

    linear_features_adamw((real *)p, (const real *)&w->p_bar, (real *)m, (real *)s, sizeof *p / sizeof(real),
                          lr, beta1, beta2, eps, t, weight_decay);
    *L = now;
    return LINEAR_FEATURES_OK;
}

/* A checkpoint is eight bytes of length, a header of text, and the parameters, all little-endian (safetensors).
 * The header is spelled out letter by letter: to be counted, written, or compared with one that exists. */
typedef struct {
    unsigned char *to;
    const unsigned char *same;
    size_t n;
    int differs;
} linear_features_header;

#ifdef LINEAR_FEATURES_DOUBLE
typedef uint64_t linear_features_bits;
#define DTYPE "F64"
#else
typedef uint32_t linear_features_bits;
#define DTYPE "F32"
#endif

static void linear_features_text(linear_features_header *h, const char *text)
{
    for (; *text; text++, h->n++) {
        if (h->to)
            h->to[h->n] = (unsigned char)*text;
        if (h->same && h->same[h->n] != (unsigned char)*text)
            h->differs = 1;
    }
}

static void linear_features_number(linear_features_header *h, size_t value)
{
    char digits[24] = {0};
    size_t start = sizeof digits - 1;
    do
        digits[--start] = (char)('0' + value % 10);
    while (value /= 10);
    linear_features_text(h, &digits[start]);
}

static void linear_features_spell(linear_features_header *h)
{
    static const struct {
        const char *name;
        size_t shape[2], rank, start, end;
    } tensors[] = {
        {"W", {N, D}, 2, offsetof(linear_features_params, W), offsetof(linear_features_params, W) + sizeof((linear_features_params *)0)->W},
        {"Theta", {D, K}, 2, offsetof(linear_features_params, Theta), offsetof(linear_features_params, Theta) + sizeof((linear_features_params *)0)->Theta},
    };
    for (size_t t = 0; t < sizeof tensors / sizeof tensors[0]; t++) {
        linear_features_text(h, t ? ",\"" : "{\"");
        linear_features_text(h, tensors[t].name);
        linear_features_text(h, "\":{\"dtype\":\"" DTYPE "\",\"shape\":[");
        for (size_t a = 0; a < tensors[t].rank; a++) {
            linear_features_text(h, a ? "," : "");
            linear_features_number(h, tensors[t].shape[a]);
        }
        linear_features_text(h, "],\"data_offsets\":[");
        linear_features_number(h, tensors[t].start);
        linear_features_text(h, ",");
        linear_features_number(h, tensors[t].end);
        linear_features_text(h, "]}");
    }
    linear_features_text(h, "}");
    while (h->n % 8)
        linear_features_text(h, " ");
}

size_t linear_features_save(const linear_features_params *p, void *buffer, size_t size)
{
    const real *x = (const real *)p;
    unsigned char *to = buffer;
    linear_features_header h = {0};
    linear_features_spell(&h);
    if (size < 8 + h.n + sizeof *p)
        return 8 + h.n + sizeof *p;

    for (int i = 0; i < 8; i++)
        to[i] = (unsigned char)(((uint64_t)h.n >> (8 * i)) & 255);
    h = (linear_features_header){.to = to + 8};
    linear_features_spell(&h);
    to += 8 + h.n;
    for (size_t e = 0; e < sizeof *p / sizeof *x; e++) {
        linear_features_bits bits;
        memcpy(&bits, &x[e], sizeof bits);
        for (size_t i = 0; i < sizeof bits; i++)
            *to++ = (unsigned char)((bits >> (8 * i)) & 255);
    }
    return 8 + h.n + sizeof *p;
}

int linear_features_load(linear_features_params *p, const void *buffer, size_t size)
{
    const unsigned char *from = buffer;
    real *x = (real *)p;
    uint64_t length = 0;
    linear_features_header h = {0};
    linear_features_spell(&h);
    if (size != 8 + h.n + sizeof *p)
        return LINEAR_FEATURES_FORMAT;

    for (int i = 0; i < 8; i++)
        length |= (uint64_t)from[i] << (8 * i);
    h = (linear_features_header){.same = from + 8};
    linear_features_spell(&h);
    if (length != h.n || h.differs)
        return LINEAR_FEATURES_FORMAT;

    from += 8 + h.n;
    for (size_t e = 0; e < sizeof *p / sizeof *x; e++) {
        linear_features_bits bits = 0;
        for (size_t i = 0; i < sizeof bits; i++)
            bits |= (linear_features_bits)*from++ << (8 * i);
        memcpy(&x[e], &bits, sizeof bits);
    }
    return LINEAR_FEATURES_OK;
}

size_t linear_features_params_bytes(void) { return sizeof(linear_features_params); }
size_t linear_features_gradients_bytes(void) { return sizeof(linear_features_gradients); }
size_t linear_features_workspace_bytes(void) { return sizeof(linear_features_workspace); }
size_t linear_features_real_bytes(void) { return sizeof(real); }
int linear_features_max_batch(void) { return LINEAR_FEATURES_M; }
