/// Superblocks of 256 weights, taken apart 32 weights at a time; included by blocks.h.
#ifndef MOIETY_SUPERBLOCKS_H
#define MOIETY_SUPERBLOCKS_H

/// The 6-bit scale and minimum of part `j` of Q4_K and Q5_K.
INLINE void unpack_k_scales(struct block *b, const uint8_t *scales, size_t j) {
    if (j < 4)
        return set_scales(b, scales[j] & 63, scales[j + 4] & 63);
    int scale = (scales[j + 4] & 15) | (scales[j - 4] >> 6) << 4;
    int minimum = (scales[j + 4] >> 4) | (scales[j] >> 6) << 4;
    set_scales(b, scale, minimum);
}

INLINE void unpack_q2_k(struct block *b, const struct q2_k *s, size_t j) {
    set_all(b, load_bytes32(s->qs + j / 4 * 32) >> (uint8_t)(j % 4 * 2) & 3);
    for (int h = 0; h < 2; h++) {
        b->scale[h] = s->scales[2 * j + h] & 15;
        b->minimum[h] = s->scales[2 * j + h] >> 4;
    }
    b->d = half_at(s->d);
    b->m = -half_at(s->dmin);
}

INLINE int q3_k_scale(const uint8_t *scales, size_t k) {
    int low = k < 8 ? scales[k] & 15 : scales[k - 8] >> 4;
    int high = scales[8 + k % 4] >> (k / 4 * 2) & 3;
    return (low | high << 4) - 32;
}

INLINE void unpack_q3_k(struct block *b, const struct q3_k *s, size_t j) {
    bytes32 low = load_bytes32(s->qs + j / 4 * 32) >> (uint8_t)(j % 4 * 2) & 3;
    // A set mask bit means that 4 is not subtracted.
    bytes32 kept = (load_bytes32(s->hmask) >> (uint8_t)j & 1) << 2;
    set_all(b, low + kept - 4);
    b->scale[0] = q3_k_scale(s->scales, 2 * j);
    b->scale[1] = q3_k_scale(s->scales, 2 * j + 1);
    b->d = half_at(s->d);
}

INLINE void unpack_q4_k(struct block *b, const struct q4_k *s, size_t j) {
    set_all(b, load_bytes32(s->qs + j / 2 * 32) >> (uint8_t)(j % 2 * 4) & 15);
    unpack_k_scales(b, s->scales, j);
    b->d = half_at(s->d);
    b->m = -half_at(s->dmin);
}

INLINE void unpack_q5_k(struct block *b, const struct q5_k *s, size_t j) {
    bytes32 low = load_bytes32(s->qs + j / 2 * 32) >> (uint8_t)(j % 2 * 4) & 15;
    bytes32 high = load_bytes32(s->qh) >> (uint8_t)j & 1;
    set_all(b, low | high << 4);
    unpack_k_scales(b, s->scales, j);
    b->d = half_at(s->d);
    b->m = -half_at(s->dmin);
}

INLINE void unpack_q6_k(struct block *b, const struct q6_k *s, size_t j) {
    size_t part = j % 4;
    bytes32 low = load_bytes32(s->ql + j / 4 * 64 + part % 2 * 32) >> (uint8_t)(part / 2 * 4) & 15;
    bytes32 high = load_bytes32(s->qh + j / 4 * 32) >> (uint8_t)(part * 2) & 3;
    set_all(b, (low | high << 4) - 32);
    b->scale[0] = s->scales[2 * j];
    b->scale[1] = s->scales[2 * j + 1];
    b->d = half_at(s->d);
}

INLINE void unpack_iq4_xs(struct block *b, const struct iq4_xs *s, size_t j) {
    unpack_table(b, s->qs + j * 16, iq4_values);
    int low = s->scales_l[j / 2] >> (j % 2 * 4) & 15;
    int high = (s->scales_h[0] | s->scales_h[1] << 8) >> (2 * j) & 3;
    set_scales(b, (low | high << 4) - 32, 1);
    b->d = half_at(s->d);
}

INLINE void unpack_superblock(struct block *b, const uint8_t *row, size_t index, uint32_t type) {
    size_t super = index / 8;
    size_t j = index % 8;
    switch (type) {
    case MOIETY_Q2_K:
        return unpack_q2_k(b, (const struct q2_k *)row + super, j);
    case MOIETY_Q3_K:
        return unpack_q3_k(b, (const struct q3_k *)row + super, j);
    case MOIETY_Q4_K:
        return unpack_q4_k(b, (const struct q4_k *)row + super, j);
    case MOIETY_Q5_K:
        return unpack_q5_k(b, (const struct q5_k *)row + super, j);
    case MOIETY_Q6_K:
        return unpack_q6_k(b, (const struct q6_k *)row + super, j);
    default:
        return unpack_iq4_xs(b, (const struct iq4_xs *)row + super, j);
    }
}

#endif
