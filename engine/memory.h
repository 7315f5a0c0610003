/* memory.h: the memory of the machine. */
#ifndef MEMORY_H
#define MEMORY_H

#include <stdint.h>

uint64_t memory_available(void); /* that programs can still take, in bytes; 0: not known */

#endif
