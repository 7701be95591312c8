/* curve: h(X) = tanh(X W1 + b1) W2 + b2
   Emitted by `python -m derive build curve`; change the definition, not this file. */
#include "curve.h"

#include <math.h>
#include <string.h>

/* The same bits from every compiler: no reassociation, no contraction into fused multiply-adds. */
#ifdef __FAST_MATH__
#error "curve.c needs exact floating point: compile without -ffast-math"
#endif
#if defined(__clang__) || !defined(__GNUC__)
#pragma STDC FP_CONTRACT OFF
#else
#pragma GCC optimize("fp-contract=off")
#endif

#ifdef CURVE_DOUBLE
#define EXP exp
#define FABS fabs
#define POW pow
#define SQRT sqrt
#define TANH(x) tanh(x)
#else
#define EXP expf
#define FABS fabsf
#define POW powf
#define SQRT sqrtf
#define TANH(x) ((float)tanh((double)(x)))
#endif

typedef curve_real real;

enum { M = CURVE_M, N = CURVE_N, D = CURVE_D, K = CURVE_K };

/* sum_{p<n} x[p] y[p], in 16 sums side by side that fill vector registers */
static real curve_dot(const real *x, const real *y, int n)
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

/* The finaliser of SplitMix64: Steele, Lea, Flood, OOPSLA 2014. */
static uint64_t curve_mix(uint64_t z)
{
    z += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* Normal with deviation scale: a sum of twelve uniforms has mean 6 and variance 1. */
static void curve_normal(real *x, size_t count, uint64_t key, double scale)
{
    for (size_t e = 0; e < count; e++) {
        uint64_t s = 0;
        for (uint64_t j = 0; j < 12; j++)
            s += curve_mix(key + 16 * (uint64_t)e + j) >> 32;
        x[e] = (real)(((double)s - 6 * 0x1p32) * 0x1p-32 * scale);
    }
}

static void curve_fill(real *x, size_t count, real value)
{
    for (size_t e = 0; e < count; e++)
        x[e] = value;
}

void curve_init(curve_params *p, uint64_t seed)
{
    const uint64_t key = curve_mix(seed);

    curve_normal(&p->W1[0][0], sizeof p->W1 / sizeof(real), curve_mix(key + 0), sqrt(4.0 / N));
    curve_normal(&p->W2[0][0], sizeof p->W2 / sizeof(real), curve_mix(key + 1), sqrt(1.0 / D));
    curve_fill(&p->b1[0], sizeof p->b1 / sizeof(real), 0);
    curve_fill(&p->b2[0], sizeof p->b2 / sizeof(real), 0);
}

static int curve_check_batch(const curve_batch *b)
{
    if (b->m < 1 || b->m > M)
        return CURVE_BATCH;
    return CURVE_OK;
}

static int curve_check(const curve_batch *b)
{
    const int code = curve_check_batch(b);
    if (code != CURVE_OK)
        return code;
    if (!b->Y)
        return CURVE_LABEL;
    return CURVE_OK;
}

int curve_forward(const curve_params *restrict p, const curve_batch *b, curve_workspace *restrict w,
                  curve_real *H)
{
    const int code = curve_check_batch(b);
    if (code != CURVE_OK)
        return code;

    for (int i = 0; i < b->m; i++) {
        const real *X = b->X[i];
        real *A1 = w->A1, *Z2 = w->Z2[i];

        /* A1[i,j] = b1[j] + sum_{q<n} X[i,q] W1[q,j] */
        for (int j = 0; j < D; j++)
            A1[j] = p->b1[j];
        for (int q = 0; q < N; q++)
            for (int j = 0; j < D; j++)
                A1[j] += X[q] * p->W1[q][j];

        /* Z2[i,j] = tanh(A1[i,j]) */
        for (int j = 0; j < D; j++)
            Z2[j] = TANH(A1[j]);

        /* H[i,j] = b2[j] + sum_{q<d} Z2[i,q] W2[q,j] */
        for (int j = 0; j < K; j++)
            H[i * K + j] = p->b2[j];
        for (int q = 0; q < D; q++)
            for (int j = 0; j < K; j++)
                H[i * K + j] += Z2[q] * p->W2[q][j];
    }
    return CURVE_OK;
}

int curve_loss(const curve_params *restrict p, const curve_batch *b, curve_workspace *restrict w, curve_real *L)
{
    const int code = curve_check(b);
    if (code != CURVE_OK)
        return code;

    *L = 0;
    for (int i = 0; i < b->m; i++) {
        const real *X = b->X[i], *Y = b->Y[i];
        real *A1 = w->A1, *Z2 = w->Z2[i], *H = w->H, *R = w->R[i], *E = w->E[i];

        /* A1[i,j] = b1[j] + sum_{q<n} X[i,q] W1[q,j] */
        for (int j = 0; j < D; j++)
            A1[j] = p->b1[j];
        for (int q = 0; q < N; q++)
            for (int j = 0; j < D; j++)
                A1[j] += X[q] * p->W1[q][j];

        /* Z2[i,j] = tanh(A1[i,j]) */
        for (int j = 0; j < D; j++)
            Z2[j] = TANH(A1[j]);

        /* H[i,j] = b2[j] + sum_{q<d} Z2[i,q] W2[q,j] */
        for (int j = 0; j < K; j++)
            H[j] = p->b2[j];
        for (int q = 0; q < D; q++)
            for (int j = 0; j < K; j++)
                H[j] += Z2[q] * p->W2[q][j];

        /* R[i,j] = H[i,j] - Y[i,j] */
        for (int j = 0; j < K; j++)
            R[j] = H[j] - Y[j];

        /* L = sum_{i<m,j<k} R[i,j]^2/2/m */
        for (int j = 0; j < K; j++)
            *L += R[j] * R[j];

        /* E[i,j] = exp(-2 abs(A1[i,j])) */
        for (int j = 0; j < D; j++)
            E[j] = EXP(-2 * FABS(A1[j]));
    }
    *L *= 1 / (2 * (real)b->m);
    return CURVE_OK;
}

int curve_vjp(const curve_params *restrict p, const curve_batch *b, curve_workspace *restrict w,
              curve_real L_bar, curve_gradients *restrict p_bar)
{
    const int code = curve_check(b);
    if (code != CURVE_OK)
        return code;

    for (int j = 0; j < K; j++)
        p_bar->b2[j] = 0;
    for (int j = 0; j < D; j++)
        p_bar->b1[j] = 0;
    for (int i = 0; i < b->m; i++) {
        const real *R = w->R[i], *E = w->E[i];
        real *H_bar = w->H_bar[i], *A1_bar = w->A1_bar[i];

        /* H_bar[i,j] = L_bar R[i,j]/m */
        for (int j = 0; j < K; j++)
            H_bar[j] = L_bar * R[j] / (real)b->m;

        /* b2_bar[j] = sum_{i<m} H_bar[i,j] */
        for (int j = 0; j < K; j++)
            p_bar->b2[j] += H_bar[j];

        /* A1_bar[i,j] = 4 E[i,j] sum_{q<k} H_bar[i,q] W2[j,q]/(E[i,j] (E[i,j] + 2) + 1) */
        for (int j = 0; j < D; j++)
            A1_bar[j] = 4 * curve_dot(H_bar, p->W2[j], K) * E[j] / (E[j] * (E[j] + 2) + 1);

        /* b1_bar[j] = sum_{i<m} A1_bar[i,j] */
        for (int j = 0; j < D; j++)
            p_bar->b1[j] += A1_bar[j];
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
    return CURVE_OK;
}

int curve_jvp(const curve_params *restrict p, const curve_gradients *p_dot, const curve_batch *b,
              curve_workspace *restrict w, curve_real *L, curve_real *L_dot)
{
    const int code = curve_check(b);
    if (code != CURVE_OK)
        return code;

    *L = 0;
    *L_dot = 0;
    for (int i = 0; i < b->m; i++) {
        const real *X = b->X[i], *Y = b->Y[i];
        real *A1 = w->A1, *Z2 = w->Z2[i], *E = w->E[i], *Z2_dot = w->Z2_dot, *H = w->H,
                *H_dot = w->H_dot, *R = w->R[i];

        /* A1[i,j] = b1[j] + sum_{q<n} X[i,q] W1[q,j] */
        for (int j = 0; j < D; j++)
            A1[j] = p->b1[j];
        for (int q = 0; q < N; q++)
            for (int j = 0; j < D; j++)
                A1[j] += X[q] * p->W1[q][j];

        /* Z2[i,j] = tanh(A1[i,j]) */
        for (int j = 0; j < D; j++)
            Z2[j] = TANH(A1[j]);

        /* E[i,j] = exp(-2 abs(A1[i,j])) */
        for (int j = 0; j < D; j++)
            E[j] = EXP(-2 * FABS(A1[j]));

        /* Z2_dot[i,j] = 4 E[i,j] (b1_dot[j] + sum_{q<n} X[i,q] W1_dot[q,j])/(E[i,j] (E[i,j] + 2) + 1) */
        for (int j = 0; j < D; j++)
            Z2_dot[j] = p_dot->b1[j];
        for (int q = 0; q < N; q++)
            for (int j = 0; j < D; j++)
                Z2_dot[j] += X[q] * p_dot->W1[q][j];
        for (int j = 0; j < D; j++)
            Z2_dot[j] *= 4 * E[j] / (E[j] * (E[j] + 2) + 1);

        /* H[i,j] = b2[j] + sum_{q<d} Z2[i,q] W2[q,j] */
        for (int j = 0; j < K; j++)
            H[j] = p->b2[j];
        for (int q = 0; q < D; q++)
            for (int j = 0; j < K; j++)
                H[j] += Z2[q] * p->W2[q][j];

        /* H_dot[i,j] = b2_dot[j] + sum_{q<d} Z2_dot[i,q] W2[q,j] + sum_{q<d} Z2[i,q] W2_dot[q,j] */
        for (int j = 0; j < K; j++)
            H_dot[j] = p_dot->b2[j];
        for (int q = 0; q < D; q++)
            for (int j = 0; j < K; j++)
                H_dot[j] += Z2_dot[q] * p->W2[q][j];
        for (int q = 0; q < D; q++)
            for (int j = 0; j < K; j++)
                H_dot[j] += Z2[q] * p_dot->W2[q][j];

        /* R[i,j] = H[i,j] - Y[i,j] */
        for (int j = 0; j < K; j++)
            R[j] = H[j] - Y[j];

        /* L = sum_{i<m,j<k} R[i,j]^2/2/m */
        for (int j = 0; j < K; j++)
            *L += R[j] * R[j];

        /* L_dot = sum_{i<m,j<k} H_dot[i,j] R[i,j]/m */
        for (int j = 0; j < K; j++)
            *L_dot += H_dot[j] * R[j];
    }
    *L *= 1 / (2 * (real)b->m);
    *L_dot /= (real)b->m;
    return CURVE_OK;
}

int curve_predict(const curve_params *p, const curve_batch *b, curve_workspace *w, curve_real *H)
{
    return curve_forward(p, b, w, H);
}

static int curve_finite(const real *x, size_t n)
{
    int bad = 0;
    for (size_t e = 0; e < n; e++)
        bad |= !(x[e] - x[e] == 0);
    return !bad;
}

/* The loss, and its gradients in w->p_bar; both finite, or CURVE_NONFINITE. */
static int curve_gradients_of(const curve_params *p, const curve_batch *b, curve_workspace *w, real *L)
{
    int code = curve_loss(p, b, w, L);
    if (code == CURVE_OK && !curve_finite(L, 1))
        code = CURVE_NONFINITE;
    if (code == CURVE_OK)
        code = curve_vjp(p, b, w, 1, &w->p_bar);
    if (code == CURVE_OK && !curve_finite((const real *)&w->p_bar, sizeof w->p_bar / sizeof(real)))
        code = CURVE_NONFINITE;
    return code;
}

/* W_new[i] = W[i] - lr (weight_decay W[i] + W_bar[i]) */
static void curve_sgd(real *restrict W, const real *restrict W_bar, size_t n, real lr, real weight_decay)
{
    for (size_t i = 0; i < n; i++)
        W[i] -= lr * (weight_decay * W[i] + W_bar[i]);
}

int curve_sgd_step(curve_params *p, const curve_batch *b, curve_workspace *w, curve_real lr,
                   curve_real weight_decay, curve_real *L)
{
    real now;
    const int code = curve_gradients_of(p, b, w, &now);
    if (code != CURVE_OK)
        return code;

    curve_sgd((real *)p, (const real *)&w->p_bar, sizeof *p / sizeof(real), lr, weight_decay);
    *L = now;
    return CURVE_OK;
}

/* v_new[i] = mu v[i] - lr (weight_decay W[i] + W_bar[i]); W_new[i] = W[i] + v_new[i] */
static void curve_momentum(real *restrict W, const real *restrict W_bar, real *restrict v, size_t n, real lr,
                           real mu, real weight_decay)
{
    for (size_t i = 0; i < n; i++) {
        v[i] = mu * v[i] - lr * (weight_decay * W[i] + W_bar[i]);
        W[i] += v[i];
    }
}

int curve_momentum_step(curve_params *p, curve_gradients *v, const curve_batch *b, curve_workspace *w,
                        curve_real lr, curve_real mu, curve_real weight_decay, curve_real *L)
{
    real now;
    const int code = curve_gradients_of(p, b, w, &now);
    if (code != CURVE_OK)
        return code;

    curve_momentum((real *)p, (const real *)&w->p_bar, (real *)v, sizeof *p / sizeof(real), lr, mu,
                   weight_decay);
    *L = now;
    return CURVE_OK;
}

/* u_new[i] = (1 - mu) (weight_decay W[i] + W_bar[i]) + mu u[i]; W_new[i] = W[i] - lr u_new[i] */
static void curve_averaged(real *restrict W, const real *restrict W_bar, real *restrict u, size_t n, real lr,
                           real mu, real weight_decay)
{
    for (size_t i = 0; i < n; i++) {
        u[i] = (1 - mu) * (weight_decay * W[i] + W_bar[i]) + mu * u[i];
        W[i] -= lr * u[i];
    }
}

int curve_averaged_step(curve_params *p, curve_gradients *u, const curve_batch *b, curve_workspace *w,
                        curve_real lr, curve_real mu, curve_real weight_decay, curve_real *L)
{
    real now;
    const int code = curve_gradients_of(p, b, w, &now);
    if (code != CURVE_OK)
        return code;

    curve_averaged((real *)p, (const real *)&w->p_bar, (real *)u, sizeof *p / sizeof(real), lr, mu,
                   weight_decay);
    *L = now;
    return CURVE_OK;
}

/* c1 = 1 - beta1^t;
   c2 = 1 - beta2^t;
   m_new[i] = W_bar[i] (1 - beta1) + beta1 m[i];
   s_new[i] = W_bar[i]^2 (1 - beta2) + beta2 s[i];
   W_new[i] = W[i] (1 - lr weight_decay) - lr m_new[i]/(c1 (sqrt(s_new[i]/c2) + eps)) */
static void curve_adamw(real *restrict W, const real *restrict W_bar, real *restrict m, real *restrict s,
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

int curve_adamw_step(curve_params *p, curve_gradients *m, curve_gradients *s, const curve_batch *b,
                     curve_workspace *w, curve_real lr, curve_real beta1, curve_real beta2, curve_real eps,
                     curve_real t, curve_real weight_decay, curve_real *L)
{
    real now;
    const int code = curve_gradients_of(p, b, w, &now);
    if (code != CURVE_OK)
        return code;

    curve_adamw((real *)p, (const real *)&w->p_bar, (real *)m, (real *)s, sizeof *p / sizeof(real), lr, beta1,
                beta2, eps, t, weight_decay);
    *L = now;
    return CURVE_OK;
}

/* A checkpoint is eight bytes of length, a header of text, and the parameters, all little-endian (safetensors).
 * The header is spelled out letter by letter: to be counted, written, or compared with one that exists. */
typedef struct {
    unsigned char *to;
    const unsigned char *same;
    size_t n;
    int differs;
} curve_header;

#ifdef CURVE_DOUBLE
typedef uint64_t curve_bits;
#define DTYPE "F64"
#else
typedef uint32_t curve_bits;
#define DTYPE "F32"
#endif

static void curve_text(curve_header *h, const char *text)
{
    for (; *text; text++, h->n++) {
        if (h->to)
            h->to[h->n] = (unsigned char)*text;
        if (h->same && h->same[h->n] != (unsigned char)*text)
            h->differs = 1;
    }
}

static void curve_number(curve_header *h, size_t value)
{
    char digits[24] = {0};
    size_t start = sizeof digits - 1;
    do
        digits[--start] = (char)('0' + value % 10);
    while (value /= 10);
    curve_text(h, &digits[start]);
}

static void curve_spell(curve_header *h)
{
    static const struct {
        const char *name;
        size_t shape[2], rank, start, end;
    } tensors[] = {
        {"W1", {N, D}, 2, offsetof(curve_params, W1), offsetof(curve_params, W1) + sizeof((curve_params *)0)->W1},
        {"W2", {D, K}, 2, offsetof(curve_params, W2), offsetof(curve_params, W2) + sizeof((curve_params *)0)->W2},
        {"b1", {D}, 1, offsetof(curve_params, b1), offsetof(curve_params, b1) + sizeof((curve_params *)0)->b1},
        {"b2", {K}, 1, offsetof(curve_params, b2), offsetof(curve_params, b2) + sizeof((curve_params *)0)->b2},
    };
    for (size_t t = 0; t < sizeof tensors / sizeof tensors[0]; t++) {
        curve_text(h, t ? ",\"" : "{\"");
        curve_text(h, tensors[t].name);
        curve_text(h, "\":{\"dtype\":\"" DTYPE "\",\"shape\":[");
        for (size_t a = 0; a < tensors[t].rank; a++) {
            curve_text(h, a ? "," : "");
            curve_number(h, tensors[t].shape[a]);
        }
        curve_text(h, "],\"data_offsets\":[");
        curve_number(h, tensors[t].start);
        curve_text(h, ",");
        curve_number(h, tensors[t].end);
        curve_text(h, "]}");
    }
    curve_text(h, "}");
    while (h->n % 8)
        curve_text(h, " ");
}

size_t curve_save(const curve_params *p, void *buffer, size_t size)
{
    const real *x = (const real *)p;
    unsigned char *to = buffer;
    curve_header h = {0};
    curve_spell(&h);
    if (size < 8 + h.n + sizeof *p)
        return 8 + h.n + sizeof *p;

    for (int i = 0; i < 8; i++)
        to[i] = (unsigned char)(((uint64_t)h.n >> (8 * i)) & 255);
    h = (curve_header){.to = to + 8};
    curve_spell(&h);
    to += 8 + h.n;
    for (size_t e = 0; e < sizeof *p / sizeof *x; e++) {
        curve_bits bits;
        memcpy(&bits, &x[e], sizeof bits);
        for (size_t i = 0; i < sizeof bits; i++)
            *to++ = (unsigned char)((bits >> (8 * i)) & 255);
    }
    return 8 + h.n + sizeof *p;
}

int curve_load(curve_params *p, const void *buffer, size_t size)
{
    const unsigned char *from = buffer;
    real *x = (real *)p;
    uint64_t length = 0;
    curve_header h = {0};
    curve_spell(&h);
    if (size != 8 + h.n + sizeof *p)
        return CURVE_FORMAT;

    for (int i = 0; i < 8; i++)
        length |= (uint64_t)from[i] << (8 * i);
    h = (curve_header){.same = from + 8};
    curve_spell(&h);
    if (length != h.n || h.differs)
        return CURVE_FORMAT;

    from += 8 + h.n;
    for (size_t e = 0; e < sizeof *p / sizeof *x; e++) {
        curve_bits bits = 0;
        for (size_t i = 0; i < sizeof bits; i++)
            bits |= (curve_bits)*from++ << (8 * i);
        memcpy(&x[e], &bits, sizeof bits);
    }
    return CURVE_OK;
}

size_t curve_params_bytes(void) { return sizeof(curve_params); }
size_t curve_gradients_bytes(void) { return sizeof(curve_gradients); }
size_t curve_workspace_bytes(void) { return sizeof(curve_workspace); }
size_t curve_real_bytes(void) { return sizeof(real); }
int curve_max_batch(void) { return M; }
