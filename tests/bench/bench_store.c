/* A store as large as they get: 10,000 conversations, 1,000,000 messages, one of
 * them 100,000 long; and how long it takes to start, list, search and open, and
 * what a key press and a page up cost in the long one. Made through the real
 * import once, in DIR, and used again.
 *
 *   bench_store DIR [SESSIONS MESSAGES LONG] */
#include "../ui/fake_engine.h"

#include "ui/app.h"

#include <locale.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 7, BATCH = 100 };

struct bench {
	const char *dir;
	int sessions, messages, longest; /* messages: in all */
	struct i18n *tr;
	struct sessions *store;
	char err[512];
};

static double now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void check(struct bench *b, int code)
{
	if (code == 0)
		return;
	fprintf(stderr, "bench_store: %s\n", b->err);
	exit(1);
}

/* --- The store ----------------------------------------------------------------------- */

static const char *const words[] = {
	"the",   "kernel",  "Straße",   "tomorrow", "reads",  "a",      "matrix", "北京",   "旅游",  "天气",
	"東京",  "新宿",    "서울에서", "학교",     "كتاب",   "مدرسة",  "हिन्दी",  "москва", "поезд", "build",
	"fails", "because", "of",       "index",    "garden", "coffee", "über",   "señal",  "L'été", "vector",
};
enum { WORDS = sizeof(words) / sizeof(words[0]) };

static unsigned next(unsigned *seed)
{
	*seed = *seed * 1103515245 + 12345;
	return *seed >> 16;
}

static void put_message(struct buffer *out, int i, unsigned *seed, bool rare)
{
	buffer_printf(out, "%s{\"role\":\"%s\",\"content\":\"", i ? "," : "", i % 2 ? "assistant" : "user");
	for (unsigned n = 8 + next(seed) % 40; n; n--)
		buffer_printf(out, "%s ", words[next(seed) % WORDS]);
	buffer_printf(out, "%s\",\"created\":%d}", rare ? "zyzzyva" : "", 1700000000 + i);
}

static void put_conversation(struct buffer *out, int number, int length, unsigned *seed)
{
	buffer_printf(out, "{\"title\":\"Conversation %d about %s\",\"model\":\"bench\",\"messages\":[", number,
		      words[next(seed) % WORDS]);
	for (int i = 0; i < length; i++)
		put_message(out, i, seed, number % 1000 == 7 && i == 5);
	buffer_puts(out, "]}");
}

static void import(struct bench *b, struct buffer *text)
{
	int imported;
	check(b, session_import(b->store, text->data, text->len, "bench", &imported, b->err, sizeof(b->err)));
	buffer_clear(text);
}

static void fill(struct bench *b)
{
	struct buffer text = {0};
	unsigned seed = 1;
	int each = (b->messages - b->longest) / (b->sessions - 1);
	double start = now_ms();
	put_conversation(&text, 0, b->longest, &seed);
	import(b, &text);
	for (int i = 1; i < b->sessions;) {
		buffer_puts(&text, "[");
		for (int k = 0; k < BATCH && i < b->sessions; k++, i++) {
			buffer_puts(&text, k ? "," : "");
			put_conversation(&text, i, each, &seed);
		}
		buffer_puts(&text, "]");
		import(b, &text);
		fprintf(stderr, "\r%d of %d conversations, %.0f s ", i, b->sessions, (now_ms() - start) / 1e3);
	}
	fputs("\n", stderr);
	buffer_free(&text);
}

/* --- Measuring --------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double median(double *ms)
{
	qsort(ms, ROUNDS, sizeof(*ms), compare);
	return ms[ROUNDS / 2];
}

typedef void step_fn(struct bench *, const char *argument);

static void measure(struct bench *b, const char *what, step_fn *step, const char *argument)
{
	double ms[ROUNDS];
	for (int i = 0; i < ROUNDS; i++) {
		double start = now_ms();
		step(b, argument);
		ms[i] = now_ms() - start;
	}
	double first = ms[0];
	printf("%-58s %9.2f ms, the first time %.2f\n", what, median(ms), first);
}

static void reopen(struct bench *b, const char *argument)
{
	sessions_close(b->store);
	check(b, sessions_open(&b->store, b->dir, b->tr, b->err, sizeof(b->err)));
}

static void list(struct bench *b, const char *argument)
{
	struct session *all;
	size_t count;
	check(b, session_list(b->store, false, &all, &count, b->err, sizeof(b->err)));
	for (size_t i = 0; i < count; i++)
		session_free(&all[i]);
	free(all);
}

static void search(struct bench *b, const char *argument)
{
	struct search_hit *hits;
	size_t count;
	check(b, sessions_search(b->store, argument, 100, &hits, &count, b->err, sizeof(b->err)));
	for (size_t i = 0; i < count; i++)
		search_hit_free(&hits[i]);
	free(hits);
}

static void open_session(struct bench *b, const char *argument)
{
	struct session session;
	struct message *path;
	size_t count;
	check(b, session_find(b->store, argument, &session, b->err, sizeof(b->err)));
	check(b, message_path(b->store, session.row, &path, &count, b->err, sizeof(b->err)));
	for (size_t i = 0; i < count; i++)
		message_free(&path[i]);
	free(path);
	session_free(&session);
}

static void append(struct bench *b, const char *argument)
{
	struct session session;
	struct message m = {.role = MESSAGE_USER, .content = "one more", .len = 8};
	check(b, session_find(b->store, argument, &session, b->err, sizeof(b->err)));
	check(b, message_append(b->store, session.row, &m, b->err, sizeof(b->err)));
	session_unlock(b->store, session.row);
	session_free(&session);
}

/* --- The chat ------------------------------------------------------------------------------ */

struct chat {
	struct options *options;
	struct screen *screen;
	struct app *app;
};
static struct chat chat; /* of the step functions below */

static void start_chat(struct bench *b, const char *id)
{
	struct ui_options options = {.options = chat.options,
				     .tr = b->tr,
				     .sessions = b->store,
				     .model_path = "/models/fake.gguf",
				     .resume = id};
	chat.screen = screen_open_headless(50, 120);
	chat.app = app_create(&options, chat.screen);
	app_start(chat.app);
	app_draw(chat.app);
}

static void stop_chat(void)
{
	app_free(chat.app);
	chat.screen->ops->close(chat.screen);
}

static void open_chat(struct bench *b, const char *id)
{
	start_chat(b, id);
	stop_chat();
}

static void press(struct bench *b, const char *keys)
{
	app_input(chat.app, keys, strlen(keys));
	chat.app->now += 1000;
	app_tick(chat.app);
	app_draw(chat.app);
}

/* What is read while nobody waits. */
static void settle_chat(void)
{
	double longest = 0, start = now_ms();
	while (transcript_unread(chat.app->transcript)) {
		double began = now_ms();
		app_tick(chat.app);
		longest = now_ms() - began > longest ? now_ms() - began : longest;
	}
	printf("%-58s %9.2f ms, %.2f at once\n", "  the rest is read meanwhile", now_ms() - start, longest);
}

static void send(struct bench *b, const char *keys)
{
	press(b, keys);
	fake_text("yes");
	fake_done(ENGINE_STOP);
	app_turn_events(chat.app);
	app_draw(chat.app);
}

static void measure_chat(struct bench *b, const char *what, const char *id)
{
	char *line = xasprintf("chat: open %s and draw it", what);
	measure(b, line, open_chat, id);
	free(line);
	start_chat(b, id);
	fake->model.ctx_size = 32768;
	fake_ready();
	app_turn_events(chat.app);
	settle_chat();
	measure(b, "  a key typed", press, "x");
	measure(b, "  a page up", press, "\033[5~");
	measure(b, "  to the beginning, and to the end", press, "\033<\033>");
	press(b, "\025");
	measure(b, "  a message sent and answered (by nobody)", send, "hello\r");
	measure(b, "  Ctrl+F, a word, Esc", press, "\006coffee\033");
	press(b, "");
	stop_chat();
}

int main(int argc, char **argv)
{
	struct bench b = {.dir = argc > 1 ? argv[1] : "build/bench-store",
			  .sessions = argc > 2 ? atoi(argv[2]) : 10000,
			  .messages = argc > 3 ? atoi(argv[3]) : 1000000,
			  .longest = argc > 4 ? atoi(argv[4]) : 100000};
	struct session *all;
	size_t count;
	setlocale(LC_ALL, "C.UTF-8");
	b.tr = i18n_open("en");
	chat.options = options_create();
	check(&b, sessions_open(&b.store, b.dir, b.tr, b.err, sizeof(b.err)));
	check(&b, session_list(b.store, true, &all, &count, b.err, sizeof(b.err)));
	if (count == 0)
		fill(&b);
	for (size_t i = 0; i < count; i++)
		session_free(&all[i]);
	free(all);
	check(&b, session_list(b.store, true, &all, &count, b.err, sizeof(b.err)));
	const char *longest = NULL, *other = NULL;
	int messages = 0;
	for (size_t i = 0; i < count; i++) {
		messages += all[i].messages;
		if (all[i].messages > b.longest / 2)
			longest = all[i].id;
		else
			other = all[i].id;
	}
	printf("%zu conversations, %d messages\n", count, messages);
	measure(&b, "store: open", reopen, NULL);
	measure(&b, "store: list all", list, NULL);
	measure(&b, "store: search a rare word (zyzzyva)", search, "zyzzyva");
	measure(&b, "store: search a common word (coffee)", search, "coffee");
	measure(&b, "store: search two characters (北京)", search, "北京");
	measure(&b, "store: search two words (garden matrix)", search, "garden matrix");
	measure(&b, "store: search what is nowhere (xylophone)", search, "xylophone");
	measure(&b, "store: read a conversation of a hundred messages", open_session, other);
	measure(&b, "store: read the longest", open_session, longest);
	measure(&b, "store: append to the longest, on disk", append, longest);
	measure_chat(&b, "an ordinary conversation", other);
	measure_chat(&b, "the longest", longest);
	for (size_t i = 0; i < count; i++)
		session_free(&all[i]);
	free(all);
	sessions_close(b.store);
	options_free(chat.options);
	i18n_close(b.tr);
	return 0;
}
