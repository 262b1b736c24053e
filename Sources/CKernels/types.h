/// Turns a type known at run time into one known to the compiler.
#ifndef MOIETY_TYPES_H
#define MOIETY_TYPES_H

/// Calls `f(..., type)` with `type` a constant, for each integer type.
#define FOR_INTEGER_TYPE(type, f, ...)                                                             \
    switch (type) {                                                                                \
    case MOIETY_Q8_0:                                                                              \
        return f(__VA_ARGS__, MOIETY_Q8_0);                                                        \
    case MOIETY_Q4_0:                                                                              \
        return f(__VA_ARGS__, MOIETY_Q4_0);                                                        \
    case MOIETY_Q4_1:                                                                              \
        return f(__VA_ARGS__, MOIETY_Q4_1);                                                        \
    case MOIETY_Q5_0:                                                                              \
        return f(__VA_ARGS__, MOIETY_Q5_0);                                                        \
    case MOIETY_Q5_1:                                                                              \
        return f(__VA_ARGS__, MOIETY_Q5_1);                                                        \
    case MOIETY_Q2_K:                                                                              \
        return f(__VA_ARGS__, MOIETY_Q2_K);                                                        \
    case MOIETY_Q3_K:                                                                              \
        return f(__VA_ARGS__, MOIETY_Q3_K);                                                        \
    case MOIETY_Q4_K:                                                                              \
        return f(__VA_ARGS__, MOIETY_Q4_K);                                                        \
    case MOIETY_Q5_K:                                                                              \
        return f(__VA_ARGS__, MOIETY_Q5_K);                                                        \
    case MOIETY_Q6_K:                                                                              \
        return f(__VA_ARGS__, MOIETY_Q6_K);                                                        \
    case MOIETY_IQ4_NL:                                                                            \
        return f(__VA_ARGS__, MOIETY_IQ4_NL);                                                      \
    case MOIETY_IQ4_XS:                                                                            \
        return f(__VA_ARGS__, MOIETY_IQ4_XS);                                                      \
    case MOIETY_MXFP4:                                                                             \
        return f(__VA_ARGS__, MOIETY_MXFP4);                                                       \
    }

#endif
