// Who listens at a path.
#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

int moiety_local_socket_state(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        return ENAMETOOLONG;
    }
    strcpy(address.sun_path, path);
    struct stat status;
    if (lstat(path, &status) != 0) {
        return errno;
    }
    if (!S_ISSOCK(status.st_mode)) {
        return ENOTSOCK;
    }
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe < 0) {
        return errno;
    }
    int result = connect(probe, (const struct sockaddr *)&address, sizeof address);
    int reason = errno;
    close(probe);
    // A listener whose queue is full cannot take the probe, but it is there.
    return result == 0 || reason == EAGAIN ? 0 : reason;
}
