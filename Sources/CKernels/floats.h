/// Products of plain rows with float weights: 16 lanes and the tree for each output.
#ifndef MOIETY_FLOATS_H
#define MOIETY_FLOATS_H

#include "CKernels.h"
#include "lanes.h"

/// Outputs whose chains of fused multiply-adds run side by side.
enum { FLOAT_OUTPUTS = 4 };

INLINE lanes load_weights(const uint8_t *row, size_t i, uint32_t type) {
    if (type == MOIETY_F32)
        return load((const float *)row + i);
    const uint16_t *half = (const uint16_t *)row + i;
    return type == MOIETY_F16 ? load_half(half) : load_bfloat(half);
}

INLINE lanes load_weights_part(const uint8_t *row, size_t i, size_t count, uint32_t type) {
    if (type == MOIETY_F32)
        return load_part((const float *)row + i, count);
    const uint16_t *half = (const uint16_t *)row + i;
    return type == MOIETY_F16 ? load_half_part(half, count) : load_bfloat_part(half, count);
}

/// One row times `outputs` <= FLOAT_OUTPUTS adjacent weight rows.
INLINE void float_dots(
    float *y,
    const float *x,
    const uint8_t *w,
    size_t row_bytes,
    size_t n,
    int outputs,
    uint32_t type
) {
    lanes acc[FLOAT_OUTPUTS] = {0.0f, 0.0f, 0.0f, 0.0f};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        lanes v = load(x + i);
        for (int o = 0; o < outputs; o++) {
            acc[o] = fma_lanes(v, load_weights(w + (size_t)o * row_bytes, i, type), acc[o]);
        }
    }
    if (i < n) {
        lanes v = load_part(x + i, n - i);
        for (int o = 0; o < outputs; o++) {
            const uint8_t *row = w + (size_t)o * row_bytes;
            acc[o] = fma_lanes(v, load_weights_part(row, i, n - i, type), acc[o]);
        }
    }
    for (int o = 0; o < outputs; o++)
        y[o] = sum_lanes(acc[o]);
}

INLINE void float_product_of(const struct moiety_float_product *p, uint32_t type) {
    for (size_t o = 0; o < p->output_count; o += FLOAT_OUTPUTS) {
        const uint8_t *w = p->weights + o * p->row_bytes;
        size_t left = p->output_count - o;
        for (size_t r = 0; r < p->row_count; r++) {
            const float *x = p->x + (p->rows ? (size_t)p->rows[r] : r) * p->columns;
            float *y = p->y + r * p->y_stride + o;
            if (left >= FLOAT_OUTPUTS) {
                float_dots(y, x, w, p->row_bytes, p->columns, FLOAT_OUTPUTS, type);
                continue;
            }
            for (size_t k = 0; k < left; k++) {
                float_dots(y + k, x, w + k * p->row_bytes, p->row_bytes, p->columns, 1, type);
            }
        }
    }
}

static void float_product(const struct moiety_float_product *p) {
    switch (p->type) {
    case MOIETY_F32:
        return float_product_of(p, MOIETY_F32);
    case MOIETY_F16:
        return float_product_of(p, MOIETY_F16);
    default:
        return float_product_of(p, MOIETY_BF16);
    }
}

#endif
