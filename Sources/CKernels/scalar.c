// The table that says what is right. The functions over lanes are shared with the other tables;
// the integer product is written out here as its definition reads.
#include "CKernels.h"

#define MOIETY_ISA 0

#include "panels.h"
#include "table.h"

static int32_t dot16(const int8_t *a, const int8_t *b) {
    int32_t sum = 0;
    for (int i = 0; i < 16; i++)
        sum += a[i] * b[i];
    return sum;
}

/// What one block adds to one output of one row.
INLINE float add_block(
    float acc, const struct block *b, const int8_t *x, float dx, const int32_t *sums, uint32_t type
) {
    int32_t isum = b->scale[0] * dot16(b->q, x) + b->scale[1] * dot16(b->q + 16, x + 16);
    acc = __builtin_fmaf((float)isum, dx * b->d, acc);
    if (!has_minimum(type))
        return acc;
    int32_t imin = b->minimum[0] * sums[0] + b->minimum[1] * sums[1];
    return __builtin_fmaf((float)imin, dx * b->m, acc);
}

/// Bytes of a block of any type, and of eight blocks of 32 weights.
enum { LARGEST_UNIT = 8 * sizeof(struct q8_0) };

/// Adds the products of one output's weights of a unit to `y`, for every row.
INLINE void add_unit(
    const struct moiety_integer_product *p,
    size_t o,
    const uint8_t *weights,
    size_t column,
    size_t columns,
    uint32_t type
) {
    for (size_t i = 0; i < columns / BLOCK; i++) {
        struct block b;
        unpack(&b, weights, i, type);
        for (size_t r = 0; r < p->row_count; r++) {
            size_t row = p->rows ? (size_t)p->rows[r] : r;
            size_t block = row * (p->columns.count / BLOCK) + column / BLOCK + i;
            float *y = p->y + r * p->y_stride + o;
            const int8_t *x = p->quants + block * BLOCK;
            *y = add_block(*y, &b, x, p->scales[block], p->half_sums + 2 * block, type);
        }
    }
}

INLINE void integer_product_of(const struct moiety_integer_product *p, uint32_t type) {
    struct layout l = layout_of(type);
    for (size_t o = 0; o < p->output_count; o++) {
        for (size_t r = 0; r < p->row_count; r++)
            p->y[r * p->y_stride + o] = 0;
        const uint8_t *panel = p->weights + o / MOIETY_PANEL * MOIETY_PANEL * p->row_bytes;
        size_t columns;
        for (size_t column = 0; column < p->columns.count; column += columns) {
            columns = unit_columns(p->columns.count, p->columns.head, column);
            uint8_t weights[LARGEST_UNIT];
            struct moiety_columns unit = {columns, UNIT};
            moiety_unpack_row(weights, panel, o % MOIETY_PANEL, unit, type);
            add_unit(p, o, weights, column, columns, type);
            panel += unit_bytes(&l, columns);
        }
    }
}

static void integer_product(const struct moiety_integer_product *p) {
    FOR_INTEGER_TYPE(p->type, integer_product_of, p)
}

static const struct moiety_kernels table = MOIETY_TABLE;

const struct moiety_kernels *moiety_kernels_scalar(void) {
    return &table;
}
