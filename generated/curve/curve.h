/* curve: h(X) = tanh(X W1 + b1) W2 + b2
   Emitted by `python -m derive build curve`; change the definition, not this file. */
#ifndef CURVE_HEADER
#define CURVE_HEADER

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifdef CURVE_DOUBLE
typedef double curve_real;
#else
typedef float curve_real;
#endif

/* Sizes; each may be set at compile time, as -DCURVE_K=2. */
#ifndef CURVE_M
#define CURVE_M 128 /* the most examples of one call */
#endif
#ifndef CURVE_N
#define CURVE_N 1
#endif
#ifndef CURVE_D
#define CURVE_D 32
#endif
#ifndef CURVE_K
#define CURVE_K 1
#endif

enum {
    CURVE_OK = 0,
    CURVE_BATCH = 1,     /* m is not in 1..CURVE_M */
    CURVE_LABEL = 2,     /* a label is out of range */
    CURVE_NONFINITE = 3, /* loss or gradient is not finite; the parameters are as before */
    CURVE_FORMAT = 4     /* the bytes to load are no checkpoint of this network */
};

/* Parameters, one after the other, row-major. */
typedef struct {
    curve_real W1[CURVE_N][CURVE_D]; /* (n, d) */
    curve_real W2[CURVE_D][CURVE_K]; /* (d, k) */
    curve_real b1[CURVE_D]; /* (d) */
    curve_real b2[CURVE_K]; /* (k) */
} curve_params;

/* A cotangent or a tangent of each. */
typedef curve_params curve_gradients;

/* What one call works with: the residuals that loss keeps for vjp, and temporaries.
 * Nothing is allocated, and less than 1 KB of stack is used. forward, predict and jvp overwrite residuals. */
typedef struct {
    curve_real Z2[CURVE_M][CURVE_D]; /* (m, d) kept */
    curve_real R[CURVE_M][CURVE_K]; /* (m, k) kept */
    curve_real E[CURVE_M][CURVE_D]; /* (m, d) kept */
    curve_real A1[CURVE_D]; /* (d) of one example */
    curve_real H[CURVE_K]; /* (k) of one example */
    curve_real H_bar[CURVE_M][CURVE_K]; /* (m, k) */
    curve_real A1_bar[CURVE_M][CURVE_D]; /* (m, d) */
    curve_real Z2_dot[CURVE_D]; /* (d) of one example */
    curve_real H_dot[CURVE_K]; /* (k) of one example */
    curve_gradients p_bar;
} curve_workspace;

typedef struct {
    int m; /* examples, 1..CURVE_M */
    const curve_real (*X)[CURVE_N]; /* (m, n) */
    const curve_real (*Y)[CURVE_K]; /* (m, k) */
} curve_batch;

/* The same bits as NumPy's, for each seed. */
void curve_init(curve_params *p, uint64_t seed);
/* H (m, k); needs no b->Y. */
int curve_forward(const curve_params *p, const curve_batch *b, curve_workspace *w, curve_real *H);
/* The mean over the batch; on CURVE_BATCH nothing is written. */
int curve_loss(const curve_params *p, const curve_batch *b, curve_workspace *w, curve_real *L);
/* Pull L_bar back to the parameters, for the batch of the last loss. */
int curve_vjp(const curve_params *p, const curve_batch *b, curve_workspace *w, curve_real L_bar,
              curve_gradients *p_bar);
/* Push a change of the parameters forward. */
int curve_jvp(const curve_params *p, const curve_gradients *p_dot, const curve_batch *b, curve_workspace *w,
              curve_real *L, curve_real *L_dot);
/* H of each example. */
int curve_predict(const curve_params *p, const curve_batch *b, curve_workspace *w, curve_real *H);
/* W_new[i] = W[i] - lr (weight_decay W[i] + W_bar[i]) */
int curve_sgd_step(curve_params *p, const curve_batch *b, curve_workspace *w, curve_real lr,
                   curve_real weight_decay, curve_real *L);
/* v_new[i] = mu v[i] - lr (weight_decay W[i] + W_bar[i]); W_new[i] = W[i] + v_new[i] */
int curve_momentum_step(curve_params *p, curve_gradients *v, const curve_batch *b, curve_workspace *w,
                        curve_real lr, curve_real mu, curve_real weight_decay, curve_real *L);
/* u_new[i] = (1 - mu) (weight_decay W[i] + W_bar[i]) + mu u[i]; W_new[i] = W[i] - lr u_new[i] */
int curve_averaged_step(curve_params *p, curve_gradients *u, const curve_batch *b, curve_workspace *w,
                        curve_real lr, curve_real mu, curve_real weight_decay, curve_real *L);
/* c1 = 1 - beta1^t;
   c2 = 1 - beta2^t;
   m_new[i] = W_bar[i] (1 - beta1) + beta1 m[i];
   s_new[i] = W_bar[i]^2 (1 - beta2) + beta2 s[i];
   W_new[i] = W[i] (1 - lr weight_decay) - lr m_new[i]/(c1 (sqrt(s_new[i]/c2) + eps)) */
int curve_adamw_step(curve_params *p, curve_gradients *m, curve_gradients *s, const curve_batch *b,
                     curve_workspace *w, curve_real lr, curve_real beta1, curve_real beta2, curve_real eps,
                     curve_real t, curve_real weight_decay, curve_real *L);
/* Safetensors; returns the bytes needed, and writes nothing where size is less. */
size_t curve_save(const curve_params *p, void *buffer, size_t size);
/* Reads what save wrote, no other spelling of the header. */
int curve_load(curve_params *p, const void *buffer, size_t size);
/* What a caller in another language needs to allocate. */
size_t curve_params_bytes(void);
size_t curve_gradients_bytes(void);
size_t curve_workspace_bytes(void);
size_t curve_real_bytes(void);
int curve_max_batch(void);

#ifdef __cplusplus
}
#endif
#endif
