// AVX2 with FMA and F16C: eight outputs to a register.
#include "CKernels.h"

#include <immintrin.h>

#define MOIETY_ISA 1

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

#include "table.h"

enum { WIDTH = 8, ROWS = 4 };

#include "tile.h"

INLINE __m256i load_block(const struct block *b) {
    return _mm256_loadu_si256((const __m256i *)b->q);
}

/// Four columns each of four outputs per 128-bit lane, from four rows.
INLINE void transpose_quads(__m256i out[4], const struct block *blocks) {
    __m256i a = load_block(blocks);
    __m256i b = load_block(blocks + 1);
    __m256i c = load_block(blocks + 2);
    __m256i d = load_block(blocks + 3);
    __m256i ab_low = _mm256_unpacklo_epi32(a, b);
    __m256i ab_high = _mm256_unpackhi_epi32(a, b);
    __m256i cd_low = _mm256_unpacklo_epi32(c, d);
    __m256i cd_high = _mm256_unpackhi_epi32(c, d);
    out[0] = _mm256_unpacklo_epi64(ab_low, cd_low);
    out[1] = _mm256_unpackhi_epi64(ab_low, cd_low);
    out[2] = _mm256_unpacklo_epi64(ab_high, cd_high);
    out[3] = _mm256_unpackhi_epi64(ab_high, cd_high);
}

INLINE void transpose(int8_t (*q)[WIDTH * 4], const struct block *blocks) {
    __m256i first[4];
    __m256i second[4];
    transpose_quads(first, blocks);
    transpose_quads(second, blocks + 4);
    for (int g = 0; g < 4; g++) {
        __m256i low = _mm256_permute2x128_si256(first[g], second[g], 0x20);
        __m256i high = _mm256_permute2x128_si256(first[g], second[g], 0x31);
        _mm256_store_si256((__m256i *)q[g], low);
        _mm256_store_si256((__m256i *)q[g + 4], high);
    }
}

INLINE __m256i load_int(const int32_t *p) {
    return _mm256_load_si256((const __m256i *)p);
}

/// Adds the products of four columns to each lane.
///
/// The multiplication takes one factor unsigned and its sums of two saturate at 16 bits, so the
/// sign of a weight moves to the activation: 128 * 127 * 2 fits.
INLINE __m256i add_products(__m256i sum, __m256i w, int32_t four) {
    __m256i x = _mm256_sign_epi8(_mm256_set1_epi32(four), w);
    __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(w), x);
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

INLINE __m256i
scaled_sum(const struct tile *t, size_t b, __m256i first, __m256i second, uint32_t type) {
    if (!has_scale(type))
        return _mm256_add_epi32(first, second);
    __m256i scale = load_int(t->scale[b][0]);
    if (!has_halves(type))
        return _mm256_mullo_epi32(scale, _mm256_add_epi32(first, second));
    return _mm256_add_epi32(
        _mm256_mullo_epi32(scale, first), _mm256_mullo_epi32(load_int(t->scale[b][1]), second)
    );
}

/// The term of the minimums, of a type that has them.
INLINE __m256
add_minimum(__m256 acc, const struct tile *t, size_t b, const struct rounded *x, uint32_t type) {
    __m256i first = _mm256_set1_epi32(x->sums[2 * b]);
    __m256i second = _mm256_set1_epi32(x->sums[2 * b + 1]);
    if (has_scale(type)) {
        first = _mm256_mullo_epi32(load_int(t->minimum[b][0]), first);
        second = _mm256_mullo_epi32(load_int(t->minimum[b][1]), second);
    }
    __m256 m = _mm256_mul_ps(_mm256_set1_ps(x->scales[b]), _mm256_load_ps(t->m[b]));
    return _mm256_fmadd_ps(_mm256_cvtepi32_ps(_mm256_add_epi32(first, second)), m, acc);
}

/// All ones in the lanes that are stored.
INLINE __m256i stored_lanes(size_t outputs) {
    __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)outputs), lane);
}

INLINE void times_tile(
    const struct tile *t,
    const struct moiety_integer_product *p,
    struct place at,
    size_t row,
    int rows,
    uint32_t type
) {
    __m256i stored = stored_lanes(at.outputs);
    struct rounded x[ROWS];
    __m256 acc[ROWS];
    for (int r = 0; r < rows; r++) {
        x[r] = rounded_row(p, at, row + (size_t)r);
        const float *y = output_start(p, at, row + (size_t)r);
        acc[r] = at.first_block ? _mm256_maskload_ps(y, stored) : _mm256_setzero_ps();
    }
    for (size_t b = 0; b < at.blocks; b++) {
        __m256i halves[ROWS][2];
        for (int r = 0; r < rows; r++)
            halves[r][0] = halves[r][1] = _mm256_setzero_si256();
        for (int g = 0; g < 8; g++) {
            __m256i w = _mm256_load_si256((const __m256i *)t->q[b][g]);
            for (int r = 0; r < rows; r++) {
                __m256i *sum = &halves[r][g / 4];
                *sum = add_products(*sum, w, four_quants(x[r].quants + b * BLOCK, g));
            }
        }
        for (int r = 0; r < rows; r++) {
            __m256i sum = scaled_sum(t, b, halves[r][0], halves[r][1], type);
            __m256 d = _mm256_mul_ps(_mm256_set1_ps(x[r].scales[b]), _mm256_load_ps(t->d[b]));
            acc[r] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum), d, acc[r]);
            if (has_minimum(type))
                acc[r] = add_minimum(acc[r], t, b, &x[r], type);
        }
    }
    for (int r = 0; r < rows; r++)
        _mm256_maskstore_ps(output_start(p, at, row + (size_t)r), stored, acc[r]);
}

static void integer_product(const struct moiety_integer_product *p) {
    FOR_INTEGER_TYPE(p->type, integer_product_of, p)
}

static const struct moiety_kernels table = MOIETY_TABLE;

#pragma clang attribute pop

const struct moiety_kernels *moiety_kernels_avx2(void) {
    return &table;
}
