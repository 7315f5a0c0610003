/* Speeds that are kept from one run to the next. */
#include "model_speeds.h"
#include "paths.h"
#include "xmalloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void speeds(void **state)
{
	char dir[] = "/tmp/bora-test-speeds-XXXXXX", name[128];
	assert_non_null(mkdtemp(dir));
	setenv("BORA_STATE_DIR", dir, 1);
	assert_true(model_speeds_last("/models/a.gguf") == 0);
	model_speeds_keep("/models/a.gguf", 100, 2000);
	model_speeds_keep("/models/b.gguf", 100, 1000);
	assert_true(model_speeds_last("/models/a.gguf") == 50);
	assert_true(model_speeds_last("/models/b.gguf") == 100);
	assert_true(model_speeds_last("/models/a.gguf.part") == 0);
	assert_true(model_speeds_last("/models/a") == 0);
	model_speeds_keep("/models/a.gguf", 15, 1);          /* too few to say anything */
	model_speeds_keep("/models/a.gguf", 100, 0);         /* never */
	model_speeds_keep("/models/a\n9\t/x.gguf", 100, 10); /* no such line is written */
	assert_true(model_speeds_last("/models/a.gguf") == 50);
	assert_true(model_speeds_last("/x.gguf") == 0);
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "/models/%d.gguf", i);
		model_speeds_keep(name, 100, 1000);
	}
	assert_true(model_speeds_last("/models/299.gguf") == 100);
	assert_true(model_speeds_last("/models/0.gguf") == 0);
	char *path = path_join(dir, "speeds"), *command = xasprintf("rm -r '%s'", dir);
	FILE *file = fopen(path, "w");
	fputs("nonsense\n\t\n1e400\t/models/a.gguf\n-3\t/models/b.gguf\nx\t/models/c.gguf\n5\t/models/d.gguf", file);
	fclose(file);
	for (const char *letter = "abcd"; *letter; letter++) {
		snprintf(name, sizeof(name), "/models/%c.gguf", *letter);
		assert_true(model_speeds_last(name) == 0);
	}
	assert_int_equal(system(command), 0);
	free(command);
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(speeds)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
