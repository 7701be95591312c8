/* tiny: h(X) = relu(X W1 + b1) W2 + b2
   Emitted by `python -m derive build tiny`; change the definition, not this file. */
#ifndef TINY_HEADER
#define TINY_HEADER

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifdef TINY_DOUBLE
typedef double tiny_real;
#else
typedef float tiny_real;
#endif

/* Sizes; each may be set at compile time, as -DTINY_K=6. */
#ifndef TINY_M
#define TINY_M 128 /* the most examples of one call */
#endif
#ifndef TINY_N
#define TINY_N 4
#endif
#ifndef TINY_D1
#define TINY_D1 16
#endif
#ifndef TINY_K
#define TINY_K 3
#endif

enum {
    TINY_OK = 0,
    TINY_BATCH = 1,     /* m is not in 1..TINY_M */
    TINY_LABEL = 2,     /* a label is out of range */
    TINY_NONFINITE = 3, /* loss or gradient is not finite; the parameters are as before */
    TINY_FORMAT = 4     /* the bytes to load are no checkpoint of this network */
};

/* Parameters, one after the other, row-major. */
typedef struct {
    tiny_real W1[TINY_N][TINY_D1]; /* (n, d1) */
    tiny_real b1[TINY_D1]; /* (d1) */
    tiny_real W2[TINY_D1][TINY_K]; /* (d1, k) */
    tiny_real b2[TINY_K]; /* (k) */
} tiny_params;

/* A cotangent or a tangent of each. */
typedef tiny_params tiny_gradients;

/* What one call works with: the residuals that loss keeps for vjp, and temporaries.
 * Nothing is allocated, and less than 1 KB of stack is used. forward, predict and jvp overwrite residuals. */
typedef struct {
    tiny_real Z2[TINY_M][TINY_D1]; /* (m, d1) kept */
    tiny_real S[TINY_M][TINY_K]; /* (m, k) kept */
    tiny_real A1[TINY_D1]; /* (d1) of one example */
    tiny_real H[TINY_M][TINY_K]; /* (m, k) */
    tiny_real E[TINY_K]; /* (k) of one example */
    tiny_real H_bar[TINY_M][TINY_K]; /* (m, k) */
    tiny_real A1_bar[TINY_M][TINY_D1]; /* (m, d1) */
    tiny_real Z2_dot[TINY_D1]; /* (d1) of one example */
    tiny_real H_dot[TINY_K]; /* (k) of one example */
    tiny_gradients p_bar;
} tiny_workspace;

typedef struct {
    int m; /* examples, 1..TINY_M */
    const tiny_real (*X)[TINY_N]; /* (m, n) */
    const int32_t *y; /* (m), each in 0..TINY_K - 1 */
} tiny_batch;

/* The same bits as NumPy's, for each seed. */
void tiny_init(tiny_params *p, uint64_t seed);
/* H (m, k); needs no b->y. */
int tiny_forward(const tiny_params *p, const tiny_batch *b, tiny_workspace *w, tiny_real *H);
/* The mean over the batch; on TINY_BATCH or TINY_LABEL nothing is written. */
int tiny_loss(const tiny_params *p, const tiny_batch *b, tiny_workspace *w, tiny_real *L);
/* Pull L_bar back to the parameters, for the batch of the last loss. */
int tiny_vjp(const tiny_params *p, const tiny_batch *b, tiny_workspace *w, tiny_real L_bar,
             tiny_gradients *p_bar);
/* Push a change of the parameters forward. */
int tiny_jvp(const tiny_params *p, const tiny_gradients *p_dot, const tiny_batch *b, tiny_workspace *w,
             tiny_real *L, tiny_real *L_dot);
/* The class of the largest H of each example, the first of equals. */
int tiny_predict(const tiny_params *p, const tiny_batch *b, tiny_workspace *w, int32_t *labels);
/* W_new[i] = W[i] - lr (weight_decay W[i] + W_bar[i]) */
int tiny_sgd_step(tiny_params *p, const tiny_batch *b, tiny_workspace *w, tiny_real lr, tiny_real weight_decay,
                  tiny_real *L);
/* v_new[i] = mu v[i] - lr (weight_decay W[i] + W_bar[i]); W_new[i] = W[i] + v_new[i] */
int tiny_momentum_step(tiny_params *p, tiny_gradients *v, const tiny_batch *b, tiny_workspace *w, tiny_real lr,
                       tiny_real mu, tiny_real weight_decay, tiny_real *L);
/* u_new[i] = (1 - mu) (weight_decay W[i] + W_bar[i]) + mu u[i]; W_new[i] = W[i] - lr u_new[i] */
int tiny_averaged_step(tiny_params *p, tiny_gradients *u, const tiny_batch *b, tiny_workspace *w, tiny_real lr,
                       tiny_real mu, tiny_real weight_decay, tiny_real *L);
/* c1 = 1 - beta1^t;
   c2 = 1 - beta2^t;
   m_new[i] = W_bar[i] (1 - beta1) + beta1 m[i];
   s_new[i] = W_bar[i]^2 (1 - beta2) + beta2 s[i];
   W_new[i] = W[i] (1 - lr weight_decay) - lr m_new[i]/(c1 (sqrt(s_new[i]/c2) + eps)) */
int tiny_adamw_step(tiny_params *p, tiny_gradients *m, tiny_gradients *s, const tiny_batch *b,
                    tiny_workspace *w, tiny_real lr, tiny_real beta1, tiny_real beta2, tiny_real eps,
                    tiny_real t, tiny_real weight_decay, tiny_real *L);
/* Safetensors; returns the bytes needed, and writes nothing where size is less. */
size_t tiny_save(const tiny_params *p, void *buffer, size_t size);
/* Reads what save wrote, no other spelling of the header. */
int tiny_load(tiny_params *p, const void *buffer, size_t size);
/* What a caller in another language needs to allocate. */
size_t tiny_params_bytes(void);
size_t tiny_gradients_bytes(void);
size_t tiny_workspace_bytes(void);
size_t tiny_real_bytes(void);
int tiny_max_batch(void);

#ifdef __cplusplus
}
#endif
#endif
