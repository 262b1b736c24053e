// Carries TCP connections on, and makes what it carries late: a slow link for kernels that cannot
// delay packets themselves.
//
//   cc -O2 Benchmarks/relay.c -o relay -lpthread
//   ./relay 200 10.0.0.1 6644 127.0.0.1 6644      200 µs each way
//
// Bytes arrive in order and none is lost. SIGUSR1 stalls all connections for three seconds: what
// comes in meanwhile goes out afterwards. SIGTERM ends it.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    // Most bytes that are read at once, and most pieces that are under way in one direction.
    PIECE = 1 << 17,
    PIECES = 256,
    STALL = 3,
};

static int64_t delay;
static atomic_int_fast64_t stalled_until;
static struct sockaddr_in target;

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void wait_until(int64_t time) {
    struct timespec t = {.tv_sec = time / 1000000000, .tv_nsec = time % 1000000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR) {
    }
}

static void stall(int number) {
    (void)number;
    atomic_store(&stalled_until, now() + (int64_t)STALL * 1000000000);
}

// One direction of a connection: a reader and a writer with pieces between them.
struct direction {
    int from, to;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    // A ring; the oldest piece is at `first`. A piece of no bytes is the end.
    int first, count;
    struct piece {
        int64_t due;
        size_t bytes;
        uint8_t *data;
    } pieces[PIECES];
};

static void put(struct direction *d, struct piece piece) {
    pthread_mutex_lock(&d->mutex);
    while (d->count == PIECES)
        pthread_cond_wait(&d->changed, &d->mutex);
    d->pieces[(d->first + d->count++) % PIECES] = piece;
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->mutex);
}

static struct piece take(struct direction *d) {
    pthread_mutex_lock(&d->mutex);
    while (d->count == 0)
        pthread_cond_wait(&d->changed, &d->mutex);
    struct piece piece = d->pieces[d->first];
    d->first = (d->first + 1) % PIECES;
    d->count--;
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->mutex);
    return piece;
}

static void *read_pieces(void *argument) {
    struct direction *d = argument;
    uint8_t *buffer = malloc(PIECE);
    for (;;) {
        ssize_t bytes = buffer ? recv(d->from, buffer, PIECE, 0) : 0;
        if (bytes <= 0)
            break;
        uint8_t *data = malloc((size_t)bytes);
        if (!data)
            break;
        memcpy(data, buffer, (size_t)bytes);
        put(d, (struct piece){.due = now() + delay, .bytes = (size_t)bytes, .data = data});
    }
    free(buffer);
    put(d, (struct piece){0});
    return NULL;
}

static void *write_pieces(void *argument) {
    struct direction *d = argument;
    int is_open = 1;
    for (;;) {
        struct piece piece = take(d);
        if (piece.bytes == 0)
            break;
        int64_t stalled = atomic_load(&stalled_until);
        int64_t due = piece.due > stalled ? piece.due : stalled;
        if (due > now())
            wait_until(due);
        for (size_t sent = 0; is_open && sent < piece.bytes;) {
            ssize_t n = send(d->to, piece.data + sent, piece.bytes - sent, MSG_NOSIGNAL);
            is_open = n > 0;
            sent += is_open ? (size_t)n : 0;
        }
        free(piece.data);
        // Nobody listens any more: the reader is to end as well.
        if (!is_open)
            shutdown(d->from, SHUT_RD);
    }
    shutdown(d->to, SHUT_WR);
    return NULL;
}

static struct direction *start(int from, int to, pthread_t threads[2]) {
    struct direction *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    d->from = from;
    d->to = to;
    pthread_mutex_init(&d->mutex, NULL);
    pthread_cond_init(&d->changed, NULL);
    pthread_create(&threads[0], NULL, read_pieces, d);
    pthread_create(&threads[1], NULL, write_pieces, d);
    return d;
}

static void *carry(void *argument) {
    int near = (int)(intptr_t)argument;
    int far = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    setsockopt(near, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(far, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(far, (struct sockaddr *)&target, sizeof target) == 0) {
        pthread_t threads[4];
        struct direction *there = start(near, far, threads), *back = start(far, near, threads + 2);
        for (int i = 0; there && back && i < 4; i++)
            pthread_join(threads[i], NULL);
        free(there);
        free(back);
    }
    close(near);
    close(far);
    return NULL;
}

static struct sockaddr_in address(const char *host, const char *port) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    if (inet_pton(AF_INET, host, &a.sin_addr) != 1) {
        fprintf(stderr, "relay: %s is no address\n", host);
        exit(64);
    }
    return a;
}

int main(int count, char **arguments) {
    if (count != 6) {
        fprintf(stderr, "usage: relay MICROSECONDS ADDRESS PORT TARGET-ADDRESS PORT\n");
        return 64;
    }
    delay = atoll(arguments[1]) * 1000;
    struct sockaddr_in here = address(arguments[2], arguments[3]);
    target = address(arguments[4], arguments[5]);
    signal(SIGUSR1, stall);
    int door = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    setsockopt(door, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(door, (struct sockaddr *)&here, sizeof here) != 0 || listen(door, 64) != 0) {
        perror("relay");
        return 1;
    }
    for (;;) {
        int connection = accept(door, NULL, NULL);
        pthread_t thread;
        if (connection >= 0 &&
            pthread_create(&thread, NULL, carry, (void *)(intptr_t)connection) == 0)
            pthread_detach(thread);
    }
}
