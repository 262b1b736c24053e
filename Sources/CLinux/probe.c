// What a machine says of itself to those who look for faults.
#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timex.h>
#include <unistd.h>

int moiety_clock_is_synchronised(void) {
    struct timex clock;
    memset(&clock, 0, sizeof clock);
    if (adjtimex(&clock) < 0) {
        return -errno;
    }
    return (clock.status & STA_UNSYNC) == 0;
}

static int bind_state(const struct addrinfo *address) {
    int probe = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (probe < 0) {
        return errno;
    }
    // As daemons do: connections that are dying do not count as somebody who listens.
    int yes = 1;
    setsockopt(probe, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    int reason = bind(probe, address->ai_addr, address->ai_addrlen) == 0 ? 0 : errno;
    if (reason == 0 && listen(probe, 1) != 0) {
        reason = errno;
    }
    close(probe);
    return reason;
}

int moiety_port_state(const char *host, const char *port) {
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    struct addrinfo *addresses = NULL;
    if (getaddrinfo(host, port, &hints, &addresses) != 0) {
        return EADDRNOTAVAIL;
    }
    int reason = addresses == NULL ? EADDRNOTAVAIL : bind_state(addresses);
    freeaddrinfo(addresses);
    return reason;
}
