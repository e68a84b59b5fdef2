/* How fast layers lose bits, and one round of pruning [S5.6], [S6]; comparisons are exact. */
#include <math.h>

#include "exact.h"
#include "msq.h"

void msq_assign_k(size_t layers, const double *omegas, int32_t *ks)
{
    msq_exact sum = {{0}};
    for (size_t l = 0; l < layers; l++)
        msq_exact_add(&sum, 1, omegas[l]);
    for (size_t l = 0; l < layers; l++) {
        msq_exact above = sum; /* sum - layers omega */
        msq_exact_add(&above, -(int64_t)layers, omegas[l]);
        ks[l] = msq_exact_sign(&above) > 0 ? 2 : 1;
    }
}

void msq_stored_bits(size_t layers, const int64_t *sizes, const int32_t *bits, int64_t *total,
                     int64_t *stored)
{
    *total = *stored = 0;
    for (size_t l = 0; l < layers; l++) {
        *total += sizes[l];
        *stored += sizes[l] * bits[l];
    }
}

/* Whether 32 total / stored >= target. */
static int reached(int64_t total, int64_t stored, double target)
{
    if (isinf(target))
        return 0;
    msq_exact difference = {{0}};
    msq_exact_add(&difference, total, 32);
    msq_exact_add(&difference, -stored, target);
    return msq_exact_sign(&difference) >= 0;
}

void msq_prune_step(size_t layers, const int32_t *bits, const double *betas, const int32_t *ks,
                    const int64_t *sizes, const double *alphas, double target, int n_min,
                    int32_t *next)
{
    int64_t total, stored;
    msq_stored_bits(layers, sizes, bits, &total, &stored);
    for (size_t l = 0; l < layers; l++) {
        const int32_t fewer = bits[l] - ks[l];
        /* Once reached, the bits stay as they are, and so does the compression. */
        const int drop = !reached(total, stored, target) && betas[l] < alphas[l];
        next[l] = !drop ? bits[l] : fewer > n_min ? fewer : n_min;
        stored += sizes[l] * (next[l] - bits[l]);
    }
}
