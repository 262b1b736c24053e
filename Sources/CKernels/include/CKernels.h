/// Arithmetic of Moiety: one table of function pointers per instruction set.
///
/// Every table computes the same bits (a NaN is a NaN: its payload is not promised). The scalar
/// table says what is right. Nothing here allocates, locks, starts threads or keeps state.
/// Matrices are row-major and rows are adjacent unless a stride says otherwise.
#ifndef MOIETY_CKERNELS_H
#define MOIETY_CKERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "CMachine.h"

#pragma clang assume_nonnull begin

/// Element types, numbered as in the GGUF format.
enum moiety_type {
    MOIETY_F32 = 0,
    MOIETY_F16 = 1,
    MOIETY_Q4_0 = 2,
    MOIETY_Q4_1 = 3,
    MOIETY_Q5_0 = 6,
    MOIETY_Q5_1 = 7,
    MOIETY_Q8_0 = 8,
    MOIETY_Q2_K = 10,
    MOIETY_Q3_K = 11,
    MOIETY_Q4_K = 12,
    MOIETY_Q5_K = 13,
    MOIETY_Q6_K = 14,
    MOIETY_IQ4_NL = 20,
    MOIETY_IQ4_XS = 23,
    MOIETY_BF16 = 30,
    MOIETY_MXFP4 = 39,
};

/// Rows of an integer matrix that lie interleaved in memory.
enum { MOIETY_PANEL = 16 };

/// Columns of an integer matrix.
struct moiety_columns {
    /// A multiple of 32.
    size_t count;
    /// Where they begin in the middle of a block of 256: how many lie in that block, or more if
    /// they end in it too; else 256.
    size_t head;
};

/// Rows of rounded activations times a slice of integer weights.
struct moiety_integer_product {
    /// `y[r * y_stride + o]` is written for every row r and every output o of the slice.
    float *y;
    size_t y_stride;
    /// `[., columns]`: int8 values in -127...127.
    const int8_t *quants;
    /// `[., columns / 32]`.
    const float *scales;
    /// `[., columns / 32]` and `[., columns / 16]`: sums of quants, as `sums` makes them.
    const int32_t *sums;
    const int32_t *half_sums;
    /// Which rows of the activations to multiply, `[row_count]`; NULL for the first ones.
    const int32_t *_Nullable rows;
    size_t row_count;
    /// Panels of 16 outputs, `16 * row_bytes` each, of an integer `enum moiety_type`; the last one
    /// is whole, whatever `output_count` says.
    const uint8_t *weights;
    size_t row_bytes;
    size_t output_count;
    struct moiety_columns columns;
    uint32_t type;
    /// Weights that the same thread reads next, to be fetched early; NULL for none.
    const uint8_t *_Nullable next;
};

/// Rows of plain activations times a slice of float weights; names as above.
struct moiety_float_product {
    float *y;
    size_t y_stride;
    /// `[., columns]`.
    const float *x;
    const int32_t *_Nullable rows;
    size_t row_count;
    /// `[output_count, row_bytes]`: F32, F16 or BF16.
    const uint8_t *weights;
    size_t row_bytes;
    size_t output_count;
    size_t columns;
    uint32_t type;
};

/// Positions that attention treats as one tile, and most queries of one call.
enum { MOIETY_TILE = 256, MOIETY_QUERIES = 8 };

/// One head of one position on its way into the cache.
struct moiety_cache_head {
    /// Value i of block b of 32 goes to `values[b * block_step + i * step]`, of the cache's type.
    uint8_t *values;
    /// The scale of block b goes to `scales[b * scale_step]`, if the type has scales.
    float *_Nullable scales;
    size_t step;
    size_t block_step;
    size_t scale_step;
    /// `[width]`.
    const float *x;
    size_t width;
    /// MOIETY_F16, or MOIETY_Q8_0: int8 with an f32 scale for each 32 values.
    uint32_t type;
};

/// Queries over the positions of one tile of one key and value head.
///
/// Keys and values may be read up to the tile's end; what is no position of a query does not
/// touch its result.
struct moiety_attention {
    /// `[key_width, MOIETY_QUERIES]`, times the scale.
    const float *queries;
    /// 1 ... MOIETY_QUERIES; those beyond are read but do not count.
    size_t query_count;
    /// `[query_count]`: positions of the tile that each query sees; one sees at least one.
    const size_t *lengths;
    /// `[MOIETY_TILE / 32, key_width, 32]` of the cache's type: lines of memory in f16.
    const uint8_t *keys;
    /// `[MOIETY_TILE / 32, blocks of key_width, 32]`.
    const float *_Nullable key_scales;
    /// `[value_stride / 32, MOIETY_TILE, 32]`.
    const uint8_t *values;
    /// `[value_stride / 32, MOIETY_TILE]`.
    const float *_Nullable value_scales;
    size_t key_width;
    size_t value_width;
    /// `value_width` rounded up to a multiple of 32.
    size_t value_stride;
    uint32_t type;
    /// What to load into the processor's cache while keys, and while values are read.
    const uint8_t *_Nullable first_ahead;
    const uint8_t *_Nullable second_ahead;
    /// `[MOIETY_QUERIES, MOIETY_TILE]`, overwritten.
    float *scores;
    /// Takes what the tile says of each query, as `merge` wants it; of a query without positions
    /// nothing is promised.
    float *part;
};

/// Adds what a tile says of a block of queries to what earlier tiles said.
///
/// A part is `[MOIETY_QUERIES]` largest scores, as many sums of exp(score - largest), then
/// `[MOIETY_QUERIES, value_stride]` sums of exp(score - largest) * value.
struct moiety_merge {
    float *part;
    const float *tile;
    size_t query_count;
    /// `[query_count]`: positions of the tile that each query sees; those that see none stay.
    const size_t *lengths;
    size_t value_stride;
};

/// Rotation of the heads of one row.
struct moiety_rotation {
    /// `[heads, head_width]`, rotated in place.
    float *x;
    size_t heads;
    size_t head_width;
    /// Values of each head that turn: the first `2 * pairs`.
    size_t pairs;
    /// `[pairs]`.
    const float *cosines;
    const float *sines;
    /// Pairs are (i, i + pairs) if not 0, else (2i, 2i + 1).
    int halves;
};

/// What an instruction set can do. All pointers are set.
struct moiety_kernels {
    /// Rounds `count` values (a multiple of 32) to int8 with a scale for each 32.
    void (*quantize)(int8_t *quants, float *scales, const float *x, size_t count);
    /// `sums[count / 32]` and `half_sums[count / 16]` of 32 and 16 adjacent quants each.
    void (*sums)(int32_t *sums, int32_t *half_sums, const int8_t *quants, size_t count);
    void (*integer_product)(const struct moiety_integer_product *p);
    void (*float_product)(const struct moiety_float_product *p);
    /// `y[count]` from blocks of any `enum moiety_type`; `count` is a whole number of blocks.
    void (*dequantize)(float *y, const uint8_t *blocks, size_t count, uint32_t type);
    /// Blocks of Q4_0, Q4_K, Q3_K or Q2_K that come near to the finite `x[count]`, a whole number
    /// of blocks: a search for the least sum of `importance[i] * error^2`. Importance is finite and
    /// not negative; NULL weighs each weight by its magnitude. What is beyond what the type can say
    /// becomes the largest that it can.
    void (*encode
    )(uint8_t *blocks,
      const float *x,
      const float *_Nullable importance,
      size_t count,
      uint32_t type);
    void (*narrow)(uint16_t *f16, const float *x, size_t count);
    void (*widen)(float *y, const uint16_t *f16, size_t count);

    /// `y = x * (1 / sqrt(mean of squares + epsilon)) * weight`; y may be x.
    void (*rms_norm)(float *y, const float *x, const float *weight, size_t count, float epsilon);
    /// In place, over one row.
    void (*softmax)(float *x, size_t count);
    void (*exp)(float *y, const float *x, size_t count);
    /// `1 / (1 + exp(-x))`.
    void (*sigmoid)(float *y, const float *x, size_t count);
    /// `y = gate / (1 + exp(-gate)) * up`; y may be gate or up.
    void (*silu_multiply)(float *y, const float *gate, const float *up, size_t count);
    void (*rotate)(const struct moiety_rotation *r);

    void (*store_head)(const struct moiety_cache_head *h);
    void (*attend)(const struct moiety_attention *a);
    /// Tiles are merged in the order of their positions.
    void (*merge)(const struct moiety_merge *m);
    /// The part that nothing was added to.
    void (*start_part)(float *part, size_t value_stride);
    /// `y[width]`: the result of one query of a part.
    void (*finish_part
    )(float *y, const float *part, size_t query, size_t width, size_t value_stride);
    /// `packed[i * MOIETY_QUERIES] = query[i] * scale`.
    void (*pack_query)(float *packed, const float *query, float scale, size_t width);

    /// `y += x`.
    void (*add)(float *y, const float *x, size_t count);
    /// `sums += x * weight`, the product rounded to a multiple of 2^-36.
    void (*accumulate)(double *sums, const float *x, float weight, size_t count);
    /// `y += sums`, each sum rounded to f32 first.
    void (*add_sums)(float *y, const double *sums, size_t count);
    /// 1 if no value is infinite or NaN, else 0.
    int (*all_finite)(const float *x, size_t count);
    /// The first index from `start` on whose value exceeds `limit`, or `count`.
    size_t (*first_above)(const float *x, size_t start, size_t count, float limit);
};

/// Plain C, no instructions beyond the baseline.
const struct moiety_kernels *moiety_kernels_scalar(void);
/// AVX2, FMA and F16C.
const struct moiety_kernels *moiety_kernels_avx2(void);
/// AVX-512 F, BW, DQ, VL and VNNI, and what AVX2 needs.
const struct moiety_kernels *moiety_kernels_avx512(void);

/// Puts `count` rows of blocks, `row_bytes` apart, into a panel, where the first becomes row
/// `place`; `place` + `count` is at most MOIETY_PANEL. A block that is cut on its left comes from
/// `moiety_cut_block`.
void moiety_pack_rows(
    uint8_t *panel,
    const uint8_t *rows,
    size_t row_bytes,
    size_t place,
    size_t count,
    struct moiety_columns columns,
    uint32_t type
);
/// Takes row `place` of a panel out again, as it was packed; of a block that is cut only the bytes
/// that its columns need are written.
void moiety_unpack_row(
    uint8_t *row, const uint8_t *panel, size_t place, struct moiety_columns columns, uint32_t type
);
/// Copies a block of 256 so that its columns from `32 * first` on become the first ones.
void moiety_cut_block(uint8_t *cut, const uint8_t *block, size_t first, uint32_t type);

/// Whether this processor runs the table of the name; 1 or 0.
int moiety_cpu_has_avx2(void);
int moiety_cpu_has_avx512(void);

/// Sine and cosine of `angle` in radians, for |angle| up to 2^28; error below 1e-12.
void moiety_sincos(double angle, double *sine, double *cosine);

#pragma clang assume_nonnull end

#endif
