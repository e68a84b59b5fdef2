/* The low bits of a weight and the force on them [S3], [S4]. */
#ifndef REAL
#define SOURCE "slicing.c"
#include "both.h"
#else

#include "round_clamp.h"

static int32_t FN(low_bits)(REAL u, int bits, int k)
{
    const int32_t fine = FN(round_clamp)((REAL)(1 << bits), u);
    const int32_t coarse = FN(round_clamp)((REAL)(1 << (bits - k)), u);
    return fine - (1 << k) * coarse;
}

void FN(msq_lsb)(size_t count, const REAL *u, int bits, int k, int32_t *low)
{
    for (size_t i = 0; i < count; i++)
        low[i] = FN(low_bits)(u[i], bits, k);
}

int64_t FN(msq_lsb_l1_codes)(size_t count, const REAL *u, int bits, int k)
{
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        const int32_t low = FN(low_bits)(u[i], bits, k);
        sum += low < 0 ? -low : low;
    }
    return sum;
}

double FN(msq_lsb_l1)(size_t count, const REAL *u, int bits, int k)
{
    return (double)FN(msq_lsb_l1_codes)(count, u, bits, k) / (1 << bits);
}

void FN(msq_lsb_l1_grad)(size_t count, const REAL *u, int bits, int k, REAL *grad)
{
    for (size_t i = 0; i < count; i++) {
        const int32_t low = FN(low_bits)(u[i], bits, k);
        grad[i] = (REAL)((low > 0) - (low < 0));
    }
}

double FN(msq_lsb_nonzero_rate)(size_t count, const REAL *u, int bits, int k)
{
    size_t nonzero = 0;
    for (size_t i = 0; i < count; i++)
        nonzero += FN(low_bits)(u[i], bits, k) != 0;
    return (double)nonzero / (double)count;
}

#endif
