/* RoundClamp of one value, for the type REAL; no guard: read once per type. */

/* Return min(rint(scale u), scale - 1), scale a power of two: scale u is exact. */
static int32_t FN(round_clamp)(REAL scale, REAL u)
{
    const REAL code = MATH(rint)(scale * u);
    return (int32_t)(code < scale ? code : scale - 1);
}
