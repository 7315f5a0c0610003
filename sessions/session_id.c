#include "session_id.h"

#include <string.h>
#include <sys/random.h>

enum { RANDOM_BITS = 15, VALUE_BITS = 5 * SESSION_ID_LENGTH };

static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";

static void encode(int64_t value, char out[SESSION_ID_SIZE])
{
	for (int i = SESSION_ID_LENGTH - 1; i >= 0; i--, value >>= 5)
		out[i] = alphabet[value & 31];
	out[SESSION_ID_LENGTH] = '\0';
}

static int64_t decode(const char *id)
{
	int64_t value = 0;
	for (; *id; id++)
		value = value << 5 | (strchr(alphabet, *id) - alphabet);
	return value;
}

int session_id_normalise(const char *typed, char out[SESSION_ID_SIZE])
{
	size_t len = strlen(typed);
	if (len == 0 || len > SESSION_ID_LENGTH)
		return -1;
	for (size_t i = 0; i <= len; i++) {
		char c = typed[i];
		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (c == 'o')
			c = '0';
		if (c == 'i' || c == 'l')
			c = '1';
		if (!strchr(alphabet, c))
			return -1;
		out[i] = c;
	}
	return 0;
}

bool session_id_valid(const char *id)
{
	return strlen(id) == SESSION_ID_LENGTH && strspn(id, alphabet) == SESSION_ID_LENGTH;
}

static int last_issued(struct sessions *s, int64_t *last, char *err, size_t errlen)
{
	sqlite3_stmt *stmt = store_query(s, err, errlen, "SELECT value FROM meta WHERE key = 'last_id'", "");
	int code = stmt ? store_row(s, stmt, err, errlen) : -1;
	*last = -1;
	if (code > 0) {
		const char *id = (const char *)sqlite3_column_text(stmt, 0);
		if (id && session_id_valid(id))
			*last = decode(id);
		sqlite3_reset(stmt);
	}
	return code < 0 ? -1 : 0;
}

int session_id_make(struct sessions *s, int64_t now, char out[SESSION_ID_SIZE], char *err, size_t errlen)
{
	const int64_t end = (int64_t)1 << VALUE_BITS;
	uint16_t random = 0;
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = (uint16_t)(now * 31);
	int64_t last, taken = 1;
	if (last_issued(s, &last, err, errlen))
		return -1;
	int64_t value = (now << RANDOM_BITS | (random & ((1 << RANDOM_BITS) - 1))) & (end - 1);
	if (value <= last)
		value = last + 1;
	/* An imported session may have kept an ID from elsewhere. */
	for (; taken; value++) {
		encode(value & (end - 1), out);
		if (store_number(s, &taken, 0, err, errlen, "SELECT count(*) FROM sessions WHERE id = ?", "t", out))
			return -1;
	}
	return store_change(s, err, errlen, "INSERT OR REPLACE INTO meta (key, value) VALUES ('last_id', ?)", "t", out);
}
