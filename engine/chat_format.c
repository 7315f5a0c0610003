/* Sources: ChatML, Llama 3, Gemma, Zephyr, Phi-3: tokenizer.chat_template of Qwen/Qwen2.5-7B-Instruct,
 * HuggingFaceTB/SmolLM2-135M-Instruct, meta-llama/Meta-Llama-3-8B-Instruct, google/gemma-2-2b-it,
 * HuggingFaceH4/zephyr-7b-beta, microsoft/Phi-3-mini-4k-instruct. Mistral: mistralai/mistral-common
 * (tokens/tokenizers/instruct.py, protocol/instruct/normalize.py). */
#include "chat_format.h"
#include "../xmalloc.h"

#include <stdio.h>
#include <string.h>

struct writer {
	const struct chat_format *format;
	const struct tokenizer *t;
	const struct engine_message *messages;
	int count;
	bool continue_last;
	struct tokens *out;
	size_t *starts;
	struct buffer text;  /* not encoded yet */
	const char *missing; /* the first control token that the vocabulary lacks */
};

struct chat_format {
	const char *name;
	void (*write)(struct writer *);
	const char *end;            /* the token that ends an answer, NULL: the vocabulary's own */
	const char *default_system; /* what the template says when the conversation has no system message */
	bool tool_response;         /* Qwen: a tool's result in <tool_response> lines */
	bool inst_tokens;           /* Mistral: [INST] is a token; in v1 it is text */
	bool system_last;           /* Mistral: the system message belongs to the last user turn, not the first */
	bool system_apart;          /* Mistral: the system message has a block of its own */
};

/* --- Writing ------------------------------------------------------------------------ */

static void flush(struct writer *w)
{
	if (w->text.len)
		tokenizer_encode(w->t, w->text.data, w->text.len, false, true, w->out);
	buffer_clear(&w->text);
}

static void put(struct writer *w, const char *text)
{
	buffer_puts(&w->text, text);
}

static void put_control(struct writer *w, const char *name)
{
	int32_t id = tokenizer_find(w->t, name);
	flush(w);
	if (id >= 0)
		tokens_append(w->out, id);
	else if (!w->missing)
		w->missing = name;
}

static void put_end(struct writer *w)
{
	int32_t eos = tokenizer_eos(w->t);
	flush(w);
	if (eos >= 0)
		tokens_append(w->out, eos);
	else if (!w->missing)
		w->missing = "eos";
}

static void put_bos(struct writer *w)
{
	if (tokenizer_adds_bos(w->t) && tokenizer_bos(w->t) >= 0)
		tokens_append(w->out, tokenizer_bos(w->t));
}

static void put_content(struct writer *w, const struct engine_message *message)
{
	buffer_append(&w->text, message->content, message->len);
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Jinja's trim. */
static struct engine_message trimmed(struct engine_message message)
{
	while (message.len && is_blank(message.content[0])) {
		message.content++;
		message.len--;
	}
	while (message.len && is_blank(message.content[message.len - 1]))
		message.len--;
	return message;
}

static void start_message(struct writer *w, int index)
{
	flush(w);
	if (w->starts)
		w->starts[index] = w->out->count;
}

static bool is_last_open(const struct writer *w, int index)
{
	return w->continue_last && index == w->count - 1;
}

static const char *role_name(enum engine_role role)
{
	return role == ENGINE_SYSTEM ? "system" : role == ENGINE_ASSISTANT ? "assistant" : "user";
}

/* --- ChatML and its relatives ----------------------------------------------------------- */

/* Qwen's templates put tool results between these lines, several in one turn. */
static void put_tool_response(struct writer *w, int index)
{
	put(w, "<tool_response>\n");
	put_content(w, &w->messages[index]);
	put(w, "\n</tool_response>");
}

static void write_chatml_message(struct writer *w, int index, bool tool_tags)
{
	const struct engine_message *message = &w->messages[index];
	bool tool = message->role == ENGINE_TOOL && tool_tags;
	bool joined = tool && index > 0 && w->messages[index - 1].role == ENGINE_TOOL;
	if (joined) {
		put(w, "\n");
	} else {
		put_control(w, "<|im_start|>");
		put(w, role_name(message->role));
		put(w, "\n");
	}
	if (tool)
		put_tool_response(w, index);
	else
		put_content(w, message);
	if (is_last_open(w, index) || (tool && index + 1 < w->count && w->messages[index + 1].role == ENGINE_TOOL))
		return;
	put_control(w, "<|im_end|>");
	put(w, "\n");
}

static void write_chatml(struct writer *w)
{
	const char *system = w->format->default_system;
	put_bos(w);
	if (system && (w->count == 0 || w->messages[0].role != ENGINE_SYSTEM)) {
		put_control(w, "<|im_start|>");
		put(w, "system\n");
		put(w, system);
		put_control(w, "<|im_end|>");
		put(w, "\n");
	}
	for (int i = 0; i < w->count; i++) {
		start_message(w, i);
		write_chatml_message(w, i, w->format->tool_response);
	}
	if (!w->continue_last) {
		put_control(w, "<|im_start|>");
		put(w, "assistant\n");
	}
}

static void write_llama3_header(struct writer *w, const char *role)
{
	put_control(w, "<|start_header_id|>");
	put(w, role);
	put_control(w, "<|end_header_id|>");
	put(w, "\n\n");
}

static void write_llama3(struct writer *w)
{
	put_bos(w);
	for (int i = 0; i < w->count; i++) {
		struct engine_message message = trimmed(w->messages[i]);
		start_message(w, i);
		write_llama3_header(w, message.role == ENGINE_TOOL ? "ipython" : role_name(message.role));
		put_content(w, is_last_open(w, i) ? &w->messages[i] : &message);
		if (!is_last_open(w, i))
			put_control(w, "<|eot_id|>");
	}
	if (!w->continue_last)
		write_llama3_header(w, "assistant");
}

/* Gemma has no system role: its text goes before the next user's, with an empty line between. */
static void write_gemma(struct writer *w)
{
	bool open = false;
	put_bos(w);
	for (int i = 0; i < w->count; i++) {
		struct engine_message message = trimmed(w->messages[i]);
		bool system = message.role == ENGINE_SYSTEM;
		bool folds = system && i + 1 < w->count && w->messages[i + 1].role != ENGINE_ASSISTANT;
		if (open) {
			if (w->starts)
				w->starts[i] = w->starts[i - 1];
		} else {
			start_message(w, i);
			put_control(w, "<start_of_turn>");
			put(w, message.role == ENGINE_ASSISTANT ? "model\n" : "user\n");
		}
		put_content(w, is_last_open(w, i) ? &w->messages[i] : &message);
		open = folds;
		if (folds) {
			put(w, "\n\n");
		} else if (!is_last_open(w, i)) {
			put_control(w, "<end_of_turn>");
			put(w, "\n");
		}
	}
	if (!w->continue_last) {
		put_control(w, "<start_of_turn>");
		put(w, "model\n");
	}
}

/* --- Zephyr and Phi-3: <|role|>, a line, the text, an end ---------------------------------- */

static void write_zephyr_role(struct writer *w, const char *name)
{
	int32_t id = tokenizer_find(w->t, name);
	if (id >= 0 && tokenizer_is_control(w->t, id))
		put_control(w, name);
	else
		put(w, name); /* in Zephyr 7B the roles are plain text */
	put(w, "\n");
}

static const char *role_tag(enum engine_role role)
{
	return role == ENGINE_SYSTEM ? "<|system|>" : role == ENGINE_ASSISTANT ? "<|assistant|>" : "<|user|>";
}

static void write_zephyr(struct writer *w)
{
	put_bos(w);
	for (int i = 0; i < w->count; i++) {
		start_message(w, i);
		write_zephyr_role(w, role_tag(w->messages[i].role));
		put_content(w, &w->messages[i]);
		if (!is_last_open(w, i)) {
			put_end(w);
			put(w, "\n");
		}
	}
	if (!w->continue_last)
		write_zephyr_role(w, "<|assistant|>");
}

/* Phi-3's control tokens swallow the white space that follows them (rstrip in its tokenizer's configuration), so the
 * template's line breaks never become tokens. */
static void write_phi3(struct writer *w)
{
	put_bos(w);
	for (int i = 0; i < w->count; i++) {
		struct engine_message message = w->messages[i];
		while (message.len && is_blank(message.content[0])) {
			message.content++;
			message.len--;
		}
		start_message(w, i);
		put_control(w, role_tag(message.role));
		put_content(w, &message);
		if (!is_last_open(w, i))
			put_control(w, "<|end|>");
	}
	if (!w->continue_last)
		put_control(w, "<|assistant|>");
}

/* --- Mistral ------------------------------------------------------------------------------- */

static enum engine_role mistral_role(const struct writer *w, int index)
{
	enum engine_role role = w->messages[index].role;
	return role == ENGINE_TOOL ? ENGINE_USER : role;
}

/* The messages of one role from index on are one turn; returns the one after the last. */
static int turn_end(const struct writer *w, int index)
{
	enum engine_role role = mistral_role(w, index);
	for (index++; index < w->count && mistral_role(w, index) == role; index++)
		;
	return index;
}

static void put_joined(struct writer *w, int from, int to, enum engine_role role)
{
	bool any = false;
	for (int i = from; i < to; i++) {
		if (mistral_role(w, i) != role || !w->messages[i].len)
			continue;
		if (any)
			put(w, "\n\n");
		put_content(w, &w->messages[i]);
		any = true;
	}
}

static bool has_system(const struct writer *w)
{
	for (int i = 0; i < w->count; i++)
		if (w->messages[i].role == ENGINE_SYSTEM && w->messages[i].len)
			return true;
	return false;
}

static void put_mistral_user(struct writer *w, int from, int to, bool with_system)
{
	if (w->format->inst_tokens)
		put_control(w, "[INST]");
	else
		put(w, "[INST] ");
	if (with_system && has_system(w)) {
		put_joined(w, 0, w->count, ENGINE_SYSTEM);
		put(w, "\n\n");
	}
	put_joined(w, from, to, ENGINE_USER);
	if (w->format->inst_tokens)
		put_control(w, "[/INST]");
	else
		put(w, " [/INST]");
	flush(w);
}

static void put_mistral_assistant(struct writer *w, int from, int to)
{
	put_joined(w, from, to, ENGINE_ASSISTANT);
	while (w->format->inst_tokens && w->text.len && w->text.data[w->text.len - 1] == ' ')
		w->text.len--;
	flush(w);
	if (!is_last_open(w, to - 1))
		put_end(w);
}

static void put_mistral_systems(struct writer *w, int from, int to)
{
	for (int i = from; i < to; i++) {
		start_message(w, i);
		put_control(w, "[SYSTEM_PROMPT]");
		put_content(w, &w->messages[i]);
		put_control(w, "[/SYSTEM_PROMPT]");
	}
}

/* The turn that carries the system message: the first user turn or the last, -1 for none. */
static int system_turn(const struct writer *w)
{
	int turn = -1;
	for (int i = 0; i < w->count; i = turn_end(w, i))
		if (mistral_role(w, i) == ENGINE_USER && (turn < 0 || w->format->system_last))
			turn = i;
	return turn;
}

static void write_mistral(struct writer *w)
{
	bool apart = w->format->system_apart, begun = apart;
	int carrier = apart ? -1 : system_turn(w);
	put_bos(w);
	for (int from = 0, to; from < w->count; from = to) {
		enum engine_role role = mistral_role(w, from);
		to = turn_end(w, from);
		for (int i = from; i < to; i++)
			start_message(w, i);
		if (role == ENGINE_SYSTEM && apart)
			put_mistral_systems(w, from, to);
		if (role == ENGINE_SYSTEM)
			continue;
		if (!begun && role == ENGINE_ASSISTANT) /* a conversation opens with a user's turn, if an empty one */
			put_mistral_user(w, from, from, carrier < 0);
		begun = true;
		if (role == ENGINE_USER)
			put_mistral_user(w, from, to, from == carrier);
		else
			put_mistral_assistant(w, from, to);
	}
	if (!begun)
		put_mistral_user(w, 0, 0, true);
}

/* --- Plain: for a vocabulary without any role tokens ------------------------------------------ */

static void write_plain(struct writer *w)
{
	put_bos(w);
	for (int i = 0; i < w->count; i++) {
		enum engine_role role = w->messages[i].role;
		start_message(w, i);
		if (role != ENGINE_SYSTEM)
			put(w, role == ENGINE_ASSISTANT ? "Assistant: " : "User: ");
		put_content(w, &w->messages[i]);
		if (!is_last_open(w, i))
			put(w, "\n");
	}
	if (!w->continue_last)
		put(w, "Assistant:");
}

/* --- The table --------------------------------------------------------------------------------- */

static const struct chat_format formats[] = {
	{.name = "chatml", .write = write_chatml, .end = "<|im_end|>"},
	{.name = "qwen2.5",
	 .write = write_chatml,
	 .end = "<|im_end|>",
	 .default_system = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.",
	 .tool_response = true},
	{.name = "qwen2", .write = write_chatml, .end = "<|im_end|>", .default_system = "You are a helpful assistant."},
	{.name = "smollm2",
	 .write = write_chatml,
	 .end = "<|im_end|>",
	 .default_system = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"},
	{.name = "llama3", .write = write_llama3, .end = "<|eot_id|>"},
	{.name = "mistral-v1", .write = write_mistral},
	{.name = "mistral-v2", .write = write_mistral, .inst_tokens = true, .system_last = true},
	{.name = "mistral-v3", .write = write_mistral, .inst_tokens = true, .system_last = true},
	{.name = "mistral-v3-tekken", .write = write_mistral, .inst_tokens = true, .system_last = true},
	{.name = "mistral-v7", .write = write_mistral, .inst_tokens = true, .system_apart = true},
	{.name = "mistral-v7-tekken", .write = write_mistral, .inst_tokens = true, .system_apart = true},
	{.name = "gemma", .write = write_gemma, .end = "<end_of_turn>"},
	{.name = "zephyr", .write = write_zephyr},
	{.name = "phi3", .write = write_phi3, .end = "<|end|>"},
	{.name = "plain", .write = write_plain},
};

static const char *const names[] = {
	"chatml",
	"qwen2.5",
	"qwen2",
	"smollm2",
	"llama3",
	"mistral-v1",
	"mistral-v2",
	"mistral-v3",
	"mistral-v3-tekken",
	"mistral-v7",
	"mistral-v7-tekken",
	"gemma",
	"zephyr",
	"phi3",
	"plain",
	NULL,
};
_Static_assert(sizeof(names) / sizeof(names[0]) == sizeof(formats) / sizeof(formats[0]) + 1, "one name a format");

const struct chat_format *chat_format_named(const char *name)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (!strcmp(formats[i].name, name))
			return &formats[i];
	return NULL;
}

const char *chat_format_name(const struct chat_format *format)
{
	return format->name;
}

const char *const *chat_format_names(void)
{
	return names;
}

/* --- Recognising ----------------------------------------------------------------------------------- */

struct template
{
	const char *text;
	size_t len;
	const struct tokenizer *t;
};

static bool says(const struct template *tmpl, const char *words)
{
	return memmem(tmpl->text, tmpl->len, words, strlen(words)) != NULL;
}

static bool has_token(const struct template *tmpl, const char *name)
{
	return tokenizer_find(tmpl->t, name) >= 0;
}

/* The format whose default system message the template says, with its end right behind. */
static const char *detect_chatml(const struct template *tmpl)
{
	static const char *const with_system[] = {"qwen2.5", "smollm2", "qwen2"};
	for (size_t i = 0; i < sizeof(with_system) / sizeof(with_system[0]); i++) {
		char line[128];
		snprintf(line, sizeof(line), "%s<|im_end|>", chat_format_named(with_system[i])->default_system);
		if (says(tmpl, line))
			return with_system[i];
	}
	return "chatml";
}

/* The versions differ by what their vocabularies hold: v1 has no [INST] token; Tekken's ids put [INST] behind
 * <unk>, <s>, </s> like the others but its text has no space prefix; v7 has [SYSTEM_PROMPT]; v2 lacks the fill-in
 * tokens. Llama 2 writes [INST] too and is not among our formats. */
static const char *detect_mistral(const struct template *tmpl)
{
	bool tekken = !tokenizer_strips_first_space(tmpl->t);
	if (says(tmpl, "<<SYS>>"))
		return NULL;
	if (!has_token(tmpl, "[INST]"))
		return says(tmpl, "[SYSTEM_PROMPT]") || says(tmpl, "[AVAILABLE_TOOLS]") ? NULL : "mistral-v1";
	if (says(tmpl, "[SYSTEM_PROMPT]") && has_token(tmpl, "[SYSTEM_PROMPT]"))
		return tekken ? "mistral-v7-tekken" : "mistral-v7";
	if (tekken)
		return "mistral-v3-tekken";
	return has_token(tmpl, "[PREFIX]") ? "mistral-v3" : "mistral-v2";
}

/* Phi-3.5 builds its role tokens from the role's name; Zephyr's end is the vocabulary's own. */
static const char *detect_tags(const struct template *tmpl)
{
	bool both = says(tmpl, "<|user|>") && says(tmpl, "<|assistant|>");
	if (has_token(tmpl, "<|end|>") && has_token(tmpl, "<|user|>") && says(tmpl, "<|end|>"))
		return both || says(tmpl, "'<|' + message['role'] + '|>'") ? "phi3" : NULL;
	if (!both || says(tmpl, "<|end|>") || says(tmpl, "[gMASK]"))
		return NULL;
	return says(tmpl, "eos_token") || says(tmpl, "<|endoftext|>") ? "zephyr" : NULL;
}

static const char *detect_by_tokens(const struct template *tmpl)
{
	if (has_token(tmpl, "<|im_start|>") && has_token(tmpl, "<|im_end|>"))
		return "chatml";
	if (has_token(tmpl, "<|start_header_id|>") && has_token(tmpl, "<|eot_id|>"))
		return "llama3";
	if (has_token(tmpl, "<start_of_turn>") && has_token(tmpl, "<end_of_turn>"))
		return "gemma";
	return "plain";
}

/* A template counts only with the vocabulary that it needs. */
static const char *detect_by_template(const struct template *tmpl)
{
	const char *fallback = detect_by_tokens(tmpl);
	if (says(tmpl, "<|im_start|>"))
		return says(tmpl, "<|im_sep|>") || strcmp(fallback, "chatml") ? NULL : detect_chatml(tmpl);
	if (says(tmpl, "[INST]"))
		return detect_mistral(tmpl);
	if (says(tmpl, "<|start_header_id|>") && says(tmpl, "<|end_header_id|>"))
		return has_token(tmpl, "<|start_header_id|>") && has_token(tmpl, "<|eot_id|>") ? "llama3" : NULL;
	if (says(tmpl, "<start_of_turn>"))
		return has_token(tmpl, "<start_of_turn>") && has_token(tmpl, "<end_of_turn>") ? "gemma" : NULL;
	return detect_tags(tmpl);
}

const struct chat_format *chat_format_detect(const char *chat_template, size_t len, const struct tokenizer *t,
					     bool *known)
{
	struct template tmpl = {chat_template, chat_template ? len : 0, t};
	const char *name = tmpl.len ? detect_by_template(&tmpl) : NULL;
	*known = name != NULL;
	return chat_format_named(name ? name : detect_by_tokens(&tmpl));
}

/* --- Encoding ---------------------------------------------------------------------------------------- */

int chat_format_encode(const struct chat_format *format, const struct tokenizer *t,
		       const struct engine_message *messages, int count, bool continue_last, struct tokens *out,
		       size_t *starts, char *err, size_t errlen)
{
	struct writer w = {
		.format = format, .t = t, .messages = messages, .count = count, .out = out, .starts = starts};
	size_t before = out->count;
	w.continue_last = continue_last && count > 0;
	format->write(&w);
	flush(&w);
	buffer_free(&w.text);
	if (!w.missing)
		return 0;
	out->count = before;
	snprintf(err, errlen,
		 "the chat format %s needs the token %s, which this model's vocabulary lacks; choose another",
		 format->name, w.missing);
	return -1;
}

void chat_format_closing(const struct chat_format *format, const struct tokenizer *t, struct tokens *out)
{
	enum { ANSWER = 1, NEXT, COUNT };
	const struct engine_message talk[COUNT] = {{.role = ENGINE_USER, .content = "a", .len = 1},
						   {.role = ENGINE_ASSISTANT, .content = "b", .len = 1},
						   {.role = ENGINE_USER, .content = "c", .len = 1}};
	struct tokens open = {0}, whole = {0};
	size_t starts[COUNT] = {0};
	char err[256];
	if (chat_format_encode(format, t, talk, ANSWER + 1, true, &open, NULL, err, sizeof(err)) == 0 &&
	    chat_format_encode(format, t, talk, COUNT, false, &whole, starts, err, sizeof(err)) == 0 &&
	    open.count < starts[NEXT] && memcmp(open.ids, whole.ids, open.count * sizeof(*open.ids)) == 0)
		for (size_t i = open.count; i < starts[NEXT]; i++)
			tokens_append(out, whole.ids[i]);
	tokens_free(&open);
	tokens_free(&whole);
}

bool chat_format_is_end(const struct chat_format *format, const struct tokenizer *t, int32_t id)
{
	return id >= 0 && (id == tokenizer_eos(t) || (format->end && id == tokenizer_find(t, format->end)));
}
