// Connections that libzmq accepts, bounded.
//
// libzmq takes every connection that it is offered, until the process has no descriptor left. Then
// its ipc listener ends the process (4.3.4, ipc_listener.cpp: EMFILE is not among the errors that
// it expects), its tcp listener spins, and whoever opens a file or a socket fails. It has no option
// against that. But it calls accept4 through the dynamic linker, which finds the definition below
// first: a connection whose descriptor is one of the last is closed at once, and the library is
// told ECONNABORTED, which every listener takes for a peer that changed its mind. The kernel gives
// out the lowest free descriptor, so the bound holds whatever else is open, and no two threads can
// race past it.
#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_ulong refused_count;

unsigned long moiety_connections_refused(void) {
    return atomic_load_explicit(&refused_count, memory_order_relaxed);
}

// From which descriptor on connections are refused: an eighth of all is ours.
static unsigned long ceiling(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return 0;
    }
    return limit.rlim_cur - limit.rlim_cur / 8;
}

int accept4(int listener, struct sockaddr *address, socklen_t *length, int flags) {
    int connection = (int)syscall(SYS_accept4, listener, address, length, flags);
    if (connection < 0) {
        // Only where others used up what is kept for us.
        errno = errno == EMFILE ? ECONNABORTED : errno;
        return -1;
    }
    if ((unsigned long)connection < ceiling()) {
        return connection;
    }
    close(connection);
    atomic_fetch_add_explicit(&refused_count, 1, memory_order_relaxed);
    errno = ECONNABORTED;
    return -1;
}

int moiety_limit_descriptors(unsigned long most) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return -errno;
    }
    limit.rlim_cur = limit.rlim_max < most ? limit.rlim_max : most;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return -errno;
    }
    return (int)limit.rlim_cur;
}
