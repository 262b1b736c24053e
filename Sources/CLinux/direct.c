#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { PAGE = 4096 };

// Whether reads of the file pass the page cache by: some file systems refuse only the first one.
static int reads_directly(int file) {
    _Alignas(PAGE) char page[PAGE];
    ssize_t count;
    do {
        count = pread(file, page, PAGE, 0);
    } while (count < 0 && errno == EINTR);
    return count >= 0 || errno != EINVAL;
}

static int open_retrying(const char *path, int flags) {
    int file;
    do {
        file = open(path, flags);
    } while (file < 0 && errno == EINTR);
    return file < 0 ? -errno : file;
}

int moiety_open_direct(const char *path, int *direct) {
    // O_NONBLOCK: opening a pipe without a writer would otherwise wait for one.
    const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    int file = open_retrying(path, flags | O_DIRECT);
    *direct = file >= 0 && reads_directly(file);
    if (*direct || (file < 0 && file != -EINVAL))
        return file;
    if (file >= 0)
        close(file);
    return open_retrying(path, flags);
}
