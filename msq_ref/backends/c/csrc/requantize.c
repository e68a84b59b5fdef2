/* From an accumulator back to a code [S9.4]. */
#include "msq.h"

/* C leaves the right shift of a negative number to the compiler; this is arithmetic everywhere. */
static int64_t shift_right(int64_t value, int64_t bits)
{
    return value < 0 ? ~(~value >> bits) : value >> bits;
}

void msq_requantize(size_t count, size_t channels, const int64_t *acc, const int64_t *multipliers,
                    const int64_t *shifts, const int64_t *zero_points, int32_t low, int32_t high,
                    int32_t *codes)
{
    for (size_t i = 0; i < count; i++) {
        const size_t c = i % channels;
        const int64_t half = (int64_t)1 << (shifts[c] - 1);
        const int64_t scaled = shift_right(acc[i] * multipliers[c] + half, shifts[c]);
        const int64_t code = scaled + zero_points[c];
        codes[i] = (int32_t)(code < low ? low : code > high ? high : code);
    }
}
