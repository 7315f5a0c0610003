/* Asks the terminal and waits: for programs without a loop. */
#include "terminal_probe.h"

#include "keys.h"
#include "loop.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

static bool write_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t done = write(fd, bytes, len);
		if (done < 0 && errno != EINTR)
			return false;
		bytes += done > 0 ? done : 0;
		len -= done > 0 ? (size_t)done : 0;
	}
	return true;
}

static void collect(int fd, struct terminal_probe *probe, int wait_ms)
{
	struct keys *keys = keys_create();
	int64_t now = loop_now(), until = now + wait_ms;
	keys_expect_replies(keys, until);
	for (; now < until && !terminal_probe_done(probe); now = loop_now()) {
		char bytes[4096];
		struct key key;
		if (poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, (int)(until - now)) != 1)
			continue;
		ssize_t got = read(fd, bytes, sizeof(bytes));
		if (got <= 0)
			break;
		keys_feed(keys, bytes, (size_t)got, now);
		while (keys_next(keys, now, &key) != KEYS_NONE)
			if (key.code == KEYS_REPLY)
				terminal_probe_answer(probe, key.bytes, key.len);
	}
	keys_free(keys);
}

bool terminal_ask(int fd, int wait_ms, struct terminal_facts *facts)
{
	struct termios before, raw;
	if (tcgetattr(fd, &before) != 0)
		return false;
	size_t len;
	char *questions = terminal_probe_questions(true, &len);
	struct terminal_probe *probe = terminal_probe_create();
	struct outer_terminal *outer = outer_terminal_ask();
	raw = before;
	cfmakeraw(&raw);
	tcsetattr(fd, TCSADRAIN, &raw);
	/* On the alternate screen, where there is one: what stands on this one stays. */
	if (write_all(fd, "\0337\033[?1049h", 10) && write_all(fd, questions, len))
		collect(fd, probe, wait_ms);
	write_all(fd, "\033[?1049l\0338", 10);
	tcsetattr(fd, TCSADRAIN, &before);
	bool done = terminal_probe_done(probe);
	*facts = *terminal_probe_facts(probe);
	outer_terminal_answer(outer, facts->outer, sizeof(facts->outer));
	terminal_probe_free(probe);
	free(questions);
	return done;
}
