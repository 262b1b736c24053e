// AVX-512 with VNNI: sixteen outputs to a register.
#include "CKernels.h"

#include <immintrin.h>

#define MOIETY_ISA 2
#define FEATURES "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni"

#pragma clang attribute push(__attribute__((target(FEATURES))), apply_to = function)

#include "table.h"

#include "panels.h"
#include "quads.h"

/// `table[v]` for indices below 16.
INLINE quads look_up_quads(const int8_t *table, quads v) {
    __m512i values = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)table));
    return (quads)_mm512_shuffle_epi8(values, (__m512i)v);
}

/// By how much the weights of `block_dot` are too large.
INLINE int32_t dot_offset(uint32_t type) {
    return offset_of(type);
}

/// Products of columns 4 * from ..< 4 * to of a block with a row's, summed for each output.
INLINE lanes_int block_dot(const quads *q, const int8_t *quants, int from, int to, uint32_t type) {
    (void)type;
    __m512i sum = _mm512_setzero_si512();
    for (int k = from; k < to; k++) {
        __m512i x = _mm512_set1_epi32(four_quants(quants, k));
        sum = _mm512_dpbusd_epi32(sum, (__m512i)q[k], x);
    }
    return (lanes_int)sum;
}

#include "panel_product.h"

static void integer_product(const struct moiety_integer_product *p) {
    FOR_INTEGER_TYPE(p->type, integer_product_of, p)
}

static const struct moiety_kernels table = MOIETY_TABLE;

#pragma clang attribute pop

const struct moiety_kernels *moiety_kernels_avx512(void) {
    return &table;
}
