/// Functions over rows of f32, written once over lanes and compiled into every table.
#ifndef MOIETY_ROWS_H
#define MOIETY_ROWS_H

#include "CKernels.h"
#include "exp.h"
#include "lanes.h"

#include <math.h>

/// Runs `body` on lanes `v` of `x` and stores what it leaves in `v` to `y`, the tail included.
#define MAP_LANES(y, x, count, v, body)                                                            \
    do {                                                                                           \
        size_t i = 0;                                                                              \
        for (; i + LANES <= (count); i += LANES) {                                                 \
            lanes v = load((x) + i);                                                               \
            body;                                                                                  \
            store((y) + i, v);                                                                     \
        }                                                                                          \
        if (i < (count)) {                                                                         \
            lanes v = load_part((x) + i, (count)-i);                                               \
            body;                                                                                  \
            store_part((y) + i, v, (count)-i);                                                     \
        }                                                                                          \
    } while (0)

/// 16 lanes of the row from `i` on, zeros beyond its end.
INLINE lanes load_upto(const float *x, size_t i, size_t count) {
    return i + LANES <= count ? load(x + i) : load_part(x + i, count - i);
}

static void rms_norm(float *y, const float *x, const float *weight, size_t count, float epsilon) {
    lanes squares = 0.0f;
    for (size_t i = 0; i < count; i += LANES) {
        lanes v = load_upto(x, i, count);
        squares = fma_lanes(v, v, squares);
    }
    float mean = sum_lanes(squares) / (float)count;
    float scale = 1.0f / __builtin_sqrtf(mean + epsilon);
    MAP_LANES(y, x, count, v, v = v * scale * load_upto(weight, i, count));
}

static float row_max(const float *x, size_t count) {
    float m = -INFINITY;
    for (size_t i = 0; i < count; i++)
        m = x[i] > m ? x[i] : m;
    return m;
}

/// Replaces x by exp(x - shift) and returns the sum: lane l takes l, l + 16, …, then the tree.
static float exp_and_sum(float *x, size_t count, float shift) {
    lanes sum = 0.0f;
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        lanes v = exp_lanes(load(x + i) - shift);
        store(x + i, v);
        sum += v;
    }
    if (i < count) {
        store_part(x + i, exp_lanes(load_part(x + i, count - i) - shift), count - i);
        sum += load_part(x + i, count - i);
    }
    return sum_lanes(sum);
}

static void softmax(float *x, size_t count) {
    float sum = exp_and_sum(x, count, row_max(x, count));
    MAP_LANES(x, x, count, v, v = v / sum);
}

static void exp_row(float *y, const float *x, size_t count) {
    MAP_LANES(y, x, count, v, v = exp_lanes(v));
}

static void sigmoid(float *y, const float *x, size_t count) {
    MAP_LANES(y, x, count, v, v = sigmoid_lanes(v));
}

static void silu_multiply(float *y, const float *gate, const float *up, size_t count) {
    MAP_LANES(y, gate, count, v, v = silu_lanes(v) * load_upto(up, i, count));
}

static void add(float *y, const float *x, size_t count) {
    MAP_LANES(y, y, count, v, v = v + load_upto(x, i, count));
}

static void add_sums(float *y, const double *sums, size_t count) {
    for (size_t i = 0; i < count; i++)
        y[i] += (float)sums[i];
}

static void accumulate(double *sums, const float *x, float weight, size_t count) {
    // Near 1.5 * 2^16 doubles are 2^-36 apart, so adding and subtracting it rounds to that.
    const double rounder = 0x1.8p16;
    for (size_t i = 0; i < count; i++) {
        double exact = (double)x[i] * (double)weight;
        sums[i] += (exact + rounder) - rounder;
    }
}

static int all_finite(const float *x, size_t count) {
    uint32_t largest = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t magnitude = bits_from_float(x[i]) & 0x7fffffff;
        largest = magnitude > largest ? magnitude : largest;
    }
    return largest < 0x7f800000;
}

static size_t first_above(const float *x, size_t start, size_t count, float limit) {
    size_t i = start;
    // Few values are above: whole registers are passed by until one holds one.
    for (; i + 2 * LANES <= count; i += 2 * LANES) {
        lanes_int found = (load(x + i) > limit) | (load(x + i + LANES) > limit);
        if (__builtin_reduce_or(found))
            break;
    }
    for (; i < count; i++) {
        if (x[i] > limit)
            return i;
    }
    return count;
}

static void narrow(uint16_t *f16, const float *x, size_t count) {
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        store_half(f16 + i, load(x + i));
    for (; i < count; i++)
        f16[i] = half_from_float(x[i]);
}

static void widen(float *y, const uint16_t *f16, size_t count) {
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        store(y + i, load_half(f16 + i));
    for (; i < count; i++)
        y[i] = float_from_half(f16[i]);
}

INLINE void turn(float *x, float *y, float cosine, float sine) {
    float a = *x;
    float b = *y;
    *x = __builtin_fmaf(a, cosine, -(b * sine));
    *y = __builtin_fmaf(a, sine, b * cosine);
}

static void rotate(const struct moiety_rotation *r) {
    size_t pairs = r->pairs;
    for (size_t h = 0; h < r->heads; h++) {
        float *x = r->x + h * r->head_width;
        if (r->halves) {
            for (size_t i = 0; i < pairs; i++) {
                turn(x + i, x + pairs + i, r->cosines[i], r->sines[i]);
            }
        } else {
            for (size_t i = 0; i < pairs; i++) {
                turn(x + 2 * i, x + 2 * i + 1, r->cosines[i], r->sines[i]);
            }
        }
    }
}

#endif
