#include "terminal_guard.h"

#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { BYTES_MOST = 512, MESSAGE_MOST = 512, STACK_BYTES = 65536 };

/* The signals that end a program for its own fault, and quitting by hand. */
static const int faults[] = {SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGQUIT};
enum { FAULTS = sizeof(faults) / sizeof(faults[0]) };

static struct {
	int fd;
	pid_t pid; /* a child that has not yet become another program is not meant */
	struct termios settings;
	char bytes[BYTES_MOST], message[MESSAGE_MOST];
	size_t len, message_len;
	struct sigaction before[FAULTS];
	stack_t stack_before;
	char stack[STACK_BYTES]; /* the other one may be what overflowed */
	bool armed, settings_known;
} guard;
static volatile sig_atomic_t ours;

static void handler(int number)
{
	if (ours && getpid() == guard.pid) {
		ours = 0;
		ssize_t ignored = write(guard.fd, guard.bytes, guard.len);
		if (guard.settings_known)
			tcsetattr(guard.fd, TCSANOW, &guard.settings);
		ignored = write(STDERR_FILENO, guard.message, guard.message_len);
		(void)ignored;
	}
	/* What it would have done without us; it waits until the handler has returned. */
	for (int i = 0; i < FAULTS; i++)
		if (faults[i] == number)
			sigaction(number, &guard.before[i], NULL);
	raise(number);
}

static size_t keep(char *to, size_t most, const char *bytes, size_t len)
{
	len = len < most ? len : most;
	memcpy(to, bytes, len);
	return len;
}

void terminal_guard_arm(int fd, const char *message)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
	stack_t stack = {.ss_sp = guard.stack, .ss_size = STACK_BYTES};
	if (guard.armed)
		terminal_guard_disarm();
	guard.fd = fd;
	guard.pid = getpid();
	guard.settings_known = tcgetattr(fd, &guard.settings) == 0;
	guard.len = 0;
	guard.message_len = keep(guard.message, MESSAGE_MOST, message, strlen(message));
	sigaltstack(&stack, &guard.stack_before);
	sigfillset(&action.sa_mask);
	for (int i = 0; i < FAULTS; i++) {
		sigaction(faults[i], NULL, &guard.before[i]);
		if (guard.before[i].sa_handler != SIG_IGN) /* whoever began us in the background had reasons */
			sigaction(faults[i], &action, NULL);
	}
	guard.armed = true;
}

void terminal_guard_bytes(const char *bytes, size_t len)
{
	sig_atomic_t was = ours;
	ours = 0;
	guard.len = keep(guard.bytes, BYTES_MOST, bytes, len);
	ours = was;
}

void terminal_guard_ours(bool is)
{
	ours = guard.armed && is;
}

void terminal_guard_disarm(void)
{
	ours = 0;
	if (!guard.armed)
		return;
	for (int i = 0; i < FAULTS; i++)
		sigaction(faults[i], &guard.before[i], NULL);
	sigaltstack(&guard.stack_before, NULL);
	guard.armed = false;
}
