#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>

const char *moiety_error_text(int code) {
    const char *text = strerrordesc_np(code);
    return text != NULL ? text : "unknown error";
}

int moiety_thread_set_name(const char *name) {
    char shortened[16] = {0};
    strncpy(shortened, name, sizeof shortened - 1);
    return pthread_setname_np(pthread_self(), shortened);
}

int moiety_thread_get_affinity(int32_t *cpus, int capacity) {
    cpu_set_t set;
    CPU_ZERO(&set);
    // Process id 0 means the calling thread.
    if (sched_getaffinity(0, sizeof set, &set) != 0) {
        return -errno;
    }
    int count = 0;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &set)) {
            continue;
        }
        if (count < capacity) {
            cpus[count] = cpu;
        }
        count++;
    }
    return count;
}

int moiety_thread_set_affinity(const int32_t *cpus, int count) {
    cpu_set_t set;
    CPU_ZERO(&set);
    for (int i = 0; i < count; i++) {
        if (cpus[i] < 0 || cpus[i] >= CPU_SETSIZE) {
            return EINVAL;
        }
        CPU_SET(cpus[i], &set);
    }
    return sched_setaffinity(0, sizeof set, &set) == 0 ? 0 : errno;
}

int moiety_eventfd(void) {
    return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

int moiety_signal_on_parent_exit(int signal) {
    return prctl(PR_SET_PDEATHSIG, (unsigned long)signal) == 0 ? 0 : errno;
}
