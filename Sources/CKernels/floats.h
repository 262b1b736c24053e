/// Products of plain rows with float weights: 16 lanes and the tree for each output.
#ifndef MOIETY_FLOATS_H
#define MOIETY_FLOATS_H

#include "CKernels.h"
#include "lanes.h"

/// Outputs and rows whose chains of fused multiply-adds run side by side: as many as registers
/// hold.
enum { FLOAT_OUTPUTS = 4 };
#ifdef __AVX512F__
enum { FLOAT_ROWS = 4 };
#else
enum { FLOAT_ROWS = 1 };
#endif
/// Rows that stay in the caches while all outputs are computed.
enum { FLOAT_CHUNK = 64 };

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

/// `rows` <= FLOAT_ROWS rows from `row` on times `outputs` <= FLOAT_OUTPUTS weight rows.
INLINE void float_tile(
    const struct moiety_float_product *p,
    size_t row,
    size_t output,
    int rows,
    int outputs,
    uint32_t type
) {
    const uint8_t *w = p->weights + output * p->row_bytes;
    const float *x[FLOAT_ROWS];
    lanes acc[FLOAT_ROWS][FLOAT_OUTPUTS];
    for (int r = 0; r < rows; r++) {
        size_t index = row + (size_t)r;
        x[r] = p->x + (p->rows ? (size_t)p->rows[index] : index) * p->columns;
        for (int o = 0; o < outputs; o++)
            acc[r][o] = (lanes){0};
    }
    size_t i = 0;
    for (; i + LANES <= p->columns; i += LANES) {
        lanes v[FLOAT_ROWS];
        for (int r = 0; r < rows; r++)
            v[r] = load(x[r] + i);
        for (int o = 0; o < outputs; o++) {
            lanes weights = load_weights(w + (size_t)o * p->row_bytes, i, type);
            for (int r = 0; r < rows; r++)
                acc[r][o] = fma_lanes(v[r], weights, acc[r][o]);
        }
    }
    size_t left = p->columns - i;
    for (int o = 0; left > 0 && o < outputs; o++) {
        lanes weights = load_weights_part(w + (size_t)o * p->row_bytes, i, left, type);
        for (int r = 0; r < rows; r++)
            acc[r][o] = fma_lanes(load_part(x[r] + i, left), weights, acc[r][o]);
    }
    for (int r = 0; r < rows; r++) {
        float *y = p->y + (row + (size_t)r) * p->y_stride + output;
        for (int o = 0; o < outputs; o++)
            y[o] = sum_lanes(acc[r][o]);
    }
}

/// Rows from `first` to `end` times `outputs` <= FLOAT_OUTPUTS weight rows.
INLINE void float_rows(
    const struct moiety_float_product *p,
    size_t first,
    size_t end,
    size_t output,
    int outputs,
    uint32_t type
) {
    for (; end - first >= FLOAT_ROWS; first += FLOAT_ROWS)
        float_tile(p, first, output, FLOAT_ROWS, outputs, type);
    for (; first < end; first++)
        float_tile(p, first, output, 1, outputs, type);
}

INLINE void float_product_of(const struct moiety_float_product *p, uint32_t type) {
    for (size_t first = 0; first < p->row_count; first += FLOAT_CHUNK) {
        size_t rows = p->row_count - first;
        size_t end = first + (rows < FLOAT_CHUNK ? rows : FLOAT_CHUNK);
        size_t output = 0;
        for (; output + FLOAT_OUTPUTS <= p->output_count; output += FLOAT_OUTPUTS)
            float_rows(p, first, end, output, FLOAT_OUTPUTS, type);
        for (; output < p->output_count; output++)
            float_rows(p, first, end, output, 1, type);
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
