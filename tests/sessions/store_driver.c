/* Drives a store for tests/system/test_sessions_faults.py, which breaks the disk
 * under it or kills it.
 *
 *   store_driver DIR talk N    N turns as the chat makes them; a line for each step
 *                              that was acknowledged, after it was
 *   store_driver DIR hold      becomes a session's writer, then waits for input's end
 *   store_driver DIR say ID    appends to a session
 *   store_driver DIR names N   makes N sessions, printing their IDs
 *   store_driver DIR dump      every session: ID, then "number role status content" lines
 *   store_driver DIR check     what `bora sessions check` finds
 *   store_driver DIR work      every other change there is, a line "state …" after each
 *   store_driver DIR state     that line for the store as it is
 *   store_driver DIR backup F  copies the store to the file F
 *   store_driver DIR restore F puts that copy in its place
 *
 * A step that fails prints "failed: LINE" and is tried once more. */
#include "sessions/sessions.h"

#include <stdlib.h>
#include <string.h>

struct driver {
	struct sessions *store;
	const char *dir, *argument;
	struct i18n *tr;
	char err[1024];
};

static void say(const char *line)
{
	puts(line);
	fflush(stdout);
}

static int failed(struct driver *d)
{
	printf("failed: %s\n", d->err);
	fflush(stdout);
	return -1;
}

static int append(struct driver *d, int64_t row, struct message *m, const char *text)
{
	m->content = (char *)text;
	m->len = strlen(text);
	for (int tries = 0; tries < 2; tries++) {
		if (message_append(d->store, row, m, d->err, sizeof(d->err)) == 0) {
			say(text);
			return 0;
		}
		failed(d);
	}
	return -1;
}

static int update(struct driver *d, struct message *m, const char *text)
{
	m->content = (char *)text;
	m->len = strlen(text);
	for (int tries = 0; tries < 2; tries++) {
		if (message_update(d->store, m, d->err, sizeof(d->err)) == 0) {
			say(text);
			return 0;
		}
		failed(d);
	}
	return -1;
}

/* A question, and an answer that grows in three steps over several pages. */
static int turn(struct driver *d, int64_t row, int number)
{
	struct message question = {.role = MESSAGE_USER};
	struct message answer = {.role = MESSAGE_ASSISTANT, .status = MESSAGE_PARTIAL};
	char text[12000];
	snprintf(text, sizeof(text), "question-%d", number);
	if (append(d, row, &question, text))
		return 0;
	snprintf(text, sizeof(text), "answer-%d", number);
	if (append(d, row, &answer, text))
		return 0;
	for (int part = 1; part <= 3; part++) {
		size_t len = strlen(text);
		memset(text + len, 'a' + part, 2000);
		snprintf(text + len + 2000, sizeof(text) - len - 2000, "-%d", part);
		answer.status = part == 3 ? MESSAGE_COMPLETE : MESSAGE_PARTIAL;
		update(d, &answer, text);
	}
	return 0;
}

static int create(struct driver *d, struct session *session)
{
	for (int tries = 0; tries < 2; tries++) {
		if (session_create(d->store, "model", "", session, d->err, sizeof(d->err)) == 0)
			return 0;
		failed(d);
	}
	return -1;
}

static int run_talk(struct driver *d)
{
	struct session session;
	if (create(d, &session))
		return 1;
	for (int i = 1; i <= atoi(d->argument); i++)
		turn(d, session.row, i);
	say("end");
	session_free(&session);
	return 0;
}

static int run_hold(struct driver *d)
{
	struct session session;
	struct message m = {.role = MESSAGE_USER};
	if (create(d, &session) || append(d, session.row, &m, "held"))
		return 1;
	say(session.id);
	session_free(&session);
	while (getchar() != EOF)
		;
	return 0;
}

static int run_say(struct driver *d)
{
	struct session session;
	struct message m = {.role = MESSAGE_USER};
	if (session_find(d->store, d->argument, &session, d->err, sizeof(d->err)))
		return failed(d);
	int code = append(d, session.row, &m, "said");
	session_free(&session);
	return code ? 1 : 0;
}

static int run_names(struct driver *d)
{
	for (int i = 0; i < atoi(d->argument); i++) {
		struct session session;
		struct message m = {.role = MESSAGE_USER, .content = "x", .len = 1};
		if (create(d, &session) || message_append(d->store, session.row, &m, d->err, sizeof(d->err)))
			return 1;
		say(session.id);
		session_free(&session);
	}
	return 0;
}

static int dump_session(struct driver *d, const struct session *session)
{
	struct message *path;
	size_t count;
	say(session->id);
	if (message_path(d->store, session->row, &path, &count, d->err, sizeof(d->err)))
		return failed(d);
	for (size_t i = 0; i < count; i++) {
		printf("%lld %s %s %s\n", (long long)path[i].number, message_role_name(path[i].role),
		       message_status_name(path[i].status), path[i].content);
		message_free(&path[i]);
	}
	free(path);
	return 0;
}

static int run_dump(struct driver *d)
{
	struct session *list;
	size_t count;
	int code = 0;
	if (session_list(d->store, true, &list, &count, d->err, sizeof(d->err)))
		return failed(d);
	for (size_t i = 0; i < count; i++) {
		code |= dump_session(d, &list[i]);
		session_free(&list[i]);
	}
	free(list);
	return code ? 1 : 0;
}

/* All sessions, leaves, messages, parents and pins as one line; texts by their length and sum. */
static int run_state(struct driver *d)
{
	struct session *list;
	size_t count;
	if (session_list(d->store, true, &list, &count, d->err, sizeof(d->err)))
		return failed(d);
	printf("state %zu", count);
	for (size_t i = 0; i < count; i++) {
		struct message *tree = NULL;
		size_t messages = 0;
		if (message_tree(d->store, list[i].row, &tree, &messages, d->err, sizeof(d->err)))
			failed(d);
		printf(" [%s %lld", list[i].title, (long long)list[i].leaf);
		for (size_t k = 0; k < messages; k++) {
			unsigned sum = 0;
			for (size_t at = 0; at < tree[k].len; at++)
				sum = sum * 31 + (unsigned char)tree[k].content[at];
			printf(" %lld<%lld%s:%x", (long long)tree[k].id, (long long)tree[k].parent,
			       tree[k].pinned ? "*" : "", sum);
			message_free(&tree[k]);
		}
		printf("]");
		free(tree);
		session_free(&list[i]);
	}
	free(list);
	say("");
	return 0;
}

static int done(struct driver *d, int code)
{
	return code ? failed(d) : run_state(d);
}

static int64_t add(struct driver *d, int64_t row, int64_t parent, enum message_role role, int size)
{
	char *text = xcalloc((size_t)size + 1, 1);
	memset(text, 'a' + size % 26, (size_t)size);
	struct message m = {.role = role, .parent = parent, .content = text, .len = (size_t)size};
	int code = message_append(d->store, row, &m, d->err, sizeof(d->err));
	free(text);
	return done(d, code) ? 0 : m.id;
}

static int import(struct driver *d)
{
	static const char text[] = "[{\"messages\":[{\"role\":\"user\",\"content\":\"one\"},"
				   "{\"role\":\"assistant\",\"content\":\"two\"}]},"
				   "{\"messages\":[{\"role\":\"user\",\"content\":\"three\"}]}]";
	int imported;
	return session_import(d->store, text, sizeof(text) - 1, "text", &imported, d->err, sizeof(d->err));
}

static int run_work(struct driver *d)
{
	struct session session, fork;
	struct message branch[2] = {{.role = MESSAGE_USER, .content = "sum", .len = 3},
				    {.role = MESSAGE_ASSISTANT, .content = "up", .len = 2, .pinned = true}};
	if (done(d, session_create(d->store, "model", "", &session, d->err, sizeof(d->err))))
		return 1;
	int64_t row = session.row, a = add(d, row, 0, MESSAGE_USER, 100), b = add(d, row, 0, MESSAGE_ASSISTANT, 9000);
	add(d, row, a, MESSAGE_ASSISTANT, 5000);
	done(d, tree_pin(d->store, row, b, true, d->err, sizeof(d->err)));
	done(d, session_set_leaf(d->store, row, b, d->err, sizeof(d->err)));
	done(d, tree_branch(d->store, row, branch, 2, d->err, sizeof(d->err)));
	done(d, session_rename(d->store, row, "another title", d->err, sizeof(d->err)));
	done(d, session_pin(d->store, row, true, d->err, sizeof(d->err)));
	if (done(d, session_fork(d->store, row, b, &fork, d->err, sizeof(d->err))))
		return 1;
	done(d, import(d));
	done(d, tree_pin(d->store, row, b, false, d->err, sizeof(d->err)));
	done(d, session_delete(d->store, row, d->err, sizeof(d->err)));
	add(d, fork.row, 0, MESSAGE_USER, 20000);
	session_free(&fork);
	session_free(&session);
	say("end");
	return 0;
}

static int run_backup(struct driver *d)
{
	return sessions_backup(d->store, d->argument, d->err, sizeof(d->err)) ? failed(d) : 0;
}

static int run_restore(struct driver *d)
{
	char *kept;
	int code = sessions_restore(d->dir, d->tr, d->argument, &kept, d->err, sizeof(d->err));
	free(kept);
	return code ? failed(d) : 0;
}

static void put_line(void *arg, const char *line)
{
	(void)arg;
	say(line);
}

static int run_check(struct driver *d)
{
	int problems = sessions_check(d->dir, d->tr, false, put_line, NULL, d->err, sizeof(d->err));
	if (problems < 0)
		failed(d);
	return problems ? 1 : 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(struct driver *);
	} commands[] = {{"talk", run_talk},     {"hold", run_hold},      {"say", run_say},   {"names", run_names},
			{"dump", run_dump},     {"check", run_check},    {"work", run_work}, {"state", run_state},
			{"backup", run_backup}, {"restore", run_restore}};
	struct driver d = {.dir = argc > 1 ? argv[1] : "", .argument = argc > 3 ? argv[3] : "0", .tr = i18n_open("en")};
	int code = 2;
	for (size_t i = 0; argc > 2 && i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(argv[2], commands[i].name) != 0)
			continue;
		bool closed = commands[i].run == run_check || commands[i].run == run_restore;
		if (!closed && sessions_open(&d.store, d.dir, d.tr, d.err, sizeof(d.err))) {
			failed(&d);
			code = 1;
			break;
		}
		if (d.store && sessions_notice(d.store))
			printf("notice: %s\n", sessions_notice(d.store));
		if (d.store && sessions_read_only(d.store))
			printf("read-only: %s\n", sessions_read_only(d.store));
		code = commands[i].run(&d);
	}
	sessions_close(d.store);
	i18n_close(d.tr);
	return code;
}
