/// One block of a panel in registers: 32 columns of 16 outputs, lanes are outputs.
///
/// The including file defines `look_up_quads` for its instruction set before it includes this.
#ifndef MOIETY_PANEL_BLOCK_H
#define MOIETY_PANEL_BLOCK_H

#include "blocks.h"
#include "panels.h"
#include "quads.h"

/// Where in a unit of a panel the fields of its blocks start.
struct unit {
    const uint8_t *field[FIELDS];
    /// Blocks of 32 columns.
    size_t blocks;
};

/// A block, its weights moved up by `offset_of(type)` so that they are unsigned.
struct panel_block {
    /// `[4 columns]`.
    quads q[8];
    lanes d, m;
    lanes_int scale[2], minimum[2];
};

INLINE struct unit unit_at(const uint8_t *start, size_t columns, uint32_t type) {
    struct layout l = layout_of(type);
    struct unit u = {.blocks = columns / BLOCK};
    for (int k = 0; k < FIELDS; k++)
        u.field[k] = start + field_start(&l, k, columns);
    return u;
}

/// Granule `k` of a field of halves, as f32.
INLINE lanes half_lanes(const uint8_t *field, size_t k) {
    return load_half((const uint16_t *)field + k * MOIETY_PANEL);
}

/// Granule `k` of a field of bytes.
INLINE bytes16 byte_lanes(const uint8_t *field, size_t k) {
    return load_bytes16(field + k * MOIETY_PANEL);
}

INLINE lanes_int widen_bytes(bytes16 v) {
    return __builtin_convertvector(v, lanes_int);
}

/// Nibbles, low ones first, of 4 granules.
INLINE void load_nibbles(quads q[8], const uint8_t *field, size_t b) {
    for (size_t k = 0; k < 4; k++) {
        quads v = load_quads(field + (4 * b + k) * 64);
        q[k] = v & 15;
        q[k + 4] = v >> 4;
    }
}

INLINE void load_table(quads q[8], const uint8_t *field, size_t b, const int8_t *table) {
    load_nibbles(q, field, b);
    for (int k = 0; k < 8; k++)
        q[k] = look_up_quads(table, q[k]) ^ 128;
}

/// Adds 16 to the weights whose bit is set in the 32 bits of their output.
INLINE void add_fifth_bits(quads q[8], const uint8_t *field, size_t b) {
    quads bits = load_quads(field + b * 64);
    for (int k = 0; k < 8; k++) {
        // Columns 4k ... 4k + 3 stand in byte k / 2 of their output's four.
        lanes_int byte = ((lanes_int)bits >> (k / 2 * 8) & 255) * 0x01010101;
        quads places = (quads)(lanes_int)(int32_t)(0x08040201u << (k % 2 * 4));
        q[k] |= (quads)(((quads)byte & places) != 0) & 16;
    }
}

/// `(field >> shift) & mask` of 8 granules from `first` on.
INLINE void load_shifted(quads q[8], const uint8_t *field, size_t first, int shift, uint8_t mask) {
    for (size_t k = 0; k < 8; k++)
        q[k] = shift_right(load_quads(field + (first + k) * 64), shift) & mask;
}

/// Adds `((field >> shift) & mask) << up` of 8 granules from `first` on.
INLINE void
add_shifted(quads q[8], const uint8_t *field, size_t first, int shift, uint8_t mask, int up) {
    for (size_t k = 0; k < 8; k++) {
        quads high = shift_right(load_quads(field + (first + k) * 64), shift) & mask;
        q[k] |= high << (uint8_t)up;
    }
}

/// The 6-bit scales and minimums of Q4_K and Q5_K.
INLINE void load_k_scales(struct panel_block *p, const uint8_t *s, size_t j) {
    bytes16 scale, minimum;
    if (j < 4) {
        scale = byte_lanes(s, j) & 63;
        minimum = byte_lanes(s, j + 4) & 63;
    } else {
        bytes16 low = byte_lanes(s, j + 4);
        scale = (low & 15) | (byte_lanes(s, j - 4) >> 6) << 4;
        minimum = (low >> 4) | (byte_lanes(s, j) >> 6) << 4;
    }
    p->scale[0] = widen_bytes(scale);
    p->minimum[0] = widen_bytes(minimum);
}

INLINE lanes_int q3_k_scales(const uint8_t *s, size_t k) {
    bytes16 low = k < 8 ? byte_lanes(s, k) & 15 : byte_lanes(s, k - 8) >> 4;
    bytes16 high = byte_lanes(s, 8 + k % 4) >> (uint8_t)(k / 4 * 2) & 3;
    return widen_bytes(low | high << 4) - 32;
}

INLINE lanes_int iq4_xs_scales(const struct unit *u, size_t j) {
    bytes16 low = byte_lanes(u->field[1], j / 2) >> (uint8_t)(j % 2 * 4) & 15;
    lanes_u16 high;
    __builtin_memcpy(&high, u->field[2], sizeof high);
    lanes_int wide = __builtin_convertvector(high, lanes_int);
    return (widen_bytes(low) | (wide >> (int)(2 * j) & 3) << 4) - 32;
}

/// What a type keeps once per unit.
INLINE void load_unit_scales(struct panel_block *p, const struct unit *u, uint32_t type) {
    switch (type) {
    case MOIETY_Q2_K:
        p->d = half_lanes(u->field[2], 0);
        p->m = -half_lanes(u->field[3], 0);
        return;
    case MOIETY_Q4_K:
        p->d = half_lanes(u->field[2], 0);
        p->m = -half_lanes(u->field[3], 0);
        return;
    case MOIETY_Q5_K:
        p->d = half_lanes(u->field[3], 0);
        p->m = -half_lanes(u->field[4], 0);
        return;
    case MOIETY_Q3_K:
    case MOIETY_Q6_K:
    case MOIETY_IQ4_XS:
        p->d = half_lanes(u->field[3], 0);
        return;
    }
}

/// Block `j` of a unit of a type with blocks of 256.
INLINE void load_k_block(struct panel_block *p, const struct unit *u, size_t j, uint32_t type) {
    switch (type) {
    case MOIETY_Q2_K: {
        load_shifted(p->q, u->field[0], j / 4 * 8, (int)(j % 4 * 2), 3);
        for (size_t h = 0; h < 2; h++) {
            bytes16 both = byte_lanes(u->field[1], 2 * j + h);
            p->scale[h] = widen_bytes(both & 15);
            p->minimum[h] = widen_bytes(both >> 4);
        }
        return;
    }
    case MOIETY_Q3_K:
        load_shifted(p->q, u->field[0], j / 4 * 8, (int)(j % 4 * 2), 3);
        add_shifted(p->q, u->field[1], 0, (int)j, 1, 2);
        p->scale[0] = q3_k_scales(u->field[2], 2 * j);
        p->scale[1] = q3_k_scales(u->field[2], 2 * j + 1);
        return;
    case MOIETY_Q4_K:
        load_shifted(p->q, u->field[0], j / 2 * 8, (int)(j % 2 * 4), 15);
        return load_k_scales(p, u->field[1], j);
    case MOIETY_Q5_K:
        load_shifted(p->q, u->field[0], j / 2 * 8, (int)(j % 2 * 4), 15);
        add_shifted(p->q, u->field[1], 0, (int)j, 1, 4);
        return load_k_scales(p, u->field[2], j);
    case MOIETY_Q6_K:
        load_shifted(p->q, u->field[0], j / 4 * 16 + j % 2 * 8, (int)(j % 4 / 2 * 4), 15);
        add_shifted(p->q, u->field[1], j / 4 * 8, (int)(j % 4 * 2), 3, 4);
        for (size_t h = 0; h < 2; h++) {
            bytes16 scale = byte_lanes(u->field[2], 2 * j + h);
            p->scale[h] = __builtin_convertvector((lanes_i8)scale, lanes_int);
        }
        return;
    default:
        load_table(p->q, u->field[0], j, iq4_values);
        p->scale[0] = iq4_xs_scales(u, j);
        return;
    }
}

/// Block `b` of a unit; `load_unit_scales` has been called for it.
INLINE void load_block(struct panel_block *p, const struct unit *u, size_t b, uint32_t type) {
    switch (type) {
    case MOIETY_Q8_0:
        for (size_t k = 0; k < 8; k++)
            p->q[k] = load_quads(u->field[0] + (8 * b + k) * 64) ^ 128;
        p->d = half_lanes(u->field[1], b);
        return;
    case MOIETY_Q4_0:
        load_nibbles(p->q, u->field[0], b);
        p->d = half_lanes(u->field[1], b);
        return;
    case MOIETY_Q4_1:
        load_nibbles(p->q, u->field[0], b);
        p->d = half_lanes(u->field[1], b);
        p->m = half_lanes(u->field[2], b);
        return;
    case MOIETY_Q5_0:
        load_nibbles(p->q, u->field[0], b);
        add_fifth_bits(p->q, u->field[1], b);
        p->d = half_lanes(u->field[2], b);
        return;
    case MOIETY_Q5_1:
        load_nibbles(p->q, u->field[0], b);
        add_fifth_bits(p->q, u->field[1], b);
        p->d = half_lanes(u->field[2], b);
        p->m = half_lanes(u->field[3], b);
        return;
    case MOIETY_IQ4_NL:
        load_table(p->q, u->field[0], b, iq4_values);
        p->d = half_lanes(u->field[1], b);
        return;
    case MOIETY_MXFP4: {
        load_table(p->q, u->field[0], b, mxfp4_values);
        lanes_int e = widen_bytes(byte_lanes(u->field[1], b));
        // Half of 2^(e - 127): see half_of_e8m0.
        lanes_int tiny = (lanes_int)0x00200000 << (e & 1);
        p->d = (lanes)(e < 2 ? tiny : (e - 1) << 23);
        return;
    }
    default:
        return load_k_block(p, u, b, type);
    }
}

#endif
