/* three_layer: h(X) = relu(relu(X W1) W2) W3
   Emitted by `python -m derive build three_layer`; change the definition, not this file. */
#ifndef THREE_LAYER_HEADER
#define THREE_LAYER_HEADER

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifdef THREE_LAYER_DOUBLE
typedef double three_layer_real;
#else
typedef float three_layer_real;
#endif

/* Sizes; each may be set at compile time, as -DTHREE_LAYER_K=20. */
#ifndef THREE_LAYER_M
#define THREE_LAYER_M 128 /* the most examples of one call */
#endif
#ifndef THREE_LAYER_N
#define THREE_LAYER_N 784
#endif
#ifndef THREE_LAYER_D1
#define THREE_LAYER_D1 256
#endif
#ifndef THREE_LAYER_D2
#define THREE_LAYER_D2 128
#endif
#ifndef THREE_LAYER_K
#define THREE_LAYER_K 10
#endif

enum {
    THREE_LAYER_OK = 0,
    THREE_LAYER_BATCH = 1,     /* m is not in 1..THREE_LAYER_M */
    THREE_LAYER_LABEL = 2,     /* a label is out of range */
    THREE_LAYER_NONFINITE = 3, /* loss or gradient is not finite; the parameters are as before */
    THREE_LAYER_FORMAT = 4     /* the bytes to load are no checkpoint of this network */
};

/* Parameters, one after the other, row-major. */
typedef struct {
    three_layer_real W1[THREE_LAYER_N][THREE_LAYER_D1]; /* (n, d1) */
    three_layer_real W2[THREE_LAYER_D1][THREE_LAYER_D2]; /* (d1, d2) */
    three_layer_real W3[THREE_LAYER_D2][THREE_LAYER_K]; /* (d2, k) */
} three_layer_params;

/* A cotangent or a tangent of each. */
typedef three_layer_params three_layer_gradients;

/* The bytes that three_layer_tuned.c uses of a workspace; the struct has room for either implementation unless
 * THREE_LAYER_TUNED is defined, as in three_layer_tuned.c. The last of them tell later calls which kernels the
 * processor runs; before the first call they may be anything (zeros keep a memory checker quiet). */
#ifdef THREE_LAYER_DOUBLE
#define THREE_LAYER_ARENA_BYTES 1097928
#else
#define THREE_LAYER_ARENA_BYTES 549064
#endif

/* What one call works with: the residuals that loss keeps for vjp, and temporaries.
 * Nothing is allocated, and less than 1 KB of stack is used. forward, predict and jvp overwrite residuals. */
#ifdef THREE_LAYER_TUNED
typedef struct {
    three_layer_real arena[(THREE_LAYER_ARENA_BYTES + 64) / sizeof(three_layer_real)];
} three_layer_workspace;
#else
typedef struct {
    three_layer_real Z2[THREE_LAYER_M][THREE_LAYER_D1]; /* (m, d1) kept */
    three_layer_real Z3[THREE_LAYER_M][THREE_LAYER_D2]; /* (m, d2) kept */
    three_layer_real S[THREE_LAYER_M][THREE_LAYER_K]; /* (m, k) kept */
    three_layer_real A1[THREE_LAYER_D1]; /* (d1) of one example */
    three_layer_real A2[THREE_LAYER_D2]; /* (d2) of one example */
    three_layer_real H[THREE_LAYER_M][THREE_LAYER_K]; /* (m, k) */
    three_layer_real E[THREE_LAYER_K]; /* (k) of one example */
    three_layer_real H_bar[THREE_LAYER_M][THREE_LAYER_K]; /* (m, k) */
    three_layer_real A2_bar[THREE_LAYER_M][THREE_LAYER_D2]; /* (m, d2) */
    three_layer_real A1_bar[THREE_LAYER_M][THREE_LAYER_D1]; /* (m, d1) */
    three_layer_real Z2_dot[THREE_LAYER_D1]; /* (d1) of one example */
    three_layer_real Z3_dot[THREE_LAYER_D2]; /* (d2) of one example */
    three_layer_real H_dot[THREE_LAYER_K]; /* (k) of one example */
    three_layer_gradients p_bar;
    three_layer_real more[1]; /* three_layer_tuned.c uses the whole struct as one arena, and needs this much more */
} three_layer_workspace;
#endif

typedef struct {
    int m; /* examples, 1..THREE_LAYER_M */
    const three_layer_real (*X)[THREE_LAYER_N]; /* (m, n) */
    const int32_t *y; /* (m), each in 0..THREE_LAYER_K - 1 */
} three_layer_batch;

/* The same bits as NumPy's, for each seed. */
void three_layer_init(three_layer_params *p, uint64_t seed);
/* H (m, k); needs no b->y. */
int three_layer_forward(const three_layer_params *p, const three_layer_batch *b, three_layer_workspace *w,
                        three_layer_real *H);
/* The mean over the batch; on THREE_LAYER_BATCH or THREE_LAYER_LABEL nothing is written. */
int three_layer_loss(const three_layer_params *p, const three_layer_batch *b, three_layer_workspace *w,
                     three_layer_real *L);
/* Pull L_bar back to the parameters, for the batch of the last loss. */
int three_layer_vjp(const three_layer_params *p, const three_layer_batch *b, three_layer_workspace *w,
                    three_layer_real L_bar, three_layer_gradients *p_bar);
/* Push a change of the parameters forward. */
int three_layer_jvp(const three_layer_params *p, const three_layer_gradients *p_dot, const three_layer_batch *b,
                    three_layer_workspace *w, three_layer_real *L, three_layer_real *L_dot);
/* The class of the largest H of each example, the first of equals. */
int three_layer_predict(const three_layer_params *p, const three_layer_batch *b, three_layer_workspace *w,
                        int32_t *labels);
/* W_new[i] = W[i] - lr (weight_decay W[i] + W_bar[i]) */
int three_layer_sgd_step(three_layer_params *p, const three_layer_batch *b, three_layer_workspace *w,
                         three_layer_real lr, three_layer_real weight_decay, three_layer_real *L);
/* v_new[i] = mu v[i] - lr (weight_decay W[i] + W_bar[i]); W_new[i] = W[i] + v_new[i] */
int three_layer_momentum_step(three_layer_params *p, three_layer_gradients *v, const three_layer_batch *b,
                              three_layer_workspace *w, three_layer_real lr, three_layer_real mu,
                              three_layer_real weight_decay, three_layer_real *L);
/* u_new[i] = (1 - mu) (weight_decay W[i] + W_bar[i]) + mu u[i]; W_new[i] = W[i] - lr u_new[i] */
int three_layer_averaged_step(three_layer_params *p, three_layer_gradients *u, const three_layer_batch *b,
                              three_layer_workspace *w, three_layer_real lr, three_layer_real mu,
                              three_layer_real weight_decay, three_layer_real *L);
/* c1 = 1 - beta1^t;
   c2 = 1 - beta2^t;
   m_new[i] = W_bar[i] (1 - beta1) + beta1 m[i];
   s_new[i] = W_bar[i]^2 (1 - beta2) + beta2 s[i];
   W_new[i] = W[i] (1 - lr weight_decay) - lr m_new[i]/(c1 (sqrt(s_new[i]/c2) + eps)) */
int three_layer_adamw_step(three_layer_params *p, three_layer_gradients *m, three_layer_gradients *s,
                           const three_layer_batch *b, three_layer_workspace *w, three_layer_real lr,
                           three_layer_real beta1, three_layer_real beta2, three_layer_real eps,
                           three_layer_real t, three_layer_real weight_decay, three_layer_real *L);
/* Safetensors; returns the bytes needed, and writes nothing where size is less. */
size_t three_layer_save(const three_layer_params *p, void *buffer, size_t size);
/* Reads what save wrote, no other spelling of the header. */
int three_layer_load(three_layer_params *p, const void *buffer, size_t size);
/* What a caller in another language needs to allocate. */
size_t three_layer_params_bytes(void);
size_t three_layer_gradients_bytes(void);
size_t three_layer_workspace_bytes(void);
size_t three_layer_real_bytes(void);
int three_layer_max_batch(void);

#ifdef __cplusplus
}
#endif
#endif
