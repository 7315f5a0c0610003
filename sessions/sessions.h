/* sessions.h: conversations that are never lost. The folder's public face.
 *
 * File        | What it does
 * ------------|-------------------------------------------------------------
 * open.c      | open and close the store, whatever state it is in
 * sessions.c  | list, create, rename, delete, pin, fork
 * messages.c  | append, stream into, and read messages
 * tree.c      | move about among branches, new branches, pinned messages
 * search.c    | full-text search in every script
 * export.c    | Markdown, JSON, HTML, text        import.c | our JSON, others
 * repair.c    | check and salvage                 drafts.c | unsent input, history
 * backup.c    | a copy of the whole store, and back
 * store.c     | statements, transactions, errors  schema.c | tables, migrations
 * locks.c     | one writer a session, across processes
 *
 * A session is a stored conversation: a tree of messages with a current leaf.
 * Everything is called from one thread. A call that returns 0 has reached the
 * disk. Failures return -1 with one plain line in err. */
#ifndef SESSIONS_H
#define SESSIONS_H

#include "../i18n/i18n.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct sessions;

/* dir: the data folder, created 0700 when missing. A newer schema or a store
 * that cannot be written opens read-only: sessions_read_only() then says why. */
int sessions_open(struct sessions **, const char *dir, const struct i18n *, char *err, size_t errlen);
/* A store that ends with the process: everything works, nothing is kept. */
int sessions_open_memory(struct sessions **, const struct i18n *, char *err, size_t errlen);
bool sessions_in_memory(const struct sessions *);
void sessions_close(struct sessions *);
const char *sessions_read_only(const struct sessions *); /* NULL when writable */
const char *sessions_notice(const struct sessions *);    /* what opening had to do (salvage…), or NULL */

enum { SESSION_ID_SIZE = 27 };

struct session {                  /* session_free: strings are owned */
	int64_t row;              /* within this store */
	char id[SESSION_ID_SIZE]; /* for people and scripts; sorts by age */
	char *title;              /* "" until named */
	char *model, *system;
	int64_t created, updated; /* seconds since 1970, for show */
	int messages;             /* on the current path */
	int tokens;
	bool pinned;
	int64_t leaf; /* the message the conversation now ends with; 0: none */
};
void session_free(struct session *); /* what it holds, not itself */

int session_create(struct sessions *, const char *model, const char *system, struct session *out, char *err,
		   size_t errlen);
/* By ID or unique prefix; "" or NULL: the latest. An unknown or ambiguous prefix fails. */
int session_find(struct sessions *, const char *id, struct session *out, char *err, size_t errlen);
/* Newest first, pinned before; all: also empty ones. Caller frees each and the array. */
int session_list(struct sessions *, bool all, struct session **out, size_t *count, char *err, size_t errlen);
int session_rename(struct sessions *, int64_t row, const char *title, char *err, size_t errlen);
int session_delete(struct sessions *, int64_t row, char *err, size_t errlen);
int session_pin(struct sessions *, int64_t row, bool pinned, char *err, size_t errlen);
/* A new session with a copy of the path up to message (0: the leaf). */
int session_fork(struct sessions *, int64_t row, int64_t message, struct session *out, char *err, size_t errlen);
/* message 0: before the first. */
int session_set_leaf(struct sessions *, int64_t row, int64_t message, char *err, size_t errlen);
int session_set_system(struct sessions *, int64_t row, const char *system, char *err, size_t errlen);
/* Become the session's only writer. -1 when another process is: err names its pid.
 * Appending does so too. */
int session_lock(struct sessions *, int64_t row, char *err, size_t errlen);
void session_unlock(struct sessions *, int64_t row);

enum message_role { MESSAGE_SYSTEM, MESSAGE_USER, MESSAGE_ASSISTANT, MESSAGE_TOOL };
enum message_status { MESSAGE_COMPLETE, MESSAGE_PARTIAL };

struct message {            /* message_free: strings are owned */
	int64_t id, parent; /* parent 0: the first of its session */
	int64_t number;     /* within its session, from 1: what people type and files hold */
	enum message_role role;
	enum message_status status;
	char *content; /* any bytes, len of them, NUL after */
	size_t len;
	char *model;    /* who wrote it, "" for people */
	char *settings; /* sampling as JSON, "" unknown */
	int prompt_tokens, completion_tokens;
	double first_token_ms, predicted_ms;
	int64_t created;
	int sibling, siblings; /* this is the sibling-th (from 1) child of its parent */
	bool pinned;           /* stays in the model's context */
};
void message_free(struct message *);
const char *message_role_name(enum message_role);     /* "system", "user", "assistant", "tool" */
const char *message_status_name(enum message_status); /* "complete", "partial" */

/* Stores message under parent (0: the current leaf; MESSAGE_ROOT: none, beside the
 * first) and makes it the leaf. Sets id, number, parent, and created where that is
 * 0. Content up to SESSIONS_MESSAGE_MAX bytes. Takes the session's lock. */
#define MESSAGE_ROOT         ((int64_t)-1)
#define SESSIONS_MESSAGE_MAX ((size_t)100 << 20)
int message_append(struct sessions *, int64_t session_row, struct message *, char *err, size_t errlen);
/* Replaces content and status (and figures) of a message: a reply while it streams. */
int message_update(struct sessions *, const struct message *, char *err, size_t errlen);
/* The path from the first message to the current leaf. Caller frees each and the array. */
int message_path(struct sessions *, int64_t session_row, struct message **out, size_t *count, char *err, size_t errlen);
/* The same, for whoever already has the path `known` (ids, from the first message on): *same of them still
 * begin the path, and only what follows those is read. */
int message_path_from(struct sessions *, int64_t session_row, const int64_t *known, size_t known_count, size_t *same,
		      struct message **out, size_t *count, char *err, size_t errlen);
/* The last messages of the path, or of its part before message `before` (0: of all of it): at most `most`. For
 * conversations of which only the end is needed. */
struct message_end {
	struct message *messages; /* oldest first; message_end_free */
	size_t count, earlier;    /* earlier: how many come before them */
	bool pins_earlier;        /* some of those, or of other branches, are pinned */
};
int message_path_end(struct sessions *, int64_t session_row, int64_t before, size_t most, struct message_end *out,
		     char *err, size_t errlen);
void message_end_free(struct message_end *);
/* All messages of the session, in id order. */
int message_tree(struct sessions *, int64_t session_row, struct message **out, size_t *count, char *err, size_t errlen);

/* The id of a session's message by its number; fails when there is none. */
int message_find(struct sessions *, int64_t session_row, int64_t number, int64_t *id, char *err, size_t errlen);

/* --- The tree. Messages are named by id; each change is one commit. */

struct tree_place {
	int64_t number;        /* within the session */
	int sibling, siblings; /* as in struct message */
};
int tree_place(struct sessions *, int64_t session_row, int64_t message, struct tree_place *out, char *err,
	       size_t errlen);
/* The sibling `step` (-1 or 1) beside message; *other 0: there is none on that side. */
int tree_sibling(struct sessions *, int64_t session_row, int64_t message, int step, int64_t *other, char *err,
		 size_t errlen);
/* The newest message that descends from message (itself, when none does; message 0: of the session, 0 in an
 * empty one): where the conversation was last, had it gone by there. */
int tree_newest(struct sessions *, int64_t session_row, int64_t message, int64_t *newest, char *err, size_t errlen);
int tree_pin(struct sessions *, int64_t session_row, int64_t message, bool pinned, char *err, size_t errlen);
/* Stores messages one under the other, the first beside the session's first, and makes the last the leaf:
 * all or none. Sets id, number, parent and created like message_append(). Takes the session's lock. */
int tree_branch(struct sessions *, int64_t session_row, struct message *messages, size_t count, char *err,
		size_t errlen);

struct search_hit {
	struct session session;
	int64_t message, number;       /* the message's id, and its number in the session */
	char *snippet;                 /* one line around the hit */
	size_t match_start, match_end; /* the hit's bytes in snippet */
};
void search_hit_free(struct search_hit *);
/* Newest messages first, then titles of sessions without a hit (message: their end). All words
 * must be there, the last may go on. Of a message, the first SESSIONS_SEARCHED bytes are searched. */
#define SESSIONS_SEARCHED ((size_t)2 << 20)
int sessions_search(struct sessions *, const char *query, int most, struct search_hit **out, size_t *count, char *err,
		    size_t errlen);

/* The ids of the session's messages, of all branches, that hold all words; newest first. Caller frees. */
int session_search(struct sessions *, int64_t row, const char *query, int most, int64_t **ids, size_t *count, char *err,
		   size_t errlen);

/* The rows of sessions with a message that holds all words, by falling age of the hit; what only the oldest of very
 * many hits tell is left out. For a list that is filtered while one types. Caller frees. */
int sessions_matching(struct sessions *, const char *query, int64_t **rows, size_t *count, char *err, size_t errlen);
/* The last exchange of a session, for a glance at it: the beginnings of its last message and of the one before it,
 * "" where there is none. Caller frees both. */
int session_glance(struct sessions *, int64_t row, char **before, char **last, char *err, size_t errlen);

/* JSON holds the whole tree and comes back identical by import; the others, and
 * JSON_PATH, hold the current path. Appends to out. */
enum export_format { EXPORT_MARKDOWN, EXPORT_JSON, EXPORT_JSON_PATH, EXPORT_HTML, EXPORT_TEXT };
int session_export(struct sessions *, int64_t row, enum export_format, struct buffer *out, char *err, size_t errlen);
/* Stores every conversation in the text, or nothing. *imported: how many. */
int session_import(struct sessions *, const char *text, size_t len, const char *name, int *imported, char *err,
		   size_t errlen);

/* Copies the store, as it is at one moment, to a new file at path, while others may be writing. The copy is a
 * sessions.db like any other. */
int sessions_backup(struct sessions *, const char *path, char *err, size_t errlen);
/* Puts such a copy in the place of the store in dir, which nobody may have open. *kept: the name under which what
 * was there is kept; caller frees. */
int sessions_restore(const char *dir, const struct i18n *, const char *path, char **kept, char *err, size_t errlen);

/* Looks the store over; with repair, salvages. Each finding is a line for fn.
 * Returns the number of problems left, or -1. */
typedef void sessions_line_fn(void *arg, const char *line);
int sessions_check(const char *dir, const struct i18n *, bool repair, sessions_line_fn *, void *arg, char *err,
		   size_t errlen);

/* --- Drafts and input history, in the state folder ---------------------------- */

struct drafts;
struct drafts *drafts_open(const char *dir); /* never fails: without a folder nothing is kept */
void drafts_close(struct drafts *);
void draft_save(struct drafts *, const char *session_id, const char *text,
		size_t len);                               /* "" id: the new chat; empty text removes */
char *draft_load(struct drafts *, const char *session_id); /* NULL: none; caller frees */
void history_add(struct drafts *, const char *text, size_t len);
int history_load(struct drafts *, char ***lines, size_t *count); /* oldest first; caller frees */

#endif
