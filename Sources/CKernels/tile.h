/// Integer products by tiles: some outputs times some blocks of columns, unpacked once into L1 and
/// multiplied with every row. Lanes are outputs, so each keeps its own order of summation.
///
/// The including file defines WIDTH, the outputs of a tile, and includes its `transpose` and
/// `times_tile` after this.
#ifndef MOIETY_TILE_H
#define MOIETY_TILE_H

#include "blocks.h"

/// Blocks of columns in a tile: a superblock.
enum { DEPTH = 8 };

struct tile {
    /// `[block][4 columns][output]`, four columns of an output in one 32-bit lane.
    int8_t q[DEPTH][8][WIDTH * 4] __attribute__((aligned(64)));
    float d[DEPTH][WIDTH] __attribute__((aligned(64)));
    float m[DEPTH][WIDTH] __attribute__((aligned(64)));
    int32_t scale[DEPTH][2][WIDTH] __attribute__((aligned(64)));
    int32_t minimum[DEPTH][2][WIDTH] __attribute__((aligned(64)));
};

/// Which part of a product a tile is.
struct place {
    size_t first_output;
    /// At most WIDTH; lanes beyond them repeat the last one and are not stored.
    size_t outputs;
    size_t first_block;
    /// At most DEPTH.
    size_t blocks;
};

/// `q[8][WIDTH * 4]` from WIDTH blocks.
INLINE void transpose(int8_t (*q)[WIDTH * 4], const struct block *blocks);

INLINE void
fill_tile(struct tile *t, const struct moiety_integer_product *p, struct place at, uint32_t type) {
    struct block blocks[DEPTH][WIDTH];
    for (size_t o = 0; o < WIDTH; o++) {
        size_t output = at.first_output + (o < at.outputs ? o : at.outputs - 1);
        const uint8_t *row = p->weights + output * p->row_bytes;
        for (size_t b = 0; b < at.blocks; b++)
            unpack(&blocks[b][o], row, at.first_block + b, type);
    }
    for (size_t b = 0; b < at.blocks; b++) {
        transpose(t->q[b], blocks[b]);
        for (size_t o = 0; o < WIDTH; o++) {
            t->d[b][o] = blocks[b][o].d;
            if (has_minimum(type))
                t->m[b][o] = blocks[b][o].m;
            for (int h = 0; h < 2; h++) {
                if (has_scale(type))
                    t->scale[b][h][o] = blocks[b][o].scale[h];
                if (has_scale(type) && has_minimum(type))
                    t->minimum[b][h][o] = blocks[b][o].minimum[h];
            }
        }
    }
}

/// Adds a tile's part to `rows` <= ROWS adjacent rows of outputs.
INLINE void times_tile(
    const struct tile *t,
    const struct moiety_integer_product *p,
    struct place at,
    size_t row,
    int rows,
    uint32_t type
);

INLINE void integer_product_of(const struct moiety_integer_product *p, uint32_t type) {
    size_t block_count = p->columns / BLOCK;
    struct tile t;
    struct place at;
    for (at.first_output = 0; at.first_output < p->output_count; at.first_output += WIDTH) {
        size_t outputs = p->output_count - at.first_output;
        at.outputs = outputs < WIDTH ? outputs : WIDTH;
        for (at.first_block = 0; at.first_block < block_count; at.first_block += DEPTH) {
            size_t blocks = block_count - at.first_block;
            at.blocks = blocks < DEPTH ? blocks : DEPTH;
            fill_tile(&t, p, at, type);
            size_t r = 0;
            for (; r + ROWS <= p->row_count; r += ROWS)
                times_tile(&t, p, at, r, ROWS, type);
            for (; r < p->row_count; r++)
                times_tile(&t, p, at, r, 1, type);
        }
    }
}

/// The rounded blocks of a row of activations from a tile's first column on.
struct rounded {
    const int8_t *quants;
    const float *scales;
    const int32_t *sums;
};

INLINE struct rounded
rounded_row(const struct moiety_integer_product *p, struct place at, size_t row) {
    size_t source = p->rows ? (size_t)p->rows[row] : row;
    size_t block = source * (p->columns / BLOCK) + at.first_block;
    return (struct rounded){
        .quants = p->quants + block * BLOCK,
        .scales = p->scales + block,
        .sums = p->sums + 2 * block,
    };
}

INLINE float *output_start(const struct moiety_integer_product *p, struct place at, size_t row) {
    return p->y + row * p->y_stride + at.first_output;
}

INLINE int32_t four_quants(const int8_t *quants, int group) {
    int32_t four;
    __builtin_memcpy(&four, quants + 4 * group, sizeof four);
    return four;
}

#endif
