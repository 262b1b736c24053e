#include <zmq.h>

#if ZMQ_VERSION < ZMQ_MAKE_VERSION(4, 3, 4)
#error "libzmq before 4.3.4 lets strangers stop or overrun whoever listens"
#endif

/* Part of the library since 4.3, but its header hides it among the drafts. */
#ifndef ZMQ_ZAP_ENFORCE_DOMAIN
#define ZMQ_ZAP_ENFORCE_DOMAIN 93
#endif
