// AVX-512 with VNNI: sixteen outputs to a register.
#include "CKernels.h"

#include <immintrin.h>

#define MOIETY_ISA 2
#define FEATURES "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni"

#pragma clang attribute push(__attribute__((target(FEATURES))), apply_to = function)

#include "table.h"

enum { WIDTH = 16, ROWS = 4 };

#include "tile.h"

INLINE __m512i load_pair(const struct block *blocks, int first) {
    __m256i low = _mm256_loadu_si256((const __m256i *)blocks[first].q);
    __m256i high = _mm256_loadu_si256((const __m256i *)blocks[first + 4].q);
    return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}

/// Four columns each of four outputs per 128-bit lane, from four pairs of rows.
INLINE void transpose_quads(__m512i out[4], const struct block *blocks, int first) {
    __m512i a = load_pair(blocks, first);
    __m512i b = load_pair(blocks, first + 1);
    __m512i c = load_pair(blocks, first + 2);
    __m512i d = load_pair(blocks, first + 3);
    __m512i ab_low = _mm512_unpacklo_epi32(a, b);
    __m512i ab_high = _mm512_unpackhi_epi32(a, b);
    __m512i cd_low = _mm512_unpacklo_epi32(c, d);
    __m512i cd_high = _mm512_unpackhi_epi32(c, d);
    out[0] = _mm512_unpacklo_epi64(ab_low, cd_low);
    out[1] = _mm512_unpackhi_epi64(ab_low, cd_low);
    out[2] = _mm512_unpacklo_epi64(ab_high, cd_high);
    out[3] = _mm512_unpackhi_epi64(ab_high, cd_high);
}

/// Stores q + 128, because the instruction takes one factor unsigned.
INLINE void transpose(int8_t (*q)[WIDTH * 4], const struct block *blocks) {
    __m512i first[4];
    __m512i second[4];
    transpose_quads(first, blocks, 0);
    transpose_quads(second, blocks, 8);
    const __m512i flip = _mm512_set1_epi8((char)0x80);
    for (int g = 0; g < 4; g++) {
        __m512i low = _mm512_shuffle_i32x4(first[g], second[g], 0x88);
        __m512i high = _mm512_shuffle_i32x4(first[g], second[g], 0xdd);
        _mm512_store_si512(q[g], _mm512_xor_si512(low, flip));
        _mm512_store_si512(q[g + 4], _mm512_xor_si512(high, flip));
    }
}

INLINE __m512i
scaled_sum(const struct tile *t, size_t b, __m512i first, __m512i second, uint32_t type) {
    if (!has_scale(type))
        return _mm512_add_epi32(first, second);
    __m512i scale = _mm512_load_si512(t->scale[b][0]);
    if (!has_halves(type))
        return _mm512_mullo_epi32(scale, _mm512_add_epi32(first, second));
    return _mm512_add_epi32(
        _mm512_mullo_epi32(scale, first),
        _mm512_mullo_epi32(_mm512_load_si512(t->scale[b][1]), second)
    );
}

/// The term of the minimums, of a type that has them.
INLINE __m512
add_minimum(__m512 acc, const struct tile *t, size_t b, const struct rounded *x, uint32_t type) {
    const int32_t *sums = x->sums + 2 * b;
    __m512i sum = _mm512_set1_epi32(sums[0] + sums[1]);
    if (has_halves(type)) {
        __m512i first =
            _mm512_mullo_epi32(_mm512_load_si512(t->minimum[b][0]), _mm512_set1_epi32(sums[0]));
        __m512i second =
            _mm512_mullo_epi32(_mm512_load_si512(t->minimum[b][1]), _mm512_set1_epi32(sums[1]));
        sum = _mm512_add_epi32(first, second);
    } else if (has_scale(type)) {
        sum = _mm512_mullo_epi32(_mm512_load_si512(t->minimum[b][0]), sum);
    }
    __m512 m = _mm512_mul_ps(_mm512_set1_ps(x->scales[b]), _mm512_load_ps(t->m[b]));
    return _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), m, acc);
}

INLINE void times_tile(
    const struct tile *t,
    const struct moiety_integer_product *p,
    struct place at,
    size_t row,
    int rows,
    uint32_t type
) {
    __mmask16 stored = (__mmask16)((1u << at.outputs) - 1);
    struct rounded x[ROWS];
    __m512 acc[ROWS];
    for (int r = 0; r < rows; r++) {
        x[r] = rounded_row(p, at, row + (size_t)r);
        const float *y = output_start(p, at, row + (size_t)r);
        acc[r] = at.first_block ? _mm512_maskz_loadu_ps(stored, y) : _mm512_setzero_ps();
    }
    for (size_t b = 0; b < at.blocks; b++) {
        __m512i first[ROWS];
        __m512i second[ROWS];
        for (int r = 0; r < rows; r++) {
            // Takes back the 128 in every weight.
            first[r] = _mm512_set1_epi32(-128 * x[r].sums[2 * b]);
            second[r] = _mm512_set1_epi32(-128 * x[r].sums[2 * b + 1]);
        }
        for (int g = 0; g < 4; g++) {
            __m512i low = _mm512_load_si512(t->q[b][g]);
            __m512i high = _mm512_load_si512(t->q[b][g + 4]);
            for (int r = 0; r < rows; r++) {
                const int8_t *quants = x[r].quants + b * BLOCK;
                first[r] =
                    _mm512_dpbusd_epi32(first[r], low, _mm512_set1_epi32(four_quants(quants, g)));
                second[r] = _mm512_dpbusd_epi32(
                    second[r], high, _mm512_set1_epi32(four_quants(quants, g + 4))
                );
            }
        }
        for (int r = 0; r < rows; r++) {
            __m512i sum = scaled_sum(t, b, first[r], second[r], type);
            __m512 d = _mm512_mul_ps(_mm512_set1_ps(x[r].scales[b]), _mm512_load_ps(t->d[b]));
            acc[r] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), d, acc[r]);
            if (has_minimum(type))
                acc[r] = add_minimum(acc[r], t, b, &x[r], type);
        }
    }
    for (int r = 0; r < rows; r++)
        _mm512_mask_storeu_ps(output_start(p, at, row + (size_t)r), stored, acc[r]);
}

static void integer_product(const struct moiety_integer_product *p) {
    FOR_INTEGER_TYPE(p->type, integer_product_of, p)
}

static const struct moiety_kernels table = MOIETY_TABLE;

#pragma clang attribute pop

const struct moiety_kernels *moiety_kernels_avx512(void) {
    return &table;
}
