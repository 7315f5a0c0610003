/* Any bytes as sessions.db: opening, salvaging and reading end in a sound store. */
#include "sessions/sessions.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(struct sessions *store)
{
	char err[512];
	struct session *list;
	size_t count;
	if (session_list(store, true, &list, &count, err, sizeof(err)))
		return;
	for (size_t i = 0; i < count; i++) {
		struct buffer out = {0};
		session_export(store, list[i].row, EXPORT_JSON, &out, err, sizeof(err));
		buffer_free(&out);
		session_free(&list[i]);
	}
	free(list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char dir[] = "/tmp/bora-fuzz-XXXXXX", err[512];
	struct i18n *tr = i18n_open("en");
	struct sessions *store = NULL;
	if (!mkdtemp(dir))
		abort();
	char *path = xasprintf("%s/sessions.db", dir), *remove = xasprintf("rm -rf %s", dir);
	FILE *file = fopen(path, "wb");
	if (!file || fwrite(data, 1, size, file) != size || fclose(file))
		abort();
	/* What opening could not refuse or mend must be readable without harm. */
	if (sessions_open(&store, dir, tr, err, sizeof(err)) == 0)
		read_all(store);
	sessions_close(store);
	i18n_close(tr);
	if (system(remove))
		abort();
	free(remove);
	free(path);
	return 0;
}
