/// What the machine can do at most: the fastest ways to read memory and to multiply.
///
/// Benchmarks compare the kernels with these; nothing of a model is computed here.
#ifndef MOIETY_CMACHINE_H
#define MOIETY_CMACHINE_H

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

enum moiety_prefetch {
    MOIETY_PREFETCH_NONE = 0,
    /// Into all caches.
    MOIETY_PREFETCH_ALL = 1,
    /// As data that is read once.
    MOIETY_PREFETCH_ONCE = 2,
};

/// One pass over memory, in any of many ways.
struct moiety_read {
    /// Aligned to 64 bytes.
    const uint8_t *memory;
    /// A multiple of 256 times `streams`.
    size_t byte_count;
    /// Bytes ahead of the place that is read.
    size_t prefetch_distance;
    enum moiety_prefetch prefetch;
    /// Places that are read in turn: 1, 2, 4, 8 or 16.
    uint32_t streams;
    /// 64 (AVX-512), 32 (AVX2) or 8 (plain C, which has one stream and does not prefetch).
    uint32_t register_bytes;
};

/// The sum of all 64-bit words, so that every byte must have been there.
uint64_t moiety_read_memory(const struct moiety_read *r);

/// Multiply-adds of one round of the functions below for each byte, or each float, of a register.
enum { MOIETY_ROUND_CHAINS = 12 };

/// Runs rounds of int8 multiply-adds on registers of 64 (VNNI) or 32 bytes (AVX2) and nothing else.
/// Returns a sum of the results.
int32_t moiety_multiply_int8(size_t rounds, uint32_t register_bytes);

/// The same with fused multiply-adds of f32.
float moiety_multiply_floats(size_t rounds, uint32_t register_bytes);

#pragma clang assume_nonnull end

#endif
