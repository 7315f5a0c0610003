/* session_list.h: how a session looks in a list. */
#ifndef SESSION_LIST_H
#define SESSION_LIST_H

#include "../i18n/i18n.h"
#include "../sessions/sessions.h"

/* Both sanitised, for one row; caller frees. */
char *session_list_label(const struct i18n *, const struct session *);  /* its title, or that it has none */
char *session_list_detail(const struct i18n *, const struct session *); /* warm?, how long, when, which model */

#endif
