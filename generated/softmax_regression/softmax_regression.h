/* softmax_regression: h(X) = X Theta
   Emitted by `python -m derive build softmax_regression`; change the definition, not this file. */
#ifndef SOFTMAX_REGRESSION_HEADER
#define SOFTMAX_REGRESSION_HEADER

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifdef SOFTMAX_REGRESSION_DOUBLE
typedef double softmax_regression_real;
#else
typedef float softmax_regression_real;
#endif

/* Sizes; each may be set at compile time, as -DSOFTMAX_REGRESSION_K=20. */
#ifndef SOFTMAX_REGRESSION_M
#define SOFTMAX_REGRESSION_M 128 /* the most examples of one call */
#endif
#ifndef SOFTMAX_REGRESSION_N
#define SOFTMAX_REGRESSION_N 784
#endif
#ifndef SOFTMAX_REGRESSION_K
#define SOFTMAX_REGRESSION_K 10
#endif

enum {
    SOFTMAX_REGRESSION_OK = 0,
    SOFTMAX_REGRESSION_BATCH = 1,     /* m is not in 1..SOFTMAX_REGRESSION_M */
    SOFTMAX_REGRESSION_LABEL = 2,     /* a label is out of range */
    SOFTMAX_REGRESSION_NONFINITE = 3, /* loss or gradient is not finite; the parameters are as before */
    SOFTMAX_REGRESSION_FORMAT = 4     /* the bytes to load are no checkpoint of this network */
};

/* Parameters, one after the other, row-major. */
typedef struct {
    softmax_regression_real Theta[SOFTMAX_REGRESSION_N][SOFTMAX_REGRESSION_K]; /* (n, k) */
} softmax_regression_params;

/* A cotangent or a tangent of each. */
typedef softmax_regression_params softmax_regression_gradients;

/* What one call works with: the residuals that loss keeps for vjp, and temporaries.
 * Nothing is allocated, and less than 1 KB of stack is used. forward, predict and jvp overwrite residuals. */
typedef struct {
    softmax_regression_real S[SOFTMAX_REGRESSION_M][SOFTMAX_REGRESSION_K]; /* (m, k) kept */
    softmax_regression_real H[SOFTMAX_REGRESSION_M][SOFTMAX_REGRESSION_K]; /* (m, k) */
    softmax_regression_real E[SOFTMAX_REGRESSION_K]; /* (k) of one example */
    softmax_regression_real H_bar[SOFTMAX_REGRESSION_M][SOFTMAX_REGRESSION_K]; /* (m, k) */
    softmax_regression_real H_dot[SOFTMAX_REGRESSION_K]; /* (k) of one example */
    softmax_regression_gradients p_bar;
} softmax_regression_workspace;

typedef struct {
    int m; /* examples, 1..SOFTMAX_REGRESSION_M */
    const softmax_regression_real (*X)[SOFTMAX_REGRESSION_N]; /* (m, n) */
    const int32_t *y; /* (m), each in 0..SOFTMAX_REGRESSION_K - 1 */
} softmax_regression_batch;

/* The same bits as NumPy's, for each seed. */
void softmax_regression_init(softmax_regression_params *p, uint64_t seed);
/* H (m, k); needs no b->y. */
int softmax_regression_forward(const softmax_regression_params *p, const softmax_regression_batch *b,
                               softmax_regression_workspace *w, softmax_regression_real *H);
/* The mean over the batch; on SOFTMAX_REGRESSION_BATCH or SOFTMAX_REGRESSION_LABEL nothing is written. */
int softmax_regression_loss(const softmax_regression_params *p, const softmax_regression_batch *b,
                            softmax_regression_workspace *w, softmax_regression_real *L);
/* Pull L_bar back to the parameters, for the batch of the last loss. */
int softmax_regression_vjp(const softmax_regression_params *p, const softmax_regression_batch *b,
                           softmax_regression_workspace *w, softmax_regression_real L_bar,
                           softmax_regression_gradients *p_bar);
/* Push a change of the parameters forward. */
int softmax_regression_jvp(const softmax_regression_params *p, const softmax_regression_gradients *p_dot,
                           const softmax_regression_batch *b, softmax_regression_workspace *w,
                           softmax_regression_real *L, softmax_regression_real *L_dot);
/* The class of the largest H of each example, the first of equals. */
int softmax_regression_predict(const softmax_regression_params *p, const softmax_regression_batch *b,
                               softmax_regression_workspace *w, int32_t *labels);
/* W_new[i] = W[i] - lr (weight_decay W[i] + W_bar[i]) */
int softmax_regression_sgd_step(softmax_regression_params *p, const softmax_regression_batch *b,
                                softmax_regression_workspace *w, softmax_regression_real lr,
                                softmax_regression_real weight_decay, softmax_regression_real *L);
/* v_new[i] = mu v[i] - lr (weight_decay W[i] + W_bar[i]); W_new[i] = W[i] + v_new[i] */
int softmax_regression_momentum_step(softmax_regression_params *p, softmax_regression_gradients *v,
                                     const softmax_regression_batch *b, softmax_regression_workspace *w,
                                     softmax_regression_real lr, softmax_regression_real mu,
                                     softmax_regression_real weight_decay, softmax_regression_real *L);
/* u_new[i] = (1 - mu) (weight_decay W[i] + W_bar[i]) + mu u[i]; W_new[i] = W[i] - lr u_new[i] */
int softmax_regression_averaged_step(softmax_regression_params *p, softmax_regression_gradients *u,
                                     const softmax_regression_batch *b, softmax_regression_workspace *w,
                                     softmax_regression_real lr, softmax_regression_real mu,
                                     softmax_regression_real weight_decay, softmax_regression_real *L);
/* c1 = 1 - beta1^t;
   c2 = 1 - beta2^t;
   m_new[i] = W_bar[i] (1 - beta1) + beta1 m[i];
   s_new[i] = W_bar[i]^2 (1 - beta2) + beta2 s[i];
   W_new[i] = W[i] (1 - lr weight_decay) - lr m_new[i]/(c1 (sqrt(s_new[i]/c2) + eps)) */
int softmax_regression_adamw_step(softmax_regression_params *p, softmax_regression_gradients *m,
                                  softmax_regression_gradients *s, const softmax_regression_batch *b,
                                  softmax_regression_workspace *w, softmax_regression_real lr,
                                  softmax_regression_real beta1, softmax_regression_real beta2,
                                  softmax_regression_real eps, softmax_regression_real t,
                                  softmax_regression_real weight_decay, softmax_regression_real *L);
/* Safetensors; returns the bytes needed, and writes nothing where size is less. */
size_t softmax_regression_save(const softmax_regression_params *p, void *buffer, size_t size);
/* Reads what save wrote, no other spelling of the header. */
int softmax_regression_load(softmax_regression_params *p, const void *buffer, size_t size);
/* What a caller in another language needs to allocate. */
size_t softmax_regression_params_bytes(void);
size_t softmax_regression_gradients_bytes(void);
size_t softmax_regression_workspace_bytes(void);
size_t softmax_regression_real_bytes(void);
int softmax_regression_max_batch(void);

#ifdef __cplusplus
}
#endif
#endif
