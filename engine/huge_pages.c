#include "huge_pages.h"
#include "fault_guard.h"
#include "memory.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#ifdef MADV_HUGEPAGE
enum {
	WORTH = 64 << 20, /* bytes: less lies in the caches in part */
	SPARE_GIB = 2,
};

static bool system_has_them(void)
{
	char line[128] = "";
	FILE *file = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "re");
	if (!file)
		return false;
	bool has = fgets(line, sizeof(line), file) && !strstr(line, "[never]");
	fclose(file);
	return has;
}

bool huge_pages_worth(uint64_t bytes)
{
	return bytes >= WORTH && system_has_them() && memory_available() >= bytes + ((uint64_t)SPARE_GIB << 30);
}

struct copy {
	uint8_t *to;
	const uint8_t *from;
	size_t bytes;
};

static void copy_bytes(void *arg)
{
	const struct copy *copy = arg;
	memcpy(copy->to, copy->from, copy->bytes);
}

bool huge_pages_replace(uint8_t *at, size_t bytes)
{
	size_t size = bytes + HUGE_PAGE;
	uint8_t *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return false;
	size_t before = (HUGE_PAGE - (uintptr_t)memory % HUGE_PAGE) % HUGE_PAGE;
	uint8_t *aligned = memory + before;
	struct copy copy = {aligned, at, bytes};
	/* The file may have been cut short meanwhile. */
	if (madvise(aligned, bytes, MADV_HUGEPAGE) != 0 || !fault_guard_run(copy_bytes, &copy) ||
	    mprotect(aligned, bytes, PROT_READ) != 0 ||
	    mremap(aligned, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, at) == MAP_FAILED) {
		munmap(memory, size);
		return false;
	}
	if (before)
		munmap(memory, before);
	munmap(aligned + bytes, HUGE_PAGE - before);
	return true;
}
#else
bool huge_pages_worth(uint64_t bytes)
{
	return false;
}

bool huge_pages_replace(uint8_t *at, size_t bytes)
{
	return false;
}
#endif
