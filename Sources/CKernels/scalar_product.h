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

INLINE void integer_product_of(const struct moiety_integer_product *p, uint32_t type) {
    size_t block_count = p->columns / BLOCK;
    for (size_t o = 0; o < p->output_count; o++) {
        for (size_t r = 0; r < p->row_count; r++)
            p->y[r * p->y_stride + o] = 0;
        for (size_t i = 0; i < block_count; i++) {
            struct block b;
            unpack(&b, p->weights + o * p->row_bytes, i, type);
            for (size_t r = 0; r < p->row_count; r++) {
                size_t block = (p->rows ? (size_t)p->rows[r] : r) * block_count + i;
                float *y = p->y + r * p->y_stride + o;
                const int8_t *x = p->quants + block * BLOCK;
                *y = add_block(*y, &b, x, p->scales[block], p->sums + 2 * block, type);
            }
        }
    }
}

static void integer_product(const struct moiety_integer_product *p) {
    FOR_INTEGER_TYPE(p->type, integer_product_of, p)
}
