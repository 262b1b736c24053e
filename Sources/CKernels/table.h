/// The members of a function table, in the names that the headers and the table's file define.
#ifndef MOIETY_TABLE_H
#define MOIETY_TABLE_H

#include "attention.h"
#include "dequantize.h"
#include "encode.h"
#include "floats.h"
#include "quantize.h"
#include "rows.h"

#define MOIETY_TABLE                                                                               \
    {                                                                                              \
        .quantize = quantize, .sums = sums, .integer_product = integer_product,                    \
        .float_product = float_product, .dequantize = dequantize, .encode = encode,                \
        .narrow = narrow, .widen = widen, .rms_norm = rms_norm, .softmax = softmax,                \
        .exp = exp_row, .sigmoid = sigmoid, .silu_multiply = silu_multiply, .rotate = rotate,      \
        .store_head = store_head, .pack_query = pack_query, .attend = attend, .merge = merge,      \
        .start_part = start_part, .finish_part = finish_part, .add = add,                          \
        .accumulate = accumulate, .add_sums = add_sums, .all_finite = all_finite,                  \
        .first_above = first_above,                                                                \
    }

#endif
