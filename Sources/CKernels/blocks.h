/// Blocks of integer weights as they lie in the file, and their common form of 32 weights.
///
/// Whatever the type, weight i of a block is
/// `d * scale[i / 16] * q[i] + m * minimum[i / 16]`, the second term only where the type has it.
#ifndef MOIETY_BLOCKS_H
#define MOIETY_BLOCKS_H

#include "CKernels.h"
#include "lanes.h"

enum { BLOCK = 32 };

struct block {
    int8_t q[BLOCK];
    int32_t scale[2];
    int32_t minimum[2];
    float d;
    float m;
};

struct q4_0 {
    uint8_t d[2], qs[16];
};
struct q4_1 {
    uint8_t d[2], m[2], qs[16];
};
struct q5_0 {
    uint8_t d[2], qh[4], qs[16];
};
struct q5_1 {
    uint8_t d[2], m[2], qh[4], qs[16];
};
struct q8_0 {
    uint8_t d[2];
    int8_t qs[32];
};
struct mxfp4 {
    uint8_t e, qs[16];
};
struct q2_k {
    uint8_t scales[16], qs[64], d[2], dmin[2];
};
struct q3_k {
    uint8_t hmask[32], qs[64], scales[12], d[2];
};
struct q4_k {
    uint8_t d[2], dmin[2], scales[12], qs[128];
};
struct q5_k {
    uint8_t d[2], dmin[2], scales[12], qh[32], qs[128];
};
struct q6_k {
    uint8_t ql[128], qh[64];
    int8_t scales[16];
    uint8_t d[2];
};
struct iq4_xs {
    uint8_t d[2], scales_h[2], scales_l[4], qs[128];
};

INLINE int has_minimum(uint32_t type) {
    return type == MOIETY_Q4_1 || type == MOIETY_Q5_1 || type == MOIETY_Q2_K ||
           type == MOIETY_Q4_K || type == MOIETY_Q5_K;
}

/// Whether sums are multiplied by integer scales.
INLINE int has_scale(uint32_t type) {
    return type == MOIETY_Q2_K || type == MOIETY_Q3_K || type == MOIETY_Q4_K ||
           type == MOIETY_Q5_K || type == MOIETY_Q6_K || type == MOIETY_IQ4_XS;
}

/// Whether the two halves of 32 weights have scales of their own.
INLINE int has_halves(uint32_t type) {
    return type == MOIETY_Q2_K || type == MOIETY_Q3_K || type == MOIETY_Q6_K;
}

INLINE float half_at(const uint8_t *p) {
    return float_from_half((uint16_t)(p[0] | p[1] << 8));
}

INLINE void set_scales(struct block *b, int scale, int minimum) {
    b->scale[0] = b->scale[1] = scale;
    b->minimum[0] = b->minimum[1] = minimum;
}

INLINE void set_halves(struct block *b, bytes16 first, bytes16 second) {
    __builtin_memcpy(b->q, &first, sizeof first);
    __builtin_memcpy(b->q + 16, &second, sizeof second);
}

INLINE void set_all(struct block *b, bytes32 q) {
    __builtin_memcpy(b->q, &q, sizeof q);
}

/// 16 bytes of nibbles, low ones first, then high ones, less `offset`.
INLINE void unpack_nibbles(struct block *b, const uint8_t *qs, uint8_t offset) {
    bytes16 v = load_bytes16(qs);
    set_halves(b, (v & 15) - offset, (v >> 4) - offset);
}

/// Bit i of two bytes as 16 in byte i.
INLINE bytes16 sixteens(const uint8_t *bits) {
    const bytes16 places = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    bytes16 spread;
    for (int i = 0; i < 16; i++)
        spread[i] = bits[i / 8];
    return (bytes16)((spread & places) != 0) & 16;
}

/// Nibbles with a fifth bit each: bit i of `qh` is worth 16 for weight i.
INLINE void
unpack_five_bits(struct block *b, const uint8_t *qs, const uint8_t *qh, uint8_t offset) {
    bytes16 v = load_bytes16(qs);
    set_halves(b, ((v & 15) | sixteens(qh)) - offset, ((v >> 4) | sixteens(qh + 2)) - offset);
}

/// Nibbles that are indices of a table.
INLINE void unpack_table(struct block *b, const uint8_t *qs, const int8_t *table) {
    bytes16 v = load_bytes16(qs);
    set_halves(b, look_up(table, v & 15), look_up(table, v >> 4));
}

static const int8_t iq4_values[16] = {
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

/// Twice the e2m1 numbers.
static const int8_t mxfp4_values[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

/// Half of 2^(e - 127).
INLINE float half_of_e8m0(uint8_t e) {
    return float_from_bits(e < 2 ? 0x00200000u << e : (uint32_t)(e - 1) << 23);
}

#include "superblocks.h"

/// Block `index` of a row; `type` is constant where this is inlined.
INLINE void unpack(struct block *b, const uint8_t *row, size_t index, uint32_t type) {
    set_scales(b, 1, 1);
    b->m = 0;
    switch (type) {
    case MOIETY_Q8_0: {
        const struct q8_0 *s = (const struct q8_0 *)row + index;
        b->d = half_at(s->d);
        __builtin_memcpy(b->q, s->qs, sizeof b->q);
        return;
    }
    case MOIETY_Q4_0: {
        const struct q4_0 *s = (const struct q4_0 *)row + index;
        b->d = half_at(s->d);
        return unpack_nibbles(b, s->qs, 8);
    }
    case MOIETY_Q4_1: {
        const struct q4_1 *s = (const struct q4_1 *)row + index;
        b->d = half_at(s->d);
        b->m = half_at(s->m);
        return unpack_nibbles(b, s->qs, 0);
    }
    case MOIETY_Q5_0: {
        const struct q5_0 *s = (const struct q5_0 *)row + index;
        b->d = half_at(s->d);
        return unpack_five_bits(b, s->qs, s->qh, 16);
    }
    case MOIETY_Q5_1: {
        const struct q5_1 *s = (const struct q5_1 *)row + index;
        b->d = half_at(s->d);
        b->m = half_at(s->m);
        return unpack_five_bits(b, s->qs, s->qh, 0);
    }
    case MOIETY_IQ4_NL: {
        const struct q4_0 *s = (const struct q4_0 *)row + index;
        b->d = half_at(s->d);
        return unpack_table(b, s->qs, iq4_values);
    }
    case MOIETY_MXFP4: {
        const struct mxfp4 *s = (const struct mxfp4 *)row + index;
        b->d = half_of_e8m0(s->e);
        return unpack_table(b, s->qs, mxfp4_values);
    }
    default:
        return unpack_superblock(b, row, index, type);
    }
}

#endif
