/* Sums of products of integers and doubles, without any rounding.
 *
 * A sum is a fixed-point number in two's complement, in units of 2^-1074, the smallest double; the
 * largest product, below 2^63 2^1024, has 2161 bits there, and the rest is room for 2^142 of them.
 */
#ifndef MSQ_EXACT_H
#define MSQ_EXACT_H

#include <stdint.h>

enum { MSQ_LIMBS = 72 };

typedef struct {
    uint32_t limbs[MSQ_LIMBS]; /* least significant first */
} msq_exact;

/* Add factor times value; value is finite and |factor| < 2^63. Start from all limbs 0. */
void msq_exact_add(msq_exact *sum, int64_t factor, double value);

/* Return -1, 0 or 1. */
int msq_exact_sign(const msq_exact *sum);

#endif
