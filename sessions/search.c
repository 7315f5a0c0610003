#include "search.h"

int search_add(struct sessions *s, int64_t message, const char *content, size_t len, char *err, size_t errlen)
{
	return 0;
}

int search_index_stored(struct sessions *s, int64_t message, char *err, size_t errlen)
{
	return 0;
}

int search_remove(struct sessions *s, int64_t message, char *err, size_t errlen)
{
	return 0;
}

int search_forget(struct sessions *s, int64_t session_row, char *err, size_t errlen)
{
	return 0;
}
