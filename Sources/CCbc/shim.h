// COIN-OR's branch and cut; only moiety-solver links it, so that no daemon can die of it.
#include <coin/Cbc_C_Interface.h>
