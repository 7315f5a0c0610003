/* Power cuts. A layer under SQLite notes everything that is written, synced and
 * deleted while a conversation is stored. Then, for every moment, disks are made as
 * a cut would have left them: what was synced is there; of the rest nothing,
 * everything, every other write or the first halves. Each must open without damage
 * and hold what had been acknowledged by that moment. */
#include "fixture.h"

#include <sqlite3.h>
#include <stdio.h>

enum { STORE, JOURNAL, FILES, OTHER };
enum loss { LOSS_ALL, LOSS_NONE, LOSS_ODD, LOSS_TORN, LOSSES };

struct op {
	enum { OP_CREATE, OP_WRITE, OP_TRUNCATE, OP_SYNC, OP_DELETE } kind;
	int file;
	size_t offset, len;
	char *bytes;
};

struct tape {
	struct op *ops;
	size_t count;
	sqlite3_vfs *real, layer;
};

struct layered_file {
	sqlite3_file base;
	struct tape *tape;
	int which;
	sqlite3_file *real; /* follows in memory */
};

/* What had been acknowledged after so many operations. */
struct acknowledged {
	size_t ops;
	char *text;
};

static struct op *note(struct tape *tape, int kind, int file)
{
	tape->ops = xreallocarray(tape->ops, tape->count + 1, sizeof(*tape->ops));
	tape->ops[tape->count] = (struct op){.kind = kind, .file = file};
	return &tape->ops[tape->count++];
}

/* --- The layer ------------------------------------------------------------------ */

static sqlite3_file *real_file(sqlite3_file *file)
{
	return ((struct layered_file *)file)->real;
}

static int layer_close(sqlite3_file *file)
{
	return real_file(file)->pMethods->xClose(real_file(file));
}

static int layer_read(sqlite3_file *file, void *to, int len, sqlite3_int64 offset)
{
	return real_file(file)->pMethods->xRead(real_file(file), to, len, offset);
}

static int layer_write(sqlite3_file *file, const void *from, int len, sqlite3_int64 offset)
{
	struct layered_file *f = (struct layered_file *)file;
	if (f->which != OTHER) {
		struct op *op = note(f->tape, OP_WRITE, f->which);
		op->offset = (size_t)offset;
		op->len = (size_t)len;
		op->bytes = xstrndup(from, op->len);
	}
	return f->real->pMethods->xWrite(f->real, from, len, offset);
}

static int layer_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	struct layered_file *f = (struct layered_file *)file;
	if (f->which != OTHER)
		note(f->tape, OP_TRUNCATE, f->which)->len = (size_t)size;
	return f->real->pMethods->xTruncate(f->real, size);
}

static int layer_sync(sqlite3_file *file, int flags)
{
	struct layered_file *f = (struct layered_file *)file;
	if (f->which != OTHER)
		note(f->tape, OP_SYNC, f->which);
	return f->real->pMethods->xSync(f->real, flags);
}

static int layer_size(sqlite3_file *file, sqlite3_int64 *size)
{
	return real_file(file)->pMethods->xFileSize(real_file(file), size);
}

static int layer_lock(sqlite3_file *file, int level)
{
	return real_file(file)->pMethods->xLock(real_file(file), level);
}

static int layer_unlock(sqlite3_file *file, int level)
{
	return real_file(file)->pMethods->xUnlock(real_file(file), level);
}

static int layer_check_lock(sqlite3_file *file, int *out)
{
	return real_file(file)->pMethods->xCheckReservedLock(real_file(file), out);
}

static int layer_control(sqlite3_file *file, int what, void *arg)
{
	return real_file(file)->pMethods->xFileControl(real_file(file), what, arg);
}

static int layer_sector(sqlite3_file *file)
{
	return real_file(file)->pMethods->xSectorSize(real_file(file));
}

static int layer_characteristics(sqlite3_file *file)
{
	return real_file(file)->pMethods->xDeviceCharacteristics(real_file(file));
}

static const sqlite3_io_methods layer_methods = {
	.iVersion = 1,
	.xClose = layer_close,
	.xRead = layer_read,
	.xWrite = layer_write,
	.xTruncate = layer_truncate,
	.xSync = layer_sync,
	.xFileSize = layer_size,
	.xLock = layer_lock,
	.xUnlock = layer_unlock,
	.xCheckReservedLock = layer_check_lock,
	.xFileControl = layer_control,
	.xSectorSize = layer_sector,
	.xDeviceCharacteristics = layer_characteristics,
};

static int which_file(const char *name)
{
	size_t len = name ? strlen(name) : 0;
	if (len > 11 && strcmp(name + len - 11, "sessions.db") == 0)
		return STORE;
	return len > 8 && strcmp(name + len - 8, "-journal") == 0 ? JOURNAL : OTHER;
}

static int layer_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
	struct layered_file *f = (struct layered_file *)file;
	f->tape = vfs->pAppData;
	f->which = which_file(name);
	f->real = (sqlite3_file *)(f + 1);
	int code = f->tape->real->xOpen(f->tape->real, name, f->real, flags, out_flags);
	file->pMethods = code == SQLITE_OK ? &layer_methods : NULL;
	if (code == SQLITE_OK && f->which == JOURNAL && (flags & SQLITE_OPEN_CREATE))
		note(f->tape, OP_CREATE, JOURNAL);
	return code;
}

static int layer_delete(sqlite3_vfs *vfs, const char *name, int sync_folder)
{
	struct tape *tape = vfs->pAppData;
	int file = which_file(name), code = tape->real->xDelete(tape->real, name, sync_folder);
	/* The folder must be synced, or the journal may come back and undo the commit. */
	if (file != OTHER && code == SQLITE_OK) {
		assert_true(sync_folder);
		note(tape, OP_DELETE, file);
	}
	return code;
}

static void start(struct tape *tape)
{
	*tape = (struct tape){.real = sqlite3_vfs_find(NULL)};
	tape->layer = *tape->real;
	tape->layer.zName = "noting";
	tape->layer.pAppData = tape;
	tape->layer.szOsFile = (int)sizeof(struct layered_file) + tape->real->szOsFile;
	tape->layer.xOpen = layer_open;
	tape->layer.xDelete = layer_delete;
	sqlite3_vfs_register(&tape->layer, 1);
}

static void stop(struct tape *tape)
{
	sqlite3_vfs_unregister(&tape->layer);
	sqlite3_vfs_register(tape->real, 1);
}

/* --- The conversation -------------------------------------------------------------- */

static void acknowledge(struct acknowledged *acks, int *count, const struct tape *tape, const char *text)
{
	acks[(*count)++] = (struct acknowledged){.ops = tape->count, .text = xstrdup(text)};
}

static int converse(struct fixture *f, struct tape *tape, struct acknowledged *acks)
{
	int count = 0;
	struct session a;
	char text[12000] = "";
	fixture_session(f, "question", &a);
	acknowledge(acks, &count, tape, "question");
	struct message reply = {.role = MESSAGE_ASSISTANT, .status = MESSAGE_PARTIAL, .content = ""};
	assert_int_equal(message_append(f->store, a.row, &reply, f->err, sizeof(f->err)), 0);
	for (int i = 0; i < 3; i++) {
		size_t len = strlen(text);
		memset(text + len, 'a' + i, 3000);
		text[len + 3000] = '\0';
		reply.content = text;
		reply.len = strlen(text);
		reply.status = i == 2 ? MESSAGE_COMPLETE : MESSAGE_PARTIAL;
		assert_int_equal(message_update(f->store, &reply, f->err, sizeof(f->err)), 0);
		acknowledge(acks, &count, tape, text);
	}
	session_free(&a);
	return count;
}

/* --- The disks ---------------------------------------------------------------------- */

struct disk {
	struct buffer files[FILES];
	bool exists[FILES];
};

static void resize(struct buffer *file, size_t size)
{
	while (file->len < size)
		buffer_append(file, "\0\0\0\0\0\0\0\0", size - file->len < 8 ? size - file->len : 8);
	file->len = size;
}

static void apply(struct disk *disk, const struct op *op, size_t len)
{
	struct buffer *file = &disk->files[op->file];
	switch (op->kind) {
	case OP_CREATE: disk->exists[op->file] = true; break;
	case OP_TRUNCATE: resize(file, op->len); break;
	case OP_SYNC: break;
	case OP_DELETE:
		disk->exists[op->file] = false;
		buffer_clear(file);
		break;
	case OP_WRITE:
		if (file->len < op->offset + len)
			resize(file, op->offset + len);
		memcpy(file->data + op->offset, op->bytes, len);
	}
}

/* The disk after the first `moment` operations and a cut. */
static void cut(const struct tape *tape, size_t moment, enum loss loss, struct disk *disk)
{
	size_t safe[FILES] = {0}; /* operations before this one are on the disk */
	for (size_t i = 0; i < moment; i++)
		if (tape->ops[i].kind == OP_SYNC || tape->ops[i].kind == OP_DELETE)
			safe[tape->ops[i].file] = i + 1;
	disk->exists[STORE] = true;
	for (size_t i = 0; i < moment; i++) {
		const struct op *op = &tape->ops[i];
		bool kept = i < safe[op->file] || loss == LOSS_NONE || loss == LOSS_TORN || (loss == LOSS_ODD && i % 2);
		if (kept)
			apply(disk, op, i < safe[op->file] || loss != LOSS_TORN ? op->len : op->len / 2);
	}
}

static void write_disk(const struct disk *disk, const char *dir)
{
	char *store = xasprintf("%s/sessions.db", dir), *journal = xasprintf("%s-journal", store);
	fixture_write(store, disk->files[STORE].data ? disk->files[STORE].data : "", disk->files[STORE].len);
	unlink(journal);
	if (disk->exists[JOURNAL])
		fixture_write(journal, disk->files[JOURNAL].data ? disk->files[JOURNAL].data : "",
			      disk->files[JOURNAL].len);
	free(store);
	free(journal);
}

static void no_line(void *arg, const char *line)
{
	fail_msg("%s: %s", (const char *)arg, line);
}

static bool holds(struct fixture *f, const char *text)
{
	struct session a;
	struct message *path;
	size_t count;
	bool found = false;
	if (session_find(f->store, "", &a, f->err, sizeof(f->err)))
		return false;
	assert_int_equal(message_path(f->store, a.row, &path, &count, f->err, sizeof(f->err)), 0);
	for (size_t i = 0; i < count; i++)
		found |= strncmp(path[i].content, text, strlen(text)) == 0;
	fixture_free_messages(path, count);
	session_free(&a);
	return found;
}

static void survive(struct fixture *f, const struct tape *tape, const struct acknowledged *acks, int ack_count,
		    size_t moment, enum loss loss)
{
	char where[64];
	struct disk disk = {0};
	snprintf(where, sizeof(where), "after %zu of %zu, loss %d", moment, tape->count, loss);
	cut(tape, moment, loss, &disk);
	write_disk(&disk, f->dir);
	if (sessions_open(&f->store, f->dir, f->tr, f->err, sizeof(f->err)))
		fail_msg("%s: %s", where, f->err);
	if (sessions_notice(f->store) || sessions_read_only(f->store))
		fail_msg("%s: %s", where, sessions_notice(f->store));
	for (int i = 0; i < ack_count; i++)
		if (acks[i].ops <= moment && !holds(f, acks[i].text))
			fail_msg("%s: %.20s… was acknowledged and is gone", where, acks[i].text);
	assert_int_equal(sessions_check(f->dir, f->tr, false, no_line, where, f->err, sizeof(f->err)), 0);
	fixture_close(f);
	buffer_free(&disk.files[STORE]);
	buffer_free(&disk.files[JOURNAL]);
}

static void test_power_cuts(void **state)
{
	struct fixture *f = *state;
	struct tape tape;
	struct acknowledged acks[8];
	char *path = xasprintf("%s/sessions.db", f->dir);
	fixture_close(f);
	unlink(path);
	start(&tape);
	fixture_open(f);
	int count = converse(f, &tape, acks);
	fixture_close(f);
	stop(&tape);
	assert_true(tape.count > 80);
	for (size_t moment = 0; moment <= tape.count; moment++) {
		survive(f, &tape, acks, count, moment, LOSS_ALL);
		survive(f, &tape, acks, count, moment, (enum loss)(LOSS_NONE + moment % (LOSSES - LOSS_NONE)));
	}
	for (size_t i = 0; i < tape.count; i++)
		free(tape.ops[i].bytes);
	for (int i = 0; i < count; i++)
		free(acks[i].text);
	free(tape.ops);
	free(path);
	fixture_open(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {FIXTURE_TEST(test_power_cuts)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
