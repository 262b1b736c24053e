// Connections that libzmq accepts, bounded.
//
// libzmq takes every connection that it is offered, until the process has no descriptor left. Then
// its ipc listener ends the process (4.3.4, ipc_listener.cpp: EMFILE is not among the errors that
// it expects), its tcp listener spins, and whoever opens a file or a socket fails. It has no option
// against that. But it calls accept4 through the dynamic linker, which finds the definition below
// first: a connection whose descriptor is one of the last is closed at once, and the library is
// told ECONNABORTED, which every listener takes for a peer that changed its mind. The kernel gives
// out the lowest free descriptor, so the bound holds whatever else is open, and no two threads can
// race past it. In the same way a connection is closed whose address has opened too many: the
// library itself asks about addresses only once a handshake has been computed.
#define _GNU_SOURCE
#include "CLinux.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_ulong refused_count;
static _Atomic(moiety_connection_judge) asked;

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

void moiety_judge_connections(moiety_connection_judge judge) {
    atomic_store_explicit(&asked, judge, memory_order_release);
}

// The port at which a connection came in.
static uint16_t local_port(int connection) {
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    if (getsockname(connection, (struct sockaddr *)&address, &length) != 0) {
        return 0;
    }
    if (address.ss_family == AF_INET6) {
        return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
    }
    return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

// Eight bytes of an IPv6 address as a number.
static uint64_t number(const uint8_t *bytes) {
    uint64_t result = 0;
    for (int i = 0; i < 8; i++) {
        result = result << 8 | bytes[i];
    }
    return result;
}

// Whether whoever is asked lets a connection stand; connections within the machine always do.
static int may_stand(int connection) {
    moiety_connection_judge judge = atomic_load_explicit(&asked, memory_order_acquire);
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    if (judge == NULL || getpeername(connection, (struct sockaddr *)&address, &length) != 0) {
        return 1;
    }
    if (address.ss_family == AF_INET) {
        uint32_t bits = ntohl(((struct sockaddr_in *)&address)->sin_addr.s_addr);
        return judge(local_port(connection), 0, bits);
    }
    if (address.ss_family != AF_INET6) {
        return 1;
    }
    const struct in6_addr *bytes = &((struct sockaddr_in6 *)&address)->sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(bytes)) {
        return judge(local_port(connection), 0, number(bytes->s6_addr + 8) & UINT32_MAX);
    }
    return judge(local_port(connection), 1, number(bytes->s6_addr));
}

int accept4(int listener, struct sockaddr *address, socklen_t *length, int flags) {
    int connection = (int)syscall(SYS_accept4, listener, address, length, flags);
    if (connection < 0) {
        // Only where others used up what is kept for us.
        errno = errno == EMFILE ? ECONNABORTED : errno;
        return -1;
    }
    if ((unsigned long)connection < ceiling() && may_stand(connection)) {
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
