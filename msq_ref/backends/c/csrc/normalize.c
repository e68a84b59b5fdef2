/* Weights to the unit interval, in both domains, and the exact derivative [S1]. */
#ifndef REAL
#include "sums.h"
#include <math.h>

static double sign(double w) { return (w > 0) - (w < 0); }

static double tanh_slope(double w)
{
    const double c = cosh(w); /* infinite far out, where the slope is 0 */
    return 1 / (c * c);
}

#define SOURCE "normalize.c"
#include "both.h"
#else

static REAL FN(largest)(size_t count, const REAL *values)
{
    REAL m = 0;
    for (size_t i = 0; i < count; i++)
        if (MATH(fabs)(values[i]) > m)
            m = MATH(fabs)(values[i]);
    return m;
}

void FN(msq_normalize)(size_t count, const REAL *w, REAL *u)
{
    for (size_t i = 0; i < count; i++)
        u[i] = MATH(tanh)(w[i]);
    const REAL m = FN(largest)(count, u);
    for (size_t i = 0; i < count; i++)
        u[i] = (m == 0 ? 0 : u[i] / (2 * m)) + (REAL)0.5;
}

void FN(msq_normalize_signed)(size_t count, const REAL *w, REAL *u)
{
    const REAL m = FN(largest)(count, w);
    for (size_t i = 0; i < count; i++)
        u[i] = m == 0 ? 0 : MATH(fabs)(w[i]) / m;
}

/* Return the least |w| among the largest |t|, t = tanh(w) if curved, else w. All w with at least
 * that attain the maximum: equal |t| as computed in this type tie, and equal |w|. */
static REAL FN(least_at_maximum)(size_t count, const REAL *w, int curved)
{
    REAL most = 0, least = 0;
    for (size_t i = 0; i < count; i++) {
        const REAL magnitude = MATH(fabs)(w[i]);
        const REAL t = curved ? MATH(tanh)(magnitude) : magnitude;
        if (t > most || (t == most && magnitude < least)) {
            most = t;
            least = magnitude;
        }
    }
    return least;
}

/* The derivative of t / max|t|:
 *     dL/dt = (g - s sum(g t / m) / ties) / m, s = sign(t) at the maximum and 0 elsewhere. */
static void FN(backward)(size_t count, const REAL *grad_y, const REAL *w, int max_gradient,
                         int curved, REAL *grad_w)
{
    const REAL least = FN(least_at_maximum)(count, w, curved);
    double m = FN(largest)(count, w);
    if (m == 0) {
        for (size_t i = 0; i < count; i++)
            grad_w[i] = 0;
        return;
    }
    if (curved)
        m = tanh(m);
    double share = 0;
    if (max_gradient) {
        size_t ties = 0;
        msq_sum sum;
        msq_sum_start(&sum);
        for (size_t i = 0; i < count; i++) {
            const double t = curved ? tanh(w[i]) : w[i];
            const double g = curved ? grad_y[i] : grad_y[i] * sign(w[i]);
            msq_sum_add(&sum, g * (t / m));
            ties += MATH(fabs)(w[i]) >= least;
        }
        share = msq_sum_result(&sum) / (double)ties;
    }
    for (size_t i = 0; i < count; i++) {
        const double g = curved ? grad_y[i] : grad_y[i] * sign(w[i]);
        const double pull = MATH(fabs)(w[i]) >= least ? sign(w[i]) * share : 0;
        grad_w[i] = (REAL)((g - pull) / m * (curved ? 0.5 * tanh_slope(w[i]) : 1));
    }
}

void FN(msq_normalize_backward)(size_t count, const REAL *grad_u, const REAL *w, int max_gradient,
                                REAL *grad_w)
{
    FN(backward)(count, grad_u, w, max_gradient, 1, grad_w);
}

void FN(msq_normalize_signed_backward)(size_t count, const REAL *grad_u, const REAL *w,
                                       int max_gradient, REAL *grad_w)
{
    FN(backward)(count, grad_u, w, max_gradient, 0, grad_w);
}

#endif
