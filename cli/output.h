/* output.h: one answer on standard output, as text or as JSON, whole or the code in it. */
#ifndef OUTPUT_H
#define OUTPUT_H

#include "cli.h"
#include "../role.h"

struct output;

/* How is for the options to say (--json, --stream-json, --extract, --raw), and for the role. NULL after an error in
 * them, with err filled. */
struct output *output_create(const struct cli *, enum role_output, char *err, size_t errlen);
void output_free(struct output *);

struct output_result {
	const char *answer;
	size_t len;
	enum engine_finish finish;
	const struct engine_usage *usage;
};

/* Each goes to standard output as far as the form has something to say there. */
void output_start(struct output *, const char *session, const char *model); /* session NULL: not kept */
void output_text(struct output *, const char *text, size_t len);            /* as the answer streams in */
int output_done(struct output *, const struct output_result *, char *err,
		size_t errlen);                      /* -1: err is what to tell, in the language */
void output_fail(struct output *, const char *line); /* instead of the end */
int output_error(const struct output *);             /* errno of what could not be written, 0: all was */

#endif
