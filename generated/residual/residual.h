/* residual: h(X) = (relu(relu(Z U) U) + Z) W2 + X V, Z = relu(X W1)
   Emitted by `python -m derive build residual`; change the definition, not this file. */
#ifndef RESIDUAL_HEADER
#define RESIDUAL_HEADER

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifdef RESIDUAL_DOUBLE
typedef double residual_real;
#else
typedef float residual_real;
#endif

/* Sizes; each may be set at compile time, as -DRESIDUAL_K=20. */
#ifndef RESIDUAL_M
#define RESIDUAL_M 128 /* the most examples of one call */
#endif
#ifndef RESIDUAL_N
#define RESIDUAL_N 784
#endif
#ifndef RESIDUAL_D
#define RESIDUAL_D 64
#endif
#ifndef RESIDUAL_K
#define RESIDUAL_K 10
#endif

enum {
    RESIDUAL_OK = 0,
    RESIDUAL_BATCH = 1,     /* m is not in 1..RESIDUAL_M */
    RESIDUAL_LABEL = 2,     /* a label is out of range */
    RESIDUAL_NONFINITE = 3, /* loss or gradient is not finite; the parameters are as before */
    RESIDUAL_FORMAT = 4     /* the bytes to load are no checkpoint of this network */
};

/* Parameters, one after the other, row-major. */
typedef struct {
    residual_real W1[RESIDUAL_N][RESIDUAL_D]; /* (n, d) */
    residual_real U[RESIDUAL_D][RESIDUAL_D]; /* (d, d) */
    residual_real W2[RESIDUAL_D][RESIDUAL_K]; /* (d, k) */
    residual_real V[RESIDUAL_N][RESIDUAL_K]; /* (n, k) */
} residual_params;

/* A cotangent or a tangent of each. */
typedef residual_params residual_gradients;

/* What one call works with: the residuals that loss keeps for vjp, and temporaries.
 * Nothing is allocated, and less than 1 KB of stack is used. forward, predict and jvp overwrite residuals. */
typedef struct {
    residual_real Z2[RESIDUAL_M][RESIDUAL_D]; /* (m, d) kept */
    residual_real Z3[RESIDUAL_M][RESIDUAL_D]; /* (m, d) kept */
    residual_real A3[RESIDUAL_M][RESIDUAL_D]; /* (m, d) kept */
    residual_real Z4[RESIDUAL_M][RESIDUAL_D]; /* (m, d) kept */
    residual_real S[RESIDUAL_M][RESIDUAL_K]; /* (m, k) kept */
    residual_real A1[RESIDUAL_D]; /* (d) of one example */
    residual_real A2[RESIDUAL_D]; /* (d) of one example */
    residual_real H[RESIDUAL_M][RESIDUAL_K]; /* (m, k) */
    residual_real E[RESIDUAL_K]; /* (k) of one example */
    residual_real H_bar[RESIDUAL_M][RESIDUAL_K]; /* (m, k) */
    residual_real Z4_bar[RESIDUAL_D]; /* (d) of one example */
    residual_real A3_bar[RESIDUAL_M][RESIDUAL_D]; /* (m, d) */
    residual_real A2_bar[RESIDUAL_M][RESIDUAL_D]; /* (m, d) */
    residual_real A1_bar[RESIDUAL_M][RESIDUAL_D]; /* (m, d) */
    residual_real Z2_dot[RESIDUAL_D]; /* (d) of one example */
    residual_real Z3_dot[RESIDUAL_D]; /* (d) of one example */
    residual_real Z4_dot[RESIDUAL_D]; /* (d) of one example */
    residual_real H_dot[RESIDUAL_K]; /* (k) of one example */
    residual_gradients p_bar;
} residual_workspace;

typedef struct {
    int m; /* examples, 1..RESIDUAL_M */
    const residual_real (*X)[RESIDUAL_N]; /* (m, n) */
    const int32_t *y; /* (m), each in 0..RESIDUAL_K - 1 */
} residual_batch;

/* The same bits as NumPy's, for each seed. */
void residual_init(residual_params *p, uint64_t seed);
/* H (m, k); needs no b->y. */
int residual_forward(const residual_params *p, const residual_batch *b, residual_workspace *w, residual_real *H);
/* The mean over the batch; on RESIDUAL_BATCH or RESIDUAL_LABEL nothing is written. */
int residual_loss(const residual_params *p, const residual_batch *b, residual_workspace *w, residual_real *L);
/* Pull L_bar back to the parameters, for the batch of the last loss. */
int residual_vjp(const residual_params *p, const residual_batch *b, residual_workspace *w, residual_real L_bar,
                 residual_gradients *p_bar);
/* Push a change of the parameters forward. */
int residual_jvp(const residual_params *p, const residual_gradients *p_dot, const residual_batch *b,
                 residual_workspace *w, residual_real *L, residual_real *L_dot);
/* The class of the largest H of each example, the first of equals. */
int residual_predict(const residual_params *p, const residual_batch *b, residual_workspace *w, int32_t *labels);
/* W_new[i] = W[i] - lr (weight_decay W[i] + W_bar[i]) */
int residual_sgd_step(residual_params *p, const residual_batch *b, residual_workspace *w, residual_real lr,
                      residual_real weight_decay, residual_real *L);
/* v_new[i] = mu v[i] - lr (weight_decay W[i] + W_bar[i]); W_new[i] = W[i] + v_new[i] */
int residual_momentum_step(residual_params *p, residual_gradients *v, const residual_batch *b,
                           residual_workspace *w, residual_real lr, residual_real mu,
                           residual_real weight_decay, residual_real *L);
/* u_new[i] = (1 - mu) (weight_decay W[i] + W_bar[i]) + mu u[i]; W_new[i] = W[i] - lr u_new[i] */
int residual_averaged_step(residual_params *p, residual_gradients *u, const residual_batch *b,
                           residual_workspace *w, residual_real lr, residual_real mu,
                           residual_real weight_decay, residual_real *L);
/* c1 = 1 - beta1^t;
   c2 = 1 - beta2^t;
   m_new[i] = W_bar[i] (1 - beta1) + beta1 m[i];
   s_new[i] = W_bar[i]^2 (1 - beta2) + beta2 s[i];
   W_new[i] = W[i] (1 - lr weight_decay) - lr m_new[i]/(c1 (sqrt(s_new[i]/c2) + eps)) */
int residual_adamw_step(residual_params *p, residual_gradients *m, residual_gradients *s,
                        const residual_batch *b, residual_workspace *w, residual_real lr, residual_real beta1,
                        residual_real beta2, residual_real eps, residual_real t, residual_real weight_decay,
                        residual_real *L);
/* Safetensors; returns the bytes needed, and writes nothing where size is less. */
size_t residual_save(const residual_params *p, void *buffer, size_t size);
/* Reads what save wrote, no other spelling of the header. */
int residual_load(residual_params *p, const void *buffer, size_t size);
/* What a caller in another language needs to allocate. */
size_t residual_params_bytes(void);
size_t residual_gradients_bytes(void);
size_t residual_workspace_bytes(void);
size_t residual_real_bytes(void);
int residual_max_batch(void);

#ifdef __cplusplus
}
#endif
#endif
