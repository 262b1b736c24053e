/// Sixteen virtual lanes of f32, the same in every table; the compiler maps them to registers.
///
/// A table's file defines MOIETY_ISA before it includes this and every header built on it, inside
/// its target attribute. All functions are static, so each table has its own copies.
#ifndef MOIETY_LANES_H
#define MOIETY_LANES_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define ISA_SCALAR 0
#define ISA_AVX2 1
#define ISA_AVX512 2

// Lanes wider than the table's registers never cross a real call: everything here is inlined.
#pragma clang diagnostic ignored "-Wpsabi"

#define INLINE static inline __attribute__((always_inline, unused))

enum { LANES = 16 };

typedef float lanes __attribute__((ext_vector_type(16)));
typedef float lanes8 __attribute__((ext_vector_type(8)));
typedef float lanes4 __attribute__((ext_vector_type(4)));
typedef int32_t lanes_int __attribute__((ext_vector_type(16)));
typedef uint16_t lanes_u16 __attribute__((ext_vector_type(16)));
typedef int8_t lanes_i8 __attribute__((ext_vector_type(16)));
typedef uint8_t bytes16 __attribute__((ext_vector_type(16)));
typedef uint8_t bytes32 __attribute__((ext_vector_type(32)));

INLINE lanes load(const float *x) {
    lanes v;
    __builtin_memcpy(&v, x, sizeof v);
    return v;
}

INLINE void store(float *x, lanes v) {
    __builtin_memcpy(x, &v, sizeof v);
}

/// The first `count` < 16 values, then zeros.
INLINE lanes load_part(const float *x, size_t count) {
    float part[LANES] = {0};
    for (size_t i = 0; i < count; i++)
        part[i] = x[i];
    return load(part);
}

INLINE void store_part(float *x, lanes v, size_t count) {
    float part[LANES];
    store(part, v);
    for (size_t i = 0; i < count; i++)
        x[i] = part[i];
}

INLINE bytes16 load_bytes16(const uint8_t *p) {
    bytes16 v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}

INLINE bytes32 load_bytes32(const uint8_t *p) {
    bytes32 v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}

/// `table[i]` for each of 16 indices below 16.
INLINE bytes16 look_up(const int8_t *table, bytes16 index) {
#if MOIETY_ISA == ISA_SCALAR
    bytes16 v;
    for (int i = 0; i < 16; i++)
        v[i] = (uint8_t)table[index[i]];
    return v;
#else
    __m128i values = _mm_loadu_si128((const __m128i *)table);
    return (bytes16)_mm_shuffle_epi8(values, (__m128i)index);
#endif
}

INLINE lanes fma_lanes(lanes a, lanes b, lanes c) {
    return __builtin_elementwise_fma(a, b, c);
}

INLINE lanes_int bits_of(lanes v) {
    return (lanes_int)v;
}

/// The tree: lane i += lane i + 8, then 4, 2, 1.
INLINE float sum_lanes(lanes v) {
    lanes8 a = v.lo + v.hi;
    lanes4 b = a.lo + a.hi;
    return (b.x + b.z) + (b.y + b.w);
}

/// The largest lane; a NaN counts only in lane 0.
INLINE float max_lanes(lanes v) {
    float m = v[0];
    for (int i = 1; i < LANES; i++)
        m = v[i] > m ? v[i] : m;
    return m;
}

INLINE float float_from_bits(uint32_t bits) {
    float f;
    __builtin_memcpy(&f, &bits, sizeof f);
    return f;
}

INLINE uint32_t bits_from_float(float f) {
    uint32_t bits;
    __builtin_memcpy(&bits, &f, sizeof bits);
    return bits;
}

#include "half.h"

#endif
