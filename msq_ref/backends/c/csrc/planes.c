/* Bit planes of finished codes [S3.3], [S9.1]. */
#include "msq.h"

void msq_bit_planes(size_t count, const int32_t *codes, int bits, uint8_t *planes)
{
    for (int j = 0; j < bits; j++)
        for (size_t i = 0; i < count; i++)
            /* As unsigned, a code is its two's complement, and the shift is defined. */
            planes[(size_t)j * count + i] = (uint8_t)(((uint32_t)codes[i] >> j) & 1);
}

void msq_from_bit_planes(size_t count, const uint8_t *planes, int bits, int is_signed,
                         int32_t *codes)
{
    for (size_t i = 0; i < count; i++)
        codes[i] = 0;
    for (int j = 0; j < bits; j++) {
        const int32_t weight = is_signed && j == bits - 1 ? -(1 << j) : 1 << j;
        for (size_t i = 0; i < count; i++)
            codes[i] += weight * planes[(size_t)j * count + i];
    }
}
