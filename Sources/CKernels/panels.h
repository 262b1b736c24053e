/// Panels: 16 rows of integer weights interleaved, so that a register holds one column of all.
///
/// A panel is a permutation of its rows' bytes. It runs in units of up to 256 columns; a unit holds
/// its blocks' fields one after the other, quants first, each as `[block][granule][row]`: the
/// granule `k` of every row's field lies side by side. A granule is 4 quants' bytes, or one scale.
#ifndef MOIETY_PANELS_H
#define MOIETY_PANELS_H

#include "CKernels.h"

#include <stddef.h>
#include <stdint.h>

enum { UNIT = 256, FIELDS = 5 };

/// Some adjacent bytes of a block that are interleaved in the same way.
struct field {
    uint8_t offset, size, granule;
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
        return (struct layout){32, 34, {{2, 32, 4}, {0, 2, 2}}};
    case MOIETY_Q4_1:
        return (struct layout){32, 20, {{4, 16, 4}, {0, 2, 2}, {2, 2, 2}}};
    case MOIETY_Q5_0:
        return (struct layout){32, 22, {{6, 16, 4}, {2, 4, 4}, {0, 2, 2}}};
    case MOIETY_Q5_1:
        return (struct layout){32, 24, {{8, 16, 4}, {4, 4, 4}, {0, 2, 2}, {2, 2, 2}}};
    case MOIETY_Q2_K:
        return (struct layout){256, 84, {{16, 64, 4}, {0, 16, 1}, {80, 2, 2}, {82, 2, 2}}};
    case MOIETY_Q3_K:
        return (struct layout){256, 110, {{32, 64, 4}, {0, 32, 4}, {96, 12, 1}, {108, 2, 2}}};
    case MOIETY_Q4_K:
        return (struct layout){256, 144, {{16, 128, 4}, {4, 12, 1}, {0, 2, 2}, {2, 2, 2}}};
    case MOIETY_Q5_K:
        return (struct layout
        ){256, 176, {{48, 128, 4}, {16, 32, 4}, {4, 12, 1}, {0, 2, 2}, {2, 2, 2}}};
    case MOIETY_Q6_K:
        return (struct layout){256, 210, {{0, 128, 4}, {128, 64, 4}, {192, 16, 1}, {208, 2, 2}}};
    case MOIETY_IQ4_XS:
        return (struct layout){256, 136, {{8, 128, 4}, {4, 4, 1}, {2, 2, 2}, {0, 2, 2}}};
    case MOIETY_MXFP4:
        return (struct layout){32, 17, {{1, 16, 4}, {0, 1, 1}}};
    default: // Q4_0 and IQ4_NL
        return (struct layout){32, 18, {{2, 16, 4}, {0, 2, 2}}};
    }
}

/// Where field `f` of the unit's blocks starts in a unit of `blocks` blocks.
static inline size_t field_start(const struct layout *l, int f, size_t blocks) {
    size_t bytes = 0;
    for (int k = 0; k < f; k++)
        bytes += l->fields[k].size;
    return bytes * blocks * MOIETY_PANEL;
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
