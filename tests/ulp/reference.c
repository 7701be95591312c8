/* What is right, in double, and the largest errors of float32 in ulp: tests/ulp/functions.py and test_ulp.py again,
   fast enough for all 2^32 numbers. test_every.py holds the two together. */
#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SQRT_HALF 0.70710678118654752440
#define SHARE 128 /* of a rounding of x, one unit where a derivative crosses 0 */
#define LN_2 0.69314718055994530942
#define SQRT_TWO_PI 2.50662827463100050242
#define SLOPE 1.59576912160573071176 /* 2 sqrt(2/pi) */

typedef double reference(double);
typedef struct { double normal, faint, plain, normal_at, faint_at, plain_at; } worst;

static double decay(double x) { return exp(-fabs(x)); }

static double sigmoid(double x)
{
    double E = decay(x);
    return (x >= 0 ? 1 : E) / (1 + E);
}

static double sigmoid_slope(double x)
{
    double E = decay(x);
    return E / ((1 + E) * (1 + E));
}

static double tanh_slope(double x) { return 4 * sigmoid_slope(2 * x); }

static double softplus(double x) { return fmax(x, 0) + log1p(decay(x)); }

static double silu(double x) { return x * sigmoid(x); }

static double silu_slope(double x) { return sigmoid(x) * (1 + x * sigmoid(-x)); }

static double normal(double x) { return erfc(-x * SQRT_HALF) / 2; }

static double gelu(double x) { return x * normal(x); }

static double gelu_slope(double x) { return normal(x) + x * exp(-x * x / 2) / SQRT_TWO_PI; }

static double inner(double x) { return SLOPE * (x + 0.044715 * x * x * x); }

static double gelu_tanh(double x) { return x * sigmoid(inner(x)); }

static double gelu_tanh_slope(double x)
{
    double slope = SLOPE * (1 + 3 * 0.044715 * x * x);
    return sigmoid(inner(x)) * (1 + x * slope * sigmoid(-inner(x)));
}

/* f(x) in three parts: a polynomial to |x| < 2^-14, whose next term is below 2^-42 of it; f itself; and from
   |x| = 128 on the line that f has come within exp(-128) of, a thousandth of the least float32 above 0. */
typedef struct { reference *middle; double near_zero[4], far_left[2], far_right[2]; } parts;

static const struct { const char *name; parts value, gradient; int crosses; } functions[] = {
    {"sigmoid", {sigmoid, {0.5, 0.25, 0, -1 / 48.}, {0, 0}, {1, 0}}, {sigmoid_slope, {0.25, 0, -1 / 16.}, {0}, {0}}, 0},
    {"tanh", {tanh, {0, 1, 0, -1 / 3.}, {-1, 0}, {1, 0}}, {tanh_slope, {1, 0, -1}, {0}, {0}}, 0},
    {"softplus", {softplus, {LN_2, 0.5, 0.125}, {0}, {0, 1}}, {sigmoid, {0.5, 0.25, 0, -1 / 48.}, {0}, {1}}, 0},
    {"silu", {silu, {0, 0.5, 0.25}, {0}, {0, 1}}, {silu_slope, {0.5, 0.5, 0, -1 / 12.}, {0}, {1}}, 1},
    {"gelu_tanh", {gelu_tanh, {0, 0.5, SLOPE / 4}, {0}, {0, 1}}, {gelu_tanh_slope, {0.5, SLOPE / 2}, {0}, {1}}, 1},
    {"gelu_erf", {gelu, {0, 0.5, SLOPE / 4}, {0}, {0, 1}}, {gelu_slope, {0.5, SLOPE / 2}, {0}, {1}}, 1},
};

static double right_of(const parts *f, double x)
{
    const double *c = f->near_zero, *line = x < 0 ? f->far_left : f->far_right;
    if (fabs(x) < 0x1p-14)
        return c[0] + x * (c[1] + x * (c[2] + x * c[3]));
    return fabs(x) < 128 ? f->middle(x) : line[0] + line[1] * x;
}

/* The unit in the last place of a double rounded to float32. */
static double ulp(double right)
{
    float rounded = (float)fmin(fabs(right), (double)FLT_MAX);
    uint32_t bits;
    memcpy(&bits, &rounded, sizeof bits);
    int exponent = (int)(bits >> 23);
    bits = (uint32_t)(exponent > 1 ? exponent : 1) << 23;
    memcpy(&rounded, &bits, sizeof bits);
    return (double)rounded * 0x1p-23;
}

/* x f''(x), as test_ulp.py has it. */
static double change(reference *gradient, double x)
{
    double step = ldexp(1, -16);
    return (gradient(x * (1 + step)) - gradient(x * (1 - step))) / (2 * step);
}

static void count(double x, float result, double right, reference *crossing, worst *w)
{
    if (result == (float)right)
        return; /* half a unit at most, from which `worst` starts */
    double found = (double)result, off = fabs(found - right), own = isfinite(off) ? off / ulp(right) : HUGE_VAL;
    int faint = fabs(right) < (double)FLT_MIN * fmax(fabs(x), 1);
    double *most = faint ? &w->faint : &w->normal;
    if (own > w->plain) {
        w->plain = own;
        w->plain_at = x;
    }
    if (!(own > *most))
        return; /* a larger unit only makes it smaller */
    if (crossing && isfinite(own))
        own = off / fmax(ulp(right), ulp(change(crossing, x)) / SHARE);
    if (own > *most) {
        *most = own;
        *(faint ? &w->faint_at : &w->normal_at) = x;
    }
}

int known(const char *name)
{
    for (size_t k = 0; k < sizeof functions / sizeof *functions; k++)
        if (!strcmp(functions[k].name, name))
            return (int)k;
    return -1;
}

void right(int k, size_t n, const double *x, double *value, double *gradient)
{
    for (size_t i = 0; i < n; i++) {
        value[i] = right_of(&functions[k].value, x[i]);
        gradient[i] = right_of(&functions[k].gradient, x[i]);
    }
}

void worst_of(int k, size_t n, const float *x, const float *value, const float *gradient, worst w[2])
{
    const parts *f = &functions[k].value, *slope = &functions[k].gradient;
    reference *crossing = functions[k].crosses ? slope->middle : NULL;
    for (size_t i = 0; i < n; i++) {
        double at = (double)x[i];
        count(at, value[i], right_of(f, at), NULL, &w[0]);
        count(at, gradient[i], right_of(slope, at), crossing, &w[1]);
    }
}
