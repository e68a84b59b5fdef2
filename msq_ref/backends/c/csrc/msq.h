/* The operations of MSQ in C99; docs/spec.md gives their meaning, a clause behind each name.
 *
 * Conventions. Arrays are C-contiguous, inputs and outputs do not overlap, `count` is the number of
 * elements. Functions write every element of their outputs, allocate nothing, keep no state and may
 * run in several threads at once. They do not check arguments: a value outside the stated domain
 * gives an unspecified result. `_f32` and `_f64` are the same operation in both types; every
 * floating-point operation is rounded in that type, unless stated otherwise.
 *
 * Compile all .c files with a C99 compiler and IEEE semantics, and link the mathematics library:
 *     cc -O2 -std=c99 -ffp-contract=off -c *.c        (never -ffast-math)
 */
#ifndef MSQ_H
#define MSQ_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* -- Weights to the unit interval -------------------------------------------------------------- */

/* [S1.1] u = tanh(w) / (2 max|tanh(w)|) + 1/2, 1/2 if all w are 0. Finite w, count > 0. */
void msq_normalize_f32(size_t count, const float *w, float *u);
void msq_normalize_f64(size_t count, const double *w, double *u);

/* [S1.4] u = |w| / max|w|, 0 if all w are 0. Finite w, count > 0. */
void msq_normalize_signed_f32(size_t count, const float *w, float *u);
void msq_normalize_signed_f64(size_t count, const double *w, double *u);

/* [S1.3] dL/dw of msq_normalize from dL/du, in double and rounded once. Ties share the maximum's
 * gradient; max_gradient = 0 holds the maximum constant. Finite values, count > 0. */
void msq_normalize_backward_f32(size_t count, const float *grad_u, const float *w,
                                int max_gradient, float *grad_w);
void msq_normalize_backward_f64(size_t count, const double *grad_u, const double *w,
                                int max_gradient, double *grad_w);

/* [S1.4] dL/dw of msq_normalize_signed from dL/du, the same way, the sign constant. */
void msq_normalize_signed_backward_f32(size_t count, const float *grad_u, const float *w,
                                       int max_gradient, float *grad_w);
void msq_normalize_signed_backward_f64(size_t count, const double *grad_u, const double *w,
                                       int max_gradient, double *grad_w);

/* -- Quantizers: u in [0, 1], 1 <= bits <= 16 -------------------------------------------------- */

/* [S2.1] codes = min(rint(2^bits u), 2^bits - 1). */
void msq_roundclamp_f32(size_t count, const float *u, int bits, int32_t *codes);
void msq_roundclamp_f64(size_t count, const double *u, int bits, int32_t *codes);

/* [S2.2] codes = rint((2^bits - 1) u). */
void msq_dorefa_f32(size_t count, const float *u, int bits, int32_t *codes);
void msq_dorefa_f64(size_t count, const double *u, int bits, int32_t *codes);

/* [S2.3] q = codes / (2^bits - 1), one division. 0 <= codes < 2^bits. */
void msq_dequantize_f32(size_t count, const int32_t *codes, int bits, float *q);
void msq_dequantize_f64(size_t count, const int32_t *codes, int bits, double *q);

/* [S1.2] weights = scale (2 q - 1). q in [0, 1], scale > 0. */
void msq_effective_f32(size_t count, const float *q, float scale, float *weights);
void msq_effective_f64(size_t count, const double *q, double scale, double *weights);

/* [S1.4] weights = scale sign q. q in [0, 1], signs -1, 0 or 1, scale > 0. */
void msq_effective_signed_f32(size_t count, const float *q, const float *signs, float scale,
                              float *weights);
void msq_effective_signed_f64(size_t count, const double *q, const double *signs, double scale,
                              double *weights);

/* -- Low bits: u in [0, 1], 2 <= bits <= 16, 1 <= k < bits ------------------------------------- */

/* [S3.1] low = c_bits(u) - 2^k c_(bits - k)(u), c_n the codes of msq_roundclamp. */
void msq_lsb_f32(size_t count, const float *u, int bits, int k, int32_t *low);
void msq_lsb_f64(size_t count, const double *u, int bits, int k, int32_t *low);

/* [S4.1] Return sum |low|. */
int64_t msq_lsb_l1_codes_f32(size_t count, const float *u, int bits, int k);
int64_t msq_lsb_l1_codes_f64(size_t count, const double *u, int bits, int k);

/* [S4.1] Return sum |low| / 2^bits. */
double msq_lsb_l1_f32(size_t count, const float *u, int bits, int k);
double msq_lsb_l1_f64(size_t count, const double *u, int bits, int k);

/* [S4.2] grad = sign(low). */
void msq_lsb_l1_grad_f32(size_t count, const float *u, int bits, int k, float *grad);
void msq_lsb_l1_grad_f64(size_t count, const double *u, int bits, int k, double *grad);

/* [S3.4] Return the number of low that are not 0, over count. count > 0. */
double msq_lsb_nonzero_rate_f32(size_t count, const float *u, int bits, int k);
double msq_lsb_nonzero_rate_f64(size_t count, const double *u, int bits, int k);

/* -- Bit planes: 1 <= bits <= 16; plane j is planes[j count] to planes[j count + count - 1] ---- */

/* [S3.3] Bit j of each code, 0 or 1. Codes fit `bits`, unsigned or two's complement. */
void msq_bit_planes(size_t count, const int32_t *codes, int bits, uint8_t *planes);

/* [S3.3] codes = sum_j 2^j plane j; with is_signed the last plane counts -2^(bits - 1). */
void msq_from_bit_planes(size_t count, const uint8_t *planes, int bits, int is_signed,
                         int32_t *codes);

/* -- Integer inference ------------------------------------------------------------------------- */

/* [S8.1] codes = rint(x / scale), clamped to [low, high]. Finite x, scale > 0. */
void msq_activation_codes_f32(size_t count, const float *x, float scale, int32_t low,
                              int32_t high, int32_t *codes);
void msq_activation_codes_f64(size_t count, const double *x, double scale, int32_t low,
                              int32_t high, int32_t *codes);

/* [S9.1] weights = 2 codes - (2^bits - 1), the offset domain. */
void msq_integer_weights(size_t count, const int32_t *codes, int bits, int32_t *weights);

/* [S9.1] weights = signs codes, the signed domain. */
void msq_integer_weights_signed(size_t count, const int32_t *codes, const int32_t *signs,
                                int32_t *weights);

/* [S9.1] y[p, m] = sum_k x[p, k] weights[k, m]. |y| < 2^63 [S9.2]. */
void msq_integer_linear(size_t lines, size_t length, size_t outputs, const int64_t *x,
                        const int32_t *weights, int64_t *y);

/* [S9.1] Cross-correlate x (batch, height, width, groups inputs) with
 * weights (kernel_height, kernel_width, inputs, groups outputs), zeros around x, into
 * y (batch, rows, columns, groups outputs). `inputs` and `outputs` are those of one group;
 * rows = (height + 2 padding - kernel_height) / stride + 1, columns likewise. |y| < 2^63 [S9.2]. */
void msq_integer_conv2d(size_t batch, size_t height, size_t width, size_t groups, size_t inputs,
                        size_t outputs, size_t kernel_height, size_t kernel_width, size_t stride,
                        size_t padding, const int64_t *x, const int32_t *weights, int64_t *y);

/* [S9.3] y[p, m] = sum_j 2^j sum_k x[p, k] planes[j, k, m]; with is_signed the last plane counts
 * negative. 1 <= bits <= 16, |y| < 2^63. */
void msq_bitserial_linear(size_t lines, size_t length, size_t outputs, int bits, int is_signed,
                          const int64_t *x, const uint8_t *planes, int64_t *y);

/* [S9.4] codes = ((acc m + 2^(s-1)) >> s) + z, clamped to [low, high]. Element i has the channel
 * i mod channels. |acc| < 2^31, 2^30 <= m < 2^31, 1 <= s <= 62, z in [low, high]. */
void msq_requantize(size_t count, size_t channels, const int64_t *acc, const int64_t *multipliers,
                    const int64_t *shifts, const int64_t *zero_points, int32_t low, int32_t high,
                    int32_t *codes);

/* -- Training and schedule --------------------------------------------------------------------- */

/* [S5.5] Return trace ||quantized - weights||_2, in double and in the order of [S0.5]. */
double msq_sensitivity_f32(size_t count, double trace, const float *quantized,
                           const float *weights);
double msq_sensitivity_f64(size_t count, double trace, const double *quantized,
                           const double *weights);

/* [S5.6] ks = 2 where layers omega < sum of all omegas, compared exactly, else 1. Finite omegas. */
void msq_assign_k(size_t layers, const double *omegas, int32_t *ks);

/* [S6.3] total = sum of sizes, stored = sum of sizes bits; compression is 32 total / stored.
 * sizes >= 0, 1 <= bits <= 16, total < 2^58. */
void msq_stored_bits(size_t layers, const int64_t *sizes, const int32_t *bits, int64_t *total,
                     int64_t *stored);

/* [S6.1] [S6.2] One round of pruning: next = max(bits - k, n_min) where beta < alpha, in order,
 * until the compression, compared exactly, is at least target. ks >= 0, target > 0 and possibly
 * infinite, sizes as in msq_stored_bits. */
void msq_prune_step(size_t layers, const int32_t *bits, const double *betas, const int32_t *ks,
                    const int64_t *sizes, const double *alphas, double target, int n_min,
                    int32_t *next);

/* [S12.1] g = grad + weight_decay w, next_v = momentum velocity + g, next_w = w - lr next_v. */
void msq_sgd_step_f32(size_t count, const float *w, const float *grad, const float *velocity,
                      float lr, float momentum, float weight_decay, float *next_w, float *next_v);
void msq_sgd_step_f64(size_t count, const double *w, const double *grad, const double *velocity,
                      double lr, double momentum, double weight_decay, double *next_w,
                      double *next_v);

#ifdef __cplusplus
}
#endif

#endif
