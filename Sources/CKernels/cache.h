/// Keys and values as the cache holds them: f16, or int8 with a scale for each 32 of a head.
#ifndef MOIETY_CACHE_H
#define MOIETY_CACHE_H

#include "CKernels.h"
#include "lanes.h"
#include "quantize.h"

/// Values that share a scale.
enum { CACHE_BLOCK = 32 };

INLINE size_t cache_blocks(size_t width) {
    return (width + CACHE_BLOCK - 1) / CACHE_BLOCK;
}

/// 16 values from the `index`-th on, before their scale.
INLINE lanes load_cached(const uint8_t *start, size_t index, uint32_t type) {
    if (type == MOIETY_F16)
        return load_half((const uint16_t *)start + index);
    lanes_i8 v;
    __builtin_memcpy(&v, start + index, sizeof v);
    return __builtin_convertvector(v, lanes);
}

/// Where value `i` of a head lies, counted from the first.
INLINE size_t cached_index(const struct moiety_cache_head *h, size_t i) {
    return i / CACHE_BLOCK * h->block_step + i % CACHE_BLOCK * h->step;
}

static void store_half_head(const struct moiety_cache_head *h) {
    uint16_t *y = (uint16_t *)h->values;
    size_t i = 0;
    for (; i + LANES <= h->width; i += LANES) {
        uint16_t part[LANES];
        store_half(part, load(h->x + i));
        uint16_t *start = y + cached_index(h, i);
        for (size_t l = 0; l < LANES; l++)
            start[l * h->step] = part[l];
    }
    for (; i < h->width; i++)
        y[cached_index(h, i)] = half_from_float(h->x[i]);
}

static void store_rounded_head(const struct moiety_cache_head *h) {
    int8_t *y = (int8_t *)h->values;
    for (size_t start = 0; start < h->width; start += CACHE_BLOCK) {
        size_t left = h->width - start;
        size_t count = left < CACHE_BLOCK ? left : CACHE_BLOCK;
        float x[CACHE_BLOCK] = {0};
        int8_t quants[CACHE_BLOCK];
        __builtin_memcpy(x, h->x + start, count * sizeof *x);
        quantize(quants, h->scales + start / CACHE_BLOCK * h->scale_step, x, CACHE_BLOCK);
        for (size_t i = 0; i < count; i++)
            y[cached_index(h, start + i)] = quants[i];
    }
}

static void store_head(const struct moiety_cache_head *h) {
    if (h->type == MOIETY_F16)
        store_half_head(h);
    else
        store_rounded_head(h);
}

#endif
