/// Weights of any type as f32, equal to what the format's reference tools give.
#ifndef MOIETY_DEQUANTIZE_H
#define MOIETY_DEQUANTIZE_H

#include "blocks.h"
#include "rows.h"
#include "types.h"

INLINE void dequantize_blocks(float *y, const uint8_t *row, size_t count, uint32_t type) {
    for (size_t i = 0; i < count / BLOCK; i++) {
        struct block b;
        unpack(&b, row, i, type);
        for (int h = 0; h < 2; h++) {
            float scale = b.d * (float)b.scale[h];
            float minimum = b.m * (float)b.minimum[h];
            for (int k = 16 * h; k < 16 * h + 16; k++) {
                float value = scale * (float)b.q[k];
                // Not added where there is none: that would turn -0 into 0.
                y[i * BLOCK + k] = has_minimum(type) ? value + minimum : value;
            }
        }
    }
}

static void widen_bfloat(float *y, const uint16_t *b, size_t count) {
    for (size_t i = 0; i < count; i++)
        y[i] = float_from_bits((uint32_t)b[i] << 16);
}

static void dequantize(float *y, const uint8_t *blocks, size_t count, uint32_t type) {
    switch (type) {
    case MOIETY_F32:
        __builtin_memcpy(y, blocks, count * sizeof *y);
        return;
    case MOIETY_F16:
        return widen(y, (const uint16_t *)blocks, count);
    case MOIETY_BF16:
        return widen_bfloat(y, (const uint16_t *)blocks, count);
    }
    FOR_INTEGER_TYPE(type, dequantize_blocks, y, blocks, count)
}

#endif
