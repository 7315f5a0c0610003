/* Model files that are almost right: refused with one line, or opened and looked at.
 *
 * The input is a list of changes to the header of a good tiny model, since chance never finds the way from no bytes
 * to a file with a vocabulary: u16 offset, u8 kind, then 1 << (kind & 3) bytes to put there. With bit 2 of the kind
 * the file ends there instead. An input that begins with "GGUF" is a file as it is. */
#include "engine/engine.h"
#include "engine/gguf.h"
#include "tests/engine/tiny_model.h"

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

enum { CUT = 4 };

/* Made once; libFuzzer has no place for it but this. */
static struct good {
	int fd;
	uint8_t *head;
	size_t head_len, size;
} good;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char path[64], err[512];
	struct gguf *gguf;
	(void)argc;
	(void)argv;
	good.fd = memfd_create("good", 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", good.fd);
	if (!tiny_write(&tiny_f32[1], path) || gguf_open(&gguf, path, err, sizeof(err)))
		abort();
	good.size = gguf_file_bytes(gguf);
	good.head_len = gguf_tensor_at(gguf, 0)->offset;
	gguf_close(gguf);
	good.head = xmalloc(good.head_len);
	if (pread(good.fd, good.head, good.head_len, 0) != (ssize_t)good.head_len)
		abort();
	return 0;
}

static void look(void *arg, const char *key, const char *type, const char *value, size_t len)
{
	*(size_t *)arg += len + (size_t)(key[0] != 0) + (size_t)(type[0] != 0) + (len ? (size_t)value[len - 1] & 1 : 0);
}

static void inspect(int fd)
{
	char path[64], err[512] = "";
	size_t sum = 0;
	struct engine_file file;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (engine_inspect(path, &file, look, &sum, err, sizeof(err)) != 0 && err[0] == '\0')
		abort();
}

static void inspect_bytes(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", 0);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	inspect(fd);
	close(fd);
}

static void inspect_changed(const uint8_t *data, size_t size)
{
	uint8_t *head = xmalloc(good.head_len);
	size_t end = good.size;
	memcpy(head, good.head, good.head_len);
	for (size_t at = 0; size - at >= 4;) {
		size_t where = (data[at] | (size_t)data[at + 1] << 8) % good.head_len, width = 1u << (data[at + 2] & 3);
		if (data[at + 2] & CUT)
			end = where;
		at += 3;
		for (size_t i = 0; i < width && at < size && where + i < good.head_len; i++)
			head[where + i] = data[at++];
	}
	if (ftruncate(good.fd, (off_t)good.size) != 0 ||
	    pwrite(good.fd, head, good.head_len, 0) != (ssize_t)good.head_len || ftruncate(good.fd, (off_t)end) != 0)
		abort();
	free(head);
	inspect(good.fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size >= 4 && memcmp(data, "GGUF", 4) == 0)
		inspect_bytes(data, size);
	else
		inspect_changed(data, size);
	return 0;
}
