/* The update of a training step [S12.1]. */
#ifndef REAL
#define SOURCE "sgd.c"
#include "both.h"
#else

void FN(msq_sgd_step)(size_t count, const REAL *w, const REAL *grad, const REAL *velocity, REAL lr,
                      REAL momentum, REAL weight_decay, REAL *next_w, REAL *next_v)
{
    for (size_t i = 0; i < count; i++) {
        /* No contraction to fused multiply-adds: see the compiler's flags in msq.h. */
        const REAL g = grad[i] + weight_decay * w[i];
        next_v[i] = momentum * velocity[i] + g;
        next_w[i] = w[i] - lr * next_v[i];
    }
}

#endif
