/* The format: github.com/ggml-org/ggml/blob/master/docs/gguf.md (v3; v2 differs only in having no big-endian form).
 *   "GGUF", u32 version, u64 tensors, u64 values;
 *   values: string key, u32 type, value;  string: u64 length, bytes;  array: u32 type, u64 count, elements
 *   tensors: string name, u32 dims, u64 ne[dims], u32 type, u64 offset from the start of the data
 *   padding to general.alignment (32), data
 * A model in several files (llama.cpp's tools/gguf-split): the first has the model's values, all have split.no (from 0)
 * and split.count, and the first split.tensors.count, of all files together. */
#include "gguf.h"
#include "unicode_classes.h"
#include "../split_name.h"
#include "../xmalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	HEADER_BYTES = 24,
	VALUE_MIN = 13,  /* bytes of the shortest value: empty key, type, one byte */
	TENSOR_MIN = 32, /* bytes of the shortest tensor entry */
	KEY_MAX = 65535, /* the format's limit on keys */
	NAME_MAX_BYTES = 255,
	DIMS_MAX = 4,
	ALIGNMENT_MIN = 8, /* the format's; numbers up to 8 bytes are read in place */
	ALIGNMENT_MAX = 1 << 20,
	/* Far beyond any model. A file with holes is as long as it likes, so its size alone bounds nothing. */
	ENTRIES_MAX = 1 << 16,
	STRINGS_MAX = 1 << 22,
	PARTS_MAX = 512,
};

struct gguf {
	char *path;
	const uint8_t *bytes; /* the mapping */
	uint64_t size, mapped, data_start, alignment;
	struct gguf_value *values;
	struct tensor *tensors;
	size_t value_count, tensor_count;
	uint32_t *value_index, *tensor_index; /* hash tables: position + 1, 0 free */
	size_t value_slots, tensor_slots;
	struct gguf **parts; /* the other files of the model, without tables of tensors: those are in this one's */
	size_t part_count;
};

/* Where reading has got to; every take is bounded by the file's end. */
struct reader {
	struct gguf *gguf;
	uint64_t at;
	char *err;
	size_t errlen;
};

/* --- Errors ---------------------------------------------------------------------- */

/* Text from a stranger: control and format characters and what is not UTF-8 show as their numbers. */
static void escape(char *out, size_t size, const char *text)
{
	size_t used = 0, len = strlen(text);
	for (size_t at = 0, step; at < len && used + 12 < size; at += step) {
		uint32_t cp;
		step = unicode_decode(text + at, len - at, &cp);
		if (cp == 0xFFFD && step == 1)
			used += (size_t)snprintf(out + used, size - used, "\\x%02x", (unsigned char)text[at]);
		else if (unicode_class(cp) == UNICODE_CONTROL)
			used += (size_t)snprintf(out + used, size - used, cp < 0x80 ? "\\x%02x" : "\\u%04x",
						 (unsigned)cp);
		else
			for (size_t i = 0; i < step; i++)
				out[used++] = text[at + i];
	}
	out[used] = '\0';
}

static void word_error(const struct gguf *gguf, uint64_t offset, char *err, size_t errlen, const char *format,
		       va_list args)
{
	char text[512], safe[1024];
	vsnprintf(text, sizeof(text), format, args);
	escape(safe, sizeof(safe), text);
	snprintf(err, errlen, "%s: byte %llu: %s", gguf->path, (unsigned long long)offset, safe);
}

int gguf_error(const struct gguf *gguf, uint64_t offset, char *err, size_t errlen, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	word_error(gguf, offset, err, errlen, format, args);
	va_end(args);
	return -1;
}

int gguf_tensor_error(const struct gguf *gguf, const struct tensor *tensor, char *err, size_t errlen,
		      const char *format, ...)
{
	const struct gguf *file = gguf;
	for (size_t i = 0; i < gguf->part_count; i++)
		if (tensor->data >= gguf->parts[i]->bytes)
			file = gguf->parts[i];
	va_list args;
	va_start(args, format);
	word_error(file, tensor->offset, err, errlen, format, args);
	va_end(args);
	return -1;
}

#define FAIL(reader, ...) gguf_error((reader)->gguf, (reader)->at, (reader)->err, (reader)->errlen, __VA_ARGS__)

/* --- Little-endian numbers, unaligned --------------------------------------------- */

static uint64_t read_le(const uint8_t *p, int bytes)
{
	uint64_t value = 0;
	for (int i = bytes - 1; i >= 0; i--)
		value = value << 8 | p[i];
	return value;
}

static uint64_t left(const struct reader *r)
{
	return r->gguf->size - r->at;
}

static int take(struct reader *r, int bytes, const char *what, uint64_t *value)
{
	*value = 0;
	if (left(r) < (uint64_t)bytes)
		return FAIL(r, "the file ends inside %s (%d bytes needed, %llu left); it is cut short, fetch it again",
			    what, bytes, (unsigned long long)left(r));
	*value = read_le(r->gguf->bytes + r->at, bytes);
	r->at += (uint64_t)bytes;
	return 0;
}

static int take_string(struct reader *r, const char *what, struct gguf_string *out)
{
	uint64_t len;
	if (take(r, 8, what, &len))
		return -1;
	if (len > left(r))
		return FAIL(r,
			    "a text of %s is to be %llu bytes long, only %llu are left; the file is damaged, fetch it "
			    "again",
			    what, (unsigned long long)len, (unsigned long long)left(r));
	*out = (struct gguf_string){(const char *)r->gguf->bytes + r->at, (size_t)len};
	r->at += len;
	return 0;
}

/* --- Values -------------------------------------------------------------------------- */

static const uint8_t type_bytes[] = {
	[GGUF_U8] = 1,  [GGUF_I8] = 1,  [GGUF_U16] = 2,  [GGUF_I16] = 2,    [GGUF_U32] = 4,
	[GGUF_I32] = 4, [GGUF_F32] = 4, [GGUF_BOOL] = 1, [GGUF_STRING] = 0, [GGUF_ARRAY] = 0,
	[GGUF_U64] = 8, [GGUF_I64] = 8, [GGUF_F64] = 8,
};
enum { GGUF_TYPES = sizeof(type_bytes) };

static const char *const gguf_type_names[GGUF_TYPES] = {"u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
							"bool", "string", "array", "u64", "i64", "f64"};

static int key_len(const struct gguf_string *key)
{
	return key->len > 80 ? 80 : (int)key->len;
}

static int skip_strings(struct reader *r, const struct gguf_value *value)
{
	struct gguf_string ignored;
	for (uint64_t i = 0; i < value->count; i++) {
		if (take_string(r, "the metadata", &ignored))
			return -1;
	}
	return 0;
}

static int read_array(struct reader *r, struct gguf_value *value)
{
	uint64_t element, count;
	if (take(r, 4, "the metadata", &element) || take(r, 8, "the metadata", &count))
		return -1;
	if (element >= GGUF_TYPES || element == GGUF_ARRAY)
		return FAIL(r, "%.*s: an array of type %llu, which no model uses", key_len(&value->key),
			    value->key.text, (unsigned long long)element);
	uint64_t least = element == GGUF_STRING ? 8 : type_bytes[element];
	if (count > left(r) / least || (element == GGUF_STRING && count > STRINGS_MAX))
		return FAIL(r, "%.*s: %llu entries, more than a file can hold", key_len(&value->key), value->key.text,
			    (unsigned long long)count);
	value->element = (enum gguf_type)element;
	value->count = count;
	value->data = r->gguf->bytes + r->at;
	value->offset = r->at;
	if (element == GGUF_STRING ? skip_strings(r, value) : (r->at += count * least, 0))
		return -1;
	value->bytes = r->at - value->offset;
	return 0;
}

static int check_key(struct reader *r, const struct gguf_string *key)
{
	if (key->len == 0 || key->len > KEY_MAX)
		return FAIL(r, "a name of %zu bytes, 1 to %d are possible", key->len, KEY_MAX);
	/* The format asks for ASCII; C1 controls and direction marks are not. */
	for (size_t i = 0; i < key->len; i++)
		if ((unsigned char)key->text[i] < 0x20 || (unsigned char)key->text[i] >= 0x7f)
			return FAIL(r, "the name '%.*s' is not printable ASCII", key_len(key), key->text);
	return 0;
}

static int read_value(struct reader *r, struct gguf_value *value)
{
	uint64_t type;
	struct gguf_string text;
	if (take_string(r, "the metadata", &value->key) || check_key(r, &value->key) ||
	    take(r, 4, "the metadata", &type))
		return -1;
	if (type >= GGUF_TYPES)
		return FAIL(r, "%.*s: unknown value type %llu", key_len(&value->key), value->key.text,
			    (unsigned long long)type);
	value->type = value->element = (enum gguf_type)type;
	value->count = 1;
	value->offset = r->at;
	value->data = r->gguf->bytes + r->at;
	if (type == GGUF_ARRAY)
		return read_array(r, value);
	uint64_t number;
	if (type == GGUF_STRING ? take_string(r, "the metadata", &text)
				: take(r, type_bytes[type], "the metadata", &number))
		return -1;
	value->bytes = r->at - value->offset;
	return 0;
}

/* --- Names to positions ---------------------------------------------------------------- */

static uint64_t hash_name(const struct gguf_string *name)
{
	uint64_t hash = 14695981039346656037u; /* FNV-1a */
	for (size_t i = 0; i < name->len; i++)
		hash = (hash ^ (unsigned char)name->text[i]) * 1099511628211u;
	return hash ^ hash >> 29;
}

static bool same(const struct gguf_string *a, const struct gguf_string *b)
{
	return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

static size_t slots_for(size_t count)
{
	size_t slots = 16;
	while (slots < count * 2)
		slots *= 2;
	return slots;
}

/* name_at(gguf, i) gives the i-th name: the two tables differ in nothing else. */
typedef const struct gguf_string *name_fn(const struct gguf *, size_t index);

static const struct gguf_string *value_name(const struct gguf *gguf, size_t index)
{
	return &gguf->values[index].key;
}

static const struct gguf_string *tensor_name(const struct gguf *gguf, size_t index)
{
	return &gguf->tensors[index].name;
}

/* The slot that holds name, or the free one where it belongs. */
static uint32_t *find_slot(const struct gguf *gguf, uint32_t *table, size_t slots, name_fn *name_at,
			   const struct gguf_string *name)
{
	for (size_t slot = hash_name(name) & (slots - 1);; slot = (slot + 1) & (slots - 1))
		if (!table[slot] || same(name_at(gguf, table[slot] - 1), name))
			return &table[slot];
}

/* --- Reading the file ---------------------------------------------------------------------- */

static int read_header(struct reader *r)
{
	struct gguf *gguf = r->gguf;
	uint64_t magic, version, tensors, values;
	if (gguf->size < HEADER_BYTES)
		return FAIL(r, "only %llu bytes long: not a GGUF file", (unsigned long long)gguf->size);
	take(r, 4, "the header", &magic);
	if (magic != 0x46554747) { /* "GGUF" */
		r->at = 0;
		return FAIL(r, "does not begin with GGUF: not a GGUF file");
	}
	take(r, 4, "the header", &version);
	if (version == 0x02000000 || version == 0x03000000)
		return FAIL(r, "version: the file is big-endian, made for another kind of machine");
	if (version != 2 && version != 3)
		return FAIL(r, "version %llu: only GGUF versions 2 and 3 can be read", (unsigned long long)version);
	take(r, 8, "the header", &tensors);
	take(r, 8, "the header", &values);
	if (tensors > left(r) / TENSOR_MIN || tensors > ENTRIES_MAX)
		return FAIL(r, "n_tensors: %llu entries, more than a file can hold", (unsigned long long)tensors);
	if (values > left(r) / VALUE_MIN || values > ENTRIES_MAX)
		return FAIL(r, "n_kv: %llu entries, more than a file can hold", (unsigned long long)values);
	gguf->tensor_count = (size_t)tensors;
	gguf->value_count = (size_t)values;
	return 0;
}

static int read_values(struct reader *r)
{
	struct gguf *gguf = r->gguf;
	gguf->values = xcalloc(gguf->value_count, sizeof(*gguf->values));
	gguf->value_slots = slots_for(gguf->value_count);
	gguf->value_index = xcalloc(gguf->value_slots, sizeof(*gguf->value_index));
	for (size_t i = 0; i < gguf->value_count; i++) {
		struct gguf_value *value = &gguf->values[i];
		if (read_value(r, value))
			return -1;
		uint32_t *slot = find_slot(gguf, gguf->value_index, gguf->value_slots, value_name, &value->key);
		if (*slot)
			return FAIL(r, "'%.*s' occurs twice", key_len(&value->key), value->key.text);
		*slot = (uint32_t)i + 1;
	}
	return 0;
}

static int wrong_type(const struct gguf *gguf, const struct gguf_value *value, const char *key, const char *wanted,
		      char *err, size_t errlen)
{
	return gguf_error(gguf, value->offset, err, errlen, "%s is of type %s, expected %s", key,
			  gguf_type_names[value->type], wanted);
}

static int read_alignment(struct reader *r)
{
	int64_t alignment = 32;
	const struct gguf_value *value = gguf_find(r->gguf, "general.alignment");
	if (value && value->type != GGUF_U32)
		return wrong_type(r->gguf, value, "general.alignment", "u32", r->err, r->errlen);
	if (gguf_int(r->gguf, "general.alignment", ALIGNMENT_MIN, ALIGNMENT_MAX, &alignment, r->err, r->errlen) < 0)
		return -1;
	if (alignment & (alignment - 1))
		return gguf_error(r->gguf, value->offset, r->err, r->errlen,
				  "general.alignment: %lld is not a power of two", (long long)alignment);
	r->gguf->alignment = (uint64_t)alignment;
	return 0;
}

static int read_shape(struct reader *r, struct tensor *tensor)
{
	uint64_t dims, ne;
	int64_t total = 1;
	if (take(r, 4, "the list of tensors", &dims))
		return -1;
	if (dims < 1 || dims > DIMS_MAX)
		return FAIL(r, "%.*s.n_dims is %llu, possible are 1 to 4", key_len(&tensor->name), tensor->name.text,
			    (unsigned long long)dims);
	tensor->dims = (int)dims;
	for (int i = 0; i < DIMS_MAX; i++)
		tensor->ne[i] = 1;
	for (int i = 0; i < tensor->dims; i++) {
		if (take(r, 8, "the list of tensors", &ne))
			return -1;
		if (ne == 0 || ne > INT64_MAX || __builtin_mul_overflow(total, (int64_t)ne, &total))
			return FAIL(r, "tensor %.*s has an impossible size", key_len(&tensor->name), tensor->name.text);
		tensor->ne[i] = (int64_t)ne;
	}
	return 0;
}

static int read_layout(struct reader *r, struct tensor *tensor)
{
	uint64_t type, rows = 1;
	if (take(r, 4, "the list of tensors", &type) || take(r, 8, "the list of tensors", &tensor->offset))
		return -1;
	const char *name = tensor->name.text;
	int len = key_len(&tensor->name);
	const struct type_info *info = type_info(type > UINT32_MAX ? UINT32_MAX : (uint32_t)type);
	if (!info)
		return FAIL(r, "tensor %.*s: type %llu (%s) is not supported", len, name, (unsigned long long)type,
			    type_name((uint32_t)type));
	if (tensor->ne[0] % info->block)
		return FAIL(r, "%.*s: %lld is not a multiple of %d (%s)", len, name, (long long)tensor->ne[0],
			    info->block, info->name);
	tensor->type = (enum tensor_type)type;
	uint64_t row;
	if (__builtin_mul_overflow((uint64_t)(tensor->ne[0] / info->block), (uint64_t)info->bytes, &row))
		return FAIL(r, "tensor %.*s has an impossible size", len, name);
	for (int i = 1; i < DIMS_MAX; i++)
		rows *= (uint64_t)tensor->ne[i]; /* read_shape has bounded the product */
	if (__builtin_mul_overflow(row, rows, &tensor->size))
		return FAIL(r, "tensor %.*s has an impossible size", len, name);
	tensor->row_bytes = row;
	if (tensor->offset % r->gguf->alignment)
		return FAIL(r, "%.*s.offset: %llu is not a multiple of %llu", len, name,
			    (unsigned long long)tensor->offset, (unsigned long long)r->gguf->alignment);
	return 0;
}

static int read_tensors(struct reader *r)
{
	struct gguf *gguf = r->gguf;
	gguf->tensors = xcalloc(gguf->tensor_count, sizeof(*gguf->tensors));
	gguf->tensor_slots = slots_for(gguf->tensor_count);
	gguf->tensor_index = xcalloc(gguf->tensor_slots, sizeof(*gguf->tensor_index));
	for (size_t i = 0; i < gguf->tensor_count; i++) {
		struct tensor *tensor = &gguf->tensors[i];
		if (take_string(r, "the list of tensors", &tensor->name))
			return -1;
		if (tensor->name.len == 0 || tensor->name.len > NAME_MAX_BYTES)
			return FAIL(r, "a name of %zu bytes, 1 to %d are possible", tensor->name.len, NAME_MAX_BYTES);
		if (read_shape(r, tensor) || read_layout(r, tensor))
			return -1;
		uint32_t *slot = find_slot(gguf, gguf->tensor_index, gguf->tensor_slots, tensor_name, &tensor->name);
		if (*slot)
			return FAIL(r, "'%.*s' occurs twice", key_len(&tensor->name), tensor->name.text);
		*slot = (uint32_t)i + 1;
	}
	return 0;
}

static int by_offset(const void *a, const void *b)
{
	const struct tensor *x = *(const struct tensor *const *)a, *y = *(const struct tensor *const *)b;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* No tensor reaches past the end of the file or into another. */
static int place_tensors(struct reader *r)
{
	struct gguf *gguf = r->gguf;
	uint64_t pad = (gguf->alignment - r->at % gguf->alignment) % gguf->alignment, room;
	if (gguf->tensor_count && pad > left(r))
		return FAIL(r, "the file ends before the tensors' data; it is cut short, fetch it again");
	gguf->data_start = r->at + (pad > left(r) ? left(r) : pad);
	room = gguf->size - gguf->data_start;
	const struct tensor **order = xcalloc(gguf->tensor_count, sizeof(*order));
	for (size_t i = 0; i < gguf->tensor_count; i++)
		order[i] = &gguf->tensors[i];
	qsort(order, gguf->tensor_count, sizeof(*order), by_offset);
	int failed = 0;
	for (size_t i = 0; !failed && i < gguf->tensor_count; i++) {
		const struct tensor *t = order[i];
		r->at = gguf->data_start + (t->offset > room ? room : t->offset);
		if (t->offset > room || t->size > room - t->offset)
			failed = FAIL(
				r, "tensor %.*s needs %llu bytes, %llu are left; the file is cut short, fetch it again",
				key_len(&t->name), t->name.text, (unsigned long long)t->size,
				(unsigned long long)(t->offset > room ? 0 : room - t->offset));
		else if (i && order[i - 1]->offset + order[i - 1]->size > t->offset)
			failed = FAIL(r, "tensors %.*s and %.*s overlap", key_len(&order[i - 1]->name),
				      order[i - 1]->name.text, key_len(&t->name), t->name.text);
	}
	free(order);
	for (size_t i = 0; !failed && i < gguf->tensor_count; i++) {
		gguf->tensors[i].data = gguf->bytes + gguf->data_start + gguf->tensors[i].offset;
		gguf->tensors[i].offset += gguf->data_start;
	}
	return failed;
}

/* --- Opening --------------------------------------------------------------------------------- */

/* where: an address with room for it that becomes gguf's own; NULL: anywhere. */
static int map_file(struct gguf *gguf, uint8_t *where, uint64_t room, char *err, size_t errlen)
{
	gguf->bytes = where;
	gguf->mapped = room;
	struct stat st;
	/* O_NONBLOCK: a FIFO must not make us wait for a writer. */
	int fd = open(gguf->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) != 0) {
		snprintf(err, errlen, "%s: cannot open: %s", gguf->path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	int failed = -1;
	if (!S_ISREG(st.st_mode))
		snprintf(err, errlen, "%s: not a regular file; a model is a GGUF file", gguf->path);
	else if (st.st_size < HEADER_BYTES)
		snprintf(err, errlen, "%s: byte 0: only %lld bytes long: not a GGUF file", gguf->path,
			 (long long)st.st_size);
	else if (where && (uint64_t)st.st_size > room)
		snprintf(err, errlen, "%s: cannot read: %s", gguf->path, strerror(ESTALE)); /* it has grown since */
	else {
		void *bytes = mmap(where, (size_t)st.st_size, PROT_READ, MAP_SHARED | (where ? MAP_FIXED : 0), fd, 0);
		if (bytes == MAP_FAILED) {
			snprintf(err, errlen, "%s: cannot read: %s", gguf->path, strerror(errno));
		} else {
			gguf->bytes = bytes;
			gguf->size = (uint64_t)st.st_size;
			gguf->mapped = where ? room : gguf->size;
			failed = 0;
		}
	}
	close(fd);
	return failed;
}

static int open_file(struct gguf **out, const char *path, uint8_t *where, uint64_t room, char *err, size_t errlen)
{
	struct gguf *gguf = xcalloc(1, sizeof(*gguf));
	struct reader reader = {.gguf = gguf, .err = err, .errlen = errlen};
	gguf->path = xstrdup(path);
	if (map_file(gguf, where, room, err, errlen) || read_header(&reader) || read_values(&reader) ||
	    read_alignment(&reader) || read_tensors(&reader) || place_tensors(&reader)) {
		gguf_close(gguf);
		return -1;
	}
	*out = gguf;
	return 0;
}

/* --- A model in several files -------------------------------------------------------------------- */

/* How many files the model is in, 1 at least, and which of them this is, from 0. */
static int read_split(const struct gguf *gguf, int64_t *number, int64_t *count, char *err, size_t errlen)
{
	*number = 0;
	*count = 1;
	if (gguf_int(gguf, "split.count", 0, PARTS_MAX, count, err, errlen) < 0 ||
	    gguf_int(gguf, "split.no", 0, PARTS_MAX, number, err, errlen) < 0)
		return -1;
	*count = *count < 1 ? 1 : *count;
	return 0;
}

/* The names say where the others are. */
static int check_first(const struct gguf *gguf, int64_t number, int64_t count, char *err, size_t errlen)
{
	int named, of;
	bool good = split_name(gguf->path, &named, &of) && of == count && named == number + 1;
	if (good && number == 0)
		return 0;
	if (good) {
		char *first = split_name_of(gguf->path, 1);
		snprintf(err, errlen, "%s: part %d of %d of a model; open the first, %s", gguf->path, named, of, first);
		free(first);
	} else {
		snprintf(err, errlen, "%s: part %d of %d of a model; its name must end in -%05d-of-%05d.gguf",
			 gguf->path, (int)number + 1, (int)count, (int)number + 1, (int)count);
	}
	return -1;
}

static int other_model(const struct gguf *gguf, char *err, size_t errlen)
{
	snprintf(err, errlen, "%s: this file and the others are not of one model; fetch it again", gguf->path);
	return -1;
}

static int check_part(const struct gguf *part, int64_t expected, int64_t expected_count, char *err, size_t errlen)
{
	int64_t number, count;
	if (read_split(part, &number, &count, err, errlen))
		return -1;
	if (number == expected && count == expected_count)
		return 0;
	return other_model(part, err, errlen);
}

static uint64_t whole_pages(uint64_t bytes)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	return (bytes + page - 1) / page * page;
}

/* All tensors in the first file's table. */
static int join(struct gguf *gguf, char *err, size_t errlen)
{
	size_t total = gguf->tensor_count;
	int64_t announced = -1;
	for (size_t i = 0; i < gguf->part_count; i++)
		total += gguf->parts[i]->tensor_count;
	if (gguf_int(gguf, "split.tensors.count", 0, INT32_MAX, &announced, err, errlen) < 0)
		return -1;
	if (total > ENTRIES_MAX || (announced >= 0 && (uint64_t)announced != total))
		return other_model(gguf, err, errlen);
	gguf->tensors = xreallocarray(gguf->tensors, total, sizeof(*gguf->tensors));
	for (size_t i = 0; i < gguf->part_count; i++) {
		struct gguf *part = gguf->parts[i];
		if (part->tensor_count)
			memcpy(gguf->tensors + gguf->tensor_count, part->tensors,
			       part->tensor_count * sizeof(*part->tensors));
		gguf->tensor_count += part->tensor_count;
		part->tensor_count = 0;
	}
	free(gguf->tensor_index);
	gguf->tensor_slots = slots_for(total);
	gguf->tensor_index = xcalloc(gguf->tensor_slots, sizeof(*gguf->tensor_index));
	for (size_t i = 0; i < total; i++) {
		const struct gguf_string *name = &gguf->tensors[i].name;
		uint32_t *slot = find_slot(gguf, gguf->tensor_index, gguf->tensor_slots, tensor_name, name);
		if (*slot)
			return gguf_tensor_error(gguf, &gguf->tensors[i], err, errlen, "'%.*s' occurs twice",
						 key_len(name), name->text);
		*slot = (uint32_t)i + 1;
	}
	return 0;
}

/* Bytes of memory that each file is mapped in. Returns their sum, 0: one is not there. */
static uint64_t measure(const char *path, int count, uint64_t *room, char *err, size_t errlen)
{
	uint64_t total = 0;
	for (int i = 0; i < count; i++) {
		struct stat st;
		char *name = split_name_of(path, i + 1);
		bool there = stat(name, &st) == 0;
		if (!there)
			snprintf(err, errlen, "%s: part %d of %d of the model: %s; fetch the model again", name, i + 1,
				 count, strerror(errno));
		room[i] = there ? whole_pages((uint64_t)st.st_size) : 0;
		free(name);
		if (!there || __builtin_add_overflow(total, room[i], &total))
			return 0;
	}
	return total;
}

/* One behind the other, so that the weights are one stretch of memory. */
static int open_parts(struct gguf **out, const char *path, int count, char *err, size_t errlen)
{
	uint64_t room[PARTS_MAX], total = measure(path, count, room, err, errlen);
	if (!total)
		return -1;
	uint8_t *at = mmap(NULL, total, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (at == MAP_FAILED) {
		snprintf(err, errlen, "%s: cannot read: %s", path, strerror(errno));
		return -1;
	}
	struct gguf *first = NULL;
	int failed = 0;
	for (int i = 0; i < count && !failed; i++) {
		struct gguf *part;
		char *name = split_name_of(path, i + 1);
		failed = open_file(&part, name, at, room[i], err, errlen);
		free(name);
		at += room[i];
		total -= room[i];
		if (failed)
			break;
		if (!first) {
			first = part;
			first->parts = xcalloc((size_t)count, sizeof(struct gguf *));
		} else {
			first->parts[first->part_count++] = part;
		}
		failed = check_part(part, i, count, err, errlen);
	}
	if (total)
		munmap(at, total);
	if (failed || join(first, err, errlen)) {
		gguf_close(first);
		return -1;
	}
	*out = first;
	return 0;
}

int gguf_open(struct gguf **out, const char *path, char *err, size_t errlen)
{
	struct gguf *gguf;
	int64_t number, count;
	if (open_file(&gguf, path, NULL, 0, err, errlen))
		return -1;
	int failed = read_split(gguf, &number, &count, err, errlen);
	if (!failed && count == 1) {
		*out = gguf;
		return 0;
	}
	failed = failed || check_first(gguf, number, count, err, errlen);
	gguf_close(gguf);
	return failed ? -1 : open_parts(out, path, (int)count, err, errlen);
}

void gguf_close(struct gguf *gguf)
{
	if (!gguf)
		return;
	for (size_t i = 0; i < gguf->part_count; i++)
		gguf_close(gguf->parts[i]);
	free(gguf->parts);
	if (gguf->bytes)
		munmap((void *)gguf->bytes, gguf->mapped);
	free(gguf->values);
	free(gguf->tensors);
	free(gguf->value_index);
	free(gguf->tensor_index);
	free(gguf->path);
	free(gguf);
}

/* --- Looking up --------------------------------------------------------------------------------- */

const char *gguf_path(const struct gguf *gguf)
{
	return gguf->path;
}

uint64_t gguf_file_bytes(const struct gguf *gguf)
{
	uint64_t bytes = gguf->size;
	for (size_t i = 0; i < gguf->part_count; i++)
		bytes += gguf->parts[i]->size;
	return bytes;
}

size_t gguf_value_count(const struct gguf *gguf)
{
	return gguf->value_count;
}

const struct gguf_value *gguf_value_at(const struct gguf *gguf, size_t index)
{
	return &gguf->values[index];
}

const struct gguf_value *gguf_find(const struct gguf *gguf, const char *key)
{
	struct gguf_string name = {key, strlen(key)};
	uint32_t at = *find_slot(gguf, gguf->value_index, gguf->value_slots, value_name, &name);
	return at ? &gguf->values[at - 1] : NULL;
}

size_t gguf_tensor_count(const struct gguf *gguf)
{
	return gguf->tensor_count;
}

const struct tensor *gguf_tensor_at(const struct gguf *gguf, size_t index)
{
	return &gguf->tensors[index];
}

const struct tensor *gguf_tensor(const struct gguf *gguf, const char *key)
{
	struct gguf_string name = {key, strlen(key)};
	uint32_t at = *find_slot(gguf, gguf->tensor_index, gguf->tensor_slots, tensor_name, &name);
	return at ? &gguf->tensors[at - 1] : NULL;
}

/* --- Typed reads ------------------------------------------------------------------------------------ */

static bool is_integer(enum gguf_type type)
{
	return type == GGUF_U64 || type == GGUF_I64 || type <= GGUF_I32;
}

int64_t gguf_int_at(const struct gguf_value *value, uint64_t index)
{
	int bytes = type_bytes[value->element];
	uint64_t raw = read_le(value->data + index * (uint64_t)bytes, bytes);
	switch (value->element) {
	case GGUF_I8: return (int8_t)raw;
	case GGUF_I16: return (int16_t)raw;
	case GGUF_I32: return (int32_t)raw;
	case GGUF_U64: return raw > INT64_MAX ? INT64_MAX : (int64_t)raw;
	default: return (int64_t)raw;
	}
}

double gguf_float_at(const struct gguf_value *value, uint64_t index)
{
	int bytes = type_bytes[value->element];
	uint64_t raw = read_le(value->data + index * (uint64_t)bytes, bytes);
	double wide;
	float narrow;
	if (value->element == GGUF_F64) {
		memcpy(&wide, &raw, sizeof(wide));
		return wide;
	}
	uint32_t half = (uint32_t)raw;
	memcpy(&narrow, &half, sizeof(narrow));
	return narrow;
}

int gguf_int(const struct gguf *gguf, const char *key, int64_t low, int64_t high, int64_t *out, char *err,
	     size_t errlen)
{
	const struct gguf_value *value = gguf_find(gguf, key);
	if (!value)
		return 0;
	if (!is_integer(value->type))
		return wrong_type(gguf, value, key, "integer", err, errlen);
	int64_t number = gguf_int_at(value, 0);
	if (number < low || number > high)
		return gguf_error(gguf, value->offset, err, errlen, "%s is %lld, possible are %lld to %lld", key,
				  (long long)number, (long long)low, (long long)high);
	*out = number;
	return 1;
}

int gguf_float(const struct gguf *gguf, const char *key, double low, double high, double *out, char *err, size_t errlen)
{
	const struct gguf_value *value = gguf_find(gguf, key);
	if (!value)
		return 0;
	if (value->type != GGUF_F32 && value->type != GGUF_F64)
		return wrong_type(gguf, value, key, "float", err, errlen);
	double number = gguf_float_at(value, 0);
	if (!(number >= low && number <= high)) /* NaN too */
		return gguf_error(gguf, value->offset, err, errlen, "%s is %g, possible are %g to %g", key, number, low,
				  high);
	*out = number;
	return 1;
}

int gguf_bool(const struct gguf *gguf, const char *key, bool *out, char *err, size_t errlen)
{
	const struct gguf_value *value = gguf_find(gguf, key);
	if (!value)
		return 0;
	if (value->type != GGUF_BOOL)
		return wrong_type(gguf, value, key, "bool", err, errlen);
	if (value->data[0] > 1)
		return gguf_error(gguf, value->offset, err, errlen, "%s is %d, possible are 0 to 1", key,
				  value->data[0]);
	*out = value->data[0];
	return 1;
}

int gguf_string(const struct gguf *gguf, const char *key, struct gguf_string *out, char *err, size_t errlen)
{
	const struct gguf_value *value = gguf_find(gguf, key);
	if (!value)
		return 0;
	if (value->type != GGUF_STRING)
		return wrong_type(gguf, value, key, "string", err, errlen);
	*out = (struct gguf_string){(const char *)value->data + 8, (size_t)read_le(value->data, 8)};
	return 1;
}

int gguf_array(const struct gguf *gguf, const char *key, enum gguf_type element, const struct gguf_value **out,
	       char *err, size_t errlen)
{
	const struct gguf_value *value = gguf_find(gguf, key);
	if (!value)
		return 0;
	if (value->type != GGUF_ARRAY)
		return wrong_type(gguf, value, key, "array", err, errlen);
	if (value->element != element)
		return gguf_error(gguf, value->offset, err, errlen, "%s is of type %s[], expected %s[]", key,
				  gguf_type_names[value->element], gguf_type_names[element]);
	*out = value;
	return 1;
}

bool gguf_next_string(const struct gguf_value *value, size_t *cursor, struct gguf_string *out)
{
	if (*cursor >= value->bytes)
		return false;
	const uint8_t *at = value->data + *cursor;
	*out = (struct gguf_string){(const char *)at + 8, (size_t)read_le(at, 8)};
	*cursor += 8 + out->len;
	return true;
}
