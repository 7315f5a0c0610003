/* cli.h: the commands of the command line, one file each, from one table.
 *
 * main.c parses the options and hands over; a command gets the open handles
 * and the words that remain. */
#ifndef CLI_H
#define CLI_H

#include "../options.h"
#include "../sessions/sessions.h"

struct cli { /* what every command may use */
	struct options *options;
	struct i18n *tr;
	int argc; /* words after the command's name */
	char **argv;
};

struct cli_command {
	const char *name;         /* "sessions" */
	int (*run)(struct cli *); /* the exit code */
	const char *usage;        /* for people; the help text is the message cli.NAME */
};
extern const struct cli_command cli_commands[]; /* ends with a NULL name */

/* Shared by commands. */
/* "bora: …" on standard error; returns 1. The format and its arguments are English, the line is in the language. */
int cli_fail(const struct cli *, const char *format, ...) __attribute__((format(printf, 2, 3)));
void cli_tell(const char *text);                                      /* a line that is in the language already */
int cli_open_sessions(struct cli *, struct sessions **);              /* 0, or the exit code after a line */
int cli_open_engine(struct cli *, bool vocab_only, struct engine **); /* waits until loaded */
void cli_warnings(const struct cli *);                                /* about the configuration file, a line each */
void cli_help(const struct cli *);                                    /* --help, from the tables */
bool cli_ask(const struct cli *, const char *question);               /* on the terminal; true: yes */
void cli_keep_speed(const struct cli *, int tokens, double ms);       /* of the model in use */
/* At most `most` bytes, 0: any number; more is an error. */
int cli_read_all(int fd, size_t most, struct buffer *out, char *err, size_t errlen);

/* Defined in cli/NAME.c */
int cli_chat(struct cli *); /* -p, TEXT…, or standard input */
int cli_sessions(struct cli *);
int cli_roles(struct cli *);
int cli_fim(struct cli *); /* fill.c */
int cli_config(struct cli *);
int cli_completion(struct cli *); /* complete.c */
int cli_models(struct cli *);
int cli_pull(struct cli *);
int cli_pull_model(struct cli *, const char *what); /* the same for one name */
int cli_offer_model(struct cli *); /* there is none yet: says what to type, and asks; 0: now there is */
int cli_tokenize(struct cli *);
int cli_detokenize(struct cli *);
int cli_score(struct cli *);
int cli_bench(struct cli *);
int cli_bench_languages(struct cli *); /* bench --languages */
int cli_render(struct cli *);
int cli_terminal(struct cli *);

#endif
