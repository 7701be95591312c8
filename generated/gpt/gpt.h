/* gpt: H = layernorm(Z_L) E^T, Z_0 = E[x] + P, L blocks of causal attention and gelu
   Emitted by `python -m derive build gpt`; change the definition, not this file. */
#ifndef GPT_HEADER
#define GPT_HEADER

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifdef GPT_DOUBLE
typedef double gpt_real;
#else
typedef float gpt_real;
#endif

/* Sizes; each may be set at compile time, as -DGPT_V=512. */
#ifndef GPT_M
#define GPT_M 8 /* the most examples of one call */
#endif
#ifndef GPT_L
#define GPT_L 4
#endif
#ifndef GPT_D
#define GPT_D 128
#endif
#ifndef GPT_H
#define GPT_H 4
#endif
#ifndef GPT_E
#define GPT_E 32
#endif
#ifndef GPT_F
#define GPT_F 512
#endif
#ifndef GPT_T
#define GPT_T 64
#endif
#ifndef GPT_V
#define GPT_V 256
#endif

enum {
    GPT_OK = 0,
    GPT_BATCH = 1,     /* m is not in 1..GPT_M */
    GPT_LABEL = 2,     /* a label is out of range */
    GPT_NONFINITE = 3, /* loss or gradient is not finite; the parameters are as before */
    GPT_FORMAT = 4     /* the bytes to load are no checkpoint of this network */
};

/* Parameters, one after the other, row-major. */
typedef struct {
    gpt_real E[GPT_V][GPT_D]; /* (v, d) */
    gpt_real P[GPT_T][GPT_D]; /* (T, d) */
    gpt_real g1[GPT_L][GPT_D]; /* (L, d) */
    gpt_real s1[GPT_L][GPT_D]; /* (L, d) */
    gpt_real Wa[GPT_L][GPT_D][3][GPT_H][GPT_E]; /* (L, d, 3, h, e) */
    gpt_real ba[GPT_L][3][GPT_H][GPT_E]; /* (L, 3, h, e) */
    gpt_real Wo[GPT_L][GPT_H][GPT_E][GPT_D]; /* (L, h, e, d) */
    gpt_real bo[GPT_L][GPT_D]; /* (L, d) */
    gpt_real g2[GPT_L][GPT_D]; /* (L, d) */
    gpt_real s2[GPT_L][GPT_D]; /* (L, d) */
    gpt_real Wf[GPT_L][GPT_D][GPT_F]; /* (L, d, f) */
    gpt_real bf[GPT_L][GPT_F]; /* (L, f) */
    gpt_real Wp[GPT_L][GPT_F][GPT_D]; /* (L, f, d) */
    gpt_real bp[GPT_L][GPT_D]; /* (L, d) */
    gpt_real g[GPT_D]; /* (d) */
    gpt_real s[GPT_D]; /* (d) */
} gpt_params;

/* A cotangent or a tangent of each. */
typedef gpt_params gpt_gradients;

/* What one call works with: the residuals that loss keeps for vjp, and temporaries.
 * Nothing is allocated, and less than 1 KB of stack is used. forward, predict and jvp overwrite residuals. */
typedef struct {
    gpt_real r1[GPT_L][GPT_M][GPT_T]; /* (L, m, T) kept */
    gpt_real Xhat1[GPT_L][GPT_M][GPT_T][GPT_D]; /* (L, m, T, d) kept */
    gpt_real N1[GPT_L][GPT_M][GPT_T][GPT_D]; /* (L, m, T, d) kept */
    gpt_real A[GPT_L][3][GPT_M][GPT_H][GPT_T][GPT_E]; /* (L, c, m, h, T, e) kept */
    gpt_real P2[GPT_L][GPT_M][GPT_H][GPT_T][GPT_T]; /* (L, m, h, T, T) kept */
    gpt_real O[GPT_L][GPT_M][GPT_H][GPT_T][GPT_E]; /* (L, m, h, T, e) kept */
    gpt_real r2[GPT_L][GPT_M][GPT_T]; /* (L, m, T) kept */
    gpt_real Xhat2[GPT_L][GPT_M][GPT_T][GPT_D]; /* (L, m, T, d) kept */
    gpt_real N2[GPT_L][GPT_M][GPT_T][GPT_D]; /* (L, m, T, d) kept */
    gpt_real F[GPT_L][GPT_M][GPT_T][GPT_F]; /* (L, m, T, f) kept */
    gpt_real G[GPT_L][GPT_M][GPT_T][GPT_F]; /* (L, m, T, f) kept */
    gpt_real r[GPT_M][GPT_T]; /* (m, T) kept */
    gpt_real Xhat[GPT_M][GPT_T][GPT_D]; /* (m, T, d) kept */
    gpt_real N[GPT_M][GPT_T][GPT_D]; /* (m, T, d) kept */
    gpt_real S[GPT_M][GPT_T][GPT_V]; /* (m, T, v) kept */
    gpt_real E4[GPT_L][GPT_M][GPT_T][GPT_F]; /* (L, m, T, f) kept */
    gpt_real C3[GPT_L][GPT_M][GPT_T][GPT_F]; /* (L, m, T, f) kept */
    gpt_real X[GPT_M][GPT_T][GPT_D]; /* (m, T, d) */
    gpt_real Z[GPT_L + 1][GPT_M][GPT_T][GPT_D]; /* (L + 1, m, T, d) */
    gpt_real mu1[GPT_M][GPT_T]; /* (m, T) */
    gpt_real C1[GPT_M][GPT_T][GPT_D]; /* (m, T, d) */
    gpt_real v1[GPT_M][GPT_T]; /* (m, T) */
    gpt_real R[GPT_M][GPT_H][GPT_T][GPT_T]; /* (m, h, T, T) */
    gpt_real B[GPT_M][GPT_T][GPT_D]; /* (m, T, d) */
    gpt_real mu2[GPT_M][GPT_T]; /* (m, T) */
    gpt_real C2[GPT_M][GPT_T][GPT_D]; /* (m, T, d) */
    gpt_real v2[GPT_M][GPT_T]; /* (m, T) */
    gpt_real Y[GPT_T][GPT_D]; /* (T, d) of one example */
    gpt_real mu[GPT_T]; /* (T) of one example */
    gpt_real C[GPT_T][GPT_D]; /* (T, d) of one example */
    gpt_real var[GPT_T]; /* (T) of one example */
    gpt_real M[GPT_M][GPT_H][GPT_T]; /* (m, h, T) */
    gpt_real E2[GPT_M][GPT_H][GPT_T][GPT_T]; /* (m, h, T, T) */
    gpt_real T2[GPT_M][GPT_H][GPT_T]; /* (m, h, T) */
    gpt_real A2[GPT_M][GPT_T][GPT_F]; /* (m, T, f) */
    gpt_real H[GPT_M][GPT_T][GPT_V]; /* (m, T, v) */
    gpt_real M2[GPT_T]; /* (T) of one example */
    gpt_real E3[GPT_T][GPT_V]; /* (T, v) of one example */
    gpt_real T3[GPT_T]; /* (T) of one example */
    gpt_real H_bar[GPT_M][GPT_T][GPT_V]; /* (m, T, v) */
    gpt_real N_bar[GPT_T][GPT_D]; /* (T, d) of one example */
    gpt_real Xhat_bar[GPT_M][GPT_T][GPT_D]; /* (m, T, d) */
    gpt_real Z_bar[GPT_L + 1][GPT_M][GPT_T][GPT_D]; /* (L + 1, m, T, d) */
    gpt_real G_bar[GPT_M][GPT_T][GPT_F]; /* (m, T, f) */
    gpt_real F_bar[GPT_L][GPT_M][GPT_T][GPT_F]; /* (L, m, T, f) */
    gpt_real N2_bar[GPT_L][GPT_M][GPT_T][GPT_D]; /* (L, m, T, d) */
    gpt_real Xhat2_bar[GPT_M][GPT_T][GPT_D]; /* (m, T, d) */
    gpt_real B_bar[GPT_L][GPT_M][GPT_T][GPT_D]; /* (L, m, T, d) */
    gpt_real O_bar[GPT_M][GPT_H][GPT_T][GPT_E]; /* (m, h, T, e) */
    gpt_real P2_bar[GPT_M][GPT_H][GPT_T][GPT_T]; /* (m, h, T, T) */
    gpt_real R_bar[GPT_M][GPT_H][GPT_T][GPT_T]; /* (m, h, T, T) */
    gpt_real A_bar[GPT_L][3][GPT_M][GPT_H][GPT_T][GPT_E]; /* (L, c, m, h, T, e) */
    gpt_real N1_bar[GPT_L][GPT_M][GPT_T][GPT_D]; /* (L, m, T, d) */
    gpt_real Xhat1_bar[GPT_M][GPT_T][GPT_D]; /* (m, T, d) */
    gpt_real E_bar_1[GPT_V][GPT_D]; /* (v, d) */
    gpt_real Z_bar_sum[GPT_M][GPT_T]; /* (m, T) */
    gpt_real Z_bar_sum2[GPT_M][GPT_T]; /* (m, T) */
    gpt_real B_bar_sum[GPT_M][GPT_T]; /* (m, T) */
    gpt_real B_bar_sum2[GPT_M][GPT_T]; /* (m, T) */
    gpt_real R_bar_sum[GPT_M][GPT_H][GPT_T]; /* (m, h, T) */
    gpt_real Z_bar_sum3[GPT_M][GPT_T]; /* (m, T) */
    gpt_real Z_bar_sum4[GPT_M][GPT_T]; /* (m, T) */
    gpt_real Z_dot[GPT_L + 1][GPT_M][GPT_T][GPT_D]; /* (L + 1, m, T, d) */
    gpt_real C1_dot[GPT_M][GPT_T][GPT_D]; /* (m, T, d) */
    gpt_real N1_dot[GPT_M][GPT_T][GPT_D]; /* (m, T, d) */
    gpt_real A_dot[3][GPT_M][GPT_H][GPT_T][GPT_E]; /* (c, m, h, T, e) */
    gpt_real R_dot[GPT_M][GPT_H][GPT_T][GPT_T]; /* (m, h, T, T) */
    gpt_real O_dot[GPT_M][GPT_H][GPT_T][GPT_E]; /* (m, h, T, e) */
    gpt_real B_dot[GPT_M][GPT_T][GPT_D]; /* (m, T, d) */
    gpt_real C2_dot[GPT_M][GPT_T][GPT_D]; /* (m, T, d) */
    gpt_real N2_dot[GPT_M][GPT_T][GPT_D]; /* (m, T, d) */
    gpt_real F_dot[GPT_M][GPT_T][GPT_F]; /* (m, T, f) */
    gpt_real G_dot[GPT_M][GPT_T][GPT_F]; /* (m, T, f) */
    gpt_real N_dot[GPT_T][GPT_D]; /* (T, d) of one example */
    gpt_real H_dot[GPT_T][GPT_V]; /* (T, v) of one example */
    gpt_real C1_dot_sum[GPT_M][GPT_T]; /* (m, T) */
    gpt_real N1_dot_sum[GPT_M][GPT_T]; /* (m, T) */
    gpt_real O_dot_sum[GPT_M][GPT_H][GPT_T]; /* (m, h, T) */
    gpt_real C2_dot_sum[GPT_M][GPT_T]; /* (m, T) */
    gpt_real N2_dot_sum[GPT_M][GPT_T]; /* (m, T) */
    gpt_real N_dot_sum[GPT_T]; /* (T) of one example */
    gpt_real N_dot_sum2[GPT_T]; /* (T) of one example */
    gpt_gradients p_bar;
} gpt_workspace;

typedef struct {
    int m; /* examples, 1..GPT_M */
    const int32_t (*x)[GPT_T]; /* (m, T), each in 0..GPT_V - 1 */
    const int32_t (*y)[GPT_T]; /* (m, T), each in 0..GPT_V - 1 */
} gpt_batch;

/* The same bits as NumPy's, for each seed. */
void gpt_init(gpt_params *p, uint64_t seed);
/* H (m, T, v); needs no b->y. */
int gpt_forward(const gpt_params *p, const gpt_batch *b, gpt_workspace *w, gpt_real *H);
/* The mean over the batch; on GPT_BATCH or GPT_LABEL nothing is written. */
int gpt_loss(const gpt_params *p, const gpt_batch *b, gpt_workspace *w, gpt_real *J);
/* Pull J_bar back to the parameters, for the batch of the last loss. */
int gpt_vjp(const gpt_params *p, const gpt_batch *b, gpt_workspace *w, gpt_real J_bar, gpt_gradients *p_bar);
/* Push a change of the parameters forward. */
int gpt_jvp(const gpt_params *p, const gpt_gradients *p_dot, const gpt_batch *b, gpt_workspace *w, gpt_real *J,
            gpt_real *J_dot);
/* The class of the largest H of each example, the first of equals. */
int gpt_predict(const gpt_params *p, const gpt_batch *b, gpt_workspace *w, int32_t *labels);
/* W_new[i] = W[i] - lr (weight_decay W[i] + W_bar[i]) */
int gpt_sgd_step(gpt_params *p, const gpt_batch *b, gpt_workspace *w, gpt_real lr, gpt_real weight_decay,
                 gpt_real *J);
/* v_new[i] = mu v[i] - lr (weight_decay W[i] + W_bar[i]); W_new[i] = W[i] + v_new[i] */
int gpt_momentum_step(gpt_params *p, gpt_gradients *v, const gpt_batch *b, gpt_workspace *w, gpt_real lr,
                      gpt_real mu, gpt_real weight_decay, gpt_real *J);
/* u_new[i] = (1 - mu) (weight_decay W[i] + W_bar[i]) + mu u[i]; W_new[i] = W[i] - lr u_new[i] */
int gpt_averaged_step(gpt_params *p, gpt_gradients *u, const gpt_batch *b, gpt_workspace *w, gpt_real lr,
                      gpt_real mu, gpt_real weight_decay, gpt_real *J);
/* c1 = 1 - beta1^t;
   c2 = 1 - beta2^t;
   m_new[i] = W_bar[i] (1 - beta1) + beta1 m[i];
   s_new[i] = W_bar[i]^2 (1 - beta2) + beta2 s[i];
   W_new[i] = W[i] (1 - lr weight_decay) - lr m_new[i]/(c1 (sqrt(s_new[i]/c2) + eps)) */
int gpt_adamw_step(gpt_params *p, gpt_gradients *m, gpt_gradients *s, const gpt_batch *b, gpt_workspace *w,
                   gpt_real lr, gpt_real beta1, gpt_real beta2, gpt_real eps, gpt_real t, gpt_real weight_decay,
                   gpt_real *J);
/* Safetensors; returns the bytes needed, and writes nothing where size is less. */
size_t gpt_save(const gpt_params *p, void *buffer, size_t size);
/* Reads what save wrote, no other spelling of the header. */
int gpt_load(gpt_params *p, const void *buffer, size_t size);
/* What a caller in another language needs to allocate. */
size_t gpt_params_bytes(void);
size_t gpt_gradients_bytes(void);
size_t gpt_workspace_bytes(void);
size_t gpt_real_bytes(void);
int gpt_max_batch(void);

#ifdef __cplusplus
}
#endif
#endif
