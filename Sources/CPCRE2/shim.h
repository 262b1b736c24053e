// PCRE2 names its functions by the width of a code unit; we match UTF-8 bytes.
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
