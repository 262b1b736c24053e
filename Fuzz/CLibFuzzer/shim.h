#include <stddef.h>
#include <stdint.h>

/// libFuzzer's loop: calls `run` with one input after another; it returns 0 for each.
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*run)(const uint8_t *bytes, size_t count));
