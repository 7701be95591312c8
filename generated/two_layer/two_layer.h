/* two_layer: h(X) = sigma(X W1) W2, sigma = relu
   Emitted by `python -m derive build two_layer`; change the definition, not this file. */
#ifndef TWO_LAYER_HEADER
#define TWO_LAYER_HEADER

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

/* Sizes; each may be set at compile time, as -DTWO_LAYER_K=20. */
#ifndef TWO_LAYER_M
#define TWO_LAYER_M 128 /* the most examples of one call */
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

enum {
    TWO_LAYER_OK = 0,
    TWO_LAYER_BATCH = 1,     /* m is not in 1..TWO_LAYER_M */
    TWO_LAYER_LABEL = 2,     /* a label is out of range */
    TWO_LAYER_NONFINITE = 3, /* loss or gradient is not finite; the parameters are as before */
    TWO_LAYER_FORMAT = 4     /* the bytes to load are no checkpoint of this network */
};

/* Parameters, one after the other, row-major. */
typedef struct {
    two_layer_real W1[TWO_LAYER_N][TWO_LAYER_D]; /* (n, d) */
    two_layer_real W2[TWO_LAYER_D][TWO_LAYER_K]; /* (d, k) */
} two_layer_params;

/* A cotangent or a tangent of each. */
typedef two_layer_params two_layer_gradients;

/* The bytes that two_layer_tuned.c uses of a workspace; the struct has room for either implementation unless
 * TWO_LAYER_TUNED is defined, as in two_layer_tuned.c. The last of them tell later calls which kernels the
 * processor runs; before the first call they may be anything (zeros keep a memory checker quiet). */
#ifdef TWO_LAYER_DOUBLE
#define TWO_LAYER_ARENA_BYTES 865480
#else
#define TWO_LAYER_ARENA_BYTES 466120
#endif

/* What one call works with: the residuals that loss keeps for vjp, and temporaries.
 * Nothing is allocated, and less than 1 KB of stack is used. forward, predict and jvp overwrite residuals. */
#ifdef TWO_LAYER_TUNED
typedef struct {
    two_layer_real arena[(TWO_LAYER_ARENA_BYTES + 64) / sizeof(two_layer_real)];
} two_layer_workspace;
#else
typedef struct {
    two_layer_real Z2[TWO_LAYER_M][TWO_LAYER_D]; /* (m, d) kept */
    two_layer_real S[TWO_LAYER_M][TWO_LAYER_K]; /* (m, k) kept */
    two_layer_real A1[TWO_LAYER_D]; /* (d) of one example */
    two_layer_real H[TWO_LAYER_M][TWO_LAYER_K]; /* (m, k) */
    two_layer_real E[TWO_LAYER_K]; /* (k) of one example */
    two_layer_real H_bar[TWO_LAYER_M][TWO_LAYER_K]; /* (m, k) */
    two_layer_real A1_bar[TWO_LAYER_M][TWO_LAYER_D]; /* (m, d) */
    two_layer_real Z2_dot[TWO_LAYER_D]; /* (d) of one example */
    two_layer_real H_dot[TWO_LAYER_K]; /* (k) of one example */
    two_layer_gradients p_bar;
    two_layer_real more[7486]; /* two_layer_tuned.c uses the whole struct as one arena, and needs this much more */
} two_layer_workspace;
#endif

typedef struct {
    int m; /* examples, 1..TWO_LAYER_M */
    const two_layer_real (*X)[TWO_LAYER_N]; /* (m, n) */
    const int32_t *y; /* (m), each in 0..TWO_LAYER_K - 1 */
} two_layer_batch;

/* The same bits as NumPy's, for each seed. */
void two_layer_init(two_layer_params *p, uint64_t seed);
/* H (m, k); needs no b->y. */
int two_layer_forward(const two_layer_params *p, const two_layer_batch *b, two_layer_workspace *w,
                      two_layer_real *H);
/* The mean over the batch; on TWO_LAYER_BATCH or TWO_LAYER_LABEL nothing is written. */
int two_layer_loss(const two_layer_params *p, const two_layer_batch *b, two_layer_workspace *w,
                   two_layer_real *L);
/* Pull L_bar back to the parameters, for the batch of the last loss. */
int two_layer_vjp(const two_layer_params *p, const two_layer_batch *b, two_layer_workspace *w,
                  two_layer_real L_bar, two_layer_gradients *p_bar);
/* Push a change of the parameters forward. */
int two_layer_jvp(const two_layer_params *p, const two_layer_gradients *p_dot, const two_layer_batch *b,
                  two_layer_workspace *w, two_layer_real *L, two_layer_real *L_dot);
/* The class of the largest H of each example, the first of equals. */
int two_layer_predict(const two_layer_params *p, const two_layer_batch *b, two_layer_workspace *w,
                      int32_t *labels);
/* W_new[i] = W[i] - lr (weight_decay W[i] + W_bar[i]) */
int two_layer_sgd_step(two_layer_params *p, const two_layer_batch *b, two_layer_workspace *w, two_layer_real lr,
                       two_layer_real weight_decay, two_layer_real *L);
/* v_new[i] = mu v[i] - lr (weight_decay W[i] + W_bar[i]); W_new[i] = W[i] + v_new[i] */
int two_layer_momentum_step(two_layer_params *p, two_layer_gradients *v, const two_layer_batch *b,
                            two_layer_workspace *w, two_layer_real lr, two_layer_real mu,
                            two_layer_real weight_decay, two_layer_real *L);
/* u_new[i] = (1 - mu) (weight_decay W[i] + W_bar[i]) + mu u[i]; W_new[i] = W[i] - lr u_new[i] */
int two_layer_averaged_step(two_layer_params *p, two_layer_gradients *u, const two_layer_batch *b,
                            two_layer_workspace *w, two_layer_real lr, two_layer_real mu,
                            two_layer_real weight_decay, two_layer_real *L);
/* c1 = 1 - beta1^t;
   c2 = 1 - beta2^t;
   m_new[i] = W_bar[i] (1 - beta1) + beta1 m[i];
   s_new[i] = W_bar[i]^2 (1 - beta2) + beta2 s[i];
   W_new[i] = W[i] (1 - lr weight_decay) - lr m_new[i]/(c1 (sqrt(s_new[i]/c2) + eps)) */
int two_layer_adamw_step(two_layer_params *p, two_layer_gradients *m, two_layer_gradients *s,
                         const two_layer_batch *b, two_layer_workspace *w, two_layer_real lr,
                         two_layer_real beta1, two_layer_real beta2, two_layer_real eps, two_layer_real t,
                         two_layer_real weight_decay, two_layer_real *L);
/* Safetensors; returns the bytes needed, and writes nothing where size is less. */
size_t two_layer_save(const two_layer_params *p, void *buffer, size_t size);
/* Reads what save wrote, no other spelling of the header. */
int two_layer_load(two_layer_params *p, const void *buffer, size_t size);
/* What a caller in another language needs to allocate. */
size_t two_layer_params_bytes(void);
size_t two_layer_gradients_bytes(void);
size_t two_layer_workspace_bytes(void);
size_t two_layer_real_bytes(void);
int two_layer_max_batch(void);

#ifdef __cplusplus
}
#endif
#endif
