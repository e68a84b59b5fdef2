/* Integer weights and integer products [S9.1]-[S9.3]; all sums are int64. */
#include "msq.h"

void msq_integer_weights(size_t count, const int32_t *codes, int bits, int32_t *weights)
{
    for (size_t i = 0; i < count; i++)
        weights[i] = 2 * codes[i] - ((1 << bits) - 1);
}

void msq_integer_weights_signed(size_t count, const int32_t *codes, const int32_t *signs,
                                int32_t *weights)
{
    for (size_t i = 0; i < count; i++)
        weights[i] = signs[i] * codes[i];
}

/* Add factor times a line of weights to a line of outputs. */
static void add_line(size_t outputs, int64_t factor, const int32_t *weights, int64_t *y)
{
    if (factor != 0)
        for (size_t m = 0; m < outputs; m++)
            y[m] += factor * weights[m];
}

void msq_integer_linear(size_t lines, size_t length, size_t outputs, const int64_t *x,
                        const int32_t *weights, int64_t *y)
{
    for (size_t i = 0; i < lines * outputs; i++)
        y[i] = 0;
    for (size_t p = 0; p < lines; p++)
        for (size_t k = 0; k < length; k++)
            add_line(outputs, x[p * length + k], weights + k * outputs, y + p * outputs);
}

void msq_integer_conv2d(size_t batch, size_t height, size_t width, size_t groups, size_t inputs,
                        size_t outputs, size_t kernel_height, size_t kernel_width, size_t stride,
                        size_t padding, const int64_t *x, const int32_t *weights, int64_t *y)
{
    const size_t rows = (height + 2 * padding - kernel_height) / stride + 1;
    const size_t columns = (width + 2 * padding - kernel_width) / stride + 1;
    const size_t all_inputs = groups * inputs, all_outputs = groups * outputs;
    for (size_t i = 0; i < batch * rows * columns * all_outputs; i++)
        y[i] = 0;
    for (size_t at = 0; at < batch * rows * columns; at++) {
        const size_t b = at / (rows * columns), p = at / columns % rows, q = at % columns;
        for (size_t i = 0; i < kernel_height; i++) {
            /* Above and left of the image, the difference wraps to a huge row or column. */
            const size_t r = p * stride + i - padding;
            for (size_t j = 0; j < kernel_width; j++) {
                const size_t s = q * stride + j - padding;
                if (r >= height || s >= width)
                    continue;
                const int64_t *pixel = x + ((b * height + r) * width + s) * all_inputs;
                const int32_t *tap = weights + (i * kernel_width + j) * inputs * all_outputs;
                for (size_t c = 0; c < all_inputs; c++) {
                    const size_t first = c / inputs * outputs; /* of the outputs of c's group */
                    add_line(outputs, pixel[c], tap + c % inputs * all_outputs + first,
                             y + at * all_outputs + first);
                }
            }
        }
    }
}

void msq_bitserial_linear(size_t lines, size_t length, size_t outputs, int bits, int is_signed,
                          const int64_t *x, const uint8_t *planes, int64_t *y)
{
    for (size_t i = 0; i < lines * outputs; i++)
        y[i] = 0;
    for (int j = 0; j < bits; j++) {
        const int64_t weight = is_signed && j == bits - 1 ? -(1 << j) : 1 << j;
        const uint8_t *plane = planes + (size_t)j * length * outputs;
        for (size_t p = 0; p < lines; p++)
            for (size_t k = 0; k < length; k++) {
                const int64_t factor = weight * x[p * length + k];
                for (size_t m = 0; m < outputs; m++)
                    if (plane[k * outputs + m])
                        y[p * outputs + m] += factor;
            }
    }
}
