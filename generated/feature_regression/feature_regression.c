/* feature_regression: h(X) = phi(X) Theta, phi(x) = (x, x^2)
   Emitted by `python -m derive build feature_regression`; change the definition, not this file. */
#include "feature_regression.h"

#include <math.h>
#include <string.h>

/* The same bits from every compiler: no reassociation, no contraction into fused multiply-adds. */
#ifdef __FAST_MATH__
#error "feature_regression.c needs exact floating point: compile without -ffast-math"
#endif
#if defined(__clang__) || !defined(__GNUC__)
#pragma STDC FP_CONTRACT OFF
#else
#pragma GCC optimize("fp-contract=off")
#endif

#ifdef FEATURE_REGRESSION_DOUBLE
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

typedef feature_regression_real real;

enum { N = FEATURE_REGRESSION_N, K = FEATURE_REGRESSION_K };

/* the larger of two numbers; not a number where one is none */
static real feature_regression_larger(real a, real b)
{
    return a > b || a != a ? a : b;
}

/* The finaliser of SplitMix64: Steele, Lea, Flood, OOPSLA 2014. */
static uint64_t feature_regression_mix(uint64_t z)
{
    z += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* Normal with deviation scale: a sum of twelve uniforms has mean 6 and variance 1. */
static void feature_regression_normal(real *x, size_t count, uint64_t key, double scale)
{
    for (size_t e = 0; e < count; e++) {
        uint64_t s = 0;
        for (uint64_t j = 0; j < 12; j++)
            s += feature_regression_mix(key + 16 * (uint64_t)e + j) >> 32;
        x[e] = (real)(((double)s - 6 * 0x1p32) * 0x1p-32 * scale);
    }
}

void feature_regression_init(feature_regression_params *p, uint64_t seed)
{
    const uint64_t key = feature_regression_mix(seed);

    feature_regression_normal(&p->Theta[0][0], sizeof p->Theta / sizeof(real), feature_regression_mix(key + 0), sqrt(1.0 / (2 * N)));
}

static int feature_regression_check_batch(const feature_regression_batch *b)
{
    if (b->m < 1 || b->m > FEATURE_REGRESSION_M)
        return FEATURE_REGRESSION_BATCH;
    return FEATURE_REGRESSION_OK;
}

static int feature_regression_check(const feature_regression_batch *b)
{
    const int code = feature_regression_check_batch(b);
    if (code != FEATURE_REGRESSION_OK)
        return code;
    if (!b->y)
        return FEATURE_REGRESSION_LABEL;
    for (int i = 0; i < b->m; i++)
        if (b->y[i] < 0 || b->y[i] >= K)
            return FEATURE_REGRESSION_LABEL;
    return FEATURE_REGRESSION_OK;
}

int feature_regression_forward(const feature_regression_params *restrict p, const feature_regression_batch *b,
                               feature_regression_workspace *restrict w, feature_regression_real *H)
{
    const int code = feature_regression_check_batch(b);
    if (code != FEATURE_REGRESSION_OK)
        return code;

    for (int i = 0; i < b->m; i++) {
        const real *X = b->X[i];
        real *X2 = w->X2, *Phi = w->Phi[i];

        /* X2[i,j] = X[i,j]^2 */
        for (int j = 0; j < N; j++)
            X2[j] = X[j] * X[j];

        /* Phi[i,j] = where(j < n, X[i,j], X2[i,j - n]) */
        for (int j = 0; j < 2 * N; j++)
            Phi[j] = j < N ? X[j] : X2[j - N];

        /* H[i,j] = sum_{q<2 n} Phi[i,q] Theta[q,j] */
        for (int j = 0; j < K; j++)
            H[i * K + j] = 0;
        for (int q = 0; q < 2 * N; q++)
            for (int j = 0; j < K; j++)
                H[i * K + j] += Phi[q] * p->Theta[q][j];
    }
    return FEATURE_REGRESSION_OK;
}

int feature_regression_loss(const feature_regression_params *restrict p, const feature_regression_batch *b,
                            feature_regression_workspace *restrict w, feature_regression_real *L)
{
    const int code = feature_regression_check(b);
    if (code != FEATURE_REGRESSION_OK)
        return code;

    *L = 0;
    for (int i = 0; i < b->m; i++) {
        const real *X = b->X[i];
        real *X2 = w->X2, *Phi = w->Phi[i], *H = w->H[i], *E = w->E, *S = w->S[i];

        /* X2[i,j] = X[i,j]^2 */
        for (int j = 0; j < N; j++)
            X2[j] = X[j] * X[j];

        /* Phi[i,j] = where(j < n, X[i,j], X2[i,j - n]) */
        for (int j = 0; j < 2 * N; j++)
            Phi[j] = j < N ? X[j] : X2[j - N];

        /* H[i,j] = sum_{q<2 n} Phi[i,q] Theta[q,j] */
        for (int j = 0; j < K; j++)
            H[j] = 0;
        for (int q = 0; q < 2 * N; q++)
            for (int j = 0; j < K; j++)
                H[j] += Phi[q] * p->Theta[q][j];

        /* M[i] = max_{q<k} H[i,q] */
        real M = -(real)INFINITY;
        for (int q = 0; q < K; q++)
            M = feature_regression_larger(H[q], M);

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
    return FEATURE_REGRESSION_OK;
}

int feature_regression_vjp(const feature_regression_params *restrict p, const feature_regression_batch *b,
                           feature_regression_workspace *restrict w, feature_regression_real L_bar,
                           feature_regression_gradients *restrict p_bar)
{
    const int code = feature_regression_check(b);
    if (code != FEATURE_REGRESSION_OK)
        return code;

    (void)p;

    for (int i = 0; i < b->m; i++) {
        const real *S = w->S[i];
        real *H_bar = w->H_bar[i];

        /* H_bar[i,j] = L_bar (S[i,j] - [j == y[i]])/m */
        for (int j = 0; j < K; j++)
            H_bar[j] = L_bar * (S[j] - (real)(j == b->y[i])) / (real)b->m;
    }

    /* Theta_bar[q,j] = sum_{i<m} Phi[i,q] H_bar[i,j] */
    for (int q = 0; q < 2 * N; q++) {
        for (int j = 0; j < K; j++)
            p_bar->Theta[q][j] = 0;
        for (int i = 0; i < b->m; i++)
            for (int j = 0; j < K; j++)
                p_bar->Theta[q][j] += w->Phi[i][q] * w->H_bar[i][j];
    }
    return FEATURE_REGRESSION_OK;
}

int feature_regression_jvp(const feature_regression_params *restrict p,
                           const feature_regression_gradients *p_dot, const feature_regression_batch *b,
                           feature_regression_workspace *restrict w, feature_regression_real *L,
                           feature_regression_real *L_dot)
{
    const int code = feature_regression_check(b);
    if (code != FEATURE_REGRESSION_OK)
        return code;

    *L = 0;
    *L_dot = 0;
    for (int i = 0; i < b->m; i++) {
        const real *X = b->X[i];
        real *X2 = w->X2, *Phi = w->Phi[i], *H = w->H[i], *H_dot = w->H_dot, *E = w->E, *S = w->S[i];

        /* X2[i,j] = X[i,j]^2 */
        for (int j = 0; j < N; j++)
            X2[j] = X[j] * X[j];

        /* Phi[i,j] = where(j < n, X[i,j], X2[i,j - n]) */
        for (int j = 0; j < 2 * N; j++)
            Phi[j] = j < N ? X[j] : X2[j - N];

        /* H[i,j] = sum_{q<2 n} Phi[i,q] Theta[q,j] */
        for (int j = 0; j < K; j++)
            H[j] = 0;
        for (int q = 0; q < 2 * N; q++)
            for (int j = 0; j < K; j++)
                H[j] += Phi[q] * p->Theta[q][j];

        /* H_dot[i,j] = sum_{q<2 n} Phi[i,q] Theta_dot[q,j] */
        for (int j = 0; j < K; j++)
            H_dot[j] = 0;
        for (int q = 0; q < 2 * N; q++)
            for (int j = 0; j < K; j++)
                H_dot[j] += Phi[q] * p_dot->Theta[q][j];

        /* M[i] = max_{q<k} H[i,q] */
        real M = -(real)INFINITY;
        for (int q = 0; q < K; q++)
            M = feature_regression_larger(H[q], M);

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
    return FEATURE_REGRESSION_OK;
}

int feature_regression_predict(const feature_regression_params *p, const feature_regression_batch *b,
                               feature_regression_workspace *w, int32_t *labels)
{
    const int code = feature_regression_forward(p, b, w, &w->H[0][0]);
    if (code != FEATURE_REGRESSION_OK)
        return code;

    for (int i = 0; i < b->m; i++) {
        const real *H = &w->H[0][0] + (size_t)i * K;
        int best = 0;
        for (int j = 1; j < K; j++)
            best = H[j] > H[best] ? j : best;
        labels[i] = best;
    }
    return FEATURE_REGRESSION_OK;
}

static int feature_regression_finite(const real *x, size_t n)
{
    int bad = 0;
    for (size_t e = 0; e < n; e++)
        bad |= !(x[e] - x[e] == 0);
    return !bad;
}

/* The loss, and its gradients in w->p_bar; both finite, or FEATURE_REGRESSION_NONFINITE. */
static int feature_regression_gradients_of(const feature_regression_params *p,
                                           const feature_regression_batch *b, feature_regression_workspace *w,
                                           real *L)
{
    int code = feature_regression_loss(p, b, w, L);
    if (code == FEATURE_REGRESSION_OK && !feature_regression_finite(L, 1))
        code = FEATURE_REGRESSION_NONFINITE;
    if (code == FEATURE_REGRESSION_OK)
        code = feature_regression_vjp(p, b, w, 1, &w->p_bar);
    if (code == FEATURE_REGRESSION_OK && !feature_regression_finite((const real *)&w->p_bar, sizeof w->p_bar / sizeof(real)))
        code = FEATURE_REGRESSION_NONFINITE;
    return code;
}

/* W_new[i] = W[i] - lr (weight_decay W[i] + W_bar[i]) */
static void feature_regression_sgd(real *restrict W, const real *restrict W_bar, size_t n, real lr,
                                   real weight_decay)
{
    for (size_t i = 0; i < n; i++)
        W[i] -= lr * (weight_decay * W[i] + W_bar[i]);
}

int feature_regression_sgd_step(feature_regression_params *p, const feature_regression_batch *b,
                                feature_regression_workspace *w, feature_regression_real lr,
                                feature_regression_real weight_decay, feature_regression_real *L)
{
    real now;
    const int code = feature_regression_gradients_of(p, b, w, &now);
    if (code != FEATURE_REGRESSION_OK)
        return code;

    feature_regression_sgd((real *)p, (const real *)&w->p_bar, sizeof *p / sizeof(real), lr, weight_decay);
    *L = now;
    return FEATURE_REGRESSION_OK;
}

/* v_new[i] = mu v[i] - lr (weight_decay W[i] + W_bar[i]); W_new[i] = W[i] + v_new[i] */
static void feature_regression_momentum(real *restrict W, const real *restrict W_bar, real *restrict v,
                                        size_t n, real lr, real mu, real weight_decay)
{
    for (size_t i = 0; i < n; i++) {
        v[i] = mu * v[i] - lr * (weight_decay * W[i] + W_bar[i]);
        W[i] += v[i];
    }
}

int feature_regression_momentum_step(feature_regression_params *p, feature_regression_gradients *v,
                                     const feature_regression_batch *b, feature_regression_workspace *w,
                                     feature_regression_real lr, feature_regression_real mu,
                                     feature_regression_real weight_decay, feature_regression_real *L)
{
    real now;
    const int code = feature_regression_gradients_of(p, b, w, &now);
    if (code != FEATURE_REGRESSION_OK)
        return code;

    feature_regression_momentum((real *)p, (const real *)&w->p_bar, (real *)v, sizeof *p / sizeof(real), lr, mu,
                                weight_decay);
    *L = now;
    return FEATURE_REGRESSION_OK;
}

/* u_new[i] = (1 - mu) (weight_decay W[i] + W_bar[i]) + mu u[i]; W_new[i] = W[i] - lr u_new[i] */
static void feature_regression_averaged(real *restrict W, const real *restrict W_bar, real *restrict u,
                                        size_t n, real lr, real mu, real weight_decay)
{
    for (size_t i = 0; i < n; i++) {
        u[i] = (1 - mu) * (weight_decay * W[i] + W_bar[i]) + mu * u[i];
        W[i] -= lr * u[i];
    }
}

int feature_regression_averaged_step(feature_regression_params *p, feature_regression_gradients *u,
                                     const feature_regression_batch *b, feature_regression_workspace *w,
                                     feature_regression_real lr, feature_regression_real mu,
                                     feature_regression_real weight_decay, feature_regression_real *L)
{
    real now;
    const int code = feature_regression_gradients_of(p, b, w, &now);
    if (code != FEATURE_REGRESSION_OK)
        return code;

    feature_regression_averaged((real *)p, (const real *)&w->p_bar, (real *)u, sizeof *p / sizeof(real), lr, mu,
                                weight_decay);
    *L = now;
    return FEATURE_REGRESSION_OK;
}

/* c1 = 1 - beta1^t;
   c2 = 1 - beta2^t;
   m_new[i] = W_bar[i] (1 - beta1) + beta1 m[i];
   s_new[i] = W_bar[i]^2 (1 - beta2) + beta2 s[i];
   W_new[i] = W[i] (1 - lr weight_decay) - lr m_new[i]/(c1 (sqrt(s_new[i]/c2) + eps)) */
static void feature_regression_adamw(real *restrict W, const real *restrict W_bar, real *restrict m,
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

int feature_regression_adamw_step(feature_regression_params *p, feature_regression_gradients *m,
                                  feature_regression_gradients *s, const feature_regression_batch *b,
                                  feature_regression_workspace *w, feature_regression_real lr,
                                  feature_regression_real beta1, feature_regression_real beta2,
                                  feature_regression_real eps, feature_regression_real t,
                                  feature_regression_real weight_decay, feature_regression_real *L)
{
    real now;
    const int code = feature_regression_gradients_of(p, b, w, &now);
    if (code != FEATURE_REGRESSION_OK)
        return code;

    feature_regression_adamw((real *)p, (const real *)&w->p_bar, (real *)m, (real *)s, sizeof *p / sizeof(real),
                             lr, beta1, beta2, eps, t, weight_decay);
    *L = now;
    return FEATURE_REGRESSION_OK;
}

/* A checkpoint is eight bytes of length, a header of text, and the parameters, all little-endian (safetensors).
 * The header is spelled out letter by letter: to be counted, written, or compared with one that exists. */
typedef struct {
    unsigned char *to;
    const unsigned char *same;
    size_t n;
    int differs;
} feature_regression_header;

#ifdef FEATURE_REGRESSION_DOUBLE
typedef uint64_t feature_regression_bits;
#define DTYPE "F64"
#else
typedef uint32_t feature_regression_bits;
#define DTYPE "F32"
#endif

static void feature_regression_text(feature_regression_header *h, const char *text)
{
    for (; *text; text++, h->n++) {
        if (h->to)
            h->to[h->n] = (unsigned char)*text;
        if (h->same && h->same[h->n] != (unsigned char)*text)
            h->differs = 1;
    }
}

static void feature_regression_number(feature_regression_header *h, size_t value)
{
    char digits[24] = {0};
    size_t start = sizeof digits - 1;
    do
        digits[--start] = (char)('0' + value % 10);
    while (value /= 10);
    feature_regression_text(h, &digits[start]);
}

static void feature_regression_spell(feature_regression_header *h)
{
    static const struct {
        const char *name;
        size_t shape[2], rank, start, end;
    } tensors[] = {
        {"Theta", {2 * N, K}, 2, offsetof(feature_regression_params, Theta), offsetof(feature_regression_params, Theta) + sizeof((feature_regression_params *)0)->Theta},
    };
    for (size_t t = 0; t < sizeof tensors / sizeof tensors[0]; t++) {
        feature_regression_text(h, t ? ",\"" : "{\"");
        feature_regression_text(h, tensors[t].name);
        feature_regression_text(h, "\":{\"dtype\":\"" DTYPE "\",\"shape\":[");
        for (size_t a = 0; a < tensors[t].rank; a++) {
            feature_regression_text(h, a ? "," : "");
            feature_regression_number(h, tensors[t].shape[a]);
        }
        feature_regression_text(h, "],\"data_offsets\":[");
        feature_regression_number(h, tensors[t].start);
        feature_regression_text(h, ",");
        feature_regression_number(h, tensors[t].end);
        feature_regression_text(h, "]}");
    }
    feature_regression_text(h, "}");
    while (h->n % 8)
        feature_regression_text(h, " ");
}

size_t feature_regression_save(const feature_regression_params *p, void *buffer, size_t size)
{
    const real *x = (const real *)p;
    unsigned char *to = buffer;
    feature_regression_header h = {0};
    feature_regression_spell(&h);
    if (size < 8 + h.n + sizeof *p)
        return 8 + h.n + sizeof *p;

    for (int i = 0; i < 8; i++)
        to[i] = (unsigned char)(((uint64_t)h.n >> (8 * i)) & 255);
    h = (feature_regression_header){.to = to + 8};
    feature_regression_spell(&h);
    to += 8 + h.n;
    for (size_t e = 0; e < sizeof *p / sizeof *x; e++) {
        feature_regression_bits bits;
        memcpy(&bits, &x[e], sizeof bits);
        for (size_t i = 0; i < sizeof bits; i++)
            *to++ = (unsigned char)((bits >> (8 * i)) & 255);
    }
    return 8 + h.n + sizeof *p;
}

int feature_regression_load(feature_regression_params *p, const void *buffer, size_t size)
{
    const unsigned char *from = buffer;
    real *x = (real *)p;
    uint64_t length = 0;
    feature_regression_header h = {0};
    feature_regression_spell(&h);
    if (size != 8 + h.n + sizeof *p)
        return FEATURE_REGRESSION_FORMAT;

    for (int i = 0; i < 8; i++)
        length |= (uint64_t)from[i] << (8 * i);
    h = (feature_regression_header){.same = from + 8};
    feature_regression_spell(&h);
    if (length != h.n || h.differs)
        return FEATURE_REGRESSION_FORMAT;

    from += 8 + h.n;
    for (size_t e = 0; e < sizeof *p / sizeof *x; e++) {
        feature_regression_bits bits = 0;
        for (size_t i = 0; i < sizeof bits; i++)
            bits |= (feature_regression_bits)*from++ << (8 * i);
        memcpy(&x[e], &bits, sizeof bits);
    }
    return FEATURE_REGRESSION_OK;
}

size_t feature_regression_params_bytes(void) { return sizeof(feature_regression_params); }
size_t feature_regression_gradients_bytes(void) { return sizeof(feature_regression_gradients); }
size_t feature_regression_workspace_bytes(void) { return sizeof(feature_regression_workspace); }
size_t feature_regression_real_bytes(void) { return sizeof(real); }
int feature_regression_max_batch(void) { return FEATURE_REGRESSION_M; }
