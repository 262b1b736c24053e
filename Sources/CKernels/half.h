/// Half precision (f16) and bfloat (bf16) to f32 and back; included by lanes.h.
#ifndef MOIETY_HALF_H
#define MOIETY_HALF_H

#if MOIETY_ISA == ISA_SCALAR

INLINE float float_from_half(uint16_t h) {
    uint32_t sign = (uint32_t)(h & 0x8000) << 16;
    uint32_t exponent = (h >> 10) & 0x1f;
    uint32_t fraction = h & 0x3ff;
    if (exponent == 0) {
        return float_from_bits(bits_from_float((float)fraction * 0x1p-24f) | sign);
    }
    if (exponent == 31) {
        uint32_t quiet = fraction ? 0x400000 : 0;
        return float_from_bits(sign | 0x7f800000 | quiet | fraction << 13);
    }
    return float_from_bits(sign | (exponent + 112) << 23 | fraction << 13);
}

/// Rounds to nearest, ties to even; values beyond 65504 become infinite as IEEE says.
INLINE uint16_t half_from_float(float f) {
    uint32_t bits = bits_from_float(f);
    uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    uint32_t magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000)
        return (uint16_t)(sign | 0x7e00 | (magnitude >> 13 & 0x3ff));
    if (magnitude >= 0x477ff000)
        return sign | 0x7c00;
    if (magnitude < 0x38800000) {
        // In 0.5 ... 1 one unit in the last place is 2^-24, the spacing of subnormal halves.
        float shifted = float_from_bits(magnitude) + 0.5f;
        return (uint16_t)(sign | (bits_from_float(shifted) - bits_from_float(0.5f)));
    }
    uint32_t rounded = magnitude + 0xfff + (magnitude >> 13 & 1);
    return (uint16_t)(sign | (rounded - 0x38000000) >> 13);
}

INLINE lanes load_half(const uint16_t *h) {
    lanes v;
    for (int i = 0; i < LANES; i++)
        v[i] = float_from_half(h[i]);
    return v;
}

INLINE void store_half(uint16_t *h, lanes v) {
    for (int i = 0; i < LANES; i++)
        h[i] = half_from_float(v[i]);
}

#else

INLINE float float_from_half(uint16_t h) {
    return _cvtsh_ss(h);
}

INLINE uint16_t half_from_float(float f) {
    return _cvtss_sh(f, _MM_FROUND_TO_NEAREST_INT);
}

INLINE lanes load_half(const uint16_t *h) {
    lanes v;
    v.lo = (lanes8)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)h));
    v.hi = (lanes8)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(h + 8)));
    return v;
}

INLINE void store_half(uint16_t *h, lanes v) {
    __m128i lo = _mm256_cvtps_ph((__m256)v.lo, _MM_FROUND_TO_NEAREST_INT);
    __m128i hi = _mm256_cvtps_ph((__m256)v.hi, _MM_FROUND_TO_NEAREST_INT);
    _mm_storeu_si128((__m128i *)h, lo);
    _mm_storeu_si128((__m128i *)(h + 8), hi);
}

#endif

INLINE lanes load_half_part(const uint16_t *h, size_t count) {
    uint16_t part[LANES] = {0};
    for (size_t i = 0; i < count; i++)
        part[i] = h[i];
    return load_half(part);
}

INLINE lanes load_bfloat(const uint16_t *b) {
    lanes_u16 v;
    __builtin_memcpy(&v, b, sizeof v);
    return (lanes)(__builtin_convertvector(v, lanes_int) << 16);
}

INLINE lanes load_bfloat_part(const uint16_t *b, size_t count) {
    uint16_t part[LANES] = {0};
    for (size_t i = 0; i < count; i++)
        part[i] = b[i];
    return load_bfloat(part);
}

#endif
