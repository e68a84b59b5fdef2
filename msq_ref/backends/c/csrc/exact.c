/* Sums of products of integers and doubles, without any rounding. */
#include "exact.h"

#include <math.h>

enum { WORDS = 5 }; /* 63 bits times 53 bits, shifted by up to 31 */

#define LOW(x) ((x) & UINT64_C(0xffffffff))

/* Put a b 2^shift into words, 0 <= shift < 32. */
static void product(uint64_t a, uint64_t b, int shift, uint32_t words[WORDS])
{
    const uint64_t low = LOW(a) * LOW(b), high = (a >> 32) * (b >> 32);
    const uint64_t cross = LOW(a) * (b >> 32), other = (a >> 32) * LOW(b);
    const uint64_t middle = (low >> 32) + LOW(cross) + LOW(other);
    const uint64_t top = high + (cross >> 32) + (other >> 32) + (middle >> 32);
    const uint64_t unshifted[WORDS] = {LOW(low), LOW(middle), LOW(top), top >> 32, 0};
    uint64_t carry = 0;
    for (int i = 0; i < WORDS; i++) {
        const uint64_t word = unshifted[i] << shift | carry;
        words[i] = (uint32_t)LOW(word);
        carry = word >> 32;
    }
}

void msq_exact_add(msq_exact *sum, int64_t factor, double value)
{
    int exponent;
    uint64_t mantissa = (uint64_t)ldexp(frexp(fabs(value), &exponent), 53);
    /* |value| = mantissa 2^(position - 1074); subnormal numbers end in zeros, which go. */
    int position = exponent - 53 + 1074;
    for (; position < 0; position++)
        mantissa >>= 1;
    const uint64_t magnitude = factor < 0 ? 0 - (uint64_t)factor : (uint64_t)factor;
    uint32_t words[WORDS];
    product(magnitude, mantissa, position % 32, words);

    /* Subtracting is adding the complement and 1. */
    const uint32_t flip = (factor < 0) != (value < 0) ? UINT32_MAX : 0;
    uint64_t carry = flip & 1;
    for (int i = position / 32, j = 0; i < MSQ_LIMBS; i++, j++) {
        const uint64_t limb = (uint64_t)sum->limbs[i] + ((j < WORDS ? words[j] : 0) ^ flip) + carry;
        sum->limbs[i] = (uint32_t)LOW(limb);
        carry = limb >> 32;
    }
}

int msq_exact_sign(const msq_exact *sum)
{
    if (sum->limbs[MSQ_LIMBS - 1] >> 31)
        return -1;
    for (int i = 0; i < MSQ_LIMBS; i++)
        if (sum->limbs[i])
            return 1;
    return 0;
}
