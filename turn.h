/* turn.h: one turn of a conversation, where engine and sessions meet.
 *
 * A turn stores what the person said, has the engine answer, stores the answer
 * at least every second while it streams, and once at the end. The screen
 * (ui/app.c) and the one-shot command (cli/chat.c) both run turns. One thread. */
#ifndef TURN_H
#define TURN_H

#include "engine/engine.h"
#include "sessions/sessions.h"

struct turn;

/* Messages that could not be stored (a full disk…), or are not to be. They stay
 * part of the conversation, and every new turn that may store tries them first. */
struct backlog;
struct backlog *backlog_create(void);
void backlog_free(struct backlog *);
int backlog_count(const struct backlog *);
void backlog_truncate(struct backlog *, int count); /* drops what was added after the first count */
/* Stores what waits, oldest first; -1 when something still does not fit. */
int backlog_retry(struct backlog *, struct sessions *, int64_t session, char *err, size_t errlen);

struct turn_options {
	struct engine *engine;
	struct sessions *sessions; /* NULL: store nothing; the backlog is the conversation */
	struct backlog *backlog;   /* NULL: what cannot be stored is lost with the turn */
	int64_t session;           /* row */
	const char *model_name;    /* stored with the answer */
	const char *system;        /* the system prompt, "" for none */
	struct engine_sampling sampling;
	int max_tokens;
	const char *cache_id; /* the session's ID, for what the model has read of it; NULL: keep none of that */
	uint64_t cache_limit; /* bytes, of all such files */
	bool aside;           /* about the conversation, no part of it: neither the question nor the answer is stored */
	int seen;             /* of an aside: the messages of the path that the model is shown before the question */
};

/* Stores text as the user's message (NULL: answer the path as it stands, for
 * regenerate) and submits the whole path. A failure to store is kept in
 * turn_storage_error() and does not stop the answer; engine failures return -1. */
int turn_start(struct turn **, const struct turn_options *, const char *text, size_t len, char *err, size_t errlen);
/* Has the engine read ahead what turn_start() with the same options and a text that begins so would submit
 * (engine_prepare); text NULL: as far as the conversation goes. Stores nothing. */
void turn_prepare(const struct turn_options *, const char *text, size_t len);
/* Feed every engine event here, first. Stores as needed. True when the turn is over. */
bool turn_event(struct turn *, const struct engine_event *);
int turn_next_save_ms(const struct turn *);                /* until turn_tick() is due; -1: nothing waits */
void turn_tick(struct turn *);                             /* stores the reply so far when a second has passed */
const char *turn_answer(const struct turn *, size_t *len); /* what has been said so far */
int64_t turn_user_message(const struct turn *);            /* ids in the store, 0 when not stored */
int64_t turn_answer_message(const struct turn *);
const char *turn_storage_error(const struct turn *); /* NULL: all is stored */
const char *turn_error(const struct turn *);         /* the engine's error that ended it, or NULL */
const struct engine_usage *turn_usage(const struct turn *);
enum engine_finish turn_finish(const struct turn *);
void turn_free(struct turn *); /* stores what is not stored yet */

#endif
