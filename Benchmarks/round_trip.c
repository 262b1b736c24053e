// What ZeroMQ alone takes for a share and its answer: a router and a dealer in one process, each
// with a context of its own, and nothing to compute between them.
//
//   cc -O2 Benchmarks/round_trip.c -o round_trip -lzmq -lpthread
//   ./round_trip ipc:///tmp/round-trip 2048 16384 2000          one row, 2000 times
//   ./round_trip ipc:///tmp/round-trip 524288 4194304 60 curve  256 rows, encrypted
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

typedef struct {
    char public[41];
    char secret[41];
} key_pair;

typedef struct {
    const char *endpoint;
    size_t bytes_there;
    size_t bytes_back;
    int rounds;
    bool is_encrypted;
    key_pair router;
    key_pair dealer;
} setup;

static double microseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static void check(bool is_right, const char *what) {
    if (!is_right) {
        fprintf(stderr, "%s: %s\n", what, zmq_strerror(zmq_errno()));
        exit(1);
    }
}

static void send_frame(void *socket, const char *content, size_t count, bool has_more) {
    zmq_msg_t frame;
    check(zmq_msg_init_size(&frame, count) == 0, "a frame");
    if (content != NULL) {
        memcpy(zmq_msg_data(&frame), content, count);
    } else {
        memset(zmq_msg_data(&frame), 1, count);
    }
    check(zmq_msg_send(&frame, socket, has_more ? ZMQ_SNDMORE : 0) >= 0, "sending");
}

static void receive_message(void *socket) {
    int has_more = 1;
    while (has_more) {
        zmq_msg_t frame;
        zmq_msg_init(&frame);
        check(zmq_msg_recv(&frame, socket, 0) >= 0, "receiving");
        has_more = zmq_msg_more(&frame);
        zmq_msg_close(&frame);
    }
}

static void *answer(void *argument) {
    const setup *setup = argument;
    void *context = zmq_ctx_new();
    void *socket = zmq_socket(context, ZMQ_DEALER);
    zmq_setsockopt(socket, ZMQ_ROUTING_ID, "w", 1);
    if (setup->is_encrypted) {
        zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, setup->router.public, 41);
        zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, setup->dealer.public, 41);
        zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, setup->dealer.secret, 41);
    }
    check(zmq_connect(socket, setup->endpoint) == 0, "connecting");
    send_frame(socket, NULL, 1, false);
    for (int round = 0; round < setup->rounds; round++) {
        receive_message(socket);
        send_frame(socket, NULL, 30, true);
        send_frame(socket, NULL, setup->bytes_back, false);
    }
    zmq_close(socket);
    zmq_ctx_term(context);
    return NULL;
}

// The frames of a share: whom it is for, header, quants, scales, and three lists of pairs.
static void send_share(void *socket, size_t bytes) {
    send_frame(socket, "w", 1, true);
    send_frame(socket, NULL, 30, true);
    send_frame(socket, NULL, bytes, true);
    send_frame(socket, NULL, bytes / 8, true);
    send_frame(socket, NULL, 16, true);
    send_frame(socket, NULL, 16, true);
    send_frame(socket, NULL, 16, false);
}

static int compare(const void *a, const void *b) {
    double difference = *(const double *)a - *(const double *)b;
    return (difference > 0) - (difference < 0);
}

int main(int count, char **words) {
    if (count < 5) {
        fprintf(stderr, "usage: %s ENDPOINT BYTES-THERE BYTES-BACK ROUNDS [curve]\n", words[0]);
        return 64;
    }
    setup setup = {
        .endpoint = words[1],
        .bytes_there = strtoul(words[2], NULL, 10),
        .bytes_back = strtoul(words[3], NULL, 10),
        .rounds = atoi(words[4]),
        .is_encrypted = count > 5,
    };
    zmq_curve_keypair(setup.router.public, setup.router.secret);
    zmq_curve_keypair(setup.dealer.public, setup.dealer.secret);
    void *context = zmq_ctx_new();
    void *socket = zmq_socket(context, ZMQ_ROUTER);
    if (setup.is_encrypted) {
        int one = 1;
        zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &one, sizeof one);
        zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, setup.router.secret, 41);
    }
    check(zmq_bind(socket, setup.endpoint) == 0, "binding");
    pthread_t thread;
    pthread_create(&thread, NULL, answer, &setup);
    receive_message(socket);
    double *times = calloc((size_t)setup.rounds + 1, sizeof *times);
    for (int round = 0; round < setup.rounds; round++) {
        double start = microseconds();
        send_share(socket, setup.bytes_there);
        receive_message(socket);
        times[round] = microseconds() - start;
    }
    qsort(times, (size_t)setup.rounds, sizeof *times, compare);
    printf("%.1f us, the median of %d\n", times[setup.rounds / 2], setup.rounds);
    pthread_join(thread, NULL);
    free(times);
    zmq_close(socket);
    zmq_ctx_term(context);
    return 0;
}
