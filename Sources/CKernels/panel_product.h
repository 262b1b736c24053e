/// Integer products with panels: lanes are outputs, so each keeps its own order of summation.
///
/// The including file defines `block_dot` and `dot_offset` for its instruction set before it
/// includes this.
#ifndef MOIETY_PANEL_PRODUCT_H
#define MOIETY_PANEL_PRODUCT_H

#include "panel_block.h"

/// Most rows that share a pass over a panel.
enum { TILE_ROWS = 8 };
/// Rows after which the next panel is taken: their activations stay in the second-level cache.
enum { CHUNK_ROWS = 64 };
/// How far ahead of the products weights are fetched, in bytes.
enum { AHEAD = 6144 };

/// The rounded form of a row of activations, from some block on.
struct rounded {
    const int8_t *quants;
    const float *scales;
    const int32_t *sums;
    const int32_t *half_sums;
};

INLINE struct rounded rounded_row(const struct moiety_integer_product *p, size_t row) {
    size_t block = (p->rows ? (size_t)p->rows[row] : row) * (p->columns.count / BLOCK);
    return (struct rounded){
        .quants = p->quants + block * BLOCK,
        .scales = p->scales + block,
        .sums = p->sums + block,
        .half_sums = p->half_sums + 2 * block,
    };
}

/// The integer sum of a block's products, its scales included.
INLINE lanes_int
scaled_sum(const struct panel_block *w, struct rounded x, size_t b, uint32_t type) {
    const int8_t *quants = x.quants + b * BLOCK;
    if (has_halves(type)) {
        lanes_int first = block_dot(w->q, quants, 0, 4, type);
        lanes_int second = block_dot(w->q, quants, 4, 8, type);
        if (dot_offset(type)) {
            first -= (lanes_int)x.half_sums[2 * b] * dot_offset(type);
            second -= (lanes_int)x.half_sums[2 * b + 1] * dot_offset(type);
        }
        return w->scale[0] * first + w->scale[1] * second;
    }
    lanes_int sum = block_dot(w->q, quants, 0, 8, type);
    if (dot_offset(type))
        sum -= (lanes_int)x.sums[b] * dot_offset(type);
    return has_scale(type) ? w->scale[0] * sum : sum;
}

/// The integer sum of a block's minimums, of a type that has them.
INLINE lanes_int
minimum_sum(const struct panel_block *w, struct rounded x, size_t b, uint32_t type) {
    if (has_halves(type)) {
        return w->minimum[0] * (lanes_int)x.half_sums[2 * b] +
               w->minimum[1] * (lanes_int)x.half_sums[2 * b + 1];
    }
    return has_scale(type) ? w->minimum[0] * (lanes_int)x.sums[b] : (lanes_int)x.sums[b];
}

INLINE void
add_block(lanes *acc, const struct panel_block *w, struct rounded x, size_t b, uint32_t type) {
    lanes sum = __builtin_convertvector(scaled_sum(w, x, b, type), lanes);
    lanes scale = x.scales[b];
    *acc = fma_lanes(sum, scale * w->d, *acc);
    if (has_minimum(type)) {
        lanes minimum = __builtin_convertvector(minimum_sum(w, x, b, type), lanes);
        *acc = fma_lanes(minimum, scale * w->m, *acc);
    }
}

/// Where the weights of a product end.
INLINE const uint8_t *weights_end(const struct moiety_integer_product *p) {
    size_t panels = (p->output_count + MOIETY_PANEL - 1) / MOIETY_PANEL;
    return p->weights + panels * MOIETY_PANEL * p->row_bytes;
}

/// Fetches the lines that begin in `bytes` bytes `AHEAD` of a part of a unit, or of what is read
/// after the end.
INLINE void fetch_ahead(
    const struct moiety_integer_product *p, const uint8_t *part, const uint8_t *end, size_t bytes
) {
    const uint8_t *ahead = part + AHEAD;
    if (ahead >= end) {
        if (!p->next)
            return;
        ahead = p->next + (ahead - end);
    }
    size_t first = -(uintptr_t)ahead % 64;
    // What is read once is not to push out what is read again.
    if (p->row_count <= TILE_ROWS) {
        for (size_t i = first; i < bytes; i += 64)
            __builtin_prefetch(ahead + i, 0, 0);
    } else {
        for (size_t i = first; i < bytes; i += 64)
            __builtin_prefetch(ahead + i, 0, 3);
    }
}

/// One panel times `rows` <= TILE_ROWS rows from `first` on.
INLINE void times_panel(
    const struct moiety_integer_product *p, size_t output, size_t first, int rows, uint32_t type
) {
    const uint8_t *weights = p->weights + output * p->row_bytes;
    struct rounded x[TILE_ROWS];
    lanes acc[TILE_ROWS];
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
        x[r] = rounded_row(p, first + (size_t)r);
        acc[r] = 0.0f;
    }
    const uint8_t *end = weights_end(p);
    struct panel_block w;
    struct layout l = layout_of(type);
    size_t columns;
    for (size_t column = 0; column < p->columns.count; column += columns) {
        columns = unit_columns(p->columns.count, p->columns.head, column);
        struct unit u = unit_at(weights, columns, type);
        size_t bytes = unit_bytes(&l, columns);
        // Few rows wait for memory: asked for a whole unit at once, it keeps the loads of the first
        // blocks waiting. Many rows wait for arithmetic, and are not to be interrupted.
        int at_once = rows == TILE_ROWS;
        size_t share = bytes / u.blocks;
        if (at_once)
            fetch_ahead(p, weights, end, bytes);
        load_unit_scales(&w, &u, type);
        for (size_t b = 0; b < u.blocks; b++) {
            if (!at_once)
                fetch_ahead(p, weights + b * share, end, share);
            load_block(&w, &u, b, type);
#pragma clang loop unroll(full)
            for (int r = 0; r < rows; r++)
                add_block(&acc[r], &w, x[r], column / BLOCK + b, type);
        }
        weights += bytes;
    }
    size_t outputs = p->output_count - output;
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
        float *y = p->y + (first + (size_t)r) * p->y_stride + output;
        if (outputs >= MOIETY_PANEL)
            store(y, acc[r]);
        else
            store_part(y, acc[r], outputs);
    }
}

/// One panel times any number of rows.
INLINE void times_rows(
    const struct moiety_integer_product *p, size_t output, size_t first, size_t end, uint32_t type
) {
    for (; end - first >= TILE_ROWS; first += TILE_ROWS)
        times_panel(p, output, first, TILE_ROWS, type);
    switch (end - first) {
    case 1:
        return times_panel(p, output, first, 1, type);
    case 2:
        return times_panel(p, output, first, 2, type);
    case 3:
        return times_panel(p, output, first, 3, type);
    case 4:
        return times_panel(p, output, first, 4, type);
    case 5:
        return times_panel(p, output, first, 5, type);
    case 6:
        return times_panel(p, output, first, 6, type);
    case 7:
        return times_panel(p, output, first, 7, type);
    }
}

INLINE void integer_product_of(const struct moiety_integer_product *p, uint32_t type) {
    for (size_t first = 0; first < p->row_count; first += CHUNK_ROWS) {
        size_t left = p->row_count - first;
        size_t end = first + (left < CHUNK_ROWS ? left : CHUNK_ROWS);
        for (size_t output = 0; output < p->output_count; output += MOIETY_PANEL)
            times_rows(p, output, first, end, type);
    }
}

#endif
