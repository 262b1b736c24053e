/* Tells the thread sanitizer what Swift's Mutex does when threads meet.
 *
 * The short way through a Mutex, where nobody else holds it, is compiled into our code and seen.
 * The long way is compiled into libswiftSynchronization, which is not instrumented: a thread that
 * had to wait seems never to have locked, and what the lock protects seems to race. This library
 * is loaded before that one and stands in front of its two functions. It only adds what is true
 * (who gets the lock comes after who gave it), so races beside a lock are still found, which a
 * suppression of every function with a Mutex would hide.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>

#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context))

/* Absent in programs that are not instrumented, which this library may be loaded into too. */
__attribute__((weak)) void __tsan_acquire(void *address);
__attribute__((weak)) void __tsan_release(void *address);

#define LOCK_SLOW "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK_SLOW "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

typedef SWIFT void (*lock_function)(uint32_t thread, SELF void *handle);
typedef SWIFT void (*unlock_function)(SELF void *handle);

SWIFT void lock_slow(uint32_t thread, SELF void *handle) __asm__(LOCK_SLOW);
SWIFT void unlock_slow(SELF void *handle) __asm__(UNLOCK_SLOW);

SWIFT void lock_slow(uint32_t thread, SELF void *handle) {
    lock_function next = (lock_function)dlsym(RTLD_NEXT, LOCK_SLOW);
    next(thread, handle);
    if (__tsan_acquire)
        __tsan_acquire(handle);
}

SWIFT void unlock_slow(SELF void *handle) {
    unlock_function next = (unlock_function)dlsym(RTLD_NEXT, UNLOCK_SLOW);
    if (__tsan_release)
        __tsan_release(handle);
    next(handle);
}
