/* sandbox.h: runs a program that nobody has vouched for.
 *
 * The program gets a session and a process group of its own, no terminal, no
 * standard input, few environment variables, and limits of time, memory and file
 * size. Where the kernel allows it (Landlock), it can read the system and what is
 * not hidden in the home folder, and write its work folder alone; where it allows
 * that (seccomp), there are no sockets, no other process to look into, and no
 * settings of the system to change. It needs no privileges and no helper program. */
#ifndef SANDBOX_H
#define SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { SANDBOX_FILES = 1, SANDBOX_NETWORK = 2 }; /* what can be kept from it here */

struct sandbox_limits {
	int seconds;   /* by the clock; of processor time likewise, for each process */
	size_t memory; /* bytes of data of each process */
	size_t file;   /* bytes of each file */
};

struct sandbox {
	pid_t pid; /* of the process that watches over it, 0: none */
	int fd;    /* what it prints, standard error too; -1: closed */
};

unsigned sandbox_can(void);
/* Starts compile (NULL: nothing to) and then run, both with NULL at the end, in the
 * folder work. limits NULL: the command is the person's own, and runs as in their shell: in this folder
 * (work is ignored), with the whole environment, nothing kept from it. 0, or -1 with err filled. */
int sandbox_start(struct sandbox *, const char *work, const char *const *compile, const char *const *run,
		  const struct sandbox_limits *, char *err, size_t errlen);
/* Whether it has ended; *code gets its exit code: 128 + a signal, SANDBOX_TIMED_OUT, or its own. */
enum { SANDBOX_TIMED_OUT = 1000 };
bool sandbox_ended(struct sandbox *, int *code);
void sandbox_stop(struct sandbox *); /* kills it, if it runs, and waits for its end */

#endif
