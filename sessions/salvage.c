#include "salvage.h"
#include "messages.h"

#include <stdlib.h>
#include <string.h>

enum {
	SESSION_COLUMNS = 10, /* of schema version 1; later ones add at the end */
	MESSAGE_COLUMNS = 16,
	MARK_COLUMNS = 2,
	COLUMNS_MAX = 32,
	LEAF_TABLE_PAGE = 0x0d,
	LEAF_HEADER = 8,
};

struct file {
	const unsigned char *bytes;
	size_t len, page, usable; /* sizes */
};

struct value {
	enum { VALUE_NULL, VALUE_INTEGER, VALUE_REAL, VALUE_BLOB, VALUE_TEXT } type;
	int64_t integer;
	double real;
	const char *bytes; /* within the record */
	size_t len;        /* as much of it as could be read */
	uint64_t whole;    /* what it was */
	bool cut;
};

struct record {
	int64_t row;
	struct value values[COLUMNS_MAX];
	int count;
};

struct rescue {
	struct sessions *to;
	struct salvage *found;
	sessions_line_fn *line;
	void *arg;
	char *err;
	size_t errlen;
};

/* --- The file format ------------------------------------------------------------ */

static uint64_t big_endian(const unsigned char *p, size_t len)
{
	uint64_t value = 0;
	for (size_t i = 0; i < len; i++)
		value = value << 8 | p[i];
	return value;
}

/* Bytes read, 0: the varint does not end within len. */
static size_t varint(const unsigned char *p, size_t len, uint64_t *value)
{
	*value = 0;
	for (size_t i = 0; i < 9 && i < len; i++) {
		*value = i == 8 ? *value << 8 | p[i] : *value << 7 | (p[i] & 0x7f);
		if (i == 8 || !(p[i] & 0x80))
			return i + 1;
	}
	return 0;
}

/* A header that makes no sense is passed over: ours has pages of 4096 bytes. */
static void read_header(struct file *file)
{
	file->page = 4096;
	file->usable = 4096;
	if (file->len < 100 || memcmp(file->bytes, "SQLite format 3", 16) != 0)
		return;
	size_t page = big_endian(file->bytes + 16, 2), reserved = file->bytes[20];
	if (page == 1)
		page = 65536;
	if (page >= 512 && (page & (page - 1)) == 0 && page - reserved >= 480) {
		file->page = page;
		file->usable = page - reserved;
	}
}

/* Bytes of a payload that stand in the leaf itself. */
static size_t local_size(const struct file *file, uint64_t payload)
{
	size_t most = file->usable - 35, least = (file->usable - 12) * 32 / 255 - 23;
	if (payload <= most)
		return (size_t)payload;
	size_t local = least + (size_t)((payload - least) % (file->usable - 4));
	return local <= most ? local : least;
}

/* Follows the overflow pages as far as they make sense. */
static void read_overflow(const struct file *file, uint64_t page, uint64_t wanted, struct buffer *payload)
{
	size_t pages = file->len / file->page;
	while (wanted && page >= 1 && page <= pages) {
		const unsigned char *p = file->bytes + (page - 1) * file->page;
		size_t n = wanted < file->usable - 4 ? (size_t)wanted : file->usable - 4;
		buffer_append(payload, p + 4, n);
		wanted -= n;
		page = big_endian(p, 4);
	}
}

/* The record that begins at p; the payload is cut where it cannot be read on. */
static int read_cell(const struct file *file, const unsigned char *p, size_t left, int64_t *row, uint64_t *size,
		     struct buffer *payload)
{
	uint64_t key;
	size_t n = varint(p, left, size);
	size_t m = n ? varint(p + n, left - n, &key) : 0;
	if (!m || *size < 4 || *size > 2 * (uint64_t)SESSIONS_MESSAGE_MAX || *size > file->len)
		return -1;
	size_t local = local_size(file, *size);
	p += n + m;
	left -= n + m;
	if (local > left || (local < *size && left - local < 4))
		return -1;
	*row = (int64_t)key;
	buffer_clear(payload);
	buffer_append(payload, p, local);
	if (local < *size)
		read_overflow(file, big_endian(p + local, 4), *size - local, payload);
	return 0;
}

static uint64_t serial_size(uint64_t serial)
{
	static const uint8_t sizes[] = {0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0};
	return serial < 12 ? sizes[serial] : (serial - 12) / 2;
}

static void read_value(const unsigned char *p, uint64_t serial, size_t have, struct value *value)
{
	uint64_t size = serial_size(serial);
	*value = (struct value){.len = have < size ? have : (size_t)size, .whole = size, .cut = have < size};
	if (serial == 0) {
		value->type = VALUE_NULL;
	} else if (serial == 7) {
		uint64_t bits = big_endian(p, value->len);
		value->type = VALUE_REAL;
		memcpy(&value->real, &bits, sizeof(bits));
	} else if (serial < 12) {
		uint64_t bits = big_endian(p, value->len);
		value->type = VALUE_INTEGER;
		if (value->len && value->len < 8 && p[0] & 0x80)
			bits |= ~(uint64_t)0 << (8 * value->len);
		value->integer = serial == 9 ? 1 : (int64_t)bits;
		value->real = (double)value->integer;
	} else {
		value->type = serial & 1 ? VALUE_TEXT : VALUE_BLOB;
		value->bytes = (const char *)p;
	}
}

/* Only the last value may be cut: what stands before it must be whole. */
static int parse_record(const struct buffer *payload, uint64_t size, struct record *record)
{
	const unsigned char *p = (const unsigned char *)payload->data;
	uint64_t header, serial;
	size_t at = varint(p, payload->len, &header);
	if (!at || header > payload->len || header > 9 * COLUMNS_MAX)
		return -1;
	size_t body = (size_t)header;
	record->count = 0;
	while (at < header) {
		size_t n = varint(p + at, (size_t)header - at, &serial);
		if (!n || record->count == COLUMNS_MAX || serial == 10 || serial == 11 || body > payload->len)
			return -1;
		at += n;
		struct value *value = &record->values[record->count++];
		read_value(p + body, serial, payload->len - body, value);
		if (value->cut && at < header)
			return -1;
		if (serial_size(serial) > size)
			return -1;
		body += value->len;
	}
	return at == header ? 0 : -1;
}

/* --- Our rows ---------------------------------------------------------------------- */

/* One letter a column: n NULL, i integer, k integer or NULL, f number, t text, b blob. */
static bool has_types(const struct record *record, const char *types)
{
	if (record->count < (int)strlen(types) || record->row <= 0)
		return false;
	for (int i = 0; types[i]; i++) {
		int type = record->values[i].type;
		bool right = types[i] == 'n'   ? type == VALUE_NULL
			     : types[i] == 'i' ? type == VALUE_INTEGER
			     : types[i] == 'k' ? type == VALUE_INTEGER || type == VALUE_NULL
			     : types[i] == 'f' ? type == VALUE_INTEGER || type == VALUE_REAL
			     : types[i] == 't' ? type == VALUE_TEXT
					       : type == VALUE_BLOB;
		if (!right)
			return false;
	}
	return true;
}

static char *text_of(const struct value *value)
{
	return xstrndup(value->bytes, value->len);
}

static int rescue_session(struct rescue *r, const struct record *record)
{
	const struct value *v = record->values;
	char *id = text_of(&v[1]), *title = text_of(&v[2]), *model = text_of(&v[3]), *system = text_of(&v[4]);
	int code = store_change(r->to, r->err, r->errlen,
				"INSERT OR IGNORE INTO sessions"
				" (row, id, title, model, system, created, updated, pinned, activity, leaf)"
				" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
				"ittttiiiik", record->row, id, title, model, system, v[5].integer, v[6].integer,
				(int64_t)(v[7].integer != 0), v[8].integer, v[9].integer);
	r->found->sessions += code == 0 ? sqlite3_changes(r->to->db) : 0;
	free(id);
	free(title);
	free(model);
	free(system);
	return code;
}

static void tell_cut(struct rescue *r, const struct value *v)
{
	char *line =
		xasprintf("message %lld of session %lld: %zu of %llu bytes could be read, the rest is lost",
			  (long long)v[2].integer, (long long)v[1].integer, v[15].len, (unsigned long long)v[15].whole);
	r->line(r->arg, line);
	free(line);
}

static int rescue_message(struct rescue *r, const struct record *record)
{
	const struct value *v = record->values;
	enum message_role role;
	enum message_status status;
	char *role_name = text_of(&v[5]), *status_name = text_of(&v[6]), *model = text_of(&v[13]),
	     *settings = text_of(&v[14]);
	int code = 0;
	if (message_role_parse(role_name, &role) || message_status_parse(status_name, &status))
		goto out;
	code = store_change(r->to, r->err, r->errlen,
			    "INSERT OR IGNORE INTO messages (id, session, number, parent, depth, role, status, indexed,"
			    " created, prompt_tokens, completion_tokens, first_token_ms, predicted_ms, model, settings,"
			    " content) VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?)",
			    "iiikittiiifftt"
			    "b",
			    record->row, v[1].integer, v[2].integer, v[3].integer, v[4].integer, role_name,
			    v[15].cut ? "partial" : status_name, v[8].integer, v[9].integer, v[10].integer, v[11].real,
			    v[12].real, model, settings, v[15].bytes, v[15].len);
	if (code == 0 && sqlite3_changes(r->to->db)) {
		r->found->messages++;
		r->found->cut += v[15].cut;
		if (v[15].cut)
			tell_cut(r, v);
	}
out:
	free(role_name);
	free(status_name);
	free(model);
	free(settings);
	return code;
}

static int rescue_mark(struct rescue *r, const struct record *record)
{
	const struct value *kind = &record->values[1];
	if (kind->cut || kind->len != strlen("pin") || memcmp(kind->bytes, "pin", kind->len) != 0)
		return 0;
	return store_change(r->to, r->err, r->errlen, "INSERT OR IGNORE INTO marks (message, kind) VALUES (?, 'pin')",
			    "i", record->row);
}

static int rescue_record(struct rescue *r, const struct record *record)
{
	if (record->count == SESSION_COLUMNS && has_types(record, "nttttiiiik") && !record->values[9].cut)
		return rescue_session(r, record);
	if (record->count == MESSAGE_COLUMNS && has_types(record, "niikittiiiiffttb"))
		return rescue_message(r, record);
	if (record->count == MARK_COLUMNS && has_types(record, "nt"))
		return rescue_mark(r, record);
	return 0;
}

static int rescue_page(struct rescue *r, const struct file *file, size_t index, struct buffer *payload)
{
	const unsigned char *page = file->bytes + index * file->page;
	size_t start = index == 0 ? 100 : 0;
	if (page[start] != LEAF_TABLE_PAGE)
		return 0;
	size_t cells = big_endian(page + start + 3, 2), most = (file->usable - start - LEAF_HEADER) / 2;
	for (size_t i = 0; i < cells && i < most; i++) {
		size_t at = big_endian(page + start + LEAF_HEADER + 2 * i, 2);
		struct record record;
		uint64_t size;
		if (at < start + LEAF_HEADER || at >= file->usable ||
		    read_cell(file, page + at, file->usable - at, &record.row, &size, payload) ||
		    parse_record(payload, size, &record))
			continue;
		if (rescue_record(r, &record))
			return -1;
	}
	return 0;
}

int salvage_rows(struct sessions *to, const unsigned char *bytes, size_t len, struct salvage *found,
		 sessions_line_fn *line, void *arg, char *err, size_t errlen)
{
	struct file file = {.bytes = bytes, .len = len};
	struct rescue rescue = {.to = to, .found = found, .line = line, .arg = arg, .err = err, .errlen = errlen};
	struct buffer payload = {0};
	int code = 0;
	read_header(&file);
	for (size_t i = 0; i < len / file.page && code == 0; i++)
		code = rescue_page(&rescue, &file, i, &payload);
	buffer_free(&payload);
	return code;
}
