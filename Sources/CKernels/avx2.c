// AVX2 with FMA and F16C: eight outputs to a register.
#include "CKernels.h"

#include <immintrin.h>

#define MOIETY_ISA 1

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

#include "table.h"

#include "panels.h"
#include "quads.h"

/// Half `h` of a register's worth of outputs.
INLINE __m256i half_quads(quads v, int h) {
    return h ? (__m256i)v.hi : (__m256i)v.lo;
}

INLINE quads both_halves(__m256i low, __m256i high) {
    quads v;
    __builtin_memcpy(&v, &low, sizeof low);
    __builtin_memcpy((uint8_t *)&v + sizeof low, &high, sizeof high);
    return v;
}

/// `table[v]` for indices below 16.
INLINE quads look_up_quads(const int8_t *table, quads v) {
    __m256i values = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)table));
    return both_halves(
        _mm256_shuffle_epi8(values, half_quads(v, 0)), _mm256_shuffle_epi8(values, half_quads(v, 1))
    );
}

/// Columns by 4 whose products with int8 can be added up in 16 bits; 0 where even two overflow.
INLINE int columns_in_words(uint32_t type) {
    switch (type) {
    case MOIETY_Q8_0:
    case MOIETY_IQ4_NL:
    case MOIETY_IQ4_XS:
    case MOIETY_MXFP4:
        return 0;
    case MOIETY_Q5_0:
    case MOIETY_Q5_1:
    case MOIETY_Q5_K:
        return 4; // 31 * 127 * 2 * 4 < 2^15
    case MOIETY_Q6_K:
        return 2; // 63 * 127 * 2 * 2 < 2^15
    default:
        return 8; // 15 * 127 * 2 * 8 < 2^15
    }
}

INLINE __m256i add_words(__m256i sum, __m256i words) {
    return _mm256_add_epi32(sum, _mm256_madd_epi16(words, _mm256_set1_epi16(1)));
}

/// Weights of 8 bits: the sign of a weight moves to the activation, because the multiplication
/// takes one factor unsigned and its sums of two saturate: 128 * 127 * 2 fits.
INLINE __m256i wide_dot(const quads *q, const int8_t *quants, int from, int to, int h) {
    __m256i sum = _mm256_setzero_si256();
    for (int k = from; k < to; k++) {
        __m256i w = _mm256_xor_si256(half_quads(q[k], h), _mm256_set1_epi8((char)0x80));
        __m256i x = _mm256_sign_epi8(_mm256_set1_epi32(four_quants(quants, k)), w);
        sum = add_words(sum, _mm256_maddubs_epi16(_mm256_abs_epi8(w), x));
    }
    return sum;
}

INLINE __m256i narrow_dot(const quads *q, const int8_t *quants, int from, int to, int h, int most) {
    __m256i sum = _mm256_setzero_si256();
    for (int start = from; start < to; start += most) {
        __m256i words = _mm256_setzero_si256();
        for (int k = start; k < start + most && k < to; k++) {
            __m256i x = _mm256_set1_epi32(four_quants(quants, k));
            words = _mm256_add_epi16(words, _mm256_maddubs_epi16(half_quads(q[k], h), x));
        }
        sum = add_words(sum, words);
    }
    return sum;
}

/// By how much the weights of `block_dot` are too large.
INLINE int32_t dot_offset(uint32_t type) {
    return columns_in_words(type) ? offset_of(type) : 0;
}

/// Products of columns 4 * from ..< 4 * to of a block with a row's, summed for each output.
INLINE lanes_int block_dot(const quads *q, const int8_t *quants, int from, int to, uint32_t type) {
    int most = columns_in_words(type);
    __m256i half[2];
    for (int h = 0; h < 2; h++) {
        half[h] =
            most ? narrow_dot(q, quants, from, to, h, most) : wide_dot(q, quants, from, to, h);
    }
    lanes_int sum;
    __builtin_memcpy(&sum, half, sizeof sum);
    return sum;
}

#include "panel_product.h"

static void integer_product(const struct moiety_integer_product *p) {
    FOR_INTEGER_TYPE(p->type, integer_product_of, p)
}

static const struct moiety_kernels table = MOIETY_TABLE;

#pragma clang attribute pop

const struct moiety_kernels *moiety_kernels_avx2(void) {
    return &table;
}
