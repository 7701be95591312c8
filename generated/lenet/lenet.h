/* lenet: h(X) = relu(relu(F W3 + b3) W4 + b4) W5 + b5, F = P2 by rows
   Emitted by `python -m derive build lenet`; change the definition, not this file. */
#ifndef LENET_HEADER
#define LENET_HEADER

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifdef LENET_DOUBLE
typedef double lenet_real;
#else
typedef float lenet_real;
#endif

/* Sizes; each may be set at compile time, as -DLENET_K=20. */
#ifndef LENET_M
#define LENET_M 128 /* the most examples of one call */
#endif
#ifndef LENET_C
#define LENET_C 1
#endif
#ifndef LENET_A
#define LENET_A 5
#endif
#ifndef LENET_B
#define LENET_B 5
#endif
#ifndef LENET_O1
#define LENET_O1 6
#endif
#ifndef LENET_O2
#define LENET_O2 16
#endif
#ifndef LENET_D1
#define LENET_D1 120
#endif
#ifndef LENET_D2
#define LENET_D2 84
#endif
#ifndef LENET_K
#define LENET_K 10
#endif

enum {
    LENET_OK = 0,
    LENET_BATCH = 1,     /* m is not in 1..LENET_M */
    LENET_LABEL = 2,     /* a label is out of range */
    LENET_NONFINITE = 3, /* loss or gradient is not finite; the parameters are as before */
    LENET_FORMAT = 4     /* the bytes to load are no checkpoint of this network */
};

/* Parameters, one after the other, row-major. */
typedef struct {
    lenet_real K1[LENET_O1][LENET_C][5][5]; /* (o1, c, 5, 5) */
    lenet_real b1[LENET_O1]; /* (o1) */
    lenet_real K2[LENET_O2][LENET_O1][5][5]; /* (o2, o1, 5, 5) */
    lenet_real b2[LENET_O2]; /* (o2) */
    lenet_real W3[LENET_A * LENET_B * LENET_O2][LENET_D1]; /* (a*b*o2, d1) */
    lenet_real b3[LENET_D1]; /* (d1) */
    lenet_real W4[LENET_D1][LENET_D2]; /* (d1, d2) */
    lenet_real b4[LENET_D2]; /* (d2) */
    lenet_real W5[LENET_D2][LENET_K]; /* (d2, k) */
    lenet_real b5[LENET_K]; /* (k) */
} lenet_params;

/* A cotangent or a tangent of each. */
typedef lenet_params lenet_gradients;

/* What one call works with: the residuals that loss keeps for vjp, and temporaries.
 * Nothing is allocated, and less than 1 KB of stack is used. forward, predict and jvp overwrite residuals. */
typedef struct {
    lenet_real Z1[LENET_M][LENET_O1][4 * LENET_A + 8][4 * LENET_B + 8]; /* (m, o1, h, w) kept */
    lenet_real P1[LENET_M][LENET_O1][2 * LENET_A + 4][2 * LENET_B + 4]; /* (m, o1, h, w) kept */
    lenet_real Z2[LENET_M][LENET_O2][2 * LENET_A][2 * LENET_B]; /* (m, o2, h, w) kept */
    lenet_real P2[LENET_M][LENET_O2][LENET_A][LENET_B]; /* (m, o2, a, b) kept */
    lenet_real F[LENET_M][LENET_A * LENET_B * LENET_O2]; /* (m, j) kept */
    lenet_real Z3[LENET_M][LENET_D1]; /* (m, d1) kept */
    lenet_real Z4[LENET_M][LENET_D2]; /* (m, d2) kept */
    lenet_real S[LENET_M][LENET_K]; /* (m, k) kept */
    lenet_real P2_ties[LENET_M][LENET_O2][LENET_A][LENET_B]; /* (m, o2, a, b) kept */
    lenet_real P1_ties[LENET_M][LENET_O1][2 * LENET_A + 4][2 * LENET_B + 4]; /* (m, o1, h, w) kept */
    lenet_real A1[LENET_O1][4 * LENET_A + 8][4 * LENET_B + 8]; /* (o1, h, w) of one example */
    lenet_real A2[LENET_O2][2 * LENET_A][2 * LENET_B]; /* (o2, h, w) of one example */
    lenet_real A3[LENET_D1]; /* (d1) of one example */
    lenet_real A4[LENET_D2]; /* (d2) of one example */
    lenet_real Z5[LENET_M][LENET_K]; /* (m, k) */
    lenet_real E[LENET_K]; /* (k) of one example */
    lenet_real Z5_bar[LENET_M][LENET_K]; /* (m, k) */
    lenet_real A4_bar[LENET_M][LENET_D2]; /* (m, d2) */
    lenet_real A3_bar[LENET_M][LENET_D1]; /* (m, d1) */
    lenet_real F_bar[LENET_A * LENET_B * LENET_O2]; /* (j) of one example */
    lenet_real A2_bar[LENET_M][LENET_O2][2 * LENET_A][2 * LENET_B]; /* (m, o2, h, w) */
    lenet_real P1_bar[LENET_O1][2 * LENET_A + 4][2 * LENET_B + 4]; /* (o1, h, w) of one example */
    lenet_real A1_bar[LENET_M][LENET_O1][4 * LENET_A + 8][4 * LENET_B + 8]; /* (m, o1, h, w) */
    lenet_real Z1_dot[LENET_O1][4 * LENET_A + 8][4 * LENET_B + 8]; /* (o1, h, w) of one example */
    lenet_real P1_dot[LENET_O1][2 * LENET_A + 4][2 * LENET_B + 4]; /* (o1, h, w) of one example */
    lenet_real Z2_dot[LENET_O2][2 * LENET_A][2 * LENET_B]; /* (o2, h, w) of one example */
    lenet_real P2_dot[LENET_O2][LENET_A][LENET_B]; /* (o2, a, b) of one example */
    lenet_real Z3_dot[LENET_D1]; /* (d1) of one example */
    lenet_real Z4_dot[LENET_D2]; /* (d2) of one example */
    lenet_real Z5_dot[LENET_K]; /* (k) of one example */
    lenet_real P1_dot_sum[LENET_O1][2 * LENET_A + 4][2 * LENET_B + 4]; /* (o1, 2*a + 4, 2*b + 4) of one example */
    lenet_real P1_dot_sum2[LENET_O1][2 * LENET_A + 4][2 * LENET_B + 4]; /* (o1, 2*a + 4, 2*b + 4) of one example */
    lenet_real P2_dot_sum[LENET_O2][LENET_A][LENET_B]; /* (o2, a, b) of one example */
    lenet_real P2_dot_sum2[LENET_O2][LENET_A][LENET_B]; /* (o2, a, b) of one example */
    lenet_gradients p_bar;
} lenet_workspace;

typedef struct {
    int m; /* examples, 1..LENET_M */
    const lenet_real (*X)[LENET_C][4 * LENET_A + 8][4 * LENET_B + 8]; /* (m, c, 4*a + 8, 4*b + 8) */
    const int32_t *y; /* (m), each in 0..LENET_K - 1 */
} lenet_batch;

/* The same bits as NumPy's, for each seed. */
void lenet_init(lenet_params *p, uint64_t seed);
/* Z5 (m, k); needs no b->y. */
int lenet_forward(const lenet_params *p, const lenet_batch *b, lenet_workspace *w, lenet_real *Z5);
/* The mean over the batch; on LENET_BATCH or LENET_LABEL nothing is written. */
int lenet_loss(const lenet_params *p, const lenet_batch *b, lenet_workspace *w, lenet_real *L);
/* Pull L_bar back to the parameters, for the batch of the last loss. */
int lenet_vjp(const lenet_params *p, const lenet_batch *b, lenet_workspace *w, lenet_real L_bar,
              lenet_gradients *p_bar);
/* Push a change of the parameters forward. */
int lenet_jvp(const lenet_params *p, const lenet_gradients *p_dot, const lenet_batch *b, lenet_workspace *w,
              lenet_real *L, lenet_real *L_dot);
/* The class of the largest Z5 of each example, the first of equals. */
int lenet_predict(const lenet_params *p, const lenet_batch *b, lenet_workspace *w, int32_t *labels);
/* W_new[i] = W[i] - lr (weight_decay W[i] + W_bar[i]) */
int lenet_sgd_step(lenet_params *p, const lenet_batch *b, lenet_workspace *w, lenet_real lr,
                   lenet_real weight_decay, lenet_real *L);
/* v_new[i] = mu v[i] - lr (weight_decay W[i] + W_bar[i]); W_new[i] = W[i] + v_new[i] */
int lenet_momentum_step(lenet_params *p, lenet_gradients *v, const lenet_batch *b, lenet_workspace *w,
                        lenet_real lr, lenet_real mu, lenet_real weight_decay, lenet_real *L);
/* u_new[i] = (1 - mu) (weight_decay W[i] + W_bar[i]) + mu u[i]; W_new[i] = W[i] - lr u_new[i] */
int lenet_averaged_step(lenet_params *p, lenet_gradients *u, const lenet_batch *b, lenet_workspace *w,
                        lenet_real lr, lenet_real mu, lenet_real weight_decay, lenet_real *L);
/* c1 = 1 - beta1^t;
   c2 = 1 - beta2^t;
   m_new[i] = W_bar[i] (1 - beta1) + beta1 m[i];
   s_new[i] = W_bar[i]^2 (1 - beta2) + beta2 s[i];
   W_new[i] = W[i] (1 - lr weight_decay) - lr m_new[i]/(c1 (sqrt(s_new[i]/c2) + eps)) */
int lenet_adamw_step(lenet_params *p, lenet_gradients *m, lenet_gradients *s, const lenet_batch *b,
                     lenet_workspace *w, lenet_real lr, lenet_real beta1, lenet_real beta2, lenet_real eps,
                     lenet_real t, lenet_real weight_decay, lenet_real *L);
/* Safetensors; returns the bytes needed, and writes nothing where size is less. */
size_t lenet_save(const lenet_params *p, void *buffer, size_t size);
/* Reads what save wrote, no other spelling of the header. */
int lenet_load(lenet_params *p, const void *buffer, size_t size);
/* What a caller in another language needs to allocate. */
size_t lenet_params_bytes(void);
size_t lenet_gradients_bytes(void);
size_t lenet_workspace_bytes(void);
size_t lenet_real_bytes(void);
int lenet_max_batch(void);

#ifdef __cplusplus
}
#endif
#endif
