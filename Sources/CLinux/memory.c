#define _GNU_SOURCE

#include <errno.h>
#include <linux/capability.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "CLinux.h"

int moiety_lock_memory(void) {
    return mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0 ? 0 : errno;
}

void moiety_return_free_memory(void) {
    malloc_trim(0);
}

// The limit does not count for who has this capability.
static int has_lock_capability(void) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    if (syscall(SYS_capget, &header, data) != 0) {
        return 0;
    }
    return (data[CAP_TO_INDEX(CAP_IPC_LOCK)].effective & CAP_TO_MASK(CAP_IPC_LOCK)) != 0;
}

int moiety_may_lock_memory(uint64_t *byte_count) {
    struct rlimit limit;
    *byte_count = 0;
    if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0) {
        return has_lock_capability();
    }
    *byte_count = limit.rlim_cur;
    return limit.rlim_cur == RLIM_INFINITY || has_lock_capability();
}
