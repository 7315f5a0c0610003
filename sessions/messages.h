/* messages.h: what the folder's other files need of messages. */
#ifndef MESSAGES_H
#define MESSAGES_H

#include "store.h"

struct message_link {               /* a message's place in the tree */
	int64_t id, number, parent; /* parent: its number, 0: none */
	int sibling, siblings;
};

/* The path from the first message to `message` (0: none, an empty path). Caller frees. */
int message_links(struct sessions *, int64_t session_row, int64_t message, struct message_link **out, size_t *count,
		  char *err, size_t errlen);
/* All of the session's messages, by rising number. Caller frees. */
int message_tree_links(struct sessions *, int64_t session_row, struct message_link **out, size_t *count, char *err,
		       size_t errlen);
/* The number of a message, which must belong to the session. */
int message_number(struct sessions *, int64_t session_row, int64_t id, int64_t *number, char *err, size_t errlen);
/* Within a transaction: stores a message with the number and parent (a number)
 * given, indexes and pins it, and returns its id. Does not touch the session's row. */
int message_insert(struct sessions *, int64_t session_row, const struct message *, int64_t parent_number, int64_t *id,
		   char *err, size_t errlen);
/* Within a transaction: the session's conversation ends with message `leaf` (a number), now. */
int message_touch(struct sessions *, int64_t session_row, int64_t leaf, char *err, size_t errlen);
/* Within a transaction: pins a message. */
int message_mark_pinned(struct sessions *, int64_t id, char *err, size_t errlen);
int message_role_parse(const char *name, enum message_role *); /* -1: unknown */
int message_status_parse(const char *name, enum message_status *);

/* sessions.c: reads one session; stores one within a transaction ("" id: a new one). */
int session_load(struct sessions *, int64_t row, struct session *out, char *err, size_t errlen);
int session_insert(struct sessions *, const struct session *, int64_t *row, char *err, size_t errlen);

#endif
