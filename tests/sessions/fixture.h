/* fixture.h: an open store in a folder of its own, for each test anew. */
#ifndef FIXTURE_H
#define FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "sessions/sessions.h"

#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fixture {
	char dir[64], err[1024];
	struct i18n *tr;
	struct sessions *store;
};

#define FIXTURE_TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

static inline void fixture_open(struct fixture *f)
{
	if (sessions_open(&f->store, f->dir, f->tr, f->err, sizeof(f->err)))
		fail_msg("%s", f->err);
}

static inline void fixture_close(struct fixture *f)
{
	sessions_close(f->store);
	f->store = NULL;
}

static inline void fixture_reopen(struct fixture *f)
{
	fixture_close(f);
	fixture_open(f);
}

static inline int fixture_setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	snprintf(f->dir, sizeof(f->dir), "/tmp/bora-test-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->tr = i18n_open("en");
	fixture_open(f);
	*state = f;
	return 0;
}

static inline int fixture_unlink(const char *path, const struct stat *st, int type, struct FTW *at)
{
	return remove(path);
}

static inline int fixture_teardown(void **state)
{
	struct fixture *f = *state;
	fixture_close(f);
	i18n_close(f->tr);
	nftw(f->dir, fixture_unlink, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

static inline int64_t fixture_say(struct fixture *f, int64_t row, enum message_role role, const char *text)
{
	struct message m = {.role = role, .content = (char *)text, .len = strlen(text)};
	if (message_append(f->store, row, &m, f->err, sizeof(f->err)))
		fail_msg("%s", f->err);
	return m.id;
}

/* A session with one message of the person's. */
static inline void fixture_session(struct fixture *f, const char *text, struct session *out)
{
	assert_int_equal(session_create(f->store, "model", "", out, f->err, sizeof(f->err)), 0);
	fixture_say(f, out->row, MESSAGE_USER, text);
}

static inline void fixture_free_messages(struct message *messages, size_t count)
{
	for (size_t i = 0; i < count; i++)
		message_free(&messages[i]);
	free(messages);
}

static inline void fixture_free_sessions(struct session *sessions, size_t count)
{
	for (size_t i = 0; i < count; i++)
		session_free(&sessions[i]);
	free(sessions);
}

static inline void fixture_write(const char *path, const void *bytes, size_t len)
{
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

#endif
