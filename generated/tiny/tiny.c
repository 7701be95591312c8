/* tiny: h(X) = relu(X W1 + b1) W2 + b2
   Emitted by `python -m derive build tiny`; change the definition, not this file. */
#include "tiny.h"

#include <math.h>
#include <string.h>

/* The same bits from every compiler: no reassociation, no contraction into fused multiply-adds. */
#ifdef __FAST_MATH__
#error "tiny.c needs exact floating point: compile without -ffast-math"
#endif
#if defined(__clang__) || !defined(__GNUC__)
#pragma STDC FP_CONTRACT OFF
#else
#pragma GCC optimize("fp-contract=off")
#endif

#ifdef TINY_DOUBLE
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

typedef tiny_real real;

enum { N = TINY_N, D1 = TINY_D1, K = TINY_K };

/* sum_{p<n} x[p] y[p], in 16 sums side by side that fill vector registers */
static real tiny_dot(const real *x, const real *y, int n)
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
static real tiny_larger(real a, real b)
{
    return a > b || a != a ? a : b;
}

/* The finaliser of SplitMix64: Steele, Lea, Flood, OOPSLA 2014. */
static uint64_t tiny_mix(uint64_t z)
{
    z += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* Normal with deviation scale: a sum of twelve uniforms has mean 6 and variance 1. */
static void tiny_normal(real *x, size_t count, uint64_t key, double scale)
{
    for (size_t e = 0; e < count; e++) {
        uint64_t s = 0;
        for (uint64_t j = 0; j < 12; j++)
            s += tiny_mix(key + 16 * (uint64_t)e + j) >> 32;
        x[e] = (real)(((double)s - 6 * 0x1p32) * 0x1p-32 * scale);
    }
}

static void tiny_fill(real *x, size_t count, real value)
{
    for (size_t e = 0; e < count; e++)
        x[e] = value;
}

void tiny_init(tiny_params *p, uint64_t seed)
{
    const uint64_t key = tiny_mix(seed);

    tiny_normal(&p->W1[0][0], sizeof p->W1 / sizeof(real), tiny_mix(key + 0), sqrt(2.0 / N));
    tiny_fill(&p->b1[0], sizeof p->b1 / sizeof(real), 0);
    tiny_normal(&p->W2[0][0], sizeof p->W2 / sizeof(real), tiny_mix(key + 2), sqrt(1.0 / D1));
    tiny_fill(&p->b2[0], sizeof p->b2 / sizeof(real), 0);
}

static int tiny_check_batch(const tiny_batch *b)
{
    if (b->m < 1 || b->m > TINY_M)
        return TINY_BATCH;
    return TINY_OK;
}

static int tiny_check(const tiny_batch *b)
{
    const int code = tiny_check_batch(b);
    if (code != TINY_OK)
        return code;
    if (!b->y)
        return TINY_LABEL;
    for (int i = 0; i < b->m; i++)
        if (b->y[i] < 0 || b->y[i] >= K)
            return TINY_LABEL;
    return TINY_OK;
}

int tiny_forward(const tiny_params *restrict p, const tiny_batch *b, tiny_workspace *restrict w, tiny_real *H)
{
    const int code = tiny_check_batch(b);
    if (code != TINY_OK)
        return code;

    for (int i = 0; i < b->m; i++) {
        const real *X = b->X[i];
        real *A1 = w->A1, *Z2 = w->Z2[i];

        /* A1[i,j] = b1[j] + sum_{q<n} X[i,q] W1[q,j] */
        for (int j = 0; j < D1; j++)
            A1[j] = p->b1[j];
        for (int q = 0; q < N; q++)
            for (int j = 0; j < D1; j++)
                A1[j] += X[q] * p->W1[q][j];

        /* Z2[i,j] = where(A1[i,j] > 0, A1[i,j], 0) */
        for (int j = 0; j < D1; j++)
            Z2[j] = A1[j] < 0 ? 0 : A1[j];

        /* H[i,j] = b2[j] + sum_{q<d1} Z2[i,q] W2[q,j] */
        for (int j = 0; j < K; j++)
            H[i * K + j] = p->b2[j];
        for (int q = 0; q < D1; q++)
            for (int j = 0; j < K; j++)
                H[i * K + j] += Z2[q] * p->W2[q][j];
    }
    return TINY_OK;
}

int tiny_loss(const tiny_params *restrict p, const tiny_batch *b, tiny_workspace *restrict w, tiny_real *L)
{
    const int code = tiny_check(b);
    if (code != TINY_OK)
        return code;

    *L = 0;
    for (int i = 0; i < b->m; i++) {
        const real *X = b->X[i];
        real *A1 = w->A1, *Z2 = w->Z2[i], *H = w->H[i], *E = w->E, *S = w->S[i];

        /* A1[i,j] = b1[j] + sum_{q<n} X[i,q] W1[q,j] */
        for (int j = 0; j < D1; j++)
            A1[j] = p->b1[j];
        for (int q = 0; q < N; q++)
            for (int j = 0; j < D1; j++)
                A1[j] += X[q] * p->W1[q][j];

        /* Z2[i,j] = where(A1[i,j] > 0, A1[i,j], 0) */
        for (int j = 0; j < D1; j++)
            Z2[j] = A1[j] < 0 ? 0 : A1[j];

        /* H[i,j] = b2[j] + sum_{q<d1} Z2[i,q] W2[q,j] */
        for (int j = 0; j < K; j++)
            H[j] = p->b2[j];
        for (int q = 0; q < D1; q++)
            for (int j = 0; j < K; j++)
                H[j] += Z2[q] * p->W2[q][j];

        /* M[i] = max_{q<k} H[i,q] */
        real M = -(real)INFINITY;
        for (int q = 0; q < K; q++)
            M = tiny_larger(H[q], M);

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
    return TINY_OK;
}

int tiny_vjp(const tiny_params *restrict p, const tiny_batch *b, tiny_workspace *restrict w, tiny_real L_bar,
             tiny_gradients *restrict p_bar)
{
    const int code = tiny_check(b);
    if (code != TINY_OK)
        return code;

    for (int j = 0; j < K; j++)
        p_bar->b2[j] = 0;
    for (int j = 0; j < D1; j++)
        p_bar->b1[j] = 0;
    for (int i = 0; i < b->m; i++) {
        const real *S = w->S[i], *Z2 = w->Z2[i];
        real *H_bar = w->H_bar[i], *A1_bar = w->A1_bar[i];

        /* H_bar[i,j] = L_bar (S[i,j] - [j == y[i]])/m */
        for (int j = 0; j < K; j++)
            H_bar[j] = L_bar * (S[j] - (real)(j == b->y[i])) / (real)b->m;

        /* b2_bar[j] = sum_{i<m} H_bar[i,j] */
        for (int j = 0; j < K; j++)
            p_bar->b2[j] += H_bar[j];

        /* A1_bar[i,j] = where(Z2[i,j] > 0, sum_{q<k} H_bar[i,q] W2[j,q], 0) */
        for (int j = 0; j < D1; j++)
            A1_bar[j] = Z2[j] > 0 ? tiny_dot(H_bar, p->W2[j], K) : 0;

        /* b1_bar[j] = sum_{i<m} A1_bar[i,j] */
        for (int j = 0; j < D1; j++)
            p_bar->b1[j] += A1_bar[j];
    }

    /* W2_bar[q,j] = sum_{i<m} Z2[i,q] H_bar[i,j] */
    for (int q = 0; q < D1; q++) {
        for (int j = 0; j < K; j++)
            p_bar->W2[q][j] = 0;
        for (int i = 0; i < b->m; i++)
            for (int j = 0; j < K; j++)
                p_bar->W2[q][j] += w->Z2[i][q] * w->H_bar[i][j];
    }

    /* W1_bar[q,j] = sum_{i<m} X[i,q] A1_bar[i,j] */
    for (int q = 0; q < N; q++) {
        for (int j = 0; j < D1; j++)
            p_bar->W1[q][j] = 0;
        for (int i = 0; i < b->m; i++)
            for (int j = 0; j < D1; j++)
                p_bar->W1[q][j] += b->X[i][q] * w->A1_bar[i][j];
    }
    return TINY_OK;
}

int tiny_jvp(const tiny_params *restrict p, const tiny_gradients *p_dot, const tiny_batch *b,
             tiny_workspace *restrict w, tiny_real *L, tiny_real *L_dot)
{
    const int code = tiny_check(b);
    if (code != TINY_OK)
        return code;

    *L = 0;
    *L_dot = 0;
    for (int i = 0; i < b->m; i++) {
        const real *X = b->X[i];
        real *A1 = w->A1, *Z2 = w->Z2[i], *Z2_dot = w->Z2_dot, *H = w->H[i], *H_dot = w->H_dot,
                *E = w->E, *S = w->S[i];

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

        /* H[i,j] = b2[j] + sum_{q<d1} Z2[i,q] W2[q,j] */
        for (int j = 0; j < K; j++)
            H[j] = p->b2[j];
        for (int q = 0; q < D1; q++)
            for (int j = 0; j < K; j++)
                H[j] += Z2[q] * p->W2[q][j];

        /* H_dot[i,j] = b2_dot[j] + sum_{q<d1} Z2_dot[i,q] W2[q,j] + sum_{q<d1} Z2[i,q] W2_dot[q,j] */
        for (int j = 0; j < K; j++)
            H_dot[j] = p_dot->b2[j];
        for (int q = 0; q < D1; q++)
            for (int j = 0; j < K; j++)
                H_dot[j] += Z2_dot[q] * p->W2[q][j];
        for (int q = 0; q < D1; q++)
            for (int j = 0; j < K; j++)
                H_dot[j] += Z2[q] * p_dot->W2[q][j];

        /* M[i] = max_{q<k} H[i,q] */
        real M = -(real)INFINITY;
        for (int q = 0; q < K; q++)
            M = tiny_larger(H[q], M);

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
    return TINY_OK;
}

int tiny_predict(const tiny_params *p, const tiny_batch *b, tiny_workspace *w, int32_t *labels)
{
    const int code = tiny_forward(p, b, w, &w->H[0][0]);
    if (code != TINY_OK)
        return code;

    for (int i = 0; i < b->m; i++) {
        const real *H = &w->H[0][0] + (size_t)i * K;
        int best = 0;
        for (int j = 1; j < K; j++)
            best = H[j] > H[best] ? j : best;
        labels[i] = best;
    }
    return TINY_OK;
}

static int tiny_finite(const real *x, size_t n)
{
    int bad = 0;
    for (size_t e = 0; e < n; e++)
        bad |= !(x[e] - x[e] == 0);
    return !bad;
}

/* The loss, and its gradients in w->p_bar; both finite, or TINY_NONFINITE. */
static int tiny_gradients_of(const tiny_params *p, const tiny_batch *b, tiny_workspace *w, real *L)
{
    int code = tiny_loss(p, b, w, L);
    if (code == TINY_OK && !tiny_finite(L, 1))
        code = TINY_NONFINITE;
    if (code == TINY_OK)
        code = tiny_vjp(p, b, w, 1, &w->p_bar);
    if (code == TINY_OK && !tiny_finite((const real *)&w->p_bar, sizeof w->p_bar / sizeof(real)))
        code = TINY_NONFINITE;
    return code;
}

/* W_new[i] = W[i] - lr (weight_decay W[i] + W_bar[i]) */
static void tiny_sgd(real *restrict W, const real *restrict W_bar, size_t n, real lr, real weight_decay)
{
    for (size_t i = 0; i < n; i++)
        W[i] -= lr * (weight_decay * W[i] + W_bar[i]);
}

int tiny_sgd_step(tiny_params *p, const tiny_batch *b, tiny_workspace *w, tiny_real lr, tiny_real weight_decay,
                  tiny_real *L)
{
    real now;
    const int code = tiny_gradients_of(p, b, w, &now);
    if (code != TINY_OK)
        return code;

    tiny_sgd((real *)p, (const real *)&w->p_bar, sizeof *p / sizeof(real), lr, weight_decay);
    *L = now;
    return TINY_OK;
}

/* v_new[i] = mu v[i] - lr (weight_decay W[i] + W_bar[i]); W_new[i] = W[i] + v_new[i] */
static void tiny_momentum(real *restrict W, const real *restrict W_bar, real *restrict v, size_t n, real lr,
                          real mu, real weight_decay)
{
    for (size_t i = 0; i < n; i++) {
        v[i] = mu * v[i] - lr * (weight_decay * W[i] + W_bar[i]);
        W[i] += v[i];
    }
}

int tiny_momentum_step(tiny_params *p, tiny_gradients *v, const tiny_batch *b, tiny_workspace *w, tiny_real lr,
                       tiny_real mu, tiny_real weight_decay, tiny_real *L)
{
    real now;
    const int code = tiny_gradients_of(p, b, w, &now);
    if (code != TINY_OK)
        return code;

    tiny_momentum((real *)p, (const real *)&w->p_bar, (real *)v, sizeof *p / sizeof(real), lr, mu, weight_decay);
    *L = now;
    return TINY_OK;
}

/* u_new[i] = (1 - mu) (weight_decay W[i] + W_bar[i]) + mu u[i]; W_new[i] = W[i] - lr u_new[i] */
static void tiny_averaged(real *restrict W, const real *restrict W_bar, real *restrict u, size_t n, real lr,
                          real mu, real weight_decay)
{
    for (size_t i = 0; i < n; i++) {
        u[i] = (1 - mu) * (weight_decay * W[i] + W_bar[i]) + mu * u[i];
        W[i] -= lr * u[i];
    }
}

int tiny_averaged_step(tiny_params *p, tiny_gradients *u, const tiny_batch *b, tiny_workspace *w, tiny_real lr,
                       tiny_real mu, tiny_real weight_decay, tiny_real *L)
{
    real now;
    const int code = tiny_gradients_of(p, b, w, &now);
    if (code != TINY_OK)
        return code;

    tiny_averaged((real *)p, (const real *)&w->p_bar, (real *)u, sizeof *p / sizeof(real), lr, mu, weight_decay);
    *L = now;
    return TINY_OK;
}

/* c1 = 1 - beta1^t;
   c2 = 1 - beta2^t;
   m_new[i] = W_bar[i] (1 - beta1) + beta1 m[i];
   s_new[i] = W_bar[i]^2 (1 - beta2) + beta2 s[i];
   W_new[i] = W[i] (1 - lr weight_decay) - lr m_new[i]/(c1 (sqrt(s_new[i]/c2) + eps)) */
static void tiny_adamw(real *restrict W, const real *restrict W_bar, real *restrict m, real *restrict s,
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

int tiny_adamw_step(tiny_params *p, tiny_gradients *m, tiny_gradients *s, const tiny_batch *b,
                    tiny_workspace *w, tiny_real lr, tiny_real beta1, tiny_real beta2, tiny_real eps,
                    tiny_real t, tiny_real weight_decay, tiny_real *L)
{
    real now;
    const int code = tiny_gradients_of(p, b, w, &now);
    if (code != TINY_OK)
        return code;

    tiny_adamw((real *)p, (const real *)&w->p_bar, (real *)m, (real *)s, sizeof *p / sizeof(real), lr, beta1,
               beta2, eps, t, weight_decay);
    *L = now;
    return TINY_OK;
}

/* A checkpoint is eight bytes of length, a header of text, and the parameters, all little-endian (safetensors).
 * The header is spelled out letter by letter: to be counted, written, or compared with one that exists. */
typedef struct {
    unsigned char *to;
    const unsigned char *same;
    size_t n;
    int differs;
} tiny_header;

#ifdef TINY_DOUBLE
typedef uint64_t tiny_bits;
#define DTYPE "F64"
#else
typedef uint32_t tiny_bits;
#define DTYPE "F32"
#endif

static void tiny_text(tiny_header *h, const char *text)
{
    for (; *text; text++, h->n++) {
        if (h->to)
            h->to[h->n] = (unsigned char)*text;
        if (h->same && h->same[h->n] != (unsigned char)*text)
            h->differs = 1;
    }
}

static void tiny_number(tiny_header *h, size_t value)
{
    char digits[24] = {0};
    size_t start = sizeof digits - 1;
    do
        digits[--start] = (char)('0' + value % 10);
    while (value /= 10);
    tiny_text(h, &digits[start]);
}

static void tiny_spell(tiny_header *h)
{
    static const struct {
        const char *name;
        size_t shape[2], rank, start, end;
    } tensors[] = {
        {"W1", {N, D1}, 2, offsetof(tiny_params, W1), offsetof(tiny_params, W1) + sizeof((tiny_params *)0)->W1},
        {"b1", {D1}, 1, offsetof(tiny_params, b1), offsetof(tiny_params, b1) + sizeof((tiny_params *)0)->b1},
        {"W2", {D1, K}, 2, offsetof(tiny_params, W2), offsetof(tiny_params, W2) + sizeof((tiny_params *)0)->W2},
        {"b2", {K}, 1, offsetof(tiny_params, b2), offsetof(tiny_params, b2) + sizeof((tiny_params *)0)->b2},
    };
    for (size_t t = 0; t < sizeof tensors / sizeof tensors[0]; t++) {
        tiny_text(h, t ? ",\"" : "{\"");
        tiny_text(h, tensors[t].name);
        tiny_text(h, "\":{\"dtype\":\"" DTYPE "\",\"shape\":[");
        for (size_t a = 0; a < tensors[t].rank; a++) {
            tiny_text(h, a ? "," : "");
            tiny_number(h, tensors[t].shape[a]);
        }
        tiny_text(h, "],\"data_offsets\":[");
        tiny_number(h, tensors[t].start);
        tiny_text(h, ",");
        tiny_number(h, tensors[t].end);
        tiny_text(h, "]}");
    }
    tiny_text(h, "}");
    while (h->n % 8)
        tiny_text(h, " ");
}

size_t tiny_save(const tiny_params *p, void *buffer, size_t size)
{
    const real *x = (const real *)p;
    unsigned char *to = buffer;
    tiny_header h = {0};
    tiny_spell(&h);
    if (size < 8 + h.n + sizeof *p)
        return 8 + h.n + sizeof *p;

    for (int i = 0; i < 8; i++)
        to[i] = (unsigned char)(((uint64_t)h.n >> (8 * i)) & 255);
    h = (tiny_header){.to = to + 8};
    tiny_spell(&h);
    to += 8 + h.n;
    for (size_t e = 0; e < sizeof *p / sizeof *x; e++) {
        tiny_bits bits;
        memcpy(&bits, &x[e], sizeof bits);
        for (size_t i = 0; i < sizeof bits; i++)
            *to++ = (unsigned char)((bits >> (8 * i)) & 255);
    }
    return 8 + h.n + sizeof *p;
}

int tiny_load(tiny_params *p, const void *buffer, size_t size)
{
    const unsigned char *from = buffer;
    real *x = (real *)p;
    uint64_t length = 0;
    tiny_header h = {0};
    tiny_spell(&h);
    if (size != 8 + h.n + sizeof *p)
        return TINY_FORMAT;

    for (int i = 0; i < 8; i++)
        length |= (uint64_t)from[i] << (8 * i);
    h = (tiny_header){.same = from + 8};
    tiny_spell(&h);
    if (length != h.n || h.differs)
        return TINY_FORMAT;

    from += 8 + h.n;
    for (size_t e = 0; e < sizeof *p / sizeof *x; e++) {
        tiny_bits bits = 0;
        for (size_t i = 0; i < sizeof bits; i++)
            bits |= (tiny_bits)*from++ << (8 * i);
        memcpy(&x[e], &bits, sizeof bits);
    }
    return TINY_OK;
}

size_t tiny_params_bytes(void) { return sizeof(tiny_params); }
size_t tiny_gradients_bytes(void) { return sizeof(tiny_gradients); }
size_t tiny_workspace_bytes(void) { return sizeof(tiny_workspace); }
size_t tiny_real_bytes(void) { return sizeof(real); }
int tiny_max_batch(void) { return TINY_M; }
