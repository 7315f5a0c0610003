/* ids.h: token ids as the measuring commands read them: decimal numbers between white space. */
#ifndef CLI_IDS_H
#define CLI_IDS_H

#include <stddef.h>
#include <stdint.h>

int ids_parse(const char *text, size_t len, int32_t **ids, size_t *count, char *err,
	      size_t errlen); /* caller frees *ids */

#endif
