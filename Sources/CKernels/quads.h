/// Four columns of each of 16 outputs: 64 weights in a register, or in two.
#ifndef MOIETY_QUADS_H
#define MOIETY_QUADS_H

#include "lanes.h"

typedef uint8_t quads __attribute__((ext_vector_type(64)));
typedef uint16_t quad_words __attribute__((ext_vector_type(32)));

INLINE quads load_quads(const uint8_t *p) {
    quads v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}

/// Shifts bytes right; bits of the neighbour come in and are to be masked off.
INLINE quads shift_right(quads v, int shift) {
    return (quads)((quad_words)v >> (uint16_t)shift);
}

INLINE int32_t four_quants(const int8_t *quants, int group) {
    int32_t four;
    __builtin_memcpy(&four, quants + 4 * group, sizeof four);
    return four;
}

#endif
