/* bora: chat in the terminal with a model that runs here. */
#include "cli/cli.h"
#include "log.h"
#include "model_store.h"
#include "nearest.h"
#include "paths.h"
#include "role.h"
#include "ui/ui.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COMMAND_SLIPS = 2, COMMAND_LETTERS = 4 };

static const struct cli_command *find_command(const char *word)
{
	for (const struct cli_command *command = cli_commands; word && command->name; command++)
		if (strcmp(command->name, word) == 0)
			return command;
	return NULL;
}

/* Conversations are private: no file of ours is readable by others, and no core
 * dump holds what was said. */
static void protect(void)
{
	umask(077);
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	signal(SIGPIPE, SIG_IGN);
}

/* What is opened later must not take the place of standard input, output or errors that were closed. In the wrong
 * direction: writing to an output that is not there fails, as it should. */
static void occupy_standard(void)
{
	static const int modes[] = {[STDIN_FILENO] = O_RDONLY, [STDOUT_FILENO] = O_RDONLY, [STDERR_FILENO] = O_WRONLY};
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) != fd)
			return;
}

/* Services and containers may leave HOME out: the account has a folder all the same. */
static void find_home(void)
{
	const char *home = getenv("HOME");
	const struct passwd *account = home && *home ? NULL : getpwuid(getuid());
	if (account && account->pw_dir && account->pw_dir[0] == '/')
		setenv("HOME", account->pw_dir, 1);
}

static int read_settings(struct options *options, char *err, size_t errlen)
{
	const char *model = getenv("BORA_MODEL"), *lang = getenv("BORA_LANG");
	if (model && *model && options_set_from(options, SOURCE_ENVIRONMENT, OPTION_MODEL, model, err, errlen))
		return -1;
	if (lang && *lang && options_set_from(options, SOURCE_ENVIRONMENT, OPTION_LANG, lang, err, errlen))
		return -1;
	char *dir = path_dir(PATH_CONFIG), *path = path_join(dir, "config");
	int failed = options_read_config(options, path, err, errlen);
	free(path);
	free(dir);
	return failed;
}

/* What was asked for by name must be there; what the locale says may be anything. */
static int check_language(const struct options *options, char *err, size_t errlen)
{
	const char *lang = option_string(options, OPTION_LANG);
	if (!lang || !*lang || i18n_speaks(lang))
		return 0;
	struct buffer known = {0};
	for (const char *const *code = i18n_languages(); *code; code++)
		buffer_printf(&known, "%s%s", known.len ? " " : "", *code);
	snprintf(err, errlen, "there is no language '%s'; there are: %s", lang, known.data);
	buffer_free(&known);
	return -1;
}

/* The language to say in that the options themselves are wrong: what --lang asks for, wherever
 * it stands, else the environment. */
static const char *language_asked(int argc, char **argv)
{
	static const char option[] = "--lang";
	size_t len = sizeof(option) - 1;
	const char *lang = getenv("BORA_LANG");
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strncmp(argv[i], option, len) == 0 && argv[i][len] == '=')
			lang = argv[i] + len + 1;
		else if (strcmp(argv[i], option) == 0 && i + 1 < argc)
			lang = argv[++i];
	return lang && i18n_speaks(lang) ? lang : NULL;
}

/* The model that was asked for; without a wish, and none here, one is offered. */
static int find_model(struct cli *cli, char **path)
{
	char err[512];
	const char *wanted = option_string(cli->options, OPTION_MODEL);
	if (model_store_find(wanted, path, err, sizeof(err)) == 0)
		return 0;
	if (wanted && *wanted)
		return cli_fail(cli, "%s", err);
	int code = cli_offer_model(cli);
	if (code == 0 && model_store_find(wanted, path, err, sizeof(err)))
		code = cli_fail(cli, "%s", err);
	return code;
}

/* Shown to everybody once: the file says that it was. */
static bool is_first_run(const struct cli *cli, const char *state)
{
	char err[512], *path = path_join(state, "welcomed");
	bool first = access(path, F_OK) != 0;
	if (first && !option_flag(cli->options, OPTION_NO_SAVE) && path_make(state, err, sizeof(err)) == 0) {
		FILE *file = fopen(path, "we");
		if (file)
			fclose(file);
	}
	free(path);
	return first;
}

static int run_chat(struct cli *cli)
{
	struct ui_options ui = {.options = cli->options, .tr = cli->tr};
	char *path = NULL, *state = path_dir(PATH_STATE);
	char err[512];
	int code = 2;
	if (role_apply(cli->options, true, NULL, err, sizeof(err))) {
		cli_fail(cli, "%s", err);
		goto out;
	}
	code = find_model(cli, &path);
	if (code)
		goto out;
	code = 1;
	bool kept = !option_flag(cli->options, OPTION_NO_SAVE);
	if (kept && cli_open_sessions(cli, &ui.sessions))
		goto out;
	if (!kept && sessions_open_memory(&ui.sessions, cli->tr, err, sizeof(err))) {
		cli_fail(cli, "%s", err);
		goto out;
	}
	ui.drafts = kept ? drafts_open(state) : NULL;
	ui.model_path = path;
	ui.first_run = is_first_run(cli, state);
	const char *resume = option_string(cli->options, OPTION_RESUME);
	ui.pick_session = resume && !*resume;
	ui.resume = resume && *resume ? resume : option_flag(cli->options, OPTION_CONTINUE) ? "" : NULL;
	code = ui_run(&ui);
	drafts_close(ui.drafts);
	sessions_close(ui.sessions);
out:
	free(path);
	free(state);
	return code;
}

/* One word that is almost a command's name: the model answers it, but may not be who was meant. */
static void tell_command(const struct cli *cli)
{
	if (cli->argc != 1 || option_string(cli->options, OPTION_PROMPT))
		return;
	struct nearest nearest = nearest_to(cli->argv[0]);
	for (const struct cli_command *command = cli_commands; command->name; command++)
		nearest_offer(&nearest, command->name);
	if (!nearest.best || nearest.distance > COMMAND_SLIPS || strlen(cli->argv[0]) < COMMAND_LETTERS)
		return;
	char *text = i18n_format(cli->tr, "cli.meant-command", I18N_S(cli->argv[0]), I18N_S(nearest.best));
	cli_tell(text);
	free(text);
}

/* A prompt, words, or piped input: one answer. Else the screen. */
static int run(struct cli *cli, const struct cli_command *command)
{
	if (option_flag(cli->options, OPTION_HELP)) {
		cli_help(cli);
		return 0;
	}
	if (option_flag(cli->options, OPTION_VERSION)) {
		puts("bora " BORA_VERSION);
		return 0;
	}
	if (command)
		return command->run(cli);
	tell_command(cli);
	if (option_string(cli->options, OPTION_PROMPT) || cli->argc || !isatty(STDIN_FILENO))
		return cli_chat(cli);
	if (!isatty(STDOUT_FILENO)) {
		cli_tell(i18n_text(cli->tr, "cli.not-a-terminal"));
		return 1;
	}
	return run_chat(cli);
}

/* A file that is not in order must not keep anybody from changing it, nor the shell from completing words. */
static bool mends_settings(const struct cli_command *command)
{
	return command && (command->run == cli_config || command->run == cli_completion);
}

/* What a command printed may have gone nowhere; whoever closed the pipe knows. */
static int end_output(const struct cli *cli)
{
	bool earlier = ferror(stdout);
	if (fflush(stdout) == 0 && !earlier)
		return 0;
	if (errno != EPIPE)
		cli_fail(cli, "standard output: %s", strerror(earlier ? EIO : errno));
	return 1;
}

int main(int argc, char **argv)
{
	char err[512];
	occupy_standard();
	find_home();
	protect();
	const struct cli_command *command = find_command(argv[1]);
	int skip = command ? 2 : argc > 0;
	struct cli cli = {.options = options_create()};
	if (options_parse(cli.options, command ? command->name : NULL, argc - skip, argv + skip, err, sizeof(err)) ||
	    (read_settings(cli.options, err, sizeof(err)) && !mends_settings(command)) ||
	    check_language(cli.options, err, sizeof(err))) {
		cli.tr = i18n_open(language_asked(argc, argv));
		cli_fail(&cli, "%s", err);
		i18n_close(cli.tr);
		options_free(cli.options);
		return 2;
	}
	/* ICU sets the text; the C library only needs to take UTF-8 through curses. */
	if (!setlocale(LC_CTYPE, "") || MB_CUR_MAX == 1)
		setlocale(LC_CTYPE, "C.UTF-8");
	cli.tr = i18n_open(option_string(cli.options, OPTION_LANG));
	cli_warnings(&cli);
	if (strcmp(option_string(cli.options, OPTION_AMBIGUOUS), "2") == 0)
		i18n_set_width(cli.tr, I18N_WIDTH_AMBIGUOUS, 2);
	if (log_open(option_string(cli.options, OPTION_LOG)))
		cli_fail(&cli, "%s: cannot write: %s", option_string(cli.options, OPTION_LOG), strerror(errno));
	cli.argv = options_rest(cli.options, &cli.argc);
	/* Options may stand before the command as well. */
	if (!command && cli.argc && !option_string(cli.options, OPTION_PROMPT)) {
		command = find_command(cli.argv[0]);
		cli.argv += command != NULL;
		cli.argc -= command != NULL;
	}
	int code = run(&cli, command);
	if (code == 0)
		code = end_output(&cli);
	log_close();
	i18n_close(cli.tr);
	options_free(cli.options);
	return code;
}
