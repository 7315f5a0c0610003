#include "options.h"
#include "role.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char err[512];

static int parse(struct options *options, const char *command, char **argv)
{
	int argc = 0;
	while (argv[argc])
		argc++;
	err[0] = '\0';
	return options_parse(options, command, argc, argv, err, sizeof(err));
}

#define WORDS(...) ((char *[]){__VA_ARGS__, NULL})

static void test_forms(void **state)
{
	struct options *o = options_create();
	assert_int_equal(parse(o, NULL,
			       WORDS("-cm", "small", "--temp=0", "--seed", "7", "-f", "a", "--file", "b", "hello", "-",
				     "--", "-p")),
			 0);
	assert_true(option_flag(o, OPTION_CONTINUE));
	assert_string_equal(option_string(o, OPTION_MODEL), "small");
	assert_true(option_real(o, OPTION_TEMP) == 0 && option_given(o, OPTION_TEMP));
	assert_int_equal(option_integer(o, OPTION_SEED), 7);
	int count;
	const char *const *files = option_list(o, OPTION_FILE, &count);
	assert_int_equal(count, 2);
	assert_string_equal(files[1], "b");
	char **rest = options_rest(o, &count);
	assert_int_equal(count, 3);
	assert_string_equal(rest[0], "hello");
	assert_string_equal(rest[1], "-");
	assert_string_equal(rest[2], "-p");
	options_free(o);
}

static void test_defaults_are_not_given(void **state)
{
	struct options *o = options_create();
	assert_false(option_given(o, OPTION_TEMP));
	assert_string_equal(option_string(o, OPTION_BIDI), "auto");
	assert_null(option_string(o, OPTION_MODEL));
	struct engine_sampling asked, model = {.temp = 0.3f, .top_k = 20, .top_p = 0.8f, .repeat_penalty = 1.1f};
	asked = options_sampling(o, &model);
	assert_true(asked.temp == model.temp && asked.top_k == model.top_k && asked.top_p == model.top_p);
	assert_true(asked.min_p == model.min_p && asked.repeat_penalty == model.repeat_penalty &&
		    asked.seed == model.seed);
	assert_int_equal(options_set(o, OPTION_TOP_K, "5", err, sizeof(err)), 0);
	asked = options_sampling(o, &model);
	assert_int_equal(asked.top_k, 5);
	assert_true(asked.temp == model.temp);
	options_free(o);
}

static void test_optional_value(void **state)
{
	struct options *o = options_create();
	assert_int_equal(parse(o, NULL, WORDS("--resume", "-n")), 0);
	assert_string_equal(option_string(o, OPTION_RESUME), "");
	options_free(o);
	o = options_create();
	assert_int_equal(parse(o, NULL, WORDS("--resume", "01AB")), 0);
	assert_string_equal(option_string(o, OPTION_RESUME), "01AB");
	options_free(o);
}

static void test_n_means_tokens_for_bench(void **state)
{
	struct options *o = options_create();
	assert_int_equal(parse(o, "bench", WORDS("-n", "64", "-p", "0,512")), 0);
	assert_string_equal(option_string(o, OPTION_GEN), "64");
	assert_false(option_flag(o, OPTION_NO_SAVE));
	options_free(o);
}

static void test_several_numbers_for_bench(void **state)
{
	struct options *o = options_create();
	assert_int_equal(parse(o, "bench", WORDS("-t", "1,2,16", "--batch=64,512")), 0);
	assert_string_equal(option_string(o, OPTION_THREADS), "1,2,16");
	assert_int_equal(option_integer(o, OPTION_THREADS), 1);
	assert_string_equal(option_string(o, OPTION_BATCH), "64,512");
	options_free(o);
	static char *const refused[][2] = {{"-t", "1,,2"}, {"-t", "1,2,"}, {"-t", "1,4096"}, {"--top-k", "1,2"}};
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		o = options_create();
		assert_int_equal(parse(o, "bench", WORDS(refused[i][0], refused[i][1])), -1);
		options_free(o);
	}
	o = options_create();
	assert_int_equal(parse(o, NULL, WORDS("-t", "1,2")), -1);
	assert_non_null(strstr(err, "--threads"));
	options_free(o);
}

static void test_refusals_name_the_option(void **state)
{
	static const struct {
		char *words[3];
		const char *says;
	} cases[] = {
		{{"--nonsense"}, "--nonsense"},
		{{"-Z"}, "-Z"},
		{{"--temp", "hot"}, "--temp"},
		{{"--temp", "-1"}, "--temp"},
		{{"--top-k", "1.5"}, "--top-k"},
		{{"--seed", "1e99"}, "--seed"},
		{{"--seed", ""}, "--seed"},
		{{"--temp", "nan"}, "--temp"},
		{{"--kv-type", "f1"}, "f16|q8_0|f32"},
		{{"--bidi", ""}, "--bidi"},
		{{"--model"}, "--model"},
		{{"--json=maybe"}, "json"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct options *o = options_create();
		assert_int_equal(parse(o, NULL, WORDS(cases[i].words[0], cases[i].words[1])), -1);
		assert_non_null(strstr(err, cases[i].says));
		assert_null(strchr(err, '\n'));
		options_free(o);
	}
}

static int read_config(struct options *o, const char *text)
{
	char path[] = "/tmp/bora-test-config-XXXXXX";
	int fd = mkstemp(path);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	int code = options_read_config(o, path, err, sizeof(err));
	unlink(path);
	return code;
}

static void test_config(void **state)
{
	struct options *o = options_create();
	assert_int_equal(parse(o, NULL, WORDS("--temp", "0.1")), 0);
	assert_int_equal(read_config(o, "# comment\n\n  temp = 0.9\ntop-k=40\r\nmodel = small one \nno-color = yes\n"),
			 0);
	assert_true(option_real(o, OPTION_TEMP) == 0.1);
	assert_int_equal(option_integer(o, OPTION_TOP_K), 40);
	assert_string_equal(option_string(o, OPTION_MODEL), "small one");
	assert_true(option_flag(o, OPTION_NO_COLOR));
	assert_int_equal(read_config(o, "top-p = 0.5\nnonsense\n"), -1);
	assert_non_null(strstr(err, "line 2"));
	assert_int_equal(read_config(o, "min-p = 7\n"), -1);
	assert_non_null(strstr(err, "line 1"));
	assert_int_equal(option_integer(o, OPTION_TOP_K), 40); /* what was read before stays */
	assert_int_equal(options_read_config(o, "/nowhere/config", err, sizeof(err)), 0);
	assert_false(option_given(o, OPTION_TOP_K));
	options_free(o);
}

static void test_unknown_settings_are_told(void **state)
{
	struct options *o = options_create();
	assert_int_equal(read_config(o, "tmep = 1\nprompt = hi\ntop-k = 3\ntop-k = 4\n"), 0);
	assert_int_equal(option_integer(o, OPTION_TOP_K), 4);
	const char *second = strchr(options_warnings(o), '\n');
	assert_non_null(strstr(options_warnings(o), "line 1: there is no setting 'tmep'; did you mean temp?\n"));
	assert_non_null(strstr(second, "line 2: there is no setting 'prompt'"));
	assert_int_equal(read_config(o, "top-k = 5\n"), 0);
	assert_string_equal(options_warnings(o), "");
	options_free(o);
}

static void test_glued_value(void **state)
{
	struct options *o = options_create();
	assert_int_equal(parse(o, NULL, WORDS("-x", "write code")), 0);
	assert_string_equal(option_string(o, OPTION_EXTRACT), "");
	options_free(o);
	o = options_create();
	assert_int_equal(parse(o, NULL, WORDS("-x2", "--extract=3")), 0);
	assert_string_equal(option_string(o, OPTION_EXTRACT), "3");
	options_free(o);
	o = options_create();
	assert_int_equal(parse(o, NULL, WORDS("--extrct=3")), -1);
	assert_non_null(strstr(err, "did you mean --extract?"));
	options_free(o);
}

static void system_is(struct options *o, const char *expected)
{
	char *system = role_system(o, err, sizeof(err));
	assert_string_equal(system, expected);
	free(system);
}

/* Without a word about it the model is told to answer in the person's language. */
static void test_system_prompt(void **state)
{
	struct options *o = options_create();
	system_is(o, option_table[OPTION_SYSTEM].fallback);
	assert_non_null(strstr(option_table[OPTION_SYSTEM].fallback, "language"));
	assert_int_equal(options_set(o, OPTION_ROLE, "nobody", err, sizeof(err)), 0);
	assert_null(role_system(o, err, sizeof(err)));
	assert_int_equal(options_set(o, OPTION_SYSTEM, "Be kind.", err, sizeof(err)), 0);
	system_is(o, "Be kind.");
	assert_int_equal(options_set(o, OPTION_SYSTEM, "", err, sizeof(err)), 0);
	system_is(o, "");
	options_free(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_defaults_are_not_given),
		cmocka_unit_test(test_optional_value),
		cmocka_unit_test(test_n_means_tokens_for_bench),
		cmocka_unit_test(test_several_numbers_for_bench),
		cmocka_unit_test(test_refusals_name_the_option),
		cmocka_unit_test(test_config),
		cmocka_unit_test(test_unknown_settings_are_told),
		cmocka_unit_test(test_glued_value),
		cmocka_unit_test(test_system_prompt),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
