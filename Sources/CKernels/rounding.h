/// How a block of weights is rounded to few bits; encode.h writes it down.
///
/// What is searched for is the least sum of `importance * error^2`. For each part of a block, which
/// has a scale of its own, sixteen roundings are tried at a time, one in each lane: from starting
/// points that cut the part's extremes more or less, each improved by the scale that fits its
/// integers best (least squares). Then comes the block's scale, under which each part chooses its
/// level among the neighbours of what it would like, and the scale that fits what they chose.
///
/// Products and sums are rounded one by one, lane by lane and in one order, so every table writes
/// the same bits.
#ifndef MOIETY_ROUNDING_H
#define MOIETY_ROUNDING_H

#include "blocks.h"

enum { MOST_WEIGHTS = 256, MOST_PARTS = 16 };

/// What a type allows.
struct grid {
    size_t part_count, part_length;
    /// Integers, and levels: what a part's scale and minimum are multiples of.
    float least, most, least_level, most_level;
    int has_minimum;
};

/// How a block is rounded: weight i of part p is `d * levels[p] * q[i] - m * floors[p]`.
struct rounding {
    float d, m;
    float levels[MOST_PARTS], floors[MOST_PARTS];
};

/// One block on its way.
struct encoding {
    /// Weights divided by `unit`, a power of two, so that their largest magnitude is in 1 ... 2.
    float x[MOST_WEIGHTS];
    float importance[MOST_WEIGHTS];
    float unit;
    /// What the parts would like: `scales[p] * q - minimums[p]`.
    float scales[MOST_PARTS], minimums[MOST_PARTS];
    struct rounding found;
    /// Integers, from 0 on.
    uint8_t q[MOST_WEIGHTS];
};

// MARK: Lanes

/// Nearest integers, ties to even, of values whose magnitude is below 2^22.
INLINE lanes nearest(lanes v) {
    const lanes rounder = (lanes)0x1.8p23f;
    return (v + rounder) - rounder;
}

INLINE lanes clamp_lanes(lanes v, float least, float most) {
    v = v > least ? v : (lanes)least;
    return v < most ? v : (lanes)most;
}

/// 1 / v; 0 where v is 0.
INLINE lanes inverse_lanes(lanes v) {
    lanes safe = v == 0.0f ? (lanes)1.0f : v;
    return v == 0.0f ? (lanes)0.0f : 1.0f / safe;
}

INLINE lanes counting(void) {
    return (lanes){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
}

INLINE float min_lanes(lanes v) {
    lanes8 a = v.lo < v.hi ? v.lo : v.hi;
    lanes4 b = a.lo < a.hi ? a.lo : a.hi;
    float c = b.x < b.z ? b.x : b.z;
    float d = b.y < b.w ? b.y : b.w;
    return c < d ? c : d;
}

/// The lane with the least error, the first of equals.
INLINE int least_lane(lanes error) {
    lanes least = (lanes)min_lanes(error);
    return (int)min_lanes(error == least ? counting() : (lanes)(float)(LANES - 1));
}

// MARK: One part for itself

/// Sums over a part that depend on nothing that is searched for.
struct part_sums {
    float w, wx, wxx;
};

INLINE struct part_sums sum_part(const float *x, const float *w, size_t length) {
    lanes sum_w = 0, sum_wx = 0, sum_wxx = 0;
    for (size_t i = 0; i < length; i += LANES) {
        lanes v = load(x + i), weight = load(w + i);
        sum_w += weight;
        sum_wx += weight * v;
        sum_wxx += weight * v * v;
    }
    return (struct part_sums){sum_lanes(sum_w), sum_lanes(sum_wx), sum_lanes(sum_wxx)};
}

/// Sixteen scales and minimums of a part, and what they are worth.
struct trials {
    lanes scale, minimum, error;
};

/// Rounds under each trial, and fits scale and minimum to the integers that this gives.
INLINE struct trials
fit(struct trials t, const struct part_sums *s, const float *x, const float *w, const struct grid *g
) {
    lanes inverse = inverse_lanes(t.scale);
    lanes wq = 0, wqq = 0, wqx = 0;
    for (size_t i = 0; i < g->part_length; i++) {
        lanes above = g->has_minimum ? x[i] + t.minimum : (lanes)x[i];
        lanes q = nearest(clamp_lanes(above * inverse, g->least, g->most));
        lanes weighted = w[i] * q;
        wq += weighted;
        wqq += weighted * q;
        wqx += weighted * x[i];
    }
    lanes scale = wqx * inverse_lanes(wqq);
    lanes minimum = 0;
    if (g->has_minimum) {
        lanes determinant = s->w * wqq - wq * wq;
        lanes both = (s->w * wqx - wq * s->wx) * inverse_lanes(determinant);
        lanes lowered = (both * wq - s->wx) / s->w;
        // Integers that are all the same tell nothing of a scale, and minimums only lower.
        lanes_int fits = (determinant > 0x1p-16f * s->w * wqq) & (both > 0.0f) & (lowered > 0.0f);
        scale = fits ? both : scale;
        minimum = fits ? lowered : minimum;
    }
    lanes explained = scale * (2.0f * wqx - scale * wqq);
    lanes shifted = minimum * (2.0f * s->wx - 2.0f * scale * wq + minimum * s->w);
    return (struct trials){scale, minimum, s->wxx - explained + shifted};
}

/// Starting points that bring a part's ends nearer to each other, each end by its own share.
INLINE struct trials start_between(const float *x, const struct grid *g) {
    float low = 0, high = x[0];
    for (size_t i = 0; i < g->part_length; i++) {
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
    }
    struct trials t = {0, 0, 0};
    float range = high - low;
    // The fewer the integers, the more it pays to cut what is far out.
    float step = g->most > 4 ? 0.03f : 0.06f;
    for (int i = 0; i < LANES; i++) {
        float first = low + ((float)(i % 4) * step - 0.04f) * range;
        float last = high - ((float)(i / 4) * step - 0.04f) * range;
        t.minimum[i] = first < 0 ? -first : 0;
        t.scale[i] = (last + t.minimum[i]) / g->most;
    }
    return t;
}

/// Starting points that put what is farthest from 0 at either end of the integers, or beyond it.
INLINE struct trials start_around(const float *x, const struct grid *g) {
    float farthest = 0;
    for (size_t i = 0; i < g->part_length; i++)
        farthest = __builtin_fabsf(x[i]) > __builtin_fabsf(farthest) ? x[i] : farthest;
    struct trials t = {0, 0, 0};
    for (int i = 0; i < LANES; i++) {
        float end = i % 2 ? g->most : g->least;
        t.scale[i] = farthest / (end * (0.7f + 0.08f * (float)(i / 2)));
    }
    return t;
}

/// Finds what a part would like.
INLINE void search_part(struct encoding *e, size_t part, const struct grid *g) {
    const float *x = e->x + part * g->part_length;
    const float *w = e->importance + part * g->part_length;
    struct part_sums s = sum_part(x, w, g->part_length);
    struct trials t = g->has_minimum ? start_between(x, g) : start_around(x, g);
    for (int round = 0; round < 2; round++)
        t = fit(t, &s, x, w, g);
    int best = least_lane(t.error);
    e->scales[part] = t.scale[best];
    e->minimums[part] = t.minimum[best];
}

// MARK: All parts of a block

/// The nearest half, in units of the block; finite.
INLINE float half_in_units(float v, float unit) {
    float value = v * unit;
    value = value > 65504.0f ? 65504.0f : value;
    value = value < -65504.0f ? -65504.0f : value;
    return float_from_half(half_from_float(value)) / unit;
}

/// The integers that a part gets.
INLINE lanes round_part(lanes x, const struct rounding *r, size_t part, const struct grid *g) {
    lanes inverse = inverse_lanes((lanes)(r->d * r->levels[part]));
    lanes above = x + r->m * r->floors[part];
    return nearest(clamp_lanes(above * inverse, g->least, g->most));
}

/// Gives a part the level and the floor, among the neighbours of what it would like, that round it
/// best under the block's scale and minimum.
INLINE void
choose_level(struct rounding *r, const struct encoding *e, size_t part, const struct grid *g) {
    const float *x = e->x + part * g->part_length;
    const float *w = e->importance + part * g->part_length;
    lanes like = e->scales[part] * inverse_lanes((lanes)r->d);
    lanes row = 0, level;
    if (g->has_minimum) {
        row = nearest(counting() * 0.25f - 0.375f);
        level = nearest(like - 0.5f) + (counting() - 4.0f * row) - 1.0f;
    } else {
        level = nearest(like) + counting() - 8.0f;
    }
    level = clamp_lanes(level, g->least_level, g->most_level);
    lanes low = e->minimums[part] * inverse_lanes((lanes)r->m);
    lanes floor = clamp_lanes(nearest(low - 0.5f) + row - 1.0f, 0, g->most_level);
    lanes scale = r->d * level, minimum = r->m * floor;
    lanes inverse = inverse_lanes(scale);
    lanes error = 0;
    for (size_t i = 0; i < g->part_length; i++) {
        lanes above = g->has_minimum ? x[i] + minimum : (lanes)x[i];
        lanes off = above - scale * nearest(clamp_lanes(above * inverse, g->least, g->most));
        error += w[i] * off * off;
    }
    int best = least_lane(error);
    r->levels[part] = level[best];
    r->floors[part] = g->has_minimum ? floor[best] : 0;
}

/// Sums from which the block's scale and minimum follow, given levels, floors and integers.
struct block_sums {
    lanes ll, lf, ff, lx, fx;
};

INLINE struct block_sums sum_block(const struct encoding *e, const struct grid *g) {
    struct block_sums sums = {0, 0, 0, 0, 0};
    for (size_t p = 0; p < g->part_count; p++) {
        float level = e->found.levels[p], floor = e->found.floors[p];
        for (size_t i = p * g->part_length; i < (p + 1) * g->part_length; i += LANES) {
            lanes x = load(e->x + i), w = load(e->importance + i);
            lanes step = level * round_part(x, &e->found, p, g);
            lanes weighted = w * step;
            sums.ll += weighted * step;
            sums.lx += weighted * x;
            if (!g->has_minimum)
                continue;
            sums.lf += weighted * floor;
            sums.ff += w * (floor * floor);
            sums.fx += w * x * floor;
        }
    }
    return sums;
}

/// Scale and minimum that fit the integers best which the ones so far have led to.
INLINE void fit_block(struct rounding *r, const struct encoding *e, const struct grid *g) {
    struct block_sums s = sum_block(e, g);
    float ll = sum_lanes(s.ll), lx = sum_lanes(s.lx);
    float lf = sum_lanes(s.lf), ff = sum_lanes(s.ff), fx = sum_lanes(s.fx);
    float determinant = ll * ff - lf * lf;
    float d = (ff * lx - lf * fx) / determinant, m = (lf * lx - ll * fx) / determinant;
    if (determinant > 0x1p-16f * ll * ff && d > 0 && m > 0) {
        r->d = half_in_units(d, e->unit);
        r->m = half_in_units(m, e->unit);
    } else if (ff == 0 && ll > 0) {
        r->d = half_in_units(lx / ll, e->unit);
    }
}

INLINE float error_of(const struct rounding *r, const struct encoding *e, const struct grid *g) {
    lanes error = 0;
    for (size_t p = 0; p < g->part_count; p++) {
        float scale = r->d * r->levels[p], minimum = r->m * r->floors[p];
        for (size_t i = p * g->part_length; i < (p + 1) * g->part_length; i += LANES) {
            lanes x = load(e->x + i);
            lanes off = x + minimum - scale * round_part(x, r, p, g);
            error += load(e->importance + i) * off * off;
        }
    }
    return sum_lanes(error);
}

/// The integers that follow.
INLINE void round_block(struct encoding *e, const struct grid *g) {
    for (size_t p = 0; p < g->part_count; p++) {
        for (size_t i = p * g->part_length; i < (p + 1) * g->part_length; i += LANES) {
            lanes q = round_part(load(e->x + i), &e->found, p, g) - g->least;
            for (int k = 0; k < LANES; k++)
                e->q[i + k] = (uint8_t)q[k];
        }
    }
}

/// Finds how a block is rounded.
INLINE void search_block(struct encoding *e, const struct grid *g) {
    float farthest = 0, lowest = 0;
    for (size_t p = 0; p < g->part_count; p++) {
        search_part(e, p, g);
        float scale = e->scales[p];
        farthest = __builtin_fabsf(scale) > __builtin_fabsf(farthest) ? scale : farthest;
        lowest = e->minimums[p] > lowest ? e->minimums[p] : lowest;
    }
    float end = g->has_minimum ? g->most_level : g->least_level;
    e->found.d = half_in_units(farthest / end, e->unit);
    e->found.m = half_in_units(lowest / g->most_level, e->unit);
    for (size_t p = 0; p < g->part_count; p++)
        choose_level(&e->found, e, p, g);
    struct rounding r = e->found;
    fit_block(&r, e, g);
    if (error_of(&r, e, g) < error_of(&e->found, e, g))
        e->found = r;
    round_block(e, g);
}

#endif
