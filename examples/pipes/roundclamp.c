/* Answers `msq gen OP` for roundclamp, lsb and requantize: the least a C program needs.
 *
 *   cc -std=c99 -O2 -o answer roundclamp.c -lm
 *   msq gen roundclamp | ./answer roundclamp | msq ver roundclamp
 *
 * Lines that start with # are copied, to each other line " = ANSWER" is appended.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* min(rint(2^n u), 2^n - 1): 2^n u is exact, rint rounds ties to even [S2.1]. */
static int32_t roundclamp(double u, int bits) {
    int32_t top = (INT32_C(1) << bits) - 1;
    double code = rint(ldexp(u, bits));
    return code < top ? (int32_t)code : top;
}

/* c_n - 2^k c_{n-k} [S3.1]. */
static int32_t lsb(double u, int bits, int k) {
    return roundclamp(u, bits) - (roundclamp(u, bits - k) << k);
}

/* ((acc m + 2^(s-1)) >> s) + z, clamped; the shift rounds down for negatives too [S9.4]. */
static int32_t requantize(int64_t acc, int64_t m, int s, int64_t z, int bits, int is_signed) {
    int64_t low = is_signed ? -(INT64_C(1) << (bits - 1)) : 0;
    int64_t high = is_signed ? (INT64_C(1) << (bits - 1)) - 1 : (INT64_C(1) << bits) - 1;
    int64_t sum = acc * m + (INT64_C(1) << (s - 1));
    int64_t code = (sum >= 0 ? sum >> s : ~(~sum >> s)) + z;
    return (int32_t)(code < low ? low : code > high ? high : code);
}

int main(int argc, char **argv) {
    char line[512], type[4], number[64];
    const char *op = argc == 2 ? argv[1] : "";
    int is_roundclamp = !strcmp(op, "roundclamp"), is_lsb = !strcmp(op, "lsb");
    if (!is_roundclamp && !is_lsb && strcmp(op, "requantize")) {
        fprintf(stderr, "usage: %s roundclamp|lsb|requantize\n", argv[0]);
        return 2;
    }
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        int32_t answer;
        if (line[0] == '#') {
            puts(line);
            continue;
        }
        if (is_roundclamp || is_lsb) {
            /* f32 or f64 does not matter: a float32 is a double, too. */
            int bits, k = 0;
            int fields = sscanf(line, "%3s %63s %d %d", type, number, &bits, &k);
            if (fields != (is_lsb ? 4 : 3)) return 1;
            double u = strtod(number, NULL);
            answer = is_lsb ? lsb(u, bits, k) : roundclamp(u, bits);
        } else {
            int64_t acc, m, z;
            int s, bits, is_signed;
            int fields = sscanf(line, "%" SCNd64 " %" SCNd64 " %d %" SCNd64 " %d %d", &acc, &m, &s,
                                &z, &bits, &is_signed);
            if (fields != 6) return 1;
            answer = requantize(acc, m, s, z, bits, is_signed);
        }
        printf("%s = %" PRId32 "\n", line, answer);
    }
    return 0;
}
