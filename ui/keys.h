/* keys.h: bytes from the terminal to keys, and keys to actions.
 *
 * Understands UTF-8, CSI and SS3 sequences of xterm, the Linux console, rxvt
 * and kitty, xterm's modifyOtherKeys, Alt as an ESC before a key, and bracketed
 * paste. Answers of the terminal to questions (cursor reports, attributes, OSC,
 * DCS) are keys of a kind of their own, KEYS_REPLY: however late they come, they
 * are never typed. */
#ifndef KEYS_H
#define KEYS_H

#include "../i18n/i18n.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum keys_code {
	KEYS_NONE, /* nothing whole has arrived yet */
	KEYS_CHAR, /* ch: a character; with KEYS_CTRL its lower-case letter */
	KEYS_ENTER,
	KEYS_TAB,
	KEYS_BACKSPACE,
	KEYS_ESC,
	KEYS_UP,
	KEYS_DOWN,
	KEYS_RIGHT,
	KEYS_LEFT,
	KEYS_HOME,
	KEYS_END,
	KEYS_PGUP,
	KEYS_PGDN,
	KEYS_INSERT,
	KEYS_DELETE,
	KEYS_F1,
	KEYS_F12 = KEYS_F1 + 11,
	KEYS_PASTE, /* bytes, len: the pasted text, newlines as \n */
	KEYS_FOCUS, /* ch: 1 when the terminal's window is the one that gets keys from now on, else 0 */
	KEYS_REPLY, /* an answer of the terminal: bytes as they came */
	KEYS_OTHER, /* a sequence without a name here: bytes for the editor */
};
enum { KEYS_SHIFT = 1, KEYS_ALT = 2, KEYS_CTRL = 4 };

struct key {
	enum keys_code code;
	unsigned mods;
	uint32_t ch;
	const char *bytes; /* what readline understands for this key; until the next call */
	size_t len;
};

struct keys; /* bytes that wait to become keys */

struct keys *keys_create(void);
void keys_free(struct keys *);
void keys_feed(struct keys *, const char *bytes, size_t len, int64_t now_ms);
/* The terminal has been asked something: until then its answers may come in pieces,
 * and what could be the beginning of one waits longer before it is taken for keys. */
void keys_expect_replies(struct keys *, int64_t until_ms);
/* Takes the next key. KEYS_NONE: wait for more bytes, or for keys_timeout. */
enum keys_code keys_next(struct keys *, int64_t now_ms, struct key *out);
/* Milliseconds until keys_next() can say more without more bytes; -1: never. */
int keys_timeout(const struct keys *, int64_t now_ms);
bool keys_pasting(const struct keys *); /* inside a bracketed paste */

/* "Ctrl+P", "Alt+Enter", "F1", "PgUp", "Esc": false when it names no key. */
bool keys_parse(const char *name, size_t len, struct key *out);

/* --- Actions ----------------------------------------------------------------- */

enum action {
	ACTION_NONE,
#define ACTION(id, ...) ACTION_##id,
#include "actions.def"
#undef ACTION
	ACTION_COUNT
};

struct action_info {
	enum action id;
	const char *name; /* the message action.NAME describes it */
	const char *keys; /* default keys, separated by spaces */
};
extern const struct action_info action_table[ACTION_COUNT]; /* by id; ACTION_NONE first */

enum action keys_action(const struct key *);             /* ACTION_NONE: a key for the editor */
char *keys_shown(const struct i18n *, enum action);      /* "Strg+P F2": its first keys, for people; caller frees */
char *keys_named(const struct i18n *, const char *keys); /* the same of keys as actions.def names them */

#endif
