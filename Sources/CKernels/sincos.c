#include "CKernels.h"

// Taylor coefficients: on |r| <= pi/4 the first term left out is below 1e-17.
static double sine_near_zero(double r) {
    double s = r * r;
    double p = 1.0 / 355687428096000.0;
    p = p * s - 1.0 / 1307674368000.0;
    p = p * s + 1.0 / 6227020800.0;
    p = p * s - 1.0 / 39916800.0;
    p = p * s + 1.0 / 362880.0;
    p = p * s - 1.0 / 5040.0;
    p = p * s + 1.0 / 120.0;
    p = p * s - 1.0 / 6.0;
    return r + r * s * p;
}

static double cosine_near_zero(double r) {
    double s = r * r;
    double p = 1.0 / 20922789888000.0;
    p = p * s - 1.0 / 87178291200.0;
    p = p * s + 1.0 / 479001600.0;
    p = p * s - 1.0 / 3628800.0;
    p = p * s + 1.0 / 40320.0;
    p = p * s - 1.0 / 720.0;
    p = p * s + 1.0 / 24.0;
    p = p * s - 0.5;
    return 1.0 + s * p;
}

void moiety_sincos(double angle, double *sine, double *cosine) {
    // pi/2 in three parts; the first two have 25 bits each, so that their products with a quotient
    // below 2^28 are exact.
    const double high = 0x1.921fb5p+0;
    const double middle = 0x1.110b46p-26;
    const double low = 0x1.1a62633145c07p-54;
    const double rounder = 0x1.8p+52;
    double quotient = (angle * 0x1.45f306dc9c883p-1 + rounder) - rounder;
    double r = ((angle - quotient * high) - quotient * middle) - quotient * low;
    double s = sine_near_zero(r);
    double c = cosine_near_zero(r);
    int64_t quadrant = (int64_t)quotient & 3;
    double odd_sine = (quadrant & 1) ? c : s;
    double odd_cosine = (quadrant & 1) ? s : c;
    *sine = (quadrant & 2) ? -odd_sine : odd_sine;
    *cosine = (quadrant == 1 || quadrant == 2) ? -odd_cosine : odd_cosine;
}
