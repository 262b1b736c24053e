/// Weights in few bits: f32 to blocks of Q4_K, Q3_K, Q2_K and Q4_0.
#ifndef MOIETY_ENCODE_H
#define MOIETY_ENCODE_H

#include "rounding.h"

INLINE void put_half(uint8_t *bytes, float v, float unit) {
    uint16_t half = half_from_float(v * unit);
    bytes[0] = (uint8_t)half;
    bytes[1] = (uint8_t)(half >> 8);
}

INLINE void pack_q4_0(struct q4_0 *s, const struct encoding *e) {
    put_half(s->d, e->found.d, e->unit);
    for (int i = 0; i < 16; i++)
        s->qs[i] = (uint8_t)(e->q[i] | e->q[i + 16] << 4);
}

INLINE void pack_q4_k(struct q4_k *s, const struct encoding *e) {
    put_half(s->d, e->found.d, e->unit);
    put_half(s->dmin, e->found.m, e->unit);
    for (int j = 0; j < 4; j++) {
        int level = (int)e->found.levels[j], floor = (int)e->found.floors[j];
        int later = (int)e->found.levels[j + 4], lower = (int)e->found.floors[j + 4];
        s->scales[j] = (uint8_t)(level | later >> 4 << 6);
        s->scales[j + 4] = (uint8_t)(floor | lower >> 4 << 6);
        s->scales[j + 8] = (uint8_t)((later & 15) | (lower & 15) << 4);
    }
    for (int i = 0; i < 128; i++) {
        int first = i / 32 * 64 + i % 32;
        s->qs[i] = (uint8_t)(e->q[first] | e->q[first + 32] << 4);
    }
}

/// The two low bits of the integers of Q3_K and Q2_K: four parts of 32 in 32 bytes.
INLINE void pack_pairs(uint8_t *qs, const uint8_t *q) {
    for (int i = 0; i < 64; i++) {
        const uint8_t *first = q + i / 32 * 128 + i % 32;
        int low = (first[0] & 3) | (first[32] & 3) << 2;
        qs[i] = (uint8_t)(low | (first[64] & 3) << 4 | (first[96] & 3) << 6);
    }
}

INLINE void pack_q3_k(struct q3_k *s, const struct encoding *e) {
    put_half(s->d, e->found.d, e->unit);
    for (int k = 0; k < 12; k++)
        s->scales[k] = 0;
    for (int k = 0; k < 16; k++) {
        int level = (int)e->found.levels[k] + 32;
        s->scales[k % 8] |= (uint8_t)((level & 15) << (k / 8 * 4));
        s->scales[8 + k % 4] |= (uint8_t)(level >> 4 << (k / 4 * 2));
    }
    pack_pairs(s->qs, e->q);
    for (int i = 0; i < 32; i++) {
        int bits = 0;
        for (int j = 0; j < 8; j++)
            bits |= e->q[j * 32 + i] >> 2 << j;
        s->hmask[i] = (uint8_t)bits;
    }
}

INLINE void pack_q2_k(struct q2_k *s, const struct encoding *e) {
    put_half(s->d, e->found.d, e->unit);
    put_half(s->dmin, e->found.m, e->unit);
    for (int k = 0; k < 16; k++)
        s->scales[k] = (uint8_t)((int)e->found.levels[k] | (int)e->found.floors[k] << 4);
    pack_pairs(s->qs, e->q);
}

// MARK: Rows

INLINE struct grid grid_of(uint32_t type) {
    switch (type) {
    case MOIETY_Q4_0:
        return (struct grid){1, 32, -8, 7, 1, 1, 0};
    case MOIETY_Q4_K:
        return (struct grid){8, 32, 0, 15, 0, 63, 1};
    case MOIETY_Q3_K:
        return (struct grid){16, 16, -4, 3, -32, 31, 0};
    default: // Q2_K
        return (struct grid){16, 16, 0, 3, 0, 15, 1};
    }
}

INLINE size_t encoded_bytes(uint32_t type) {
    switch (type) {
    case MOIETY_Q4_0:
        return sizeof(struct q4_0);
    case MOIETY_Q4_K:
        return sizeof(struct q4_k);
    case MOIETY_Q3_K:
        return sizeof(struct q3_k);
    default:
        return sizeof(struct q2_k);
    }
}

INLINE void pack_block(uint8_t *block, const struct encoding *e, uint32_t type) {
    switch (type) {
    case MOIETY_Q4_0:
        return pack_q4_0((struct q4_0 *)block, e);
    case MOIETY_Q4_K:
        return pack_q4_k((struct q4_k *)block, e);
    case MOIETY_Q3_K:
        return pack_q3_k((struct q3_k *)block, e);
    default:
        return pack_q2_k((struct q2_k *)block, e);
    }
}

INLINE float largest_of(const float *x, size_t count) {
    float largest = 0;
    for (size_t i = 0; i < count; i++)
        largest = __builtin_fabsf(x[i]) > largest ? __builtin_fabsf(x[i]) : largest;
    return largest;
}

/// The power of two at or below a normal number.
INLINE float power_below(float v) {
    return float_from_bits(bits_from_float(v) & 0x7f800000);
}

/// Brings a block into the middle of the numbers.
INLINE void take_block(struct encoding *e, const float *x, const float *importance, size_t count) {
    e->unit = power_below(largest_of(x, count));
    for (size_t i = 0; i < count; i++)
        e->x[i] = x[i] / e->unit;
    if (!importance) {
        // Large weights move outputs more, and are worth more than their number.
        for (size_t i = 0; i < count; i++)
            e->importance[i] = __builtin_fabsf(e->x[i]) + 0x1p-6f;
        return;
    }
    float largest = largest_of(importance, count);
    float most = largest >= 0x1p-126f ? power_below(largest) : 1.0f;
    // Nothing is left to chance, however little it matters.
    for (size_t i = 0; i < count; i++)
        e->importance[i] = importance[i] / most + 0x1p-20f;
}

/// Zeros, as the type writes them.
INLINE void take_zeros(struct encoding *e, const struct grid *g) {
    __builtin_memset(e, 0, sizeof *e);
    e->unit = 1;
    for (size_t p = 0; p < g->part_count; p++)
        e->found.levels[p] = g->least_level;
    __builtin_memset(e->q, (uint8_t)-g->least, sizeof e->q);
}

INLINE void encode_blocks(
    uint8_t *blocks, const float *x, const float *importance, size_t count, uint32_t type
) {
    struct grid g = grid_of(type);
    size_t length = g.part_count * g.part_length;
    for (size_t i = 0; i < count; i += length) {
        struct encoding e;
        // What is smaller rounds to 0 under any half.
        if (largest_of(x + i, length) < 0x1p-26f) {
            take_zeros(&e, &g);
        } else {
            take_block(&e, x + i, importance ? importance + i : importance, length);
            search_block(&e, &g);
        }
        pack_block(blocks + i / length * encoded_bytes(type), &e, type);
    }
}

static void
encode(uint8_t *blocks, const float *x, const float *importance, size_t count, uint32_t type) {
    switch (type) {
    case MOIETY_Q4_0:
        return encode_blocks(blocks, x, importance, count, MOIETY_Q4_0);
    case MOIETY_Q4_K:
        return encode_blocks(blocks, x, importance, count, MOIETY_Q4_K);
    case MOIETY_Q3_K:
        return encode_blocks(blocks, x, importance, count, MOIETY_Q3_K);
    case MOIETY_Q2_K:
        return encode_blocks(blocks, x, importance, count, MOIETY_Q2_K);
    }
}

#endif
