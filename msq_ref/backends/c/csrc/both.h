/* Read the file SOURCE twice, for float and for double: C99 has no templates.
 *
 * REAL is the type, FN(name) the name of a function for it, MATH(name) that of the C library.
 * No guard: each source includes this once.
 */
#include <float.h>
#include <math.h>

#include "msq.h"

#if FLT_EVAL_METHOD != 0
#error "MSQ needs float and double operations rounded in their own type (x86: -msse2 -mfpmath=sse)"
#endif
#ifdef __FAST_MATH__
#error "MSQ needs IEEE semantics: compile without -ffast-math"
#endif

#define REAL float
#define FN(name) name##_f32
#define MATH(name) name##f
#include SOURCE
#undef REAL
#undef FN
#undef MATH

#define REAL double
#define FN(name) name##_f64
#define MATH(name) name
#include SOURCE
#undef REAL
#undef FN
#undef MATH
