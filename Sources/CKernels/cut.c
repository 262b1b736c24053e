// Blocks of 256 whose first columns are left out: bits move to other places, none changes.
#include "panels.h"

enum { PART = 32 };

/// Adjacent bytes of a block in each of which some bits belong to one part of 32 columns.
struct bits {
    uint8_t offset, size, shift, mask;
};

/// All bits of a part, also those that all parts share; those of size 0 end the list.
struct part {
    struct bits bits[8];
};

/// The six bits at `k` of the scales of Q3_K: four low ones, two high ones.
#define Q3_K_SCALE(k)                                                                              \
    {96 + (k) % 8, 1, (k) / 8 * 4, 15}, {                                                          \
        104 + (k) % 4, 1, (k) / 4 * 2, 3                                                           \
    }

/// Four low and two high bits of the scale, then of the minimum of a part of Q4_K and Q5_K.
#define K_SCALES(j)                                                                                \
    {(j) < 4 ? 4 + (j) : 8 + (j), 1, 0, 15}, {(j) < 4 ? 4 + (j) : (j), 1, (j) < 4 ? 4 : 6, 3},     \
        {8 + (j), 1, (j) < 4 ? 0 : 4, 15}, {                                                       \
        (j) < 4 ? 8 + (j) : 4 + (j), 1, (j) < 4 ? 4 : 6, 3                                         \
    }

/// `type` has blocks of 256.
static struct part part_of(uint32_t type, uint8_t j) {
    switch (type) {
    case MOIETY_Q2_K:
        return (struct part
        ){{{16 + j / 4 * 32, PART, j % 4 * 2, 3}, {2 * j, 2, 0, 255}, {80, 4, 0, 255}}};
    case MOIETY_Q3_K:
        return (struct part
        ){{{32 + j / 4 * 32, PART, j % 4 * 2, 3},
           {0, PART, j, 1},
           Q3_K_SCALE(2 * j),
           Q3_K_SCALE(2 * j + 1),
           {108, 2, 0, 255}}};
    case MOIETY_Q4_K:
        return (struct part){{{16 + j / 2 * 32, PART, j % 2 * 4, 15}, K_SCALES(j), {0, 4, 0, 255}}};
    case MOIETY_Q5_K:
        return (struct part
        ){{{48 + j / 2 * 32, PART, j % 2 * 4, 15}, {16, PART, j, 1}, K_SCALES(j), {0, 4, 0, 255}}};
    case MOIETY_Q6_K:
        return (struct part
        ){{{j / 4 * 64 + j % 2 * 32, PART, j % 4 / 2 * 4, 15},
           {128 + j / 4 * 32, PART, j % 4 * 2, 3},
           {192 + 2 * j, 2, 0, 255},
           {208, 2, 0, 255}}};
    default: // IQ4_XS
        return (struct part
        ){{{8 + 16 * j, 16, 0, 255},
           {4 + j / 2, 1, j % 2 * 4, 15},
           {2 + j / 4, 1, j % 4 * 2, 3},
           {0, 2, 0, 255}}};
    }
}

void moiety_cut_block(uint8_t *cut, const uint8_t *block, size_t first, uint32_t type) {
    __builtin_memset(cut, 0, layout_of(type).bytes);
    for (size_t j = first; j < UNIT / PART; j++) {
        struct part from = part_of(type, (uint8_t)j);
        struct part to = part_of(type, (uint8_t)(j - first));
        for (int k = 0; k < 8 && from.bits[k].size; k++) {
            struct bits f = from.bits[k], t = to.bits[k];
            for (size_t i = 0; i < f.size; i++) {
                uint8_t bits = block[f.offset + i] >> f.shift & f.mask;
                cut[t.offset + i] |= (uint8_t)(bits << t.shift);
            }
        }
    }
}
