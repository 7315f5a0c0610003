/* import.h: from foreign text to conversations, before anything is stored. */
#ifndef IMPORT_H
#define IMPORT_H

#include "sessions.h"

#include <cjson/cJSON.h>

struct import_conversation {      /* strings are owned */
	struct session session;   /* id "": to be issued */
	struct message *messages; /* by rising number; parent is a number, 0: none */
	size_t count, size;
	int64_t leaf; /* a number, 0: none */
};

struct import {
	const char *name; /* of the file, for errors */
	struct import_conversation *conversations;
	size_t count;
	char *err;
	size_t errlen;
};

/* "NAME: where: problem", -1. */
int import_fail(struct import *, const char *format, ...) __attribute__((format(printf, 2, 3)));
struct import_conversation *import_conversation(struct import *); /* a fresh one at the end */
struct message *import_message(struct import_conversation *);     /* likewise; number is set, strings "" */
/* Takes content over. */
void import_content(struct message *, char *content, size_t len);

const char *import_string(const cJSON *object, const char *key); /* NULL: absent or no string */
const cJSON *import_first(const cJSON *list);                    /* its first item; NULL: none */
double import_number(const cJSON *object, const char *key, double missing);
int64_t import_time(const cJSON *object, const char *key); /* 0: absent or out of all bounds */

/* import_chats.c. Each returns 0, or -1 and err. where: "[3]" or "". */
bool import_is_chatgpt(const cJSON *);
int import_chatgpt(struct import *, const cJSON *, const char *where);
bool import_is_messages(const cJSON *); /* [{"role","content"},…] or {"messages":[…]} */
int import_messages(struct import *, const cJSON *, const char *where);

#endif
