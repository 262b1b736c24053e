/// Attention of one query head over the f16 cache, in fixed tiles merged in order.
#ifndef MOIETY_ATTENTION_H
#define MOIETY_ATTENTION_H

#include "CKernels.h"
#include "exp.h"
#include "lanes.h"
#include "rows.h"

INLINE float half_dot(const float *q, const uint16_t *k, size_t n) {
    lanes acc = 0.0f;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        acc = fma_lanes(load(q + i), load_half(k + i), acc);
    if (i < n)
        acc = fma_lanes(load_part(q + i, n - i), load_half_part(k + i, n - i), acc);
    return sum_lanes(acc);
}

/// `blocks` times 16 adjacent values of `y = Σ p[j] * v[j]`, j ascending.
INLINE void
weigh_lanes(float *y, const float *p, const uint16_t *v, size_t stride, size_t count, int blocks) {
    lanes acc[4] = {0.0f, 0.0f, 0.0f, 0.0f};
    for (size_t j = 0; j < count; j++) {
        for (int b = 0; b < blocks; b++) {
            acc[b] = fma_lanes((lanes)p[j], load_half(v + j * stride + b * LANES), acc[b]);
        }
    }
    for (int b = 0; b < blocks; b++)
        store(y + b * LANES, acc[b]);
}

/// `y[width] = Σ p[j] * v[j]` over `count` positions.
static void
weigh(float *y, const float *p, const uint16_t *v, size_t stride, size_t count, size_t width) {
    size_t d = 0;
    for (; d + 4 * LANES <= width; d += 4 * LANES)
        weigh_lanes(y + d, p, v + d, stride, count, 4);
    for (; d + LANES <= width; d += LANES)
        weigh_lanes(y + d, p, v + d, stride, count, 1);
    for (; d < width; d++) {
        float acc = 0;
        for (size_t j = 0; j < count; j++) {
            acc = __builtin_fmaf(p[j], float_from_half(v[j * stride + d]), acc);
        }
        y[d] = acc;
    }
}

static void attend(const struct moiety_attention *a) {
    float *scores = a->scratch;
    float *tile_out = a->scratch + MOIETY_TILE;
    float largest = -INFINITY;
    float sum = 0;
    for (size_t i = 0; i < a->value_width; i++)
        a->out[i] = 0;
    for (size_t start = 0; start < a->length; start += MOIETY_TILE) {
        size_t left = a->length - start;
        size_t count = left < MOIETY_TILE ? left : MOIETY_TILE;
        const uint16_t *keys = a->keys + start * a->key_stride;
        for (size_t j = 0; j < count; j++) {
            scores[j] = half_dot(a->query, keys + j * a->key_stride, a->key_width) * a->scale;
        }
        float tile_largest = row_max(scores, count);
        float tile_sum = exp_and_sum(scores, count, tile_largest);
        const uint16_t *values = a->values + start * a->value_stride;
        weigh(tile_out, scores, values, a->value_stride, count, a->value_width);

        float merged = tile_largest > largest ? tile_largest : largest;
        float old_factor = exp_one(largest - merged);
        float new_factor = exp_one(tile_largest - merged);
        sum = __builtin_fmaf(sum, old_factor, tile_sum * new_factor);
        MAP_LANES(
            a->out,
            a->out,
            a->value_width,
            v,
            v = fma_lanes(v, (lanes)old_factor, load_upto(tile_out, i, a->value_width) * new_factor)
        );
        largest = merged;
    }
    MAP_LANES(a->out, a->out, a->value_width, v, v = v / sum);
}

#endif
