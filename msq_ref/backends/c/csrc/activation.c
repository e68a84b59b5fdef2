/* Activations to codes [S8.1]. */
#ifndef REAL
#define SOURCE "activation.c"
#include "both.h"
#else

void FN(msq_activation_codes)(size_t count, const REAL *x, REAL scale, int32_t low, int32_t high,
                              int32_t *codes)
{
    for (size_t i = 0; i < count; i++) {
        const REAL code = MATH(rint)(x[i] / scale); /* may be infinite: clamped first */
        codes[i] = code < low ? low : code > high ? high : (int32_t)code;
    }
}

#endif
