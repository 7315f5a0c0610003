/* Any bytes to session_import: refused, or stored and exported and imported again. */
#include "sessions/sessions.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void round_trip(struct sessions *store, const struct session *session)
{
	char err[512];
	int imported;
	struct buffer first = {0}, second = {0};
	struct session again;
	if (session_export(store, session->row, EXPORT_JSON, &first, err, sizeof(err)) ||
	    session_delete(store, session->row, err, sizeof(err)) ||
	    session_import(store, first.data, first.len, "again", &imported, err, sizeof(err)) ||
	    session_find(store, session->id, &again, err, sizeof(err)) ||
	    session_export(store, again.row, EXPORT_JSON, &second, err, sizeof(err)))
		abort();
	if (first.len != second.len || memcmp(first.data, second.data, first.len) != 0)
		abort();
	buffer_free(&first);
	buffer_free(&second);
	session_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char dir[] = "/tmp/bora-fuzz-XXXXXX", err[512];
	struct i18n *tr = i18n_open("en");
	struct sessions *store;
	struct session *list;
	size_t count;
	int imported;
	if (!mkdtemp(dir) || sessions_open(&store, dir, tr, err, sizeof(err)))
		abort();
	if (session_import(store, (const char *)data, size, "fuzz", &imported, err, sizeof(err)) == 0) {
		if (session_list(store, true, &list, &count, err, sizeof(err)) || (int)count != imported)
			abort();
		for (size_t i = 0; i < count; i++) {
			round_trip(store, &list[i]);
			session_free(&list[i]);
		}
		free(list);
	}
	sessions_close(store);
	i18n_close(tr);
	char *remove = xasprintf("rm -rf %s", dir);
	if (system(remove))
		abort();
	free(remove);
	return 0;
}
