#include "CKernels.h"

#include <immintrin.h>

#define MOIETY_ISA 2

#pragma clang attribute push(                                                                      \
    __attribute__((target("avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni"))),        \
    apply_to = function                                                                            \
)

#include "table.h"

#include "scalar_product.h"
static const struct moiety_kernels table = MOIETY_TABLE;

#pragma clang attribute pop

const struct moiety_kernels *moiety_kernels_avx512(void) {
    return &table;
}
