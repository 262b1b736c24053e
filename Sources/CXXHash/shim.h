#include <xxhash.h>

#if XXH_VERSION_NUMBER < 800
#error "xxHash before 0.8.0 has no XXH3 whose results are settled"
#endif
