/* feature_regression: h(X) = phi(X) Theta, phi(x) = (x, x^2)
   Emitted by `python -m derive build feature_regression`; change the definition, not this file. */
#ifndef FEATURE_REGRESSION_HEADER
#define FEATURE_REGRESSION_HEADER

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifdef FEATURE_REGRESSION_DOUBLE
typedef double feature_regression_real;
#else
typedef float feature_regression_real;
#endif

/* Sizes; each may be set at compile time, as -DFEATURE_REGRESSION_K=20. */
#ifndef FEATURE_REGRESSION_M
#define FEATURE_REGRESSION_M 128 /* the most examples of one call */
#endif
#ifndef FEATURE_REGRESSION_N
#define FEATURE_REGRESSION_N 784
#endif
#ifndef FEATURE_REGRESSION_K
#define FEATURE_REGRESSION_K 10
#endif

enum {
    FEATURE_REGRESSION_OK = 0,
    FEATURE_REGRESSION_BATCH = 1,     /* m is not in 1..FEATURE_REGRESSION_M */
    FEATURE_REGRESSION_LABEL = 2,     /* a label is out of range */
    FEATURE_REGRESSION_NONFINITE = 3, /* loss or gradient is not finite; the parameters are as before */
    FEATURE_REGRESSION_FORMAT = 4     /* the bytes to load are no checkpoint of this network */
};

/* Parameters, one after the other, row-major. */
typedef struct {
    feature_regression_real Theta[2 * FEATURE_REGRESSION_N][FEATURE_REGRESSION_K]; /* (2*n, k) */
} feature_regression_params;

/* A cotangent or a tangent of each. */
typedef feature_regression_params feature_regression_gradients;

/* What one call works with: the residuals that loss keeps for vjp, and temporaries.
 * Nothing is allocated, and less than 1 KB of stack is used. forward, predict and jvp overwrite residuals. */
typedef struct {
    feature_regression_real Phi[FEATURE_REGRESSION_M][2 * FEATURE_REGRESSION_N]; /* (m, j) kept */
    feature_regression_real S[FEATURE_REGRESSION_M][FEATURE_REGRESSION_K]; /* (m, k) kept */
    feature_regression_real X2[FEATURE_REGRESSION_N]; /* (n) of one example */
    feature_regression_real H[FEATURE_REGRESSION_M][FEATURE_REGRESSION_K]; /* (m, k) */
    feature_regression_real E[FEATURE_REGRESSION_K]; /* (k) of one example */
    feature_regression_real H_bar[FEATURE_REGRESSION_M][FEATURE_REGRESSION_K]; /* (m, k) */
    feature_regression_real H_dot[FEATURE_REGRESSION_K]; /* (k) of one example */
    feature_regression_gradients p_bar;
} feature_regression_workspace;

typedef struct {
    int m; /* examples, 1..FEATURE_REGRESSION_M */
    const feature_regression_real (*X)[FEATURE_REGRESSION_N]; /* (m, n) */
    const int32_t *y; /* (m), each in 0..FEATURE_REGRESSION_K - 1 */
} feature_regression_batch;

/* The same bits as NumPy's, for each seed. */
void feature_regression_init(feature_regression_params *p, uint64_t seed);
/* H (m, k); needs no b->y. */
int feature_regression_forward(const feature_regression_params *p, const feature_regression_batch *b,
                               feature_regression_workspace *w, feature_regression_real *H);
/* The mean over the batch; on FEATURE_REGRESSION_BATCH or FEATURE_REGRESSION_LABEL nothing is written. */
int feature_regression_loss(const feature_regression_params *p, const feature_regression_batch *b,
                            feature_regression_workspace *w, feature_regression_real *L);
/* Pull L_bar back to the parameters, for the batch of the last loss. */
int feature_regression_vjp(const feature_regression_params *p, const feature_regression_batch *b,
                           feature_regression_workspace *w, feature_regression_real L_bar,
                           feature_regression_gradients *p_bar);
/* Push a change of the parameters forward. */
int feature_regression_jvp(const feature_regression_params *p, const feature_regression_gradients *p_dot,
                           const feature_regression_batch *b, feature_regression_workspace *w,
                           feature_regression_real *L, feature_regression_real *L_dot);
/* The class of the largest H of each example, the first of equals. */
int feature_regression_predict(const feature_regression_params *p, const feature_regression_batch *b,
                               feature_regression_workspace *w, int32_t *labels);
/* W_new[i] = W[i] - lr (weight_decay W[i] + W_bar[i]) */
int feature_regression_sgd_step(feature_regression_params *p, const feature_regression_batch *b,
                                feature_regression_workspace *w, feature_regression_real lr,
                                feature_regression_real weight_decay, feature_regression_real *L);
/* v_new[i] = mu v[i] - lr (weight_decay W[i] + W_bar[i]); W_new[i] = W[i] + v_new[i] */
int feature_regression_momentum_step(feature_regression_params *p, feature_regression_gradients *v,
                                     const feature_regression_batch *b, feature_regression_workspace *w,
                                     feature_regression_real lr, feature_regression_real mu,
                                     feature_regression_real weight_decay, feature_regression_real *L);
/* u_new[i] = (1 - mu) (weight_decay W[i] + W_bar[i]) + mu u[i]; W_new[i] = W[i] - lr u_new[i] */
int feature_regression_averaged_step(feature_regression_params *p, feature_regression_gradients *u,
                                     const feature_regression_batch *b, feature_regression_workspace *w,
                                     feature_regression_real lr, feature_regression_real mu,
                                     feature_regression_real weight_decay, feature_regression_real *L);
/* c1 = 1 - beta1^t;
   c2 = 1 - beta2^t;
   m_new[i] = W_bar[i] (1 - beta1) + beta1 m[i];
   s_new[i] = W_bar[i]^2 (1 - beta2) + beta2 s[i];
   W_new[i] = W[i] (1 - lr weight_decay) - lr m_new[i]/(c1 (sqrt(s_new[i]/c2) + eps)) */
int feature_regression_adamw_step(feature_regression_params *p, feature_regression_gradients *m,
                                  feature_regression_gradients *s, const feature_regression_batch *b,
                                  feature_regression_workspace *w, feature_regression_real lr,
                                  feature_regression_real beta1, feature_regression_real beta2,
                                  feature_regression_real eps, feature_regression_real t,
                                  feature_regression_real weight_decay, feature_regression_real *L);
/* Safetensors; returns the bytes needed, and writes nothing where size is less. */
size_t feature_regression_save(const feature_regression_params *p, void *buffer, size_t size);
/* Reads what save wrote, no other spelling of the header. */
int feature_regression_load(feature_regression_params *p, const void *buffer, size_t size);
/* What a caller in another language needs to allocate. */
size_t feature_regression_params_bytes(void);
size_t feature_regression_gradients_bytes(void);
size_t feature_regression_workspace_bytes(void);
size_t feature_regression_real_bytes(void);
int feature_regression_max_batch(void);

#ifdef __cplusplus
}
#endif
#endif
