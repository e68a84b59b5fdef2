/* The unit interval to codes and back to weights [S2], [S1.2], [S1.4]. */
#ifndef REAL
#define SOURCE "quantize.c"
#include "both.h"
#else

#include "round_clamp.h"

void FN(msq_roundclamp)(size_t count, const REAL *u, int bits, int32_t *codes)
{
    const REAL scale = (REAL)(1 << bits);
    for (size_t i = 0; i < count; i++)
        codes[i] = FN(round_clamp)(scale, u[i]);
}

void FN(msq_dorefa)(size_t count, const REAL *u, int bits, int32_t *codes)
{
    const REAL scale = (REAL)((1 << bits) - 1);
    for (size_t i = 0; i < count; i++)
        codes[i] = (int32_t)MATH(rint)(scale * u[i]);
}

void FN(msq_dequantize)(size_t count, const int32_t *codes, int bits, REAL *q)
{
    const REAL top = (REAL)((1 << bits) - 1);
    for (size_t i = 0; i < count; i++)
        q[i] = (REAL)codes[i] / top;
}

void FN(msq_effective)(size_t count, const REAL *q, REAL scale, REAL *weights)
{
    for (size_t i = 0; i < count; i++)
        weights[i] = scale * (2 * q[i] - 1);
}

void FN(msq_effective_signed)(size_t count, const REAL *q, const REAL *signs, REAL scale,
                              REAL *weights)
{
    for (size_t i = 0; i < count; i++)
        weights[i] = scale * signs[i] * q[i];
}

#endif
