/* role.h: ready-made system prompts with settings that suit them.
 *
 * Those of roles.def come with the program; a file roles/NAME in the configuration
 * folder is one's own, and goes before one of the same name. Such a file is the
 * prompt; settings may stand before it, between two lines of three hyphens:
 *
 *     ---
 *     about = What it does, for the list
 *     temp = 0.2
 *     extract =
 *     ask = What to do with text that is piped in
 *     ---
 *     You are …
 *
 * NAME:ARGUMENT puts ARGUMENT where the prompt has {argument}. */
#ifndef ROLE_H
#define ROLE_H

#include "options.h"

enum role_output { /* what becomes of a one-shot's answer */
		   ROLE_TEXT,
		   ROLE_LINE,   /* one line, without a fence or quotation marks around it */
		   ROLE_COMMIT, /* one commit message */
};

struct role {
	char *name;     /* without the argument */
	char *about;    /* of one's own role, NULL: none, or role.NAME tells */
	char *argument; /* what stands after the colon: "LANG", "" for nothing */
	char *prompt;
	char *ask;      /* what a one-shot says before text that comes without a word about it; NULL: nothing */
	char *settings; /* "key = value" lines */
	char *path;     /* of one's own role, NULL: it came with the program */
	enum role_output output;
};

/* name may have an argument. -1 with one line when there is no such role, or its file is not in order. */
int role_open(struct role *, const char *name, char *err, size_t errlen);
int role_read(struct role *, const char *name, char *err, size_t errlen); /* with {argument} still in the prompt */
void role_free(struct role *);
void role_write(const struct role *, struct buffer *out); /* as a file of one's own would have it */
/* Every role by name, one's own among them. Files that are not in order are left out. */
struct role *role_list(size_t *count);
void role_list_free(struct role *, size_t count);

/* Sets what the role that is asked for (OPTION_ROLE) sets, and takes back what one before it did. chat: but for
 * what is about one-shots. role (or NULL) gets it, all zero when none is asked for. */
int role_apply(struct options *, bool chat, struct role *role, char *err, size_t errlen);
/* The system prompt: --system ("" for none), or the role's, whichever was named closer to now; else the table's.
 * NULL with err filled when there is no such role. Caller frees. */
char *role_system(const struct options *, char *err, size_t errlen);

#endif
