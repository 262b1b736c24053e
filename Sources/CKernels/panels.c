// Rows of weights to panels and back: bytes move, none changes.
#include "panels.h"

#define INLINE static inline __attribute__((always_inline))

/// Blocks of a row in a unit, whole or cut.
INLINE size_t unit_blocks(const struct layout *l, size_t columns) {
    return (columns + l->columns - 1) / l->columns;
}

/// Spreads `size` bytes at the same place of each of `count` rows over a panel, granule by granule.
INLINE void spread(
    uint8_t *panel, const uint8_t *rows, size_t count, size_t row_bytes, size_t size, size_t granule
) {
    for (size_t k = 0; k < size; k += granule) {
        for (size_t r = 0; r < count; r++)
            __builtin_memcpy(panel + r * granule, rows + r * row_bytes + k, granule);
        panel += granule * MOIETY_PANEL;
    }
}

INLINE void
spread_field(uint8_t *panel, const uint8_t *rows, size_t count, size_t row_bytes, struct field f) {
    switch (f.granule) {
    case 4:
        return spread(panel, rows, count, row_bytes, f.size, 4);
    case 2:
        return spread(panel, rows, count, row_bytes, f.size, 2);
    default:
        return spread(panel, rows, count, row_bytes, f.size, 1);
    }
}

INLINE void pack(
    uint8_t *panel,
    const uint8_t *rows,
    size_t row_bytes,
    size_t place,
    size_t count,
    struct moiety_columns c,
    uint32_t type
) {
    struct layout l = layout_of(type);
    size_t columns;
    for (size_t column = 0; column < c.count; column += columns) {
        columns = unit_columns(c.count, c.head, column);
        size_t blocks = unit_blocks(&l, columns);
        for (int k = 0; k < FIELDS && l.fields[k].size; k++) {
            struct field f = l.fields[k];
            uint8_t *start = panel + field_start(&l, k, columns) + place * f.granule;
            f.size = (uint8_t)(field_bytes(&l, k, columns) / blocks);
            for (size_t b = 0; b < blocks; b++) {
                const uint8_t *block = rows + b * l.bytes;
                spread_field(start, block + f.offset, count, row_bytes, f);
                start += f.size * MOIETY_PANEL;
            }
        }
        panel += unit_bytes(&l, columns);
        rows += blocks * l.bytes;
    }
}

void moiety_pack_rows(
    uint8_t *panel,
    const uint8_t *rows,
    size_t row_bytes,
    size_t place,
    size_t count,
    struct moiety_columns columns,
    uint32_t type
) {
    // Nearly all panels are filled at once; told so, the compiler unrolls.
    if (count == MOIETY_PANEL)
        pack(panel, rows, row_bytes, 0, MOIETY_PANEL, columns, type);
    else
        pack(panel, rows, row_bytes, place, count, columns, type);
}

/// Gathers `size` bytes of a row from a panel, granule by granule.
INLINE void gather(uint8_t *row, const uint8_t *panel, size_t size, size_t granule) {
    for (size_t k = 0; k < size; k += granule)
        __builtin_memcpy(row + k, panel + k * MOIETY_PANEL, granule);
}

INLINE void gather_field(uint8_t *row, const uint8_t *panel, struct field f) {
    switch (f.granule) {
    case 4:
        return gather(row, panel, f.size, 4);
    case 2:
        return gather(row, panel, f.size, 2);
    default:
        return gather(row, panel, f.size, 1);
    }
}

void moiety_unpack_row(
    uint8_t *row, const uint8_t *panel, size_t place, struct moiety_columns c, uint32_t type
) {
    struct layout l = layout_of(type);
    size_t columns;
    for (size_t column = 0; column < c.count; column += columns) {
        columns = unit_columns(c.count, c.head, column);
        size_t blocks = unit_blocks(&l, columns);
        for (int k = 0; k < FIELDS && l.fields[k].size; k++) {
            struct field f = l.fields[k];
            const uint8_t *start = panel + field_start(&l, k, columns) + place * f.granule;
            f.size = (uint8_t)(field_bytes(&l, k, columns) / blocks);
            for (size_t b = 0; b < blocks; b++)
                gather_field(row + b * l.bytes + f.offset, start + b * f.size * MOIETY_PANEL, f);
        }
        panel += unit_bytes(&l, columns);
        row += blocks * l.bytes;
    }
}
