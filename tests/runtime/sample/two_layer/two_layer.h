/* h(X) = relu(X W1) W2, softmax cross entropy, by hand to docs/interface.md. */
#ifndef TWO_LAYER_H
#define TWO_LAYER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifdef TWO_LAYER_DOUBLE
typedef double two_layer_real;
#else
typedef float two_layer_real;
#endif

#ifndef TWO_LAYER_M
#define TWO_LAYER_M 128
#endif
#ifndef TWO_LAYER_N
#define TWO_LAYER_N 784
#endif
#ifndef TWO_LAYER_D
#define TWO_LAYER_D 100
#endif
#ifndef TWO_LAYER_K
#define TWO_LAYER_K 10
#endif

enum { TWO_LAYER_OK = 0, TWO_LAYER_BATCH = 1, TWO_LAYER_LABEL = 2, TWO_LAYER_NONFINITE = 3, TWO_LAYER_FORMAT = 4 };

typedef struct {
    two_layer_real W1[TWO_LAYER_N][TWO_LAYER_D];
    two_layer_real W2[TWO_LAYER_D][TWO_LAYER_K];
} two_layer_params;

typedef two_layer_params two_layer_gradients;

typedef struct {
    two_layer_real Z2[TWO_LAYER_M][TWO_LAYER_D];
    two_layer_real S[TWO_LAYER_M][TWO_LAYER_K];
    two_layer_real L;
    two_layer_gradients p_bar;
} two_layer_workspace;

typedef struct {
    int m;
    const two_layer_real (*X)[TWO_LAYER_N];
    const int32_t *y;
} two_layer_batch;

void two_layer_init(two_layer_params *p, uint64_t seed);
int two_layer_forward(const two_layer_params *p, const two_layer_batch *b, two_layer_workspace *w, two_layer_real *H);
int two_layer_loss(const two_layer_params *p, const two_layer_batch *b, two_layer_workspace *w, two_layer_real *L);
int two_layer_vjp(const two_layer_params *p, const two_layer_batch *b, two_layer_workspace *w, two_layer_real L_bar,
                  two_layer_gradients *p_bar);
int two_layer_jvp(const two_layer_params *p, const two_layer_gradients *p_dot, const two_layer_batch *b,
                  two_layer_workspace *w, two_layer_real *L, two_layer_real *L_dot);
int two_layer_predict(const two_layer_params *p, const two_layer_batch *b, two_layer_workspace *w, int32_t *labels);
int two_layer_sgd_step(two_layer_params *p, const two_layer_batch *b, two_layer_workspace *w, two_layer_real lr,
                       two_layer_real weight_decay, two_layer_real *L);
int two_layer_momentum_step(two_layer_params *p, two_layer_gradients *v, const two_layer_batch *b,
                            two_layer_workspace *w, two_layer_real lr, two_layer_real mu,
                            two_layer_real weight_decay, two_layer_real *L);
int two_layer_averaged_step(two_layer_params *p, two_layer_gradients *u, const two_layer_batch *b,
                            two_layer_workspace *w, two_layer_real lr, two_layer_real mu,
                            two_layer_real weight_decay, two_layer_real *L);
size_t two_layer_params_bytes(void);
size_t two_layer_gradients_bytes(void);
size_t two_layer_workspace_bytes(void);
size_t two_layer_real_bytes(void);
int two_layer_max_batch(void);

#ifdef __cplusplus
}
#endif
#endif
