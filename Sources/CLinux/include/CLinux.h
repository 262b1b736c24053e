// What Glibc's Swift module cannot see: non-portable calls, variadics and their constants.
//
// Every function says how it reports failure; none allocates. All that is kept is a count of
// refused connections, and who is asked about them.
#ifndef MOIETY_CLINUX_H
#define MOIETY_CLINUX_H

#include <stdint.h>

// The kernel's text for an errno value, or a fixed text for an unknown one.
// A constant: strerror writes into shared memory, this does not.
const char *moiety_error_text(int code);

// Names the calling thread as `top -H` and debuggers show it. The kernel keeps 15 bytes; the rest
// is cut off. Returns 0 or an errno.
int moiety_thread_set_name(const char *name);

// Writes the numbers of the CPUs the calling thread may run on, ascending, at most `capacity`.
// Returns how many there are (which may exceed `capacity`), or a negative errno.
// Swift cannot see CPU_SET and its kin: they are macros.
int moiety_thread_get_affinity(int32_t *cpus, int capacity);

// Lets the calling thread run on the named CPUs only. Returns 0 or an errno.
int moiety_thread_set_affinity(const int32_t *cpus, int count);

// Tells the processor that the thread only waits: it saves power and lets a sibling run.
static inline void moiety_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

// A counter that wakes a poll, non-blocking and not inherited by child processes.
// Returns the descriptor, or -1 with errno set.
int moiety_eventfd(void);

// Asks the kernel to send `signal` to this process when the thread that started it ends, so that
// a killed parent leaves no child behind. Returns 0 or an errno. (prctl is variadic.)
int moiety_signal_on_parent_exit(int signal);

// Lets this process have `most` descriptors, or as many as the system allows where that is fewer.
// An eighth of them is not given to connections: see accept.c. Returns how many, or a negative
// errno.
int moiety_limit_descriptors(unsigned long most);

// Says whether a connection to a port of this process may stand: 1 or 0. Its far end is an IPv4
// address, or the first 64 bits of an IPv6 address, as a number. Called on whatever thread takes
// the connection, which must not wait.
typedef int (*moiety_connection_judge)(uint16_t port, int is_v6, uint64_t bits);

// Has `judge` asked about every connection over IP from now on.
void moiety_judge_connections(moiety_connection_judge judge);

// Connections that accept.c refused so far, over all sockets of this process.
unsigned long moiety_connections_refused(void);

// Who listens at `path`: 0 where somebody does; ENOENT where nothing is there; ECONNREFUSED where a
// socket was left behind; ENOTSOCK where something else is there; or another errno.
int moiety_local_socket_state(const char *path);

// Keeps this process's memory from being swapped out, now and later, page by page as it is first
// touched. Returns 0 or an errno. (mlockall's flags are macros.)
int moiety_lock_memory(void);

// Gives free memory that the allocator keeps back to the system. (Glibc's Swift module has no
// malloc.h.)
void moiety_return_free_memory(void);

// Whether this process may lock any amount of memory: 1 or 0. Writes the bytes that it may lock
// where that is bounded.
int moiety_may_lock_memory(uint64_t *byte_count);

// Whether the kernel's clock is kept right by somebody: 1 or 0, or a negative errno.
int moiety_clock_is_synchronised(void);

// Whether this process could listen at a TCP address: 0 where it could; EADDRINUSE where somebody
// does; EADDRNOTAVAIL where the host is no address of this machine; or another errno.
int moiety_port_state(const char *host, const char *port);

// Opens a file for reads that pass the page cache by, where its file system can do that, and says
// in `direct` whether it can. Never waits, and does not follow a symbolic link. Returns the
// descriptor or a negative errno. (O_DIRECT is no constant that Swift sees.)
int moiety_open_direct(const char *path, int *direct);

#endif
