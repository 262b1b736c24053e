/// Panels: 16 rows of integer weights interleaved, so that a register holds one column of all.
///
/// A panel is a permutation of its rows' bytes. It runs in units of up to 256 columns; a unit holds
/// its blocks' fields one after the other, quants first, each as `[block][granule][row]`: the
/// granule `k` of every row's field lies side by side. A granule is 4 quants' bytes, or one scale.
///
/// Where a matrix is a slice of columns, its first and last block of 256 may be cut: such a block
/// is a unit of its own, with its scales, and of its quants only what the columns in it need.
#ifndef MOIETY_PANELS_H
#define MOIETY_PANELS_H

#include "CKernels.h"

#include <stddef.h>
#include <stdint.h>

enum { UNIT = 256, FIELDS = 5 };

/// Some adjacent bytes of a block that are interleaved in the same way.
struct field {
    uint8_t offset, size, granule;
    /// Parts of 32 columns whose quants share bytes, in a field of a block of 256 that is as long
    /// as its columns need; 0 in a field that is always whole.
    uint8_t shared;
};

/// How the blocks of a type are taken apart.
struct layout {
    /// Columns and bytes of a block.
    uint16_t columns, bytes;
    /// In the order of the panel; those of size 0 end the list.
    struct field fields[FIELDS];
};

/// `type` is an integer `enum moiety_type`.
static inline struct layout layout_of(uint32_t type) {
    switch (type) {
    case MOIETY_Q8_0:
        return (struct layout){32, 34, {{2, 32, 4, 0}, {0, 2, 2, 0}}};
    case MOIETY_Q4_1:
        return (struct layout){32, 20, {{4, 16, 4, 0}, {0, 2, 2, 0}, {2, 2, 2, 0}}};
    case MOIETY_Q5_0:
        return (struct layout){32, 22, {{6, 16, 4, 0}, {2, 4, 4, 0}, {0, 2, 2, 0}}};
    case MOIETY_Q5_1:
        return (struct layout){32, 24, {{8, 16, 4, 0}, {4, 4, 4, 0}, {0, 2, 2, 0}, {2, 2, 2, 0}}};
    case MOIETY_Q2_K:
        return (struct layout
        ){256, 84, {{16, 64, 4, 4}, {0, 16, 1, 0}, {80, 2, 2, 0}, {82, 2, 2, 0}}};
    case MOIETY_Q3_K:
        return (struct layout
        ){256, 110, {{32, 64, 4, 4}, {0, 32, 4, 0}, {96, 12, 1, 0}, {108, 2, 2, 0}}};
    case MOIETY_Q4_K:
        return (struct layout
        ){256, 144, {{16, 128, 4, 2}, {4, 12, 1, 0}, {0, 2, 2, 0}, {2, 2, 2, 0}}};
    case MOIETY_Q5_K:
        return (struct layout
        ){256, 176, {{48, 128, 4, 2}, {16, 32, 4, 0}, {4, 12, 1, 0}, {0, 2, 2, 0}, {2, 2, 2, 0}}};
    case MOIETY_Q6_K:
        return (struct layout
        ){256, 210, {{0, 128, 4, 4}, {128, 64, 4, 4}, {192, 16, 1, 0}, {208, 2, 2, 0}}};
    case MOIETY_IQ4_XS:
        return (struct layout
        ){256, 136, {{8, 128, 4, 1}, {4, 4, 1, 0}, {2, 2, 2, 0}, {0, 2, 2, 0}}};
    case MOIETY_MXFP4:
        return (struct layout){32, 17, {{1, 16, 4, 0}, {0, 1, 1, 0}}};
    default: // Q4_0 and IQ4_NL
        return (struct layout){32, 18, {{2, 16, 4, 0}, {0, 2, 2, 0}}};
    }
}

/// Columns of the unit that starts at `column`, where the first one has at most `head`.
static inline size_t unit_columns(size_t columns, size_t head, size_t column) {
    size_t most = column == 0 ? head : UNIT;
    size_t left = columns - column;
    return left < most ? left : most;
}

/// Bytes that a row has in field `f` of a unit.
static inline size_t field_bytes(const struct layout *l, int f, size_t columns) {
    size_t size = l->fields[f].size;
    size_t shared = l->fields[f].shared;
    if (l->columns < UNIT)
        return columns / l->columns * size;
    if (shared == 0)
        return size;
    size_t length = shared * (UNIT / 8);
    return (columns + length - 1) / length * (size * length / UNIT);
}

/// Where field `f` starts in a unit.
static inline size_t field_start(const struct layout *l, int f, size_t columns) {
    size_t bytes = 0;
    for (int k = 0; k < f; k++)
        bytes += field_bytes(l, k, columns);
    return bytes * MOIETY_PANEL;
}

/// Bytes of a unit.
static inline size_t unit_bytes(const struct layout *l, size_t columns) {
    return field_start(l, FIELDS, columns);
}

/// What is added to a type's weights so that they are unsigned.
static inline int32_t offset_of(uint32_t type) {
    switch (type) {
    case MOIETY_Q4_0:
        return 8;
    case MOIETY_Q5_0:
        return 16;
    case MOIETY_Q8_0:
    case MOIETY_IQ4_NL:
    case MOIETY_IQ4_XS:
    case MOIETY_MXFP4:
        return 128;
    case MOIETY_Q3_K:
        return 4;
    case MOIETY_Q6_K:
        return 32;
    default:
        return 0;
    }
}

#endif
