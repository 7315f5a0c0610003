/* bora completion bash|zsh|fish: a script for the shell. What it offers comes from the program's own tables, through
 * `bora completion words -- WORD…`: a line a candidate for the last word, what it is behind a tab; a line that begins
 * with a tab stands for files. */
#include "cli.h"
#include "../model_store.h"
#include "../role.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const char bash_script[] = //
	"# Completion of bora for bash: made by `bora completion bash`.\n"
	"_bora() {\n"
	"\tlocal words=() word='' last='' breaks='=' current prefix='' line i\n"
	"\t[[ $COMP_WORDBREAKS == *:* ]] && breaks='=:'\n"
	"\tfor ((i = 1; i <= COMP_CWORD; i++)); do\n"
	"\t\tword=${COMP_WORDS[i]}\n"
	"\t\tif [[ ${#words[@]} -gt 0 && ($word == [$breaks]* || $last == [$breaks]) ]]; then\n"
	"\t\t\twords[${#words[@]}-1]+=$word\n"
	"\t\telse\n"
	"\t\t\twords+=(\"$word\")\n"
	"\t\tfi\n"
	"\t\tlast=$word\n"
	"\tdone\n"
	"\tcurrent=${words[${#words[@]}-1]}\n"
	"\t[[ $current == *[$breaks]* ]] && prefix=${current%\"${current##*[$breaks]}\"}\n"
	"\tCOMPREPLY=()\n"
	"\twhile IFS= read -r line; do\n"
	"\t\tword=${line%%$'\\t'*}\n"
	"\t\tif [[ -n $word ]]; then\n"
	"\t\t\tCOMPREPLY+=(\"${word#\"$prefix\"}\")\n"
	"\t\telse\n"
	"\t\t\tcompopt -o filenames 2>/dev/null\n"
	"\t\t\twhile IFS= read -r word; do COMPREPLY+=(\"$word\"); done < <(compgen -f -- \"${current##*=}\")\n"
	"\t\tfi\n"
	"\tdone < <(\"${COMP_WORDS[0]}\" completion words -- \"${words[@]}\" 2>/dev/null)\n"
	"\t[[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=:] ]] && compopt -o nospace 2>/dev/null\n"
	"\treturn 0\n"
	"}\n"
	"complete -F _bora bora\n";

static const char zsh_script[] = //
	"#compdef bora\n"
	"# Completion of bora for zsh: made by `bora completion zsh`.\n"
	"_bora() {\n"
	"\tlocal -a lines candidates\n"
	"\tlocal line word\n"
	"\tlines=(\"${(@f)$(\"${words[1]}\" completion words -- \"${(@)words[2,CURRENT]}\" 2>/dev/null)}\")\n"
	"\tfor line in \"${lines[@]}\"; do\n"
	"\t\t[[ -z $line ]] && continue\n"
	"\t\tword=${line%%$'\\t'*}\n"
	"\t\tif [[ -z $word ]]; then\n"
	"\t\t\tcompset -P '*='\n"
	"\t\t\t_files\n"
	"\t\t\treturn\n"
	"\t\tfi\n"
	"\t\tcandidates+=(\"${word//:/\\\\:}:${line#*$'\\t'}\")\n"
	"\tdone\n"
	"\t(( $#candidates )) && _describe bora candidates\n"
	"}\n"
	"if [[ ${funcstack[1]} == _bora ]]; then _bora \"$@\"; else compdef _bora bora; fi\n";

static const char fish_script[] = //
	"# Completion of bora for fish: made by `bora completion fish`.\n"
	"function __bora_complete\n"
	"\tset -l words (commandline -opc)\n"
	"\tset -l current (commandline -ct)\n"
	"\tset -l program $words[1]\n"
	"\tset -e words[1]\n"
	"\tfor line in ($program completion words -- $words \"$current\" 2>/dev/null)\n"
	"\t\tif string match -q -r '^\\t' -- $line\n"
	"\t\t\t__fish_complete_path \"$current\"\n"
	"\t\telse\n"
	"\t\t\techo $line\n"
	"\t\tend\n"
	"\tend\n"
	"end\n"
	"complete -c bora -f -a '(__bora_complete)'\n";

struct complete {
	const struct cli *cli;
	const char *prefix; /* what the word begins with already */
	const char *before; /* what stands before each candidate: "--theme=" */
};

/* A candidate, if it begins as the word does. */
static void offer(const struct complete *c, const char *word, const char *about)
{
	if (strncmp(word, c->prefix, strlen(c->prefix)) != 0 || strpbrk(word, "\t\n"))
		return;
	char *line = i18n_sanitize_line(about, strlen(about));
	printf("%s%s\t%s\n", c->before, word, line);
	free(line);
}

static void offer_text(const struct complete *c, const char *word, const char *kind, const char *name)
{
	char *key = xasprintf("%s.%s", kind, name);
	offer(c, word, i18n_text(c->cli->tr, key));
	free(key);
}

/* --- What values may be -------------------------------------------------------------------- */

static void offer_choices(const struct complete *c, const char *choices)
{
	while (*choices) {
		size_t len = strcspn(choices, "|");
		char *word = xstrndup(choices, len);
		offer(c, word, "");
		free(word);
		choices += len + (choices[len] == '|');
	}
}

static void offer_models(const struct complete *c)
{
	struct stored_model *models = NULL;
	size_t count = 0;
	if (model_store_list(&models, &count) != 0)
		return;
	for (size_t i = 0; i < count; i++)
		offer(c, models[i].name, models[i].store);
	model_store_free(models, count);
}

static void offer_sessions(const struct complete *c)
{
	char err[256];
	struct sessions *sessions;
	struct session *list = NULL;
	size_t count = 0;
	if (cli_open_sessions((struct cli *)c->cli, &sessions))
		return;
	if (session_list(sessions, false, &list, &count, err, sizeof(err)) == 0)
		for (size_t i = 0; i < count; i++) {
			offer(c, list[i].id, list[i].title ? list[i].title : "");
			session_free(&list[i]);
		}
	free(list);
	sessions_close(sessions);
}

static void offer_roles(const struct complete *c)
{
	size_t count;
	struct role *roles = role_list(&count);
	for (size_t i = 0; i < count; i++) {
		bool more = roles[i].argument[0] != '\0';
		char *word = xasprintf("%s%s", roles[i].name, more ? ":" : ""),
		     *key = xasprintf("role.%s", roles[i].name);
		const char *about = roles[i].about ? roles[i].about : "";
		offer(c, word, roles[i].path ? about : i18n_text(c->cli->tr, key));
		for (const char *const *code = i18n_languages(); *code && strcmp(roles[i].argument, "LANG") == 0;
		     code++) {
			char *language = xasprintf("%s%s", word, *code);
			offer(c, language, "");
			free(language);
		}
		free(key);
		free(word);
	}
	role_list_free(roles, count);
}

static void offer_list(const struct complete *c, const char *const *words)
{
	for (; *words; words++)
		offer(c, *words, "");
}

static void offer_settings(const struct complete *c)
{
	for (int i = 0; i < OPTION_COUNT; i++)
		if (option_table[i].flags & OPTION_IN_CONFIG)
			offer_text(c, option_table[i].name, "option", option_table[i].name);
}

static void offer_files(void)
{
	puts("\tfiles");
}

static void offer_value(const struct complete *c, const struct option_info *info)
{
	switch (info->id) {
	case OPTION_ROLE: offer_roles(c); return;
	case OPTION_MODEL: offer_models(c); return;
	case OPTION_SESSION: offer(c, "new", ""); /* fallthrough */
	case OPTION_RESUME: offer_sessions(c); return;
	case OPTION_LANG: offer_list(c, i18n_languages()); return;
	case OPTION_CHAT_FORMAT: offer_list(c, engine_chat_formats()); return;
	default: break;
	}
	if (info->type == OPTION_CHOICE)
		offer_choices(c, info->value);
	else if (strstr(info->value, "FILE"))
		offer_files();
}

/* --- Commands: what their usage in the table says ---------------------------------------------- */

static bool has_word(const char *usage, size_t len, const char *word)
{
	const char *found = memmem(usage, len, word, strlen(word));
	return found && !isalpha((unsigned char)found[strlen(word)]);
}

static void offer_argument(const struct complete *c, const char *command, const char *usage, size_t len)
{
	if (has_word(usage, len, "ID"))
		offer_sessions(c);
	if (has_word(usage, len, "KEY"))
		offer_settings(c);
	if (has_word(usage, len, "NAME") && strcmp(command, "roles") == 0)
		offer_roles(c);
	else if (has_word(usage, len, "NAME"))
		offer_models(c);
	if (has_word(usage, len, "FILE"))
		offer_files();
}

/* usage is "[ls] | show ID | …"; sub is the word behind the command, NULL: it is the one to complete. */
static void offer_sub(const struct complete *c, const struct cli_command *command, const char *sub)
{
	for (const char *at = command->usage, *next; *at; at = next) {
		size_t len = strcspn(at, "|");
		next = at + len + (at[len] == '|');
		while (len && strchr(" [", *at))
			at++, len--;
		size_t name = 0;
		while (name < len && islower((unsigned char)at[name]))
			name++;
		char *word = xstrndup(at, name);
		if (!sub && name)
			offer(c, word, "");
		else if (!sub)
			offer_argument(c, command->name, at, len);
		else if (strcmp(word, sub) == 0)
			offer_argument(c, command->name, at + name, len - name);
		free(word);
	}
}

/* --- The line ------------------------------------------------------------------------------------- */

static const struct cli_command *find_command(const char *name)
{
	for (const struct cli_command *command = cli_commands; command->name; command++)
		if (strcmp(command->name, name) == 0)
			return command;
	return NULL;
}

static const struct option_info *option_of(const char *word)
{
	if (word[0] != '-' || !word[1])
		return NULL;
	if (word[1] == '-')
		return strchr(word, '=') ? NULL : option_named(word + 2);
	for (int i = 0; i < OPTION_COUNT; i++)
		if (option_table[i].letter == word[1] && !word[2])
			return &option_table[i];
	return NULL;
}

/* The option whose value the next word is, or NULL. */
static const struct option_info *awaits_value(const char *word)
{
	const struct option_info *info = option_of(word);
	return info && info->type != OPTION_FLAG && !(info->flags & OPTION_GLUED_VALUE) ? info : NULL;
}

static void offer_options(const struct complete *c)
{
	for (int i = 0; i < OPTION_COUNT; i++) {
		char *word = xasprintf("--%s", option_table[i].name);
		offer_text(c, word, "option", option_table[i].name);
		free(word);
	}
}

/* "--theme=da" */
static bool offer_glued(struct complete *c, char *word)
{
	char *equals = strncmp(word, "--", 2) == 0 ? strchr(word, '=') : NULL;
	if (!equals)
		return false;
	char *name = xstrndup(word + 2, (size_t)(equals - word - 2)), *before = xasprintf("--%s=", name);
	const struct option_info *info = option_named(name);
	c->prefix = equals + 1;
	c->before = before;
	if (info)
		offer_value(c, info);
	free(before);
	free(name);
	return true;
}

static void offer_words(struct complete *c, int count, char **words)
{
	const struct cli_command *command = NULL;
	const char *sub = NULL;
	for (int i = 0; i + 1 < count; i++) {
		if (awaits_value(words[i]))
			i++;
		else if (words[i][0] == '-')
			continue;
		else if (!command && !(command = find_command(words[i])))
			return; /* words of a prompt */
		else if (strcmp(words[i], command->name) != 0 && !sub)
			sub = words[i];
	}
	const struct option_info *info = count > 1 ? awaits_value(words[count - 2]) : NULL;
	if (info)
		offer_value(c, info);
	else if (offer_glued(c, words[count - 1]))
		;
	else if (c->prefix[0] == '-')
		offer_options(c);
	else if (command)
		offer_sub(c, command, sub);
	else
		for (command = cli_commands; command->name; command++)
			offer_text(c, command->name, "cli", command->name);
}

int cli_completion(struct cli *cli)
{
	static const struct {
		const char *name, *script;
	} shells[] = {{"bash", bash_script}, {"zsh", zsh_script}, {"fish", fish_script}};
	for (size_t i = 0; i < sizeof(shells) / sizeof(*shells) && cli->argc == 1; i++)
		if (strcmp(cli->argv[0], shells[i].name) == 0) {
			fputs(shells[i].script, stdout);
			return 0;
		}
	if (cli->argc < 2 || strcmp(cli->argv[0], "words") != 0) {
		cli_fail(cli, "usage: bora completion bash | zsh | fish");
		return 2;
	}
	struct complete c = {.cli = cli, .prefix = cli->argv[cli->argc - 1], .before = ""};
	offer_words(&c, cli->argc - 1, cli->argv + 1);
	return 0;
}
