/* runner.h: how code of a language is run. */
#ifndef RUNNER_H
#define RUNNER_H

#include "sandbox.h"

enum { RUNNER_ARGS = 12 };

struct runner {                     /* a block of code in a folder of its own, ready to run */
	char *work;                 /* the folder; removed by runner_free. NULL: none, it runs where we are */
	char *compile[RUNNER_ARGS]; /* compile[0] NULL: nothing to */
	char *run[RUNNER_ARGS];
	char *shown; /* the exact commands, for people */
};

/* Writes the code to a new folder. 0, or -1 with err filled: a language that cannot
 * be run, a program that is not installed, a disk that takes nothing. */
int runner_prepare(struct runner *, const char *language, const char *code, size_t len, char *err, size_t errlen);
/* A command of the person's own, for their shell. */
void runner_prepare_shell(struct runner *, const char *command);
/* limits NULL: for those alone, see sandbox_start(). */
int runner_start(const struct runner *, struct sandbox *, const struct sandbox_limits *, char *err, size_t errlen);
void runner_free(struct runner *);

#endif
