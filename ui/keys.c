#include "keys.h"

#include "../xmalloc.h"

#include <stdlib.h>
#include <string.h>

enum {
	ESC_MS = 50,     /* a lone ESC is the key when nothing follows for so long */
	PASTE_MS = 2000, /* an unfinished paste ends after so much silence */
	STRING_MS = 500, /* an unfinished reply (OSC, DCS) likewise */
	REPLY_MS = 500,  /* an unfinished CSI, while replies are expected */
	STRING_MOST = 65536,
	SEQUENCE_MOST = 64, /* bytes of a CSI sequence: more is noise */
	CHAR_ESC = 27,
	CHAR_DEL = 127,
};

struct keys {
	struct buffer in;
	size_t pos;      /* bytes of in already taken */
	int64_t last_ms; /* when bytes last came */
	int64_t replies_until_ms;
	bool pasting;
	struct buffer paste;
	size_t paste_scan; /* paste bytes known to hold no end */
	struct buffer out; /* bytes of the last key */
};

const struct action_info action_table[ACTION_COUNT] = {
	[ACTION_NONE] = {ACTION_NONE, "", ""},
#define ACTION(id, name, keys) [ACTION_##id] = {ACTION_##id, name, keys},
#include "actions.def"
#undef ACTION
};

struct keys *keys_create(void)
{
	return xcalloc(1, sizeof(struct keys));
}

void keys_free(struct keys *keys)
{
	if (!keys)
		return;
	buffer_free(&keys->in);
	buffer_free(&keys->paste);
	buffer_free(&keys->out);
	free(keys);
}

bool keys_pasting(const struct keys *keys)
{
	return keys->pasting;
}

void keys_feed(struct keys *keys, const char *bytes, size_t len, int64_t now_ms)
{
	keys->last_ms = now_ms;
	if (keys->pasting) {
		buffer_append(&keys->paste, bytes, len);
		return;
	}
	if (keys->pos == keys->in.len) {
		buffer_clear(&keys->in);
		keys->pos = 0;
	}
	buffer_append(&keys->in, bytes, len);
}

void keys_expect_replies(struct keys *keys, int64_t until_ms)
{
	keys->replies_until_ms = until_ms;
}

/* --- Named keys ---------------------------------------------------------------- */

/* One table for names, for CSI and SS3 final letters and for CSI numbers. */
static const struct named {
	const char *name;
	enum keys_code code;
	char final; /* CSI or SS3 letter, 0: none */
	int number; /* CSI number ~, 0: none */
} named_keys[] = {
	{"Enter", KEYS_ENTER, 'M', 0},
	{"Tab", KEYS_TAB, 'I', 0},
	{"Backspace", KEYS_BACKSPACE, 0, 0},
	{"Esc", KEYS_ESC, 0, 0},
	{"Up", KEYS_UP, 'A', 0},
	{"Down", KEYS_DOWN, 'B', 0},
	{"Right", KEYS_RIGHT, 'C', 0},
	{"Left", KEYS_LEFT, 'D', 0},
	{"Home", KEYS_HOME, 'H', 1},
	{"End", KEYS_END, 'F', 4},
	{"PgUp", KEYS_PGUP, 0, 5},
	{"PgDn", KEYS_PGDN, 0, 6},
	{"Insert", KEYS_INSERT, 0, 2},
	{"Delete", KEYS_DELETE, 0, 3},
	{"F1", KEYS_F1, 'P', 11},
	{"F2", KEYS_F1 + 1, 'Q', 12},
	{"F3", KEYS_F1 + 2, 'R', 13},
	{"F4", KEYS_F1 + 3, 'S', 14},
	{"F5", KEYS_F1 + 4, 0, 15},
	{"F6", KEYS_F1 + 5, 0, 17},
	{"F7", KEYS_F1 + 6, 0, 18},
	{"F8", KEYS_F1 + 7, 0, 19},
	{"F9", KEYS_F1 + 8, 0, 20},
	{"F10", KEYS_F1 + 9, 0, 21},
	{"F11", KEYS_F1 + 10, 0, 23},
	{"F12", KEYS_F12, 0, 24},
	/* rxvt's and others' second codes */
	{"", KEYS_HOME, 0, 7},
	{"", KEYS_END, 0, 8},
};
enum { NAMED_KEYS = sizeof(named_keys) / sizeof(named_keys[0]) };

static const struct named *named_by_final(char final)
{
	for (int i = 0; i < NAMED_KEYS; i++)
		if (final && named_keys[i].final == final)
			return &named_keys[i];
	return NULL;
}

static const struct named *named_by_number(int number)
{
	for (int i = 0; i < NAMED_KEYS; i++)
		if (named_keys[i].number == number)
			return &named_keys[i];
	return NULL;
}

bool keys_parse(const char *name, size_t len, struct key *out)
{
	static const struct {
		const char *prefix;
		unsigned mod;
	} prefixes[] = {{"Ctrl+", KEYS_CTRL}, {"Alt+", KEYS_ALT}, {"Shift+", KEYS_SHIFT}};
	*out = (struct key){0};
	for (int i = 0; i < 3; i++) {
		size_t n = strlen(prefixes[i].prefix);
		if (len > n && memcmp(name, prefixes[i].prefix, n) == 0) {
			out->mods |= prefixes[i].mod;
			name += n, len -= n;
			i = -1;
		}
	}
	for (int i = 0; i < NAMED_KEYS; i++)
		if (strlen(named_keys[i].name) == len && memcmp(named_keys[i].name, name, len) == 0) {
			out->code = named_keys[i].code;
			return len > 0;
		}
	if (len != 1 || name[0] <= ' ' || name[0] == CHAR_DEL)
		return false;
	bool upper = name[0] >= 'A' && name[0] <= 'Z';
	out->code = KEYS_CHAR;
	out->ch = (unsigned char)name[0];
	if (upper && (out->mods & (KEYS_CTRL | KEYS_ALT)) && !(out->mods & KEYS_SHIFT))
		out->ch += 'a' - 'A';
	return true;
}

enum action keys_action(const struct key *key)
{
	for (int id = ACTION_NONE + 1; id < ACTION_COUNT; id++) {
		const char *at = action_table[id].keys;
		while (*at) {
			size_t len = strcspn(at, " ");
			struct key named;
			if (keys_parse(at, len, &named) && named.code == key->code && named.mods == key->mods &&
			    (key->code != KEYS_CHAR || named.ch == key->ch))
				return (enum action)id;
			at += len + strspn(at + len, " ");
		}
	}
	return ACTION_NONE;
}

/* What is printed on keyboards differs: Strg, Échap, Bild↑. */
static const char *key_name(const struct i18n *tr, const char *name, size_t len)
{
	static const char *const names[][2] = {
		{"Ctrl", "key.ctrl"}, {"Alt", "key.alt"}, {"Shift", "key.shift"},  {"Enter", "key.enter"},
		{"Esc", "key.esc"},   {"Tab", "key.tab"}, {"PgUp", "key.page-up"}, {"PgDn", "key.page-down"},
		{"Home", "key.home"}, {"End", "key.end"},
	};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i][0]) == len && memcmp(names[i][0], name, len) == 0)
			return i18n_text(tr, names[i][1]);
	return NULL;
}

char *keys_named(const struct i18n *tr, const char *keys)
{
	enum { SHOWN = 2 };
	struct buffer out = {0};
	int shown = 0;
	for (const char *at = keys; *at;) {
		size_t len = strcspn(at, " +");
		const char *name = key_name(tr, at, len);
		if (name)
			buffer_puts(&out, name);
		else
			buffer_append(&out, at, len);
		at += len;
		if (*at == ' ' && ++shown == SHOWN)
			break;
		if (*at)
			buffer_append(&out, at++, 1);
	}
	return buffer_take(&out);
}

char *keys_shown(const struct i18n *tr, enum action action)
{
	return keys_named(tr, action_table[action].keys);
}

/* --- Bytes to keys ---------------------------------------------------------------
 *
 * Each reader looks at len bytes and returns how many make up the key, 0 when
 * more are needed. final says that no more will come: it must then take
 * something. A key of code KEYS_NONE was noise and is dropped. */

static void utf8_encode(struct buffer *out, uint32_t ch)
{
	char b[4];
	if (ch < 0x80) {
		b[0] = (char)ch;
		buffer_append(out, b, 1);
	} else if (ch < 0x800) {
		b[0] = (char)(0xC0 | ch >> 6), b[1] = (char)(0x80 | (ch & 63));
		buffer_append(out, b, 2);
	} else if (ch < 0x10000) {
		b[0] = (char)(0xE0 | ch >> 12), b[1] = (char)(0x80 | (ch >> 6 & 63)), b[2] = (char)(0x80 | (ch & 63));
		buffer_append(out, b, 3);
	} else {
		b[0] = (char)(0xF0 | ch >> 18), b[1] = (char)(0x80 | (ch >> 12 & 63));
		b[2] = (char)(0x80 | (ch >> 6 & 63)), b[3] = (char)(0x80 | (ch & 63));
		buffer_append(out, b, 4);
	}
}

/* Length of the character at s, with its value; a malformed one is one byte and
 * U+FFFD. 0: cut off, more may follow. */
static size_t utf8_decode(const unsigned char *s, size_t len, bool final, uint32_t *ch)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t need = s[0] < 0x80 ? 1 : s[0] >= 0xC2 && s[0] < 0xE0 ? 2 : (s[0] & 0xF0) == 0xE0 ? 3 : 4;
	*ch = 0xFFFD;
	if (s[0] < 0x80) {
		*ch = s[0];
		return 1;
	}
	if (s[0] < 0xC2 || s[0] > 0xF4)
		return 1;
	uint32_t value = s[0] & (0xFFu >> (need + 1));
	for (size_t i = 1; i < need; i++) {
		if (i == len)
			return final ? len : 0;
		if ((s[i] & 0xC0) != 0x80)
			return i;
		value = value << 6 | (s[i] & 63);
	}
	if (value >= least[need] && value <= 0x10FFFF && !(value >= 0xD800 && value < 0xE000))
		*ch = value;
	return need;
}

static void set_char(struct key *key, uint32_t ch)
{
	key->code = KEYS_CHAR;
	key->ch = ch;
	if (ch == '\r') {
		key->code = KEYS_ENTER;
	} else if (ch == '\t') {
		key->code = KEYS_TAB;
	} else if (ch == CHAR_DEL || ch == 8) {
		key->code = KEYS_BACKSPACE;
	} else if (ch == CHAR_ESC) {
		key->code = KEYS_ESC;
	} else if (ch < 32) {
		key->mods |= KEYS_CTRL;
		key->ch = ch == 0 ? ' ' : ch < 27 ? ch + 'a' - 1 : ch + '@';
	}
	if (key->code != KEYS_CHAR)
		key->ch = 0;
}

static size_t read_char(const char *s, size_t len, bool final, struct key *key)
{
	uint32_t ch;
	size_t n = utf8_decode((const unsigned char *)s, len, final, &ch);
	if (n)
		set_char(key, ch);
	return n;
}

/* OSC, DCS, APC, PM, SOS: a reply of the terminal, up to BEL or ST. Dropped when cut off. */
static size_t read_string(const char *s, size_t len, bool final, struct key *key)
{
	for (size_t i = 2; i < len; i++) {
		bool ends = s[i] == 7 || (s[i] == CHAR_ESC && i + 1 < len && s[i + 1] == '\\');
		if (ends) {
			key->code = KEYS_REPLY;
			return i + (s[i] == 7 ? 1 : 2);
		}
		if (s[i] == CHAR_ESC && i + 1 < len)
			return i;
	}
	return final || len > STRING_MOST ? len : 0;
}

static unsigned mods_of(int parameter)
{
	return parameter > 1 ? (unsigned)(parameter - 1) & 7 : 0;
}

/* kitty's CSI u and modifyOtherKeys: a code point and its modifiers. */
static void set_code_point(struct key *key, int ch, int mods)
{
	key->mods = mods_of(mods);
	set_char(key, (uint32_t)ch);
	if ((key->mods & KEYS_CTRL) && key->code == KEYS_CHAR && key->ch >= 'A' && key->ch <= 'Z')
		key->ch += 'a' - 'A';
	if (key->code == KEYS_CHAR && !(key->mods & (KEYS_CTRL | KEYS_ALT)))
		key->mods = 0;
}

struct csi {
	int parameters[4], count;
	bool private, reply; /* a marker byte or an intermediate: no key has one */
	char final;
};

/* Length of the sequence whose parameters begin at s + 2, 0 when it is cut off. */
static size_t csi_parse(const char *s, size_t len, struct csi *csi)
{
	size_t i = 2;
	*csi = (struct csi){0};
	for (; i < len && s[i] >= 0x20 && s[i] <= 0x3F; i++) {
		if (s[i] >= '0' && s[i] <= '9') {
			if (csi->count == 0)
				csi->count = 1;
			int *p = &csi->parameters[csi->count - 1];
			*p = *p < 0x110000 ? *p * 10 + s[i] - '0' : *p;
		} else if (s[i] == ';') {
			csi->count += csi->count < 4 ? (csi->count ? 1 : 2) : 0;
		} else if (s[i] != ':') {
			csi->reply = true;
		} else {
			/* kitty's sub-parameters (alternate keys, event types) are passed over */
			while (i + 1 < len && s[i + 1] >= '0' && s[i + 1] <= ':')
				i++;
		}
		if (i >= SEQUENCE_MOST)
			return i;
	}
	if (i == len)
		return 0;
	csi->final = s[i];
	return i + 1;
}

static void csi_key(const struct csi *csi, struct key *key)
{
	const struct named *named = NULL;
	int first = csi->parameters[0], mods = csi->count > 1 ? csi->parameters[1] : 1;
	if (strchr("Rcnty", csi->final)) {
		key->code = KEYS_REPLY;
		return;
	}
	if (csi->reply)
		return; /* nothing we know */
	if (csi->final == 'I' || csi->final == 'O') {
		key->code = KEYS_FOCUS;
		key->ch = csi->final == 'I';
		return;
	}
	if (csi->final == 'u') {
		set_code_point(key, first, mods);
		return;
	}
	if (csi->final == '~' && first == 27 && csi->count == 3) {
		set_code_point(key, csi->parameters[2], mods);
		return;
	}
	key->code = KEYS_OTHER;
	if (csi->final == 'Z') {
		key->code = KEYS_TAB;
		key->mods = KEYS_SHIFT;
		return;
	}
	named = csi->final == '~' ? named_by_number(first) : named_by_final(csi->final);
	if (named) {
		key->code = named->code;
		key->mods = mods_of(mods);
	}
}

static size_t read_csi(struct keys *keys, const char *s, size_t len, bool final, struct key *key)
{
	struct csi csi;
	if (len == 2) {
		if (!final)
			return 0;
		key->code = KEYS_CHAR, key->ch = '[', key->mods = KEYS_ALT;
		return 2;
	}
	if (s[2] == 'M')
		return len >= 6 ? 6 : final ? len : 0; /* an old mouse report */
	if (s[2] == '[')
		return len >= 4 ? 4 : final ? len : 0; /* the Linux console's F1 to F5, below */
	size_t n = csi_parse(s, len, &csi);
	if (n == 0)
		return final ? len : 0;
	if (csi.final == '~' && csi.parameters[0] == 200) {
		keys->pasting = true;
		return n;
	}
	if (csi.final >= 0x40 && !(csi.final == '~' && csi.parameters[0] == 201))
		csi_key(&csi, key);
	return n;
}

static size_t read_ss3(const char *s, size_t len, bool final, struct key *key)
{
	if (len == 2) {
		if (!final)
			return 0;
		key->code = KEYS_CHAR, key->ch = 'O', key->mods = KEYS_ALT;
		return 2;
	}
	const struct named *named = named_by_final(s[2]);
	key->code = named ? named->code : KEYS_OTHER;
	return 3;
}

static size_t read_escape(struct keys *keys, const char *s, size_t len, bool final, struct key *key)
{
	if (len == 1 || s[1] == CHAR_ESC) {
		if (len == 1 && !final)
			return 0;
		key->code = KEYS_ESC;
		return 1;
	}
	if (s[1] == '[') {
		size_t n = read_csi(keys, s, len, final, key);
		if (n == 4 && s[2] == '[' && s[3] >= 'A' && s[3] <= 'E')
			key->code = KEYS_F1 + (s[3] - 'A');
		return n;
	}
	if (s[1] == 'O')
		return read_ss3(s, len, final, key);
	if (strchr("]PX^_", s[1]) && s[1] && (len > 2 || !final))
		return len > 2 ? read_string(s, len, final, key) : 0;
	size_t n = read_char(s + 1, len - 1, final, key);
	if (n == 0)
		return 0;
	key->mods |= KEYS_ALT;
	return n + 1;
}

/* What readline is to see: one spelling for each key. */
static void key_bytes(struct keys *keys, struct key *key, const char *raw, size_t raw_len)
{
	buffer_clear(&keys->out);
	const struct named *named = NULL;
	for (int i = 0; i < NAMED_KEYS && !named; i++)
		if (named_keys[i].code == key->code)
			named = &named_keys[i];
	if (key->mods & KEYS_ALT && (key->code == KEYS_CHAR || key->code <= KEYS_ESC))
		buffer_puts(&keys->out, "\033");
	if (key->code == KEYS_CHAR && (key->mods & KEYS_CTRL))
		utf8_encode(&keys->out, key->ch == ' ' ? 0 : key->ch & 31);
	else if (key->code == KEYS_CHAR)
		utf8_encode(&keys->out, key->ch);
	else if (key->code == KEYS_ENTER)
		buffer_puts(&keys->out, "\r");
	else if (key->code == KEYS_TAB && key->mods & KEYS_SHIFT)
		buffer_puts(&keys->out, "\033[Z");
	else if (key->code == KEYS_TAB)
		buffer_puts(&keys->out, "\t");
	else if (key->code == KEYS_BACKSPACE)
		buffer_puts(&keys->out, "\177");
	else if (key->code == KEYS_ESC)
		buffer_puts(&keys->out, "\033");
	else if (named && key->mods == 0 && named->final)
		buffer_printf(&keys->out, "\033%c%c", key->code >= KEYS_F1 ? 'O' : '[', named->final);
	else
		buffer_append(&keys->out, raw, raw_len);
	key->bytes = keys->out.data;
	key->len = keys->out.len;
}

/* --- Paste ------------------------------------------------------------------------ */

/* Terminals send newlines as \r. */
static void fix_newlines(struct buffer *text)
{
	size_t to = 0;
	for (size_t i = 0; i < text->len; i++) {
		if (text->data[i] == '\r') {
			text->data[to++] = '\n';
			i += i + 1 < text->len && text->data[i + 1] == '\n';
		} else {
			text->data[to++] = text->data[i];
		}
	}
	text->len = to;
	if (text->data)
		text->data[to] = '\0';
}

static enum keys_code paste_done(struct keys *keys, size_t len, size_t rest, struct key *key)
{
	keys->pasting = false;
	buffer_clear(&keys->in);
	keys->pos = 0;
	buffer_append(&keys->in, keys->paste.data + rest, keys->paste.len - rest);
	buffer_clear(&keys->out);
	buffer_append(&keys->out, keys->paste.data, len);
	buffer_free(&keys->paste);
	keys->paste_scan = 0;
	fix_newlines(&keys->out);
	*key = (struct key){.code = KEYS_PASTE, .bytes = keys->out.data, .len = keys->out.len};
	return KEYS_PASTE;
}

static enum keys_code paste_next(struct keys *keys, int64_t now_ms, struct key *key)
{
	static const char end[] = "\033[201~";
	enum { END = sizeof(end) - 1 };
	if (keys->pos < keys->in.len) {
		buffer_append(&keys->paste, keys->in.data + keys->pos, keys->in.len - keys->pos);
		keys->pos = keys->in.len;
	}
	if (keys->paste.len >= END) {
		char *found = memmem(keys->paste.data + keys->paste_scan, keys->paste.len - keys->paste_scan, end, END);
		if (found) {
			size_t at = (size_t)(found - keys->paste.data);
			return paste_done(keys, at, at + END, key);
		}
		keys->paste_scan = keys->paste.len - (END - 1);
	}
	if (now_ms - keys->last_ms >= PASTE_MS)
		return paste_done(keys, keys->paste.len, keys->paste.len, key);
	return KEYS_NONE;
}

/* --- The next key ------------------------------------------------------------------- */

static int patience(const struct keys *keys)
{
	size_t len = keys->in.len - keys->pos;
	const char *s = keys->in.data + keys->pos;
	bool begun = len > 1 && s[0] == CHAR_ESC && (s[1] == '[' || s[1] == 'P');
	if (begun && keys->last_ms < keys->replies_until_ms)
		return REPLY_MS;
	return len > 2 && s[0] == CHAR_ESC && strchr("]PX^_", s[1]) ? STRING_MS : ESC_MS;
}

enum keys_code keys_next(struct keys *keys, int64_t now_ms, struct key *key)
{
	*key = (struct key){0};
	while (!keys->pasting && keys->pos < keys->in.len) {
		const char *s = keys->in.data + keys->pos;
		size_t len = keys->in.len - keys->pos;
		bool final = now_ms - keys->last_ms >= patience(keys);
		size_t n = s[0] == CHAR_ESC ? read_escape(keys, s, len, final, key) : read_char(s, len, final, key);
		if (n == 0)
			return KEYS_NONE;
		keys->pos += n;
		if (key->code != KEYS_NONE) {
			key_bytes(keys, key, s, n);
			return key->code;
		}
	}
	return keys->pasting ? paste_next(keys, now_ms, key) : KEYS_NONE;
}

int keys_timeout(const struct keys *keys, int64_t now_ms)
{
	int64_t wait;
	if (keys->pasting)
		wait = PASTE_MS;
	else if (keys->pos < keys->in.len)
		wait = patience(keys);
	else
		return -1;
	wait -= now_ms - keys->last_ms;
	return wait > 0 ? (int)wait : 0;
}
