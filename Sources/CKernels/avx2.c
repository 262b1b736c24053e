#include "CKernels.h"

#include <immintrin.h>

#define MOIETY_ISA 1

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

#include "table.h"

#include "scalar_product.h"
static const struct moiety_kernels table = MOIETY_TABLE;

#pragma clang attribute pop

const struct moiety_kernels *moiety_kernels_avx2(void) {
    return &table;
}
