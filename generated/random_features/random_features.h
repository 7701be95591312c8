/* random_features: h(X) = cos(X W) Theta
   Emitted by `python -m derive build random_features`; change the definition, not this file. */
#ifndef RANDOM_FEATURES_HEADER
#define RANDOM_FEATURES_HEADER

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifdef RANDOM_FEATURES_DOUBLE
typedef double random_features_real;
#else
typedef float random_features_real;
#endif

/* Sizes; each may be set at compile time, as -DRANDOM_FEATURES_K=20. */
#ifndef RANDOM_FEATURES_M
#define RANDOM_FEATURES_M 128 /* the most examples of one call */
#endif
#ifndef RANDOM_FEATURES_N
#define RANDOM_FEATURES_N 784
#endif
#ifndef RANDOM_FEATURES_D
#define RANDOM_FEATURES_D 1000
#endif
#ifndef RANDOM_FEATURES_K
#define RANDOM_FEATURES_K 10
#endif

enum {
    RANDOM_FEATURES_OK = 0,
    RANDOM_FEATURES_BATCH = 1,     /* m is not in 1..RANDOM_FEATURES_M */
    RANDOM_FEATURES_LABEL = 2,     /* a label is out of range */
    RANDOM_FEATURES_NONFINITE = 3, /* loss or gradient is not finite; the parameters are as before */
    RANDOM_FEATURES_FORMAT = 4     /* the bytes to load are no checkpoint of this network */
};

/* Parameters, one after the other, row-major. */
typedef struct {
    random_features_real W[RANDOM_FEATURES_N][RANDOM_FEATURES_D]; /* (n, d) */
    random_features_real Theta[RANDOM_FEATURES_D][RANDOM_FEATURES_K]; /* (d, k) */
} random_features_params;

/* A cotangent or a tangent of each trained parameter. */
typedef struct {
    random_features_real Theta[RANDOM_FEATURES_D][RANDOM_FEATURES_K]; /* (d, k) */
} random_features_gradients;

/* What one call works with: the residuals that loss keeps for vjp, and temporaries.
 * Nothing is allocated, and less than 1 KB of stack is used. forward, predict and jvp overwrite residuals. */
typedef struct {
    random_features_real Phi[RANDOM_FEATURES_M][RANDOM_FEATURES_D]; /* (m, d) kept */
    random_features_real S[RANDOM_FEATURES_M][RANDOM_FEATURES_K]; /* (m, k) kept */
    random_features_real A[RANDOM_FEATURES_D]; /* (d) of one example */
    random_features_real H[RANDOM_FEATURES_M][RANDOM_FEATURES_K]; /* (m, k) */
    random_features_real E[RANDOM_FEATURES_K]; /* (k) of one example */
    random_features_real H_bar[RANDOM_FEATURES_M][RANDOM_FEATURES_K]; /* (m, k) */
    random_features_real H_dot[RANDOM_FEATURES_K]; /* (k) of one example */
    random_features_gradients p_bar;
} random_features_workspace;

typedef struct {
    int m; /* examples, 1..RANDOM_FEATURES_M */
    const random_features_real (*X)[RANDOM_FEATURES_N]; /* (m, n) */
    const int32_t *y; /* (m), each in 0..RANDOM_FEATURES_K - 1 */
} random_features_batch;

/* The same bits as NumPy's, for each seed. */
void random_features_init(random_features_params *p, uint64_t seed);
/* H (m, k); needs no b->y. */
int random_features_forward(const random_features_params *p, const random_features_batch *b,
                            random_features_workspace *w, random_features_real *H);
/* The mean over the batch; on RANDOM_FEATURES_BATCH or RANDOM_FEATURES_LABEL nothing is written. */
int random_features_loss(const random_features_params *p, const random_features_batch *b,
                         random_features_workspace *w, random_features_real *L);
/* Pull L_bar back to the parameters, for the batch of the last loss. */
int random_features_vjp(const random_features_params *p, const random_features_batch *b,
                        random_features_workspace *w, random_features_real L_bar,
                        random_features_gradients *p_bar);
/* Push a change of the parameters forward. */
int random_features_jvp(const random_features_params *p, const random_features_gradients *p_dot,
                        const random_features_batch *b, random_features_workspace *w, random_features_real *L,
                        random_features_real *L_dot);
/* The class of the largest H of each example, the first of equals. */
int random_features_predict(const random_features_params *p, const random_features_batch *b,
                            random_features_workspace *w, int32_t *labels);
/* W_new[i] = W[i] - lr (weight_decay W[i] + W_bar[i]) */
int random_features_sgd_step(random_features_params *p, const random_features_batch *b,
                             random_features_workspace *w, random_features_real lr,
                             random_features_real weight_decay, random_features_real *L);
/* v_new[i] = mu v[i] - lr (weight_decay W[i] + W_bar[i]); W_new[i] = W[i] + v_new[i] */
int random_features_momentum_step(random_features_params *p, random_features_gradients *v,
                                  const random_features_batch *b, random_features_workspace *w,
                                  random_features_real lr, random_features_real mu,
                                  random_features_real weight_decay, random_features_real *L);
/* u_new[i] = (1 - mu) (weight_decay W[i] + W_bar[i]) + mu u[i]; W_new[i] = W[i] - lr u_new[i] */
int random_features_averaged_step(random_features_params *p, random_features_gradients *u,
                                  const random_features_batch *b, random_features_workspace *w,
                                  random_features_real lr, random_features_real mu,
                                  random_features_real weight_decay, random_features_real *L);
/* c1 = 1 - beta1^t;
   c2 = 1 - beta2^t;
   m_new[i] = W_bar[i] (1 - beta1) + beta1 m[i];
   s_new[i] = W_bar[i]^2 (1 - beta2) + beta2 s[i];
   W_new[i] = W[i] (1 - lr weight_decay) - lr m_new[i]/(c1 (sqrt(s_new[i]/c2) + eps)) */
int random_features_adamw_step(random_features_params *p, random_features_gradients *m,
                               random_features_gradients *s, const random_features_batch *b,
                               random_features_workspace *w, random_features_real lr,
                               random_features_real beta1, random_features_real beta2, random_features_real eps,
                               random_features_real t, random_features_real weight_decay,
                               random_features_real *L);
/* Safetensors; returns the bytes needed, and writes nothing where size is less. */
size_t random_features_save(const random_features_params *p, void *buffer, size_t size);
/* Reads what save wrote, no other spelling of the header. */
int random_features_load(random_features_params *p, const void *buffer, size_t size);
/* What a caller in another language needs to allocate. */
size_t random_features_params_bytes(void);
size_t random_features_gradients_bytes(void);
size_t random_features_workspace_bytes(void);
size_t random_features_real_bytes(void);
int random_features_max_batch(void);

#ifdef __cplusplus
}
#endif
#endif
