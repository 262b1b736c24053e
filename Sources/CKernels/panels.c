// Rows of weights to panels and back: bytes move, none changes.
#include "panels.h"

/// Copies a field of one row's block between the row and a panel.
static inline __attribute__((always_inline)) void
move_granules(uint8_t *panel, uint8_t *row, size_t count, size_t granule, int packs) {
    for (size_t k = 0; k < count; k++) {
        uint8_t *place = panel + k * granule * MOIETY_PANEL;
        uint8_t *source = row + k * granule;
        if (packs)
            __builtin_memcpy(place, source, granule);
        else
            __builtin_memcpy(source, place, granule);
    }
}

static inline __attribute__((always_inline)) void
move_field(uint8_t *panel, uint8_t *row, struct field f, int packs) {
    switch (f.granule) {
    case 4:
        return move_granules(panel, row, f.size / 4, 4, packs);
    case 2:
        return move_granules(panel, row, f.size / 2, 2, packs);
    default:
        return move_granules(panel, row, f.size, 1, packs);
    }
}

/// Moves row `place` of a panel; `panel` and `row` start at a unit of `blocks` blocks.
static inline __attribute__((always_inline)) void move_unit(
    uint8_t *panel, uint8_t *row, const struct layout *l, size_t blocks, size_t place, int packs
) {
    for (int k = 0; k < 5 && l->fields[k].size; k++) {
        struct field f = l->fields[k];
        uint8_t *start = panel + field_start(l, k, blocks) + place * f.granule;
        for (size_t b = 0; b < blocks; b++) {
            move_field(start + b * f.size * MOIETY_PANEL, row + b * l->bytes + f.offset, f, packs);
        }
    }
}

static inline __attribute__((always_inline)) void
move_row(uint8_t *panel, uint8_t *row, size_t place, size_t columns, uint32_t type, int packs) {
    struct layout l = layout_of(type);
    size_t blocks_left = columns / l.columns;
    while (blocks_left > 0) {
        size_t most = UNIT / l.columns;
        size_t blocks = blocks_left < most ? blocks_left : most;
        move_unit(panel, row, &l, blocks, place, packs);
        panel += MOIETY_PANEL * blocks * l.bytes;
        row += blocks * l.bytes;
        blocks_left -= blocks;
    }
}

void moiety_pack_row(
    uint8_t *panel, const uint8_t *row, size_t place, size_t columns, uint32_t type
) {
    // The row is only read.
    move_row(panel, (uint8_t *)(uintptr_t)row, place, columns, type, 1);
}

void moiety_unpack_row(
    uint8_t *row, const uint8_t *panel, size_t place, size_t columns, uint32_t type
) {
    // The panel is only read.
    move_row((uint8_t *)(uintptr_t)panel, row, place, columns, type, 0);
}

/// Interleaves `size` bytes at the same place of 16 rows, granule by granule.
static inline __attribute__((always_inline)) void
interleave(uint8_t *panel, const uint8_t *rows, size_t row_bytes, size_t size, size_t granule) {
    for (size_t k = 0; k < size; k += granule) {
        for (size_t r = 0; r < MOIETY_PANEL; r++) {
            __builtin_memcpy(panel + r * granule, rows + r * row_bytes + k, granule);
        }
        panel += granule * MOIETY_PANEL;
    }
}

static inline void
interleave_field(uint8_t *panel, const uint8_t *rows, size_t row_bytes, struct field f) {
    switch (f.granule) {
    case 4:
        return interleave(panel, rows, row_bytes, f.size, 4);
    case 2:
        return interleave(panel, rows, row_bytes, f.size, 2);
    default:
        return interleave(panel, rows, row_bytes, f.size, 1);
    }
}

void moiety_pack_panel(
    uint8_t *panel, const uint8_t *rows, size_t row_bytes, size_t columns, uint32_t type
) {
    struct layout l = layout_of(type);
    size_t blocks_left = columns / l.columns;
    while (blocks_left > 0) {
        size_t most = UNIT / l.columns;
        size_t blocks = blocks_left < most ? blocks_left : most;
        for (int k = 0; k < 5 && l.fields[k].size; k++) {
            struct field f = l.fields[k];
            uint8_t *start = panel + field_start(&l, k, blocks);
            for (size_t b = 0; b < blocks; b++) {
                uint8_t *place = start + b * f.size * MOIETY_PANEL;
                interleave_field(place, rows + b * l.bytes + f.offset, row_bytes, f);
            }
        }
        panel += MOIETY_PANEL * blocks * l.bytes;
        rows += blocks * l.bytes;
        blocks_left -= blocks;
    }
}
