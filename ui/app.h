/* app.h: the state of the chat, shared by the app_*.c files and by nobody else.
 *
 * File            | What it does
 * ----------------|------------------------------------------------------------
 * app.c           | create, free, keys in, time, the loop
 * app_draw.c      | the screen from the state
 * app_actions.c   | what each action does
 * app_commands.c  | what each slash command does
 * app_overlay.c   | lists and help over the transcript
 * app_turn.c      | sending, engine events, models
 * app_ahead.c     | what the model reads before it is sent
 * app_session.c   | opening, new, cutting off, titles, drafts
 * app_blocks.c    | running and applying code blocks, and asking before; !COMMAND
 * app_select.c    | choosing text of the transcript with the arrow keys
 * app_terminal.c  | what the terminal is found to be
 * app_tree.c      | choosing messages, their versions, back and forth
 * app_reload.c    | settings that change meanwhile
 * app_role.c      | choosing a role
 * app_compact.c   | going on from a summary
 * app_settings.c  | /set, and the list of settings
 * app_stats.c     | /stats
 * app_find.c      | looking for words in this conversation */
#ifndef APP_H
#define APP_H

#include "editor.h"
#include "hints.h"
#include "keys.h"
#include "loop.h"
#include "recent.h"
#include "screen.h"
#include "terminal_probe.h"
#include "transcript.h"
#include "ui.h"
#include "../engine/engine.h"
#include "../turn.h"

enum { APP_FRAME_MS = 33, APP_DRAFT_MS = 500, APP_AGAIN_MS = 2000, APP_GRACE_MS = 15, APP_FRAME_MOST_MS = 250 };

struct app_message {        /* one message of the conversation, in order */
	int64_t id, parent; /* in the store; 0: not there */
	enum message_role role;
	int entry;      /* in the transcript */
	int64_t number; /* what people call it by; 0: its place */
	int sibling, siblings;
	bool pinned;
};

enum tree_op { TREE_EDIT, TREE_REGENERATE, TREE_FORK, TREE_PIN, TREE_COPY, TREE_EARLIER, TREE_LATER };

struct app_waiting { /* sent, but the model is not ready for it */
	char *text;
	size_t len;
};

enum focus { FOCUS_UNKNOWN, FOCUS_HERE, FOCUS_AWAY }; /* which window gets the keys, as far as the terminal says */

struct app_tally {                                                       /* what answers have cost */
	int64_t answers, prompt, cached, answer, guessed, guessed_right; /* tokens but for the first */
	double prompt_ms, answer_ms, first_ms;
};

struct overlay;
struct app_attached;
struct app_terminal;
struct app_blocks;
struct config_watch;
struct find;
struct compact;

struct app {
	struct ui_options o;
	struct screen *screen;
	struct theme *theme; /* from /theme, NULL: the one it began with */
	struct loop *loop;   /* NULL in tests */
	int tty;
	const struct i18n *tr;
	struct i18n *own_tr; /* from /lang; NULL: o.tr is in use */
	enum i18n_bidi bidi;
	struct transcript *transcript;
	struct editor *editor;
	struct keys *keys;
	struct app_terminal *terminal; /* what it is; NULL: never asked */
	struct hints *hints;           /* NULL: none are wanted */
	struct overlay *overlay;       /* what lies over the transcript, or NULL */
	struct config_watch *config;   /* NULL: nobody watches the configuration file */
	struct app_blocks *blocks;     /* what is being run, asked, or can be taken back; NULL: nothing yet */

	struct engine *engine;
	char *model_path, *model_name;
	char *model_before; /* path of the model to go back to when this one cannot be loaded, or NULL */
	char *engine_error; /* why there is no model, or NULL */
	bool ready;
	bool stray;                           /* a request that nobody waits for any more still runs */
	struct {                              /* what is being waited for, and since when */
		enum engine_event_type phase; /* ENGINE_LOADING, ENGINE_PROMPT, ENGINE_TEXT or ENGINE_NONE */
		uint64_t done, total;
		int cached;
		int64_t since;
		int tokens; /* of the answer so far */
	} progress;
	struct engine_usage usage;         /* of the last turn */
	struct app_tally tally, tally_all; /* of this conversation, and of all, since the start */
	int prompt_tokens;                 /* of the running turn */
	int64_t turn_began;                /* ms */
	enum focus focus;

	struct session session;
	bool stored; /* the session is in the store */
	char *system;
	struct app_message *messages;
	int message_count;
	struct turn *turn;
	int answer_entry;        /* of the running turn, -1: nothing said yet */
	const char *answer_mark; /* the message about the last answer ("chat.interrupted"), or NULL */
	struct backlog *backlog;
	struct app_waiting *waiting;
	int waiting_count, waiting_entry; /* its first entry in the transcript */
	struct app_attached *attached;    /* files for the next message, NULL: none yet */
	bool send_held;                   /* it is to be sent when they have been read */
	int left_out, memory_begins;      /* messages that the model does not see; the first behind them */
	bool warned_full;

	int greeting;    /* its entry in the transcript plus one; 0: there is none */
	int chosen;      /* message that keys act on, -1: none */
	int editing;     /* message whose text is in the input, -1: none */
	int switching;   /* message whose versions the last key went through, -1: none */
	char *set_aside; /* what was in the input before */
	int64_t *undone; /* leaves that /undo left, the latest last */
	int undone_count;
	int64_t compacted_from;  /* the leaf before /compact, until something is said; 0: none */
	struct compact *compact; /* a long conversation is being summed up; NULL: not */
	bool aside;              /* the running turn is no part of the conversation */
	struct recent recent;    /* what was chosen from the palette */
	struct find *find;       /* NULL: nothing is looked for */
	char *find_last;         /* what was, or NULL */

	char *banner; /* a line above the input, until something else happens */
	enum style banner_style;
	bool banner_stays;                                      /* not taken away by the next key */
	int64_t draw_ms;                                        /* what the last frame took */
	int64_t now, drawn_at, draft_due, again_until, send_at; /* ms; 0: not set */
	int64_t ahead_due;                                      /* ms, when to read ahead; 0: nothing to read */
	char *ahead_text;                                       /* the input that is or was read ahead last, or NULL */
	bool ahead_slow;                                        /* not while somebody types */
	int64_t saved_at;                                       /* wall clock, seconds */
	bool plain; /* line mode: lists and help are printed, nothing is drawn */
	bool selecting,
		select_by_shift; /* the arrow keys choose text of the transcript, and do so while Shift is down */
	bool dirty, quit;
	int exit_code;
};

/* --- app.c --- */
struct app *app_create(const struct ui_options *, struct screen *);
void app_free(struct app *);
void app_keep_habits(struct app *); /* hints and the palette know what was used, unless nothing is to be kept */
void app_start(struct app *);       /* the model, the conversation, the first prompt */
void app_input(struct app *, const char *bytes, size_t len);
void app_tick(struct app *);                              /* whatever time has made due */
int app_timeout(const struct app *);                      /* ms until app_tick has something to do, -1: never */
void app_note(struct app *, enum entry_kind, char *text); /* into the transcript; takes text */
void app_banner(struct app *, enum style, bool stays, char *text); /* takes text; NULL: none */
char *app_error(const struct app *, const char *err);              /* an error of a library, for people; caller frees */
void app_changed_input(struct app *);                              /* the draft is to be saved and the screen drawn */

/* --- app_draw.c --- */
void app_draw(struct app *);
/* When the next frame may be drawn: thirty a second, fewer when one takes long (a line of
 * megabytes that streams in), so that keys and the engine are never kept waiting for frames. */
int64_t app_draw_due(const struct app *);

/* --- app_actions.c --- */
void app_action(struct app *, enum action);
void app_send_now(struct app *); /* the input line: a command or a message */
void app_suspend(struct app *);
void app_remember(struct app *, const char *text, size_t len); /* into the input history */

/* --- app_commands.c --- */
bool app_command(struct app *, const char *line, size_t len); /* false: not a command */
void app_speak(struct app *, const char *language);           /* one that there is */
void app_show_theme(struct app *);                            /* the one that is set */
void app_copy(struct app *, const char *text, size_t len);    /* to the clipboard */

/* --- app_overlay.c --- */
void app_overlay_close(struct app *);
bool app_overlay_key(struct app *, const struct key *); /* false: not for it */
void app_overlay_draw(struct app *, int first, int height);
bool app_overlay_caret(const struct app *, int *row, int *column); /* false: it is in the input */
void app_overlay_help(struct app *);
void app_overlay_palette(struct app *);
void app_overlay_sessions(struct app *);
void app_overlay_models(struct app *);
void app_overlay_roles(struct app *);
void app_overlay_search(struct app *, const char *query);
void app_overlay_settings(struct app *);
void app_overlay_attached(struct app *);
void app_overlay_message(struct app *, int message); /* what can be done with it */

/* --- app_turn.c --- */
void app_turn_open_model(struct app *, const char *path);
void app_turn_send(struct app *, const char *text, size_t len); /* now, or when the model is ready */
void app_turn_regenerate(struct app *, int keep);               /* answers anew after the first `keep` messages */
bool app_turn_possible(const struct app *);                     /* the model is ready and free */
/* Asks the model something about the first `seen` messages; app_compact_finish() gets the answer. False with a word
 * about it. */
bool app_turn_aside(struct app *, const char *question, int seen, int max_tokens);
void app_turn_events(struct app *);       /* takes what the engine has to say */
bool app_turn_interrupt(struct app *);    /* false: nothing runs or waits */
void app_turn_show_waiting(struct app *); /* what waits, at the end of the transcript */
void app_turn_end(struct app *);          /* at once, keeping what there is */

/* --- app_ahead.c --- */
void app_ahead_conversation(struct app *); /* it is another, or has gone on, or the model is */
void app_ahead_input(struct app *);        /* the input line is another */
void app_ahead_tick(struct app *);
void app_turn_translate(struct app *); /* what it has said, in the language that is now spoken */

/* --- app_session.c --- */
void app_session_translate(struct app *);
void app_session_new(struct app *);
bool app_session_open(struct app *, const char *id, int64_t show_message);
bool app_session_ensure(struct app *); /* there is a stored session to write to */
void app_session_name(struct app *);   /* a title from the first message, if there is none */
void app_session_add(struct app *, enum message_role, int64_t id, int64_t parent, int entry);
bool app_session_kept(const struct app *);             /* it is in the store, and will be there tomorrow */
void app_session_need(struct app *, int message);      /* this message, and those after it, have been read */
int app_session_last(struct app *, enum message_role); /* the last message from a role, -1: none */
void app_session_tick(struct app *);                   /* reads some of what has not been read yet */
/* Cuts the conversation off after its first `keep` messages, in store and screen; false with a word about it. */
bool app_session_cut(struct app *, int keep);
bool app_session_follow(struct app *, int64_t leaf); /* the conversation ends with another message now; likewise */
void app_session_reload(struct app *);               /* shows what the store holds now */
void app_session_title(struct app *);                /* to the terminal's window */
void app_session_save_draft(struct app *);
void app_session_load_draft(struct app *);

/* --- app_terminal.c --- */
void app_terminal_ask(struct app *);          /* once, with an empty screen */
int app_terminal_wait_ms(const struct app *); /* how long the first frame may wait for answers; 0: not at all */
void app_terminal_answer(struct app *, const char *bytes, size_t len);
void app_terminal_translate(struct app *, struct i18n *); /* gives another language the same widths */
int app_terminal_background(const struct app *);          /* 0xRRGGBB; -1: not known */
void app_terminal_free(struct app *);

/* --- app_blocks.c --- */
void app_blocks_run(struct app *, int number, bool asked); /* asked: the person has said yes */
/* The command in a line that is one for the shell: "!ls -l", in one line. NULL: it is none. */
const char *app_blocks_shell_command(const char *line, size_t len, size_t *command_len);
void app_blocks_shell(struct app *, const char *command, size_t len);          /* runs it, as the person who typed it */
void app_blocks_apply(struct app *, int number, const char *path, bool asked); /* path NULL: what the diff names */
void app_blocks_revert(struct app *);
void app_blocks_output(struct app *);
bool app_blocks_key(struct app *, const struct key *); /* true: a question was open and this was the answer */
bool app_blocks_stop(struct app *);                    /* false: nothing runs */
void app_blocks_tick(struct app *);
int app_blocks_entry(const struct app *);   /* of what is running, in the transcript; -1: nothing */
int app_blocks_fd(const struct app *);      /* readable when there is output; -1: nothing runs */
int app_blocks_timeout(const struct app *); /* ms until the tick has something to do, -1: never */
void app_blocks_free(struct app *);

/* --- app_select.c --- */
void app_select_start(struct app *);
bool app_select_key(struct app *, const struct key *); /* false: not for it */

/* --- app_tree.c. Messages by their index in app->messages; -1 is ignored. --- */
void app_tree_tag(struct app *, int message);   /* what is said below it */
void app_tree_place(struct app *, int message); /* asks the store for its number and siblings */
void app_tree_forget(struct app *);
void app_tree_choose(struct app *, int step);        /* the message before or after the chosen one */
bool app_tree_key(struct app *, const struct key *); /* false: not for a chosen message */
int app_tree_find(struct app *, const char *argument, enum message_role); /* -1 with a word about it */
void app_tree_switch(struct app *, int step);                             /* to the version before or after */
void app_tree_undo(struct app *);
void app_tree_redo(struct app *);
void app_tree_edit(struct app *, int message);
bool app_tree_cancel(struct app *);                             /* choosing or editing; false: neither */
bool app_tree_send(struct app *, const char *text, size_t len); /* what was edited; false: nothing was */
void app_tree_command_given(struct app *, int was_editing);
void app_tree_regenerate(struct app *, int message);
void app_tree_fork(struct app *, int message);
void app_tree_pin(struct app *, int message);
void app_tree_do(struct app *, enum tree_op); /* to the chosen message */

/* --- app_compact.c --- */
void app_compact(struct app *);
bool app_compact_finish(struct app *); /* the running turn has summed up; true: app_compact_go_on() is to follow it */
void app_compact_go_on(struct app *);
void app_compact_tell(struct app *); /* that it is being done */
void app_compact_forget(struct app *);

/* --- app_settings.c. What is returned is freed by the caller. --- */
void app_settings_command(struct app *, const char *name, const char *value); /* either may be NULL */
enum option_id app_settings_find(const char *name);                           /* OPTION_COUNT: no such setting */
char *app_settings_value(const struct app *, enum option_id);                 /* that holds now */
char *app_settings_range(const struct app *, enum option_id);
char *app_settings_about(const struct app *, enum option_id);
char *app_settings_origin(const struct app *, enum option_id); /* what it is when nobody sets it */
void app_settings_step(struct app *, enum option_id, int direction);

/* --- app_stats.c --- */
void app_stats_add(struct app_tally *, const struct engine_usage *);
void app_stats_show(struct app *);

/* --- app_role.c --- */
void app_role(struct app *, const char *name); /* "default": none */

/* --- app_reload.c: the configuration file, when it is another --- */
void app_reload_watch(struct app *);
int app_reload_fd(const struct app *); /* readable then, -1: there is none */
void app_reload_tick(struct app *);

/* --- app_find.c --- */
void app_find_open(struct app *);
void app_find_show(struct app *, const char *query, int64_t message); /* the message, with the words marked */
void app_find_close(struct app *);
bool app_find_key(struct app *, const struct key *); /* false: not for it */
void app_find_tick(struct app *);
int app_find_wait(const struct app *);    /* ms until that has something to do, -1: never */
int app_find_draw(struct app *, int row); /* the column of its caret */

#endif
