/* h(X) = (X o C) W, the squared error summed: as much of the interface as the tests call. */
#ifndef LINE_H
#define LINE_H

#include <stddef.h>
#include <stdint.h>

#ifdef LINE_DOUBLE
typedef double line_real;
#else
typedef float line_real;
#endif

enum { LINE_M = 16, LINE_N = 3, LINE_K = 2 };

typedef struct {
    line_real C[LINE_N];
    line_real W[LINE_N][LINE_K];
} line_params;

typedef struct {
    line_real W[LINE_N][LINE_K];
} line_gradients;

typedef struct {
    line_real H[LINE_M][LINE_K];
    line_gradients p_bar;
} line_workspace;

typedef struct {
    int m;
    const line_real (*X)[LINE_N];
    const line_real (*Y)[LINE_K];
} line_batch;

void line_init(line_params *p, uint64_t seed);
int line_forward(const line_params *p, const line_batch *b, line_workspace *w, line_real *H);
int line_predict(const line_params *p, const line_batch *b, line_workspace *w, line_real *H);
int line_loss(const line_params *p, const line_batch *b, line_workspace *w, line_real *L);
int line_vjp(const line_params *p, const line_batch *b, line_workspace *w, line_real L_bar, line_gradients *p_bar);
int line_sgd_step(line_params *p, const line_batch *b, line_workspace *w, line_real lr, line_real weight_decay,
                  line_real *L);
size_t line_params_bytes(void);
size_t line_gradients_bytes(void);
size_t line_workspace_bytes(void);
size_t line_real_bytes(void);
int line_max_batch(void);

#endif
