/* For tests/system/test_vocabulary.py: ids of texts and of conversations, by the real tokenizer.
 *
 * usage: vocabulary_driver MODEL      standard input holds requests, each answered by one line
 *   text LENGTH\n BYTES               "1 ID ID …"; 0 instead of 1 when the pieces do not give the text back
 *   detect LENGTH\n BYTES             the chat format of a template: "KNOWN NAME"
 *   chat FORMAT COUNT CONTINUE\n      then COUNT times: ROLE LENGTH\n BYTES; answer: "STARTS,… ID ID …" */
#include "engine/chat_format.h"
#include "xmalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *read_bytes(size_t len)
{
	char *bytes = xmalloc(len + 1);
	if (fread(bytes, 1, len, stdin) != len)
		exit(2);
	return bytes;
}

static void print_ids(const struct tokens *ids)
{
	for (size_t i = 0; i < ids->count; i++)
		printf(" %d", ids->ids[i]);
	putchar('\n');
}

static bool gives_back(const struct tokenizer *t, const struct tokens *ids, const char *text, size_t len)
{
	struct buffer back = {0};
	for (size_t i = 0, piece_len; i < ids->count; i++) {
		const char *piece = tokenizer_piece(t, ids->ids[i], true, &piece_len);
		buffer_append(&back, piece, piece_len);
	}
	size_t skip = tokenizer_strips_first_space(t) && back.len && back.data[0] == ' ';
	bool same = back.len - skip == len && (!len || !memcmp(back.data + skip, text, len));
	buffer_free(&back);
	return same;
}

static void answer_text(const struct tokenizer *t, size_t len)
{
	struct tokens ids = {0};
	char *text = read_bytes(len);
	tokenizer_encode(t, text, len, false, true, &ids);
	printf("%d", gives_back(t, &ids, text, len));
	print_ids(&ids);
	tokens_free(&ids);
	free(text);
}

static void answer_detect(const struct tokenizer *t, size_t len)
{
	char *text = read_bytes(len);
	bool known;
	const struct chat_format *format = chat_format_detect(text, len, t, &known);
	printf("%d %s\n", known, chat_format_name(format));
	free(text);
}

static enum engine_role role_of(const char *name)
{
	static const char *const names[] = {"system", "user", "assistant", "tool"};
	for (int i = 0; i < 4; i++)
		if (!strcmp(names[i], name))
			return (enum engine_role)i;
	exit(2);
}

static void answer_chat(const struct tokenizer *t, const char *name, int count, bool continue_last)
{
	struct engine_message *messages = xcalloc((size_t)count + 1, sizeof(*messages));
	size_t *starts = xcalloc((size_t)count + 1, sizeof(*starts));
	const struct chat_format *format = chat_format_named(name);
	struct tokens ids = {0};
	char role[16], err[256];
	for (int i = 0; i < count; i++) {
		if (scanf("%15s %zu", role, &messages[i].len) != 2 || getchar() != '\n')
			exit(2);
		messages[i].role = role_of(role);
		messages[i].content = read_bytes(messages[i].len);
	}
	if (!format || chat_format_encode(format, t, messages, count, continue_last, &ids, starts, err, sizeof(err))) {
		printf("error %s\n", format ? err : name);
	} else {
		for (int i = 0; i < count; i++)
			printf("%zu,", starts[i]);
		print_ids(&ids);
	}
	for (int i = 0; i < count; i++)
		free((char *)(uintptr_t)messages[i].content);
	free(messages);
	free(starts);
	tokens_free(&ids);
}

int main(int argc, char **argv)
{
	char err[512], warning[256], word[8], name[32];
	struct gguf *gguf;
	struct tokenizer *t;
	size_t len;
	int count, continue_last;
	if (argc != 2 || gguf_open(&gguf, argv[1], err, sizeof(err)) ||
	    tokenizer_open(&t, gguf, warning, sizeof(warning), err, sizeof(err))) {
		fprintf(stderr, "%s\n", argc == 2 ? err : "usage: vocabulary_driver MODEL");
		return 1;
	}
	while (scanf("%7s", word) == 1) {
		if (!strcmp(word, "text") && scanf("%zu", &len) == 1 && getchar() == '\n')
			answer_text(t, len);
		else if (!strcmp(word, "detect") && scanf("%zu", &len) == 1 && getchar() == '\n')
			answer_detect(t, len);
		else if (!strcmp(word, "chat") && scanf("%31s %d %d", name, &count, &continue_last) == 3 &&
			 getchar() == '\n')
			answer_chat(t, name, count, continue_last);
		else
			return 2;
	}
	tokenizer_close(t);
	gguf_close(gguf);
	return 0;
}
