#include "CMachine.h"

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,fma")))
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vnni")))
#define INLINE static inline __attribute__((always_inline))

/// Bytes that one stream advances by before the next stream has its turn.
enum { STRIDE = 256, LINE = 64, MOST_STREAMS = 16 };

/// Asks for one stride of lines, `distance` bytes ahead of where a stream reads.
///
/// Asking beyond the end of the memory is harmless: a prefetch never faults.
INLINE void prefetch_stride(const uint8_t *at, size_t distance, int is_temporal) {
    for (size_t line = 0; line < STRIDE; line += LINE) {
        if (is_temporal)
            __builtin_prefetch(at + distance + line, 0, 3);
        else
            __builtin_prefetch(at + distance + line, 0, 0);
    }
}

AVX512 INLINE __m512i read_stride_512(__m512i sum, const uint8_t *at) {
    for (size_t i = 0; i < STRIDE; i += 64)
        sum = _mm512_add_epi64(sum, _mm512_load_si512((const void *)(at + i)));
    return sum;
}

AVX2 INLINE __m256i read_stride_256(__m256i sum, const uint8_t *at) {
    for (size_t i = 0; i < STRIDE; i += 32)
        sum = _mm256_add_epi64(sum, _mm256_load_si256((const __m256i *)(at + i)));
    return sum;
}

AVX512 INLINE uint64_t read_512(const struct moiety_read *r, size_t streams, int prefetch) {
    __m512i sums[MOST_STREAMS];
    size_t length = r->byte_count / streams;
    for (size_t s = 0; s < streams; s++)
        sums[s] = _mm512_setzero_si512();
    for (size_t i = 0; i < length; i += STRIDE) {
        for (size_t s = 0; s < streams; s++) {
            const uint8_t *at = r->memory + s * length + i;
            if (prefetch)
                prefetch_stride(at, r->prefetch_distance, prefetch == MOIETY_PREFETCH_ALL);
            sums[s] = read_stride_512(sums[s], at);
        }
    }
    for (size_t s = 1; s < streams; s++)
        sums[0] = _mm512_add_epi64(sums[0], sums[s]);
    return (uint64_t)_mm512_reduce_add_epi64(sums[0]);
}

AVX2 INLINE uint64_t read_256(const struct moiety_read *r, size_t streams, int prefetch) {
    __m256i sums[MOST_STREAMS];
    size_t length = r->byte_count / streams;
    for (size_t s = 0; s < streams; s++)
        sums[s] = _mm256_setzero_si256();
    for (size_t i = 0; i < length; i += STRIDE) {
        for (size_t s = 0; s < streams; s++) {
            const uint8_t *at = r->memory + s * length + i;
            if (prefetch)
                prefetch_stride(at, r->prefetch_distance, prefetch == MOIETY_PREFETCH_ALL);
            sums[s] = read_stride_256(sums[s], at);
        }
    }
    for (size_t s = 1; s < streams; s++)
        sums[0] = _mm256_add_epi64(sums[0], sums[s]);
    uint64_t words[4];
    _mm256_storeu_si256((__m256i *)words, sums[0]);
    return words[0] + words[1] + words[2] + words[3];
}

/// The streams known to the compiler, so that their sums stay in registers.
#define FOR_STREAMS(read, r, prefetch)                                                             \
    switch (r->streams) {                                                                          \
    case 1:                                                                                        \
        return read(r, 1, prefetch);                                                               \
    case 2:                                                                                        \
        return read(r, 2, prefetch);                                                               \
    case 4:                                                                                        \
        return read(r, 4, prefetch);                                                               \
    case 8:                                                                                        \
        return read(r, 8, prefetch);                                                               \
    default:                                                                                       \
        return read(r, MOST_STREAMS, prefetch);                                                    \
    }

#define FOR_PREFETCHES(read, r)                                                                    \
    switch (r->prefetch) {                                                                         \
    case MOIETY_PREFETCH_NONE:                                                                     \
        FOR_STREAMS(read, r, MOIETY_PREFETCH_NONE)                                                 \
    case MOIETY_PREFETCH_ALL:                                                                      \
        FOR_STREAMS(read, r, MOIETY_PREFETCH_ALL)                                                  \
    default:                                                                                       \
        FOR_STREAMS(read, r, MOIETY_PREFETCH_ONCE)                                                 \
    }

AVX512 static uint64_t read_memory_512(const struct moiety_read *r){FOR_PREFETCHES(read_512, r)}

AVX2 static uint64_t read_memory_256(const struct moiety_read *r) {
    FOR_PREFETCHES(read_256, r)
}

static uint64_t read_memory_64(const struct moiety_read *r) {
    uint64_t sum = 0;
    for (size_t i = 0; i < r->byte_count; i += sizeof(uint64_t)) {
        uint64_t word;
        __builtin_memcpy(&word, r->memory + i, sizeof word);
        sum += word;
    }
    return sum;
}

uint64_t moiety_read_memory(const struct moiety_read *r) {
    if (r->register_bytes == 64)
        return read_memory_512(r);
    if (r->register_bytes == 32)
        return read_memory_256(r);
    return read_memory_64(r);
}

/// Keeps the compiler from knowing a register's value, so that no product is taken out of a loop.
#define OPAQUE(x) __asm__ volatile("" : "+v"(x))
#define OPAQUE_256(x) __asm__ volatile("" : "+x"(x))

AVX512 static int32_t multiply_int8_512(size_t rounds) {
    __m512i a = _mm512_set1_epi8(1);
    __m512i sums[MOIETY_ROUND_CHAINS];
    for (int i = 0; i < MOIETY_ROUND_CHAINS; i++)
        sums[i] = _mm512_setzero_si512();
    for (size_t round = 0; round < rounds; round++) {
        OPAQUE(a);
        for (int i = 0; i < MOIETY_ROUND_CHAINS; i++)
            sums[i] = _mm512_dpbusd_epi32(sums[i], a, a);
    }
    for (int i = 1; i < MOIETY_ROUND_CHAINS; i++)
        sums[0] = _mm512_add_epi32(sums[0], sums[i]);
    return _mm512_reduce_add_epi32(sums[0]);
}

/// Without VNNI a product takes three instructions.
AVX2 static int32_t multiply_int8_256(size_t rounds) {
    __m256i a = _mm256_set1_epi8(1);
    __m256i ones = _mm256_set1_epi16(1);
    __m256i sums[MOIETY_ROUND_CHAINS];
    for (int i = 0; i < MOIETY_ROUND_CHAINS; i++)
        sums[i] = _mm256_setzero_si256();
    for (size_t round = 0; round < rounds; round++) {
        for (int i = 0; i < MOIETY_ROUND_CHAINS; i++) {
            OPAQUE_256(a);
            __m256i pairs = _mm256_maddubs_epi16(a, a);
            sums[i] = _mm256_add_epi32(sums[i], _mm256_madd_epi16(pairs, ones));
        }
    }
    for (int i = 1; i < MOIETY_ROUND_CHAINS; i++)
        sums[0] = _mm256_add_epi32(sums[0], sums[i]);
    int32_t words[8];
    _mm256_storeu_si256((__m256i *)words, sums[0]);
    int32_t sum = 0;
    for (int i = 0; i < 8; i++)
        sum += words[i];
    return sum;
}

int32_t moiety_multiply_int8(size_t rounds, uint32_t register_bytes) {
    return register_bytes == 64 ? multiply_int8_512(rounds) : multiply_int8_256(rounds);
}

AVX512 static float multiply_floats_512(size_t rounds) {
    __m512 a = _mm512_set1_ps(0.5f);
    __m512 sums[MOIETY_ROUND_CHAINS];
    for (int i = 0; i < MOIETY_ROUND_CHAINS; i++)
        sums[i] = _mm512_setzero_ps();
    for (size_t round = 0; round < rounds; round++) {
        OPAQUE(a);
        for (int i = 0; i < MOIETY_ROUND_CHAINS; i++)
            sums[i] = _mm512_fmadd_ps(sums[i], a, a);
    }
    for (int i = 1; i < MOIETY_ROUND_CHAINS; i++)
        sums[0] = _mm512_add_ps(sums[0], sums[i]);
    return _mm512_reduce_add_ps(sums[0]);
}

AVX2 static float multiply_floats_256(size_t rounds) {
    __m256 a = _mm256_set1_ps(0.5f);
    __m256 sums[MOIETY_ROUND_CHAINS];
    for (int i = 0; i < MOIETY_ROUND_CHAINS; i++)
        sums[i] = _mm256_setzero_ps();
    for (size_t round = 0; round < rounds; round++) {
        OPAQUE_256(a);
        for (int i = 0; i < MOIETY_ROUND_CHAINS; i++)
            sums[i] = _mm256_fmadd_ps(sums[i], a, a);
    }
    for (int i = 1; i < MOIETY_ROUND_CHAINS; i++)
        sums[0] = _mm256_add_ps(sums[0], sums[i]);
    float values[8];
    _mm256_storeu_ps(values, sums[0]);
    float sum = 0;
    for (int i = 0; i < 8; i++)
        sum += values[i];
    return sum;
}

float moiety_multiply_floats(size_t rounds, uint32_t register_bytes) {
    return register_bytes == 64 ? multiply_floats_512(rounds) : multiply_floats_256(rounds);
}
