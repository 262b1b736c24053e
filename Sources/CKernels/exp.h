/// The house's exponential: one sequence of operations, whatever the table.
#ifndef MOIETY_EXP_H
#define MOIETY_EXP_H

#include "lanes.h"

/// e^x within 2 units in the last place; 0 below -104, infinite above 88.73, NaN for NaN.
INLINE lanes exp_lanes(lanes x) {
    // Adding 1.5 * 2^23 rounds to the nearest integer, ties to even, and leaves it in the low bits.
    const lanes rounder = 0x1.8p23f;
    x = x < -104.0f ? (lanes)-104.0f : x;
    x = x > 89.0f ? (lanes)89.0f : x;
    lanes shifted = fma_lanes(x, (lanes)0x1.715476p+0f, rounder);
    lanes n = shifted - rounder;
    // ln 2 in two parts; n has 8 bits and the first part 16, so the first step is exact.
    lanes r = fma_lanes(n, (lanes)-0x1.62e4p-1f, x);
    r = fma_lanes(n, (lanes)-0x1.7f7d1cp-20f, r);
    lanes p = 1.0f / 5040.0f;
    p = fma_lanes(p, r, (lanes)(1.0f / 720.0f));
    p = fma_lanes(p, r, (lanes)(1.0f / 120.0f));
    p = fma_lanes(p, r, (lanes)(1.0f / 24.0f));
    p = fma_lanes(p, r, (lanes)(1.0f / 6.0f));
    p = fma_lanes(p, r, (lanes)0.5f);
    p = fma_lanes(p, r, (lanes)1.0f);
    p = fma_lanes(p, r, (lanes)1.0f);
    // 2^n in two factors, so that results below the normal range are rounded only once.
    lanes_int exponent = bits_of(shifted) - bits_of(rounder);
    lanes_int half = exponent >> 1;
    lanes first = (lanes)((half + 127) << 23);
    lanes second = (lanes)((exponent - half + 127) << 23);
    return p * first * second;
}

INLINE lanes sigmoid_lanes(lanes x) {
    return 1.0f / (1.0f + exp_lanes(-x));
}

INLINE lanes silu_lanes(lanes x) {
    return x / (1.0f + exp_lanes(-x));
}

INLINE float exp_one(float x) {
    return exp_lanes((lanes)x)[0];
}

#endif
