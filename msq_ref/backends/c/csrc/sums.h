/* The one order in which reported sums are added [S0.5]: lanes, chunks, total. */
#ifndef MSQ_SUMS_H
#define MSQ_SUMS_H

#include <stddef.h>

enum { MSQ_LANES = 32, MSQ_CHUNK = 8192 };

typedef struct {
    double lanes[MSQ_LANES];
    double total;
    size_t count; /* elements in the chunk under way */
} msq_sum;

static inline void msq_sum_start(msq_sum *sum)
{
    for (int lane = 0; lane < MSQ_LANES; lane++)
        sum->lanes[lane] = 0;
    sum->total = 0;
    sum->count = 0;
}

static inline void msq_sum_end_chunk(msq_sum *sum)
{
    double chunk = 0;
    for (int lane = 0; lane < MSQ_LANES; lane++) {
        chunk += sum->lanes[lane];
        sum->lanes[lane] = 0;
    }
    sum->total += chunk;
    sum->count = 0;
}

static inline void msq_sum_add(msq_sum *sum, double value)
{
    sum->lanes[sum->count % MSQ_LANES] += value;
    if (++sum->count == MSQ_CHUNK)
        msq_sum_end_chunk(sum);
}

static inline double msq_sum_result(msq_sum *sum)
{
    if (sum->count)
        msq_sum_end_chunk(sum);
    return sum->total;
}

#endif
