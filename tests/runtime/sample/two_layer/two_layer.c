/* h(X) = relu(X W1) W2, softmax cross entropy, by hand to docs/interface.md. */
#include "two_layer.h"

#include <math.h>
#include <string.h>

typedef two_layer_real real;

enum { M = TWO_LAYER_M, N = TWO_LAYER_N, D = TWO_LAYER_D, K = TWO_LAYER_K };

#ifdef TWO_LAYER_DOUBLE
#define EXP exp
#define LOG log
#else
#define EXP expf
#define LOG logf
#endif

static uint64_t mix(uint64_t z)
{
    z += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static void uniform(real *w, uint64_t count, uint64_t seed, uint64_t index, double scale)
{
    const uint64_t key = mix(mix(seed) + index);

    for (uint64_t e = 0; e < count; e++)
        w[e] = (real)(((double)(mix(key + 16 * e) >> 11) - 4503599627370496.0) / 4503599627370496.0 * scale);
}

void two_layer_init(two_layer_params *p, uint64_t seed)
{
    uniform(&p->W1[0][0], (uint64_t)N * D, seed, 0, sqrt(6.0 / N));
    uniform(&p->W2[0][0], (uint64_t)D * K, seed, 1, sqrt(6.0 / D));
}

/* Z2 = relu(X W1);  H = Z2 W2, of one example */
static void hidden(const two_layer_params *p, const real *X, real *Z2, real *H)
{
    memset(Z2, 0, D * sizeof *Z2);
    memset(H, 0, K * sizeof *H);
    for (int j = 0; j < N; j++)
        for (int h = 0; h < D; h++)
            Z2[h] += X[j] * p->W1[j][h];
    for (int h = 0; h < D; h++) {
        Z2[h] = Z2[h] > 0 || isnan(Z2[h]) ? Z2[h] : 0;
        for (int c = 0; c < K; c++)
            H[c] += Z2[h] * p->W2[h][c];
    }
}

static int check(const two_layer_batch *b)
{
    if (b->m < 1 || b->m > M)
        return TWO_LAYER_BATCH;
    for (int i = 0; b->y && i < b->m; i++)
        if (b->y[i] < 0 || b->y[i] >= K)
            return TWO_LAYER_LABEL;
    return TWO_LAYER_OK;
}

int two_layer_forward(const two_layer_params *p, const two_layer_batch *b, two_layer_workspace *w, real *H)
{
    const int code = check(b);
    if (code != TWO_LAYER_OK)
        return code;
    for (int i = 0; i < b->m; i++)
        hidden(p, b->X[i], w->Z2[i], H + i * K);
    return TWO_LAYER_OK;
}

int two_layer_loss(const two_layer_params *p, const two_layer_batch *b, two_layer_workspace *w, real *L)
{
    const int code = check(b);
    real sum = 0;
    if (code != TWO_LAYER_OK)
        return code;

    for (int i = 0; i < b->m; i++) {
        real *S = w->S[i], top, T = 0;
        hidden(p, b->X[i], w->Z2[i], S);

        /* L = mean of log sum exp(H) - H[y];  S = softmax(H) */
        top = S[0];
        for (int c = 1; c < K; c++)
            top = S[c] > top ? S[c] : top;
        sum += top - S[b->y[i]];
        for (int c = 0; c < K; c++)
            T += S[c] = EXP(S[c] - top);
        sum += LOG(T);
        for (int c = 0; c < K; c++)
            S[c] /= T;
    }
    *L = sum / (real)b->m;
    return TWO_LAYER_OK;
}

int two_layer_vjp(const two_layer_params *p, const two_layer_batch *b, two_layer_workspace *w, real L_bar,
                  two_layer_gradients *p_bar)
{
    const int code = check(b);
    if (code != TWO_LAYER_OK)
        return code;
    memset(p_bar, 0, sizeof *p_bar);

    for (int i = 0; i < b->m; i++) {
        const real *X = b->X[i], *Z2 = w->Z2[i], *S = w->S[i];
        real H_bar[K], A1_bar[D];

        /* H_bar = (S - I_y) L_bar / m */
        for (int c = 0; c < K; c++)
            H_bar[c] = (S[c] - (real)(c == b->y[i])) * L_bar / (real)b->m;

        /* W2_bar = Z2' H_bar;  A1_bar = H_bar W2' o [Z2 > 0] */
        for (int h = 0; h < D; h++) {
            real Z2_bar = 0;
            for (int c = 0; c < K; c++) {
                p_bar->W2[h][c] += Z2[h] * H_bar[c];
                Z2_bar += H_bar[c] * p->W2[h][c];
            }
            A1_bar[h] = Z2[h] > 0 ? Z2_bar : 0;
        }

        /* W1_bar = X' A1_bar */
        for (int j = 0; j < N; j++)
            for (int h = 0; h < D; h++)
                p_bar->W1[j][h] += X[j] * A1_bar[h];
    }
    return TWO_LAYER_OK;
}

int two_layer_jvp(const two_layer_params *p, const two_layer_gradients *p_dot, const two_layer_batch *b,
                  two_layer_workspace *w, real *L, real *L_dot)
{
    const int code = two_layer_loss(p, b, w, L);
    if (code != TWO_LAYER_OK)
        return code;
    *L_dot = 0;

    for (int i = 0; i < b->m; i++) {
        const real *X = b->X[i], *Z2 = w->Z2[i];
        real Z2_dot[D] = {0}, H_dot[K] = {0};

        for (int j = 0; j < N; j++)
            for (int h = 0; h < D; h++)
                Z2_dot[h] += X[j] * p_dot->W1[j][h];
        for (int h = 0; h < D; h++)
            for (int c = 0; c < K; c++)
                H_dot[c] += (Z2[h] > 0 ? Z2_dot[h] : 0) * p->W2[h][c] + Z2[h] * p_dot->W2[h][c];
        for (int c = 0; c < K; c++)
            *L_dot += (w->S[i][c] - (real)(c == b->y[i])) * H_dot[c] / (real)b->m;
    }
    return TWO_LAYER_OK;
}

int two_layer_predict(const two_layer_params *p, const two_layer_batch *b, two_layer_workspace *w, int32_t *labels)
{
    const int code = check(b);
    if (code != TWO_LAYER_OK)
        return code;
    for (int i = 0; i < b->m; i++) {
        hidden(p, b->X[i], w->Z2[i], w->S[i]);
        labels[i] = 0;
        for (int c = 1; c < K; c++)
            if (w->S[i][c] > w->S[i][labels[i]])
                labels[i] = c;
    }
    return TWO_LAYER_OK;
}

/* L and W_bar + weight_decay W, in the workspace; nothing else is written */
static int decayed(const two_layer_params *p, const two_layer_batch *b, two_layer_workspace *w, real weight_decay)
{
    const real *W = (const real *)p;
    real *W_bar = (real *)&w->p_bar;
    int code = two_layer_loss(p, b, w, &w->L);
    if (code == TWO_LAYER_OK && !isfinite(w->L))
        code = TWO_LAYER_NONFINITE;
    if (code == TWO_LAYER_OK)
        code = two_layer_vjp(p, b, w, 1, &w->p_bar);
    for (size_t e = 0; code == TWO_LAYER_OK && e < sizeof *p / sizeof *W; e++) {
        if (!isfinite(W_bar[e]))
            code = TWO_LAYER_NONFINITE;
        W_bar[e] += weight_decay * W[e];
    }
    return code;
}

int two_layer_sgd_step(two_layer_params *p, const two_layer_batch *b, two_layer_workspace *w, real lr,
                       real weight_decay, real *L)
{
    real *W = (real *)p;
    const real *W_bar = (const real *)&w->p_bar;
    const int code = decayed(p, b, w, weight_decay);
    if (code != TWO_LAYER_OK)
        return code;
    for (size_t e = 0; e < sizeof *p / sizeof *W; e++)
        W[e] -= lr * W_bar[e];
    *L = w->L;
    return TWO_LAYER_OK;
}

int two_layer_momentum_step(two_layer_params *p, two_layer_gradients *v, const two_layer_batch *b,
                            two_layer_workspace *w, real lr, real mu, real weight_decay, real *L)
{
    real *W = (real *)p, *V = (real *)v;
    const real *W_bar = (const real *)&w->p_bar;
    const int code = decayed(p, b, w, weight_decay);
    if (code != TWO_LAYER_OK)
        return code;
    for (size_t e = 0; e < sizeof *p / sizeof *W; e++) {
        V[e] = mu * V[e] - lr * W_bar[e];
        W[e] += V[e];
    }
    *L = w->L;
    return TWO_LAYER_OK;
}

int two_layer_averaged_step(two_layer_params *p, two_layer_gradients *u, const two_layer_batch *b,
                            two_layer_workspace *w, real lr, real mu, real weight_decay, real *L)
{
    real *W = (real *)p, *U = (real *)u;
    const real *W_bar = (const real *)&w->p_bar;
    const int code = decayed(p, b, w, weight_decay);
    if (code != TWO_LAYER_OK)
        return code;
    for (size_t e = 0; e < sizeof *p / sizeof *W; e++) {
        U[e] = mu * U[e] + (1 - mu) * W_bar[e];
        W[e] -= lr * U[e];
    }
    *L = w->L;
    return TWO_LAYER_OK;
}

size_t two_layer_params_bytes(void) { return sizeof(two_layer_params); }
size_t two_layer_gradients_bytes(void) { return sizeof(two_layer_gradients); }
size_t two_layer_workspace_bytes(void) { return sizeof(two_layer_workspace); }
size_t two_layer_real_bytes(void) { return sizeof(two_layer_real); }
int two_layer_max_batch(void) { return M; }
