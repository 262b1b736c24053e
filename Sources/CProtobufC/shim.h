#include <protobuf-c/protobuf-c.h>

#if PROTOBUF_C_VERSION_NUMBER < 1004001
#error "protobuf-c before 1.4.1 reads beyond messages that are cut off (CVE-2022-48468)"
#endif
