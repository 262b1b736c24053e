/// Attention over the cache, a tile of one key and value head at a time, for a block of queries.
///
/// Lanes are positions while scores are made and dimensions while values are weighed, so that
/// no sum runs across lanes: each is one chain of fused multiply-adds in ascending order, for one
/// query or many. Queries that share a head share its loads.
#ifndef MOIETY_ATTENTION_H
#define MOIETY_ATTENTION_H

#include "CKernels.h"
#include "cache.h"
#include "exp.h"
#include "lanes.h"
#include "rows.h"

/// Sums of 16 lanes that are made side by side: as many as registers hold.
#if MOIETY_ISA == ISA_AVX512
enum { SIDE_BY_SIDE = 16 };
#else
enum { SIDE_BY_SIDE = 4 };
#endif

enum { MOST_QUERIES = SIDE_BY_SIDE < MOIETY_QUERIES ? SIDE_BY_SIDE : MOIETY_QUERIES };

/// Calls `f(…, queries)` for slices of the block's queries, `queries` a constant power of two.
#define FOR_QUERIES(count, query, f, ...)                                                          \
    for (size_t query = 0, left = (count); query < (count); left = (count)-query) {                \
        if (MOST_QUERIES == 8 && left > 4) {                                                       \
            f(__VA_ARGS__, 8);                                                                     \
            query += 8;                                                                            \
        } else if (left > 2) {                                                                     \
            f(__VA_ARGS__, 4);                                                                     \
            query += 4;                                                                            \
        } else if (left > 1) {                                                                     \
            f(__VA_ARGS__, 2);                                                                     \
            query += 2;                                                                            \
        } else {                                                                                   \
            f(__VA_ARGS__, 1);                                                                     \
            query += 1;                                                                            \
        }                                                                                          \
    }

/// Registers beside each other for so many queries.
INLINE int breadth(int queries) {
    int most = SIDE_BY_SIDE / queries;
    return most < 8 ? most : 8;
}

/// Asks for `count` lines of 64 bytes, if there is an address.
INLINE const uint8_t *fetch_lines(const uint8_t *address, int count) {
    if (!address)
        return address;
    for (int i = 0; i < count; i++)
        __builtin_prefetch(address + 64 * i, 0, 2);
    return address + 64 * count;
}

/// Where 16 values start that are the `half`-th of all halves of lines of 32, `index` lines into
/// the `count` of one block.
INLINE size_t line(size_t half, size_t count, size_t index) {
    return (half / 2 * count + index) * CACHE_BLOCK + half % 2 * LANES;
}

/// Scores of `queries` queries at `groups` times 16 positions.
INLINE const uint8_t *score_groups(
    const struct moiety_attention *a,
    const uint8_t *ahead,
    size_t query,
    size_t group,
    int groups,
    uint32_t type,
    int queries
) {
    size_t width = a->key_width;
    size_t blocks = cache_blocks(width);
    lanes acc[8][8];
    for (int g = 0; g < groups; g++)
        for (int r = 0; r < queries; r++)
            acc[g][r] = 0.0f;
    for (size_t start = 0; start < width; start += CACHE_BLOCK) {
        size_t end = start + CACHE_BLOCK < width ? start + CACHE_BLOCK : width;
        lanes scales[8];
        for (int g = 0; type != MOIETY_F16 && g < groups; g++)
            scales[g] = load(a->key_scales + line(group + g, blocks, start / CACHE_BLOCK));
        for (size_t d = start; d < end; d++) {
            const float *q = a->queries + d * MOIETY_QUERIES + query;
            ahead = fetch_lines(ahead, (groups + 1) / 2);
            for (int g = 0; g < groups; g++) {
                lanes k = load_cached(a->keys, line(group + g, width, d), type);
                if (type != MOIETY_F16)
                    k = k * scales[g];
                for (int r = 0; r < queries; r++)
                    acc[g][r] = fma_lanes((lanes)q[r], k, acc[g][r]);
            }
        }
    }
    for (int g = 0; g < groups; g++)
        for (int r = 0; r < queries; r++)
            store(a->scores + (query + r) * MOIETY_TILE + (group + g) * LANES, acc[g][r]);
    return ahead;
}

/// Scores at the tile's first `count` positions; some beyond them are written too.
INLINE void
score(const struct moiety_attention *a, size_t query, size_t count, uint32_t type, int queries) {
    int groups = breadth(queries);
    // Later queries find in the cache what the first ones asked for.
    const uint8_t *ahead = query == 0 ? a->first_ahead : NULL;
    for (size_t group = 0; group * LANES < count; group += (size_t)groups)
        ahead = score_groups(a, ahead, query, group, groups, type, queries);
}

/// Where a part holds the sums of a query.
INLINE float *part_out(const float *part, size_t query, size_t stride) {
    return (float *)part + 2 * MOIETY_QUERIES + query * stride;
}

/// Adds positions `from ..< to` to `registers` times 16 dimensions of the sums.
INLINE const uint8_t *weigh_lanes(
    const struct moiety_attention *a,
    const uint8_t *ahead,
    size_t query,
    size_t d,
    size_t from,
    size_t to,
    int registers,
    uint32_t type,
    int queries
) {
    size_t stride = a->value_stride;
    float *out = part_out(a->part, query, stride) + d;
    const float *p = a->scores + query * MOIETY_TILE;
    lanes acc[8][8];
    for (int r = 0; r < queries; r++)
        for (int b = 0; b < registers; b++)
            acc[r][b] = from ? load(out + r * stride + b * LANES) : (lanes)0.0f;
    for (size_t j = from; j < to; j++) {
        ahead = fetch_lines(ahead, (registers + 1) / 2);
        lanes v[8];
        for (int b = 0; b < registers; b++) {
            size_t half = d / LANES + (size_t)b;
            v[b] = load_cached(a->values, line(half, MOIETY_TILE, j), type);
            if (type != MOIETY_F16)
                v[b] = v[b] * a->value_scales[half / 2 * MOIETY_TILE + j];
        }
        for (int r = 0; r < queries; r++) {
            lanes weight = p[r * MOIETY_TILE + j];
            for (int b = 0; b < registers; b++)
                acc[r][b] = fma_lanes(weight, v[b], acc[r][b]);
        }
    }
    for (int r = 0; r < queries; r++)
        for (int b = 0; b < registers; b++)
            store(out + r * stride + b * LANES, acc[r][b]);
    return ahead;
}

/// Adds positions `from ..< to` to the sums of `queries` queries; from 0 on, starts them.
INLINE void weigh(
    const struct moiety_attention *a,
    size_t query,
    size_t from,
    size_t to,
    uint32_t type,
    int queries
) {
    const uint8_t *ahead = query == 0 && from == 0 ? a->second_ahead : NULL;
    size_t d = 0;
    int most = breadth(queries);
#define WEIGH(registers)                                                                           \
    for (; registers <= most && d + registers * LANES <= a->value_stride; d += registers * LANES)  \
        ahead = weigh_lanes(a, ahead, query, d, from, to, registers, type, queries);
    WEIGH(8)
    WEIGH(4)
    WEIGH(2)
    WEIGH(1)
#undef WEIGH
}

/// The largest of `count` scores; a NaN is passed over.
INLINE float largest_score(const float *x, size_t count) {
    lanes m = -INFINITY;
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        lanes v = load(x + i);
        m = v > m ? v : m;
    }
    float largest = max_lanes(m);
    for (; i < count; i++)
        largest = x[i] > largest ? x[i] : largest;
    return largest;
}

INLINE void attend_of(const struct moiety_attention *a, uint32_t type) {
    size_t longest = 0;
    size_t shortest = MOIETY_TILE;
    for (size_t q = 0; q < a->query_count; q++) {
        size_t length = a->lengths[q];
        longest = length > longest ? length : longest;
        shortest = length > 0 && length < shortest ? length : shortest;
    }
    FOR_QUERIES(a->query_count, query, score, a, query, longest, type)
    for (size_t q = 0; q < a->query_count; q++) {
        float *scores = a->scores + q * MOIETY_TILE;
        float largest = largest_score(scores, a->lengths[q]);
        a->part[q] = largest;
        a->part[MOIETY_QUERIES + q] = exp_and_sum(scores, a->lengths[q], largest);
    }
    FOR_QUERIES(a->query_count, query, weigh, a, query, 0, shortest, type)
    // Not with weights of zero: what follows a query's position may be infinite.
    for (size_t q = 0; q < a->query_count; q++) {
        if (a->lengths[q] > shortest)
            weigh(a, q, shortest, a->lengths[q], type, 1);
    }
}

static void attend(const struct moiety_attention *a) {
    if (a->type == MOIETY_F16)
        attend_of(a, MOIETY_F16);
    else
        attend_of(a, MOIETY_Q8_0);
}

static void merge(const struct moiety_merge *m) {
    float *largest = m->part;
    float *sums = m->part + MOIETY_QUERIES;
    const float *tile_largest = m->tile;
    const float *tile_sums = m->tile + MOIETY_QUERIES;
    // Factors of what was there, then of what comes, by one exponential.
    float factors[LANES] = {0};
    for (size_t q = 0; q < m->query_count; q++) {
        float old = largest[q];
        float merged = tile_largest[q] > old ? tile_largest[q] : old;
        factors[q] = old - merged;
        factors[MOIETY_QUERIES + q] = tile_largest[q] - merged;
    }
    store(factors, exp_lanes(load(factors)));
    for (size_t q = 0; q < m->query_count; q++) {
        if (m->lengths[q] == 0)
            continue;
        float old_factor = factors[q];
        float new_factor = factors[MOIETY_QUERIES + q];
        largest[q] = tile_largest[q] > largest[q] ? tile_largest[q] : largest[q];
        sums[q] = __builtin_fmaf(sums[q], old_factor, tile_sums[q] * new_factor);
        float *out = part_out(m->part, q, m->value_stride);
        const float *more = part_out(m->tile, q, m->value_stride);
        for (size_t d = 0; d < m->value_stride; d += LANES) {
            lanes part = load(more + d) * new_factor;
            store(out + d, fma_lanes(load(out + d), (lanes)old_factor, part));
        }
    }
}

static void start_part(float *part, size_t value_stride) {
    for (size_t q = 0; q < MOIETY_QUERIES; q++) {
        part[q] = -INFINITY;
        part[MOIETY_QUERIES + q] = 0;
    }
    for (size_t i = 0; i < MOIETY_QUERIES * value_stride; i++)
        part[2 * MOIETY_QUERIES + i] = 0;
}

static void finish_part(float *y, const float *part, size_t query, size_t width, size_t stride) {
    float sum = part[MOIETY_QUERIES + query];
    MAP_LANES(y, part_out(part, query, stride), width, v, v = v / sum);
}

static void pack_query(float *packed, const float *query, float scale, size_t width) {
    for (size_t d = 0; d < width; d++)
        packed[d * MOIETY_QUERIES] = query[d] * scale;
}

#endif
