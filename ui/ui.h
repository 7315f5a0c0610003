/* ui.h: the full-screen chat. The folder's public face.
 *
 * File              | What it does
 * ------------------|-------------------------------------------------------
 * ui.c              | opens the screen and runs the loop
 * app.c app_*.c     | the chat: state, actions, one turn after another (see app.h)
 * loop.c            | waits for keys, engine events, signals, timers
 * keys.c actions.def| bytes to keys to actions; the table of actions
 * editor.c          | the input line: readline in callback mode, drawn by us
 * editor_commands.c | readline's commands by clusters and words
 * command.c commands.def | slash commands
 * screen.c screen_description.c | the only files that know curses; colours beyond 256
 * screen_headless.c | the same interface in memory, for tests
 * terminal_probe.c terminal_cache.c outer_terminal.c | what the terminal is and does
 * terminal_ask.c terminal_report.c | the same for bora terminal
 * transcript.c      | messages to rows, cached; scrolling    transcript_select.c | choosing text in them
 * body.c            | one message to rows, chunk by chunk
 * markdown.c        | cuts a message into chunks    unfinished.c | what is half-written
 * prose.c inline.c table.c piece.c | chunks to rows: blocks, what stands in them, tables
 * highlight.c languages.def highlight_guess.c | the colours of code
 * runner.c sandbox.c patch.c | code blocks run and applied
 * status_bar.c help.c session_list.c model_list.c picker.c | the other parts
 * config_watch.c    | tells when the configuration file is another
 * theme.c           | styles to colours
 * completion.c clipboard.c external_editor.c | what Tab offers; copying; $EDITOR
 * attach.c source.c | what goes along with a message; what a path stands for, as text
 * counter.c         | how many tokens that is, counted on a thread of its own
 * folder.c ignore.c   | a folder's files; .gitignore
 * document.c office.c program.c | PDF and office documents; their XML as text; what is installed
 * hints.c hints.def | short hints in the empty input line, that stop
 * recent.c | what was chosen from the palette
 * notify.c          | a bell or a message when something long is over
 * line_mode.c       | chat without a screen: TERM=dumb */
#ifndef UI_H
#define UI_H

#include "markdown.h" /* where the code blocks of an answer are */
#include "../options.h"
#include "../sessions/sessions.h"

struct ui_options {
	struct options *options;
	struct i18n *tr;
	struct sessions *sessions; /* in memory: nothing is kept (--no-save) */
	struct drafts *drafts;
	const char *model_path;   /* of the model to load first */
	const char *resume;       /* session to open: ID or prefix; "" the latest; NULL a new one */
	bool pick_session;        /* open the session list first */
	const char *first_prompt; /* sent at once, or NULL */
	bool first_run;           /* greet with a page about the whole */
};

/* Prints what the terminal was found to be, and samples; 0, or -1: there is no terminal. */
int ui_terminal(const struct ui_options *);
int ui_run(const struct ui_options *); /* the program's exit code; needs a terminal on stdin and stdout */
/* What a path stands for, named and fenced as the chat attaches it: a file, a folder's files, a
 * document. warning (NULL: none) says what was left out. -1 with a line in error. Caller frees
 * both. Waits. */
int ui_read_attachment(const struct i18n *, const char *path, struct buffer *out, char **warning, char **error);
/* Text that was piped in, whatever its encoding, as UTF-8 appended to out. -1 with a line in error when it is none; the
 * caller frees it. */
int ui_read_piped(const struct i18n *, const char *bytes, size_t len, struct buffer *out, char **error);
/* Appends text in a fence that it cannot close. */
void ui_fence(struct buffer *out, const char *text, size_t len);
/* The rows that the chat would draw for an answer that is still being written, as
 * text, a line a row, appended to out. */
void ui_print_markdown(const struct i18n *, const char *text, size_t len, int width, enum i18n_bidi,
		       struct buffer *out);

#endif
