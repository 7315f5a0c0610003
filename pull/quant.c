#include "quant.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *const by_preference[] = {
	"Q4_K_M", "Q4_K_L", "Q4_K_XL", "Q4_K", "Q4_K_S", "Q5_K_M", "Q5_K",   "Q5_K_S", "Q4_1",
	"Q4_0",   "IQ4_NL", "IQ4_XS",  "Q5_1", "Q5_0",   "Q6_K",   "Q6_K_L", "Q8_0",   "Q3_K_L",
	"Q3_K_M", "Q3_K",   "Q3_K_S",  "Q2_K", "Q2_K_S", "BF16",   "F16",    "F32",
};

int quant_rank(const char *label)
{
	for (size_t i = 0; i < sizeof(by_preference) / sizeof(*by_preference); i++)
		if (strcasecmp(by_preference[i], label) == 0)
			return (int)i;
	return -1;
}

/* Q4_K_M, IQ4_XS, TQ1_0, MXFP4, F16, BF16, FP16, F32. */
static bool begins_label(const char *at)
{
	static const char *const floats[] = {"bf16", "f16", "f32", "fp16", "fp32", "mxfp4"};
	for (size_t i = 0; i < sizeof(floats) / sizeof(*floats); i++)
		if (strncasecmp(at, floats[i], strlen(floats[i])) == 0 &&
		    !isalnum((unsigned char)at[strlen(floats[i])]))
			return true;
	at += *at == 'i' || *at == 'I' || *at == 't' || *at == 'T';
	return (*at == 'q' || *at == 'Q') && at[1] >= '1' && at[1] <= '9' && at[2] == '_';
}

static size_t label_length(const char *at)
{
	size_t len = 0;
	while (isalnum((unsigned char)at[len]) || at[len] == '_')
		len++;
	return len;
}

bool quant_of(const char *file, char label[QUANT_LABEL])
{
	const char *base = strrchr(file, '/');
	base = base ? base + 1 : file;
	label[0] = '\0';
	for (const char *at = base; *at; at++) {
		if ((at > base && isalnum((unsigned char)at[-1])) || !begins_label(at))
			continue;
		size_t len = label_length(at);
		if (len >= QUANT_LABEL)
			continue;
		for (size_t i = 0; i < len; i++)
			label[i] = (char)toupper((unsigned char)at[i]);
		label[len] = '\0';
		at += len - 1;
	}
	if (strncmp(label, "FP", 2) == 0)
		memmove(label + 1, label + 2, strlen(label + 1));
	return label[0] != '\0';
}
