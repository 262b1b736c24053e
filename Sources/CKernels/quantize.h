/// Rounding of activations to int8, and sums of what it made.
#ifndef MOIETY_QUANTIZE_H
#define MOIETY_QUANTIZE_H

#include "lanes.h"

/// Nearest integers of `x * inverse`, ties to even, within -127...127; 0 for NaN.
INLINE lanes_i8 round_lanes(lanes x, float inverse) {
    const lanes rounder = 0x1.8p23f;
    lanes v = x * inverse;
    v = v > 127.0f ? (lanes)127.0f : v;
    v = v < -127.0f ? (lanes)-127.0f : v;
    v = v == v ? v : (lanes)0.0f;
    lanes_int q = bits_of(v + rounder) - bits_of(rounder);
    return __builtin_convertvector(q, lanes_i8);
}

/// The largest |x| of 32 values, compared as integers so that NaN > infinity > numbers.
INLINE uint32_t largest_magnitude(lanes a, lanes b) {
    lanes_int x = bits_of(a) & 0x7fffffff;
    lanes_int y = bits_of(b) & 0x7fffffff;
    return (uint32_t)__builtin_reduce_max(x > y ? x : y);
}

static void quantize(int8_t *quants, float *scales, const float *x, size_t count) {
    for (size_t i = 0; i < count; i += 32) {
        lanes a = load(x + i);
        lanes b = load(x + i + LANES);
        uint32_t bits = largest_magnitude(a, b);
        float largest = float_from_bits(bits);
        int finite = bits < 0x7f800000;
        // A block with an infinity or NaN poisons its outputs visibly: scale NaN, quants 0.
        float inverse = bits == 0 || !finite ? 0.0f : 127.0f / largest;
        lanes_i8 first = round_lanes(finite ? a : (lanes)0.0f, inverse);
        lanes_i8 second = round_lanes(finite ? b : (lanes)0.0f, inverse);
        __builtin_memcpy(quants + i, &first, sizeof first);
        __builtin_memcpy(quants + i + LANES, &second, sizeof second);
        scales[i / 32] = finite ? largest / 127.0f : float_from_bits(0x7fc00000);
    }
}

static void sums(int32_t *sums, int32_t *half_sums, const int8_t *quants, size_t count) {
    for (size_t i = 0; i < count; i += 16) {
        lanes_i8 q;
        __builtin_memcpy(&q, quants + i, sizeof q);
        half_sums[i / 16] = __builtin_reduce_add(__builtin_convertvector(q, lanes_int));
    }
    for (size_t i = 0; i < count / 32; i++)
        sums[i] = half_sums[2 * i] + half_sums[2 * i + 1];
}

#endif
