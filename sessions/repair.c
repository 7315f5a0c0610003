#include "repair.h"

int repair_salvage(struct sessions *s, char **notice, char *err, size_t errlen)
{
	return store_error(s, err, errlen, "the file is damaged");
}
