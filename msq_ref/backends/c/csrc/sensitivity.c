/* How much a layer's quantization may hurt [S5.5]. */
#ifndef REAL
#include "sums.h"
#define SOURCE "sensitivity.c"
#include "both.h"
#else

double FN(msq_sensitivity)(size_t count, double trace, const REAL *quantized, const REAL *weights)
{
    msq_sum sum;
    msq_sum_start(&sum);
    for (size_t i = 0; i < count; i++) {
        const double difference = (double)quantized[i] - (double)weights[i];
        msq_sum_add(&sum, difference * difference);
    }
    return trace * sqrt(msq_sum_result(&sum));
}

#endif
