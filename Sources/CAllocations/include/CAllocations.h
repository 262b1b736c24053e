// Counts what tests ask the allocator for: linked into a test runner, the functions of this target
// stand before the C library's own.
#ifndef MOIETY_CALLOCATIONS_H
#define MOIETY_CALLOCATIONS_H

// How often the calling thread has asked for memory so far, or -1 where nobody counts: the
// sanitizers bring an allocator of their own.
long moiety_allocation_count(void);

#endif
