/* linear_features: h(X) = X W Theta
   Emitted by `python -m derive build linear_features`; change the definition, not this file. */
#ifndef LINEAR_FEATURES_HEADER
#define LINEAR_FEATURES_HEADER

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifdef LINEAR_FEATURES_DOUBLE
typedef double linear_features_real;
#else
typedef float linear_features_real;
#endif

/* Sizes; each may be set at compile time, as -DLINEAR_FEATURES_K=20. */
#ifndef LINEAR_FEATURES_M
#define LINEAR_FEATURES_M 128 /* the most examples of one call */
#endif
#ifndef LINEAR_FEATURES_N
#define LINEAR_FEATURES_N 784
#endif
#ifndef LINEAR_FEATURES_D
#define LINEAR_FEATURES_D 100
#endif
#ifndef LINEAR_FEATURES_K
#define LINEAR_FEATURES_K 10
#endif

enum {
    LINEAR_FEATURES_OK = 0,
    LINEAR_FEATURES_BATCH = 1,     /* m is not in 1..LINEAR_FEATURES_M */
    LINEAR_FEATURES_LABEL = 2,     /* a label is out of range */
    LINEAR_FEATURES_NONFINITE = 3, /* loss or gradient is not finite; the parameters are as before */
    LINEAR_FEATURES_FORMAT = 4     /* the bytes to load are no checkpoint of this network */
};

/* Parameters, one after the other, row-major. */
typedef struct {
    linear_features_real W[LINEAR_FEATURES_N][LINEAR_FEATURES_D]; /* (n, d) */
    linear_features_real Theta[LINEAR_FEATURES_D][LINEAR_FEATURES_K]; /* (d, k) */
} linear_features_params;

/* A cotangent or a tangent of each. */
typedef linear_features_params linear_features_gradients;

/* What one call works with: the residuals that loss keeps for vjp, and temporaries.
 * Nothing is allocated, and less than 1 KB of stack is used. forward, predict and jvp overwrite residuals. */
typedef struct {
    linear_features_real Phi[LINEAR_FEATURES_M][LINEAR_FEATURES_D]; /* (m, d) kept */
    linear_features_real S[LINEAR_FEATURES_M][LINEAR_FEATURES_K]; /* (m, k) kept */
    linear_features_real H[LINEAR_FEATURES_M][LINEAR_FEATURES_K]; /* (m, k) */
    linear_features_real E[LINEAR_FEATURES_K]; /* (k) of one example */
    linear_features_real H_bar[LINEAR_FEATURES_M][LINEAR_FEATURES_K]; /* (m, k) */
    linear_features_real Phi_bar[LINEAR_FEATURES_M][LINEAR_FEATURES_D]; /* (m, d) */
    linear_features_real Phi_dot[LINEAR_FEATURES_D]; /* (d) of one example */
    linear_features_real H_dot[LINEAR_FEATURES_K]; /* (k) of one example */
    linear_features_gradients p_bar;
} linear_features_workspace;

typedef struct {
    int m; /* examples, 1..LINEAR_FEATURES_M */
    const linear_features_real (*X)[LINEAR_FEATURES_N]; /* (m, n) */
    const int32_t *y; /* (m), each in 0..LINEAR_FEATURES_K - 1 */
} linear_features_batch;

/* The same bits as NumPy's, for each seed. */
void linear_features_init(linear_features_params *p, uint64_t seed);
/* H (m, k); needs no b->y. */
int linear_features_forward(const linear_features_params *p, const linear_features_batch *b,
                            linear_features_workspace *w, linear_features_real *H);
/* The mean over the batch; on LINEAR_FEATURES_BATCH or LINEAR_FEATURES_LABEL nothing is written. */
int linear_features_loss(const linear_features_params *p, const linear_features_batch *b,
                         linear_features_workspace *w, linear_features_real *L);
/* Pull L_bar back to the parameters, for the batch of the last loss. */
int linear_features_vjp(const linear_features_params *p, const linear_features_batch *b,
                        linear_features_workspace *w, linear_features_real L_bar,
                        linear_features_gradients *p_bar);
/* Push a change of the parameters forward. */
int linear_features_jvp(const linear_features_params *p, const linear_features_gradients *p_dot,
                        const linear_features_batch *b, linear_features_workspace *w, linear_features_real *L,
                        linear_features_real *L_dot);
/* The class of the largest H of each example, the first of equals. */
int linear_features_predict(const linear_features_params *p, const linear_features_batch *b,
                            linear_features_workspace *w, int32_t *labels);
/* W_new[i] = W[i] - lr (weight_decay W[i] + W_bar[i]) */
int linear_features_sgd_step(linear_features_params *p, const linear_features_batch *b,
                             linear_features_workspace *w, linear_features_real lr,
                             linear_features_real weight_decay, linear_features_real *L);
/* v_new[i] = mu v[i] - lr (weight_decay W[i] + W_bar[i]); W_new[i] = W[i] + v_new[i] */
int linear_features_momentum_step(linear_features_params *p, linear_features_gradients *v,
                                  const linear_features_batch *b, linear_features_workspace *w,
                                  linear_features_real lr, linear_features_real mu,
                                  linear_features_real weight_decay, linear_features_real *L);
/* u_new[i] = (1 - mu) (weight_decay W[i] + W_bar[i]) + mu u[i]; W_new[i] = W[i] - lr u_new[i] */
int linear_features_averaged_step(linear_features_params *p, linear_features_gradients *u,
                                  const linear_features_batch *b, linear_features_workspace *w,
                                  linear_features_real lr, linear_features_real mu,
                                  linear_features_real weight_decay, linear_features_real *L);
/* c1 = 1 - beta1^t;
   c2 = 1 - beta2^t;
   m_new[i] = W_bar[i] (1 - beta1) + beta1 m[i];
   s_new[i] = W_bar[i]^2 (1 - beta2) + beta2 s[i];
   W_new[i] = W[i] (1 - lr weight_decay) - lr m_new[i]/(c1 (sqrt(s_new[i]/c2) + eps)) */
int linear_features_adamw_step(linear_features_params *p, linear_features_gradients *m,
                               linear_features_gradients *s, const linear_features_batch *b,
                               linear_features_workspace *w, linear_features_real lr,
                               linear_features_real beta1, linear_features_real beta2, linear_features_real eps,
                               linear_features_real t, linear_features_real weight_decay,
                               linear_features_real *L);
/* Safetensors; returns the bytes needed, and writes nothing where size is less. */
size_t linear_features_save(const linear_features_params *p, void *buffer, size_t size);
/* Reads what save wrote, no other spelling of the header. */
int linear_features_load(linear_features_params *p, const void *buffer, size_t size);
/* What a caller in another language needs to allocate. */
size_t linear_features_params_bytes(void);
size_t linear_features_gradients_bytes(void);
size_t linear_features_workspace_bytes(void);
size_t linear_features_real_bytes(void);
int linear_features_max_batch(void);

#ifdef __cplusplus
}
#endif
#endif
