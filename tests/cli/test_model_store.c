/* Models in every store, under a home of the test's own; manifests that mean harm. */
#include "model_store.h"
#include "paths.h"
#include "xmalloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static char err[512];

struct home {
	char dir[64];
};

static char *in_home(const struct home *home, const char *path)
{
	return path_join(home->dir, path);
}

static void write_file(const struct home *home, const char *name, const char *text)
{
	char *path = in_home(home, name), *slash = strrchr(path, '/');
	*slash = '\0';
	assert_int_equal(path_make(path, err, sizeof(err)), 0);
	*slash = '/';
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	free(path);
}

static void set_home(struct home *home)
{
	static const char *const unset[] = {"HF_HUB_CACHE",   "HUGGINGFACE_HUB_CACHE", "HF_HOME",
					    "XDG_CACHE_HOME", "LLAMA_CACHE",           "BORA_DATA_DIR"};
	snprintf(home->dir, sizeof(home->dir), "/tmp/bora-test-store-XXXXXX");
	assert_non_null(mkdtemp(home->dir));
	for (size_t i = 0; i < sizeof(unset) / sizeof(unset[0]); i++)
		unsetenv(unset[i]);
	setenv("HOME", home->dir, 1);
	char *models = in_home(home, "models"), *ollama = in_home(home, ".ollama/models");
	setenv("BORA_MODELS_DIR", models, 1);
	setenv("OLLAMA_MODELS", ollama, 1); /* and not that of a service on this machine */
	free(models);
	free(ollama);
}

static void remove_home(struct home *home)
{
	char *command = xasprintf("rm -rf '%s'", home->dir);
	assert_int_equal(system(command), 0);
	free(command);
}

static void write_manifest(const struct home *home, const char *name, const char *type, const char *digest)
{
	char *path = xasprintf(".ollama/models/manifests/%s", name);
	char *text = xasprintf(
		"{\"layers\":[{\"mediaType\":\"text\",\"digest\":\"x\"},{\"mediaType\":\"%s\",\"digest\":\"%s\"}]}",
		type, digest);
	write_file(home, path, text);
	free(text);
	free(path);
}

#define MODEL_TYPE "application/vnd.ollama.image.model"

/* "store name" of each, one a line. */
static char *listed(void)
{
	struct stored_model *models;
	struct buffer out = {0};
	size_t count;
	assert_int_equal(model_store_list(&models, &count), 0);
	for (size_t i = 0; i < count; i++)
		buffer_printf(&out, "%s %s %d\n", models[i].store, models[i].name, (int)models[i].bytes);
	model_store_free(models, count);
	return buffer_take(&out);
}

static void lists(const char *expected)
{
	char *found = listed();
	assert_string_equal(found, expected);
	free(found);
}

static void finds(const struct home *home, const char *name, const char *expected)
{
	char *path, *whole = in_home(home, expected);
	assert_int_equal(model_store_find(name, &path, err, sizeof(err)), 0);
	assert_string_equal(path, whole);
	free(path);
	free(whole);
}

static void finds_nothing(const char *name, const char *says)
{
	char *path = NULL;
	assert_int_equal(model_store_find(name, &path, err, sizeof(err)), -1);
	assert_null(path);
	assert_non_null(strstr(err, says));
	assert_null(strchr(err, '\n'));
}

static void test_every_store(void **state)
{
	struct home home;
	set_home(&home);
	lists("");
	write_file(&home, "models/own.gguf", "1");
	write_file(&home, "models/deep/er.gguf", "12");
	write_file(&home, "models/.hidden.gguf", "1");
	write_file(&home, "models/own.gguf.part", "1");
	write_file(&home, ".cache/llama.cpp/cpp.gguf", "123");
	write_file(&home, ".cache/huggingface/hub/models--u--r/blobs/abc", "1234");
	write_file(&home, ".cache/huggingface/hub/models--u--r/snapshots/1/readme", "");
	char *link = in_home(&home, ".cache/huggingface/hub/models--u--r/snapshots/1/hub.gguf");
	assert_int_equal(symlink("../../blobs/abc", link), 0);
	free(link);
	write_manifest(&home, "registry.ollama.ai/library/llama3/8b", MODEL_TYPE, "sha256:" DIGEST);
	write_manifest(&home, "registry.ollama.ai/someone/theirs/latest", MODEL_TYPE, "sha256:" DIGEST);
	lists("llama.cpp cpp 3\nbora er 2\nhuggingface hub 4\nbora own 1\n");
	write_file(&home, ".ollama/models/blobs/sha256-" DIGEST, "12345");
	lists("llama.cpp cpp 3\nbora er 2\nhuggingface hub 4\nollama llama3:8b 5\nbora own 1\nollama "
	      "someone/theirs:latest 5\n");
	finds(&home, "llama3:8b", ".ollama/models/blobs/sha256-" DIGEST);
	finds(&home, "someone/theirs:latest", ".ollama/models/blobs/sha256-" DIGEST);
	finds(&home, "hub", ".cache/huggingface/hub/models--u--r/snapshots/1/hub.gguf");
	remove_home(&home);
}

/* A digest becomes part of a path: nothing but one is taken for one. */
static void test_hostile_manifests(void **state)
{
	struct home home;
	set_home(&home);
	write_file(&home, "secret", "secret");
	write_file(&home, ".ollama/models/blobs/sha256-" DIGEST, "1");
	static const char *const digests[] = {
		"sha256:../../../secret",
		"sha256:/etc/passwd",
		"../secret",
		"",
		"sha256:",
		"sha256:" DIGEST "0",
		"sha256:" DIGEST "/../x",
		"sha512:" DIGEST,
		"SHA256:" DIGEST,
		"sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
	};
	for (size_t i = 0; i < sizeof(digests) / sizeof(digests[0]); i++) {
		char *name = xasprintf("h/o/m/tag%zu", i);
		write_manifest(&home, name, MODEL_TYPE, digests[i]);
		free(name);
	}
	write_manifest(&home, "h/o/m/type", "application/vnd.ollama.image.license", "sha256:" DIGEST);
	write_file(&home, ".ollama/models/manifests/h/o/m/empty", "");
	write_file(&home, ".ollama/models/manifests/h/o/m/binary", "\x01\xff\xfe{");
	write_file(&home, ".ollama/models/manifests/h/o/m/array", "[[[[{\"layers\":3}]]]]");
	write_file(&home, ".ollama/models/manifests/h/o/m/layers", "{\"layers\":{\"mediaType\":{},\"digest\":[]}}");
	struct buffer deep = {0};
	for (int i = 0; i < 300000; i++)
		buffer_puts(&deep, "[");
	write_file(&home, ".ollama/models/manifests/h/o/m/deep", deep.data);
	buffer_free(&deep);
	lists("");
	write_manifest(&home, "h/o/m/good", MODEL_TYPE, "sha256:" DIGEST);
	lists("ollama o/m:good 1\n");
	remove_home(&home);
}

static void test_a_fifo_is_no_manifest(void **state)
{
	struct home home;
	set_home(&home);
	write_manifest(&home, "registry.ollama.ai/library/llama3/8b", MODEL_TYPE, "sha256:" DIGEST);
	char *fifo = in_home(&home, ".ollama/models/manifests/registry.ollama.ai/library/llama3/latest");
	assert_int_equal(mkfifo(fifo, 0600), 0);
	alarm(20); /* opening it would wait for ever */
	lists("");
	alarm(0);
	free(fifo);
	remove_home(&home);
}

static void test_folders_that_loop(void **state)
{
	struct home home;
	set_home(&home);
	write_file(&home, ".cache/huggingface/hub/x/one.gguf", "1");
	char *link = in_home(&home, ".cache/huggingface/hub/x/again");
	assert_int_equal(symlink("..", link), 0);
	free(link);
	char *found = listed();
	assert_non_null(strstr(found, "huggingface one 1\n"));
	free(found);
	remove_home(&home);
}

/* Names of folders that look like a part of the store, files with several names, and what is no model. */
static void test_traps(void **state)
{
	struct home home;
	set_home(&home);
	char *store = in_home(&home, "a/manifests/b"), *hub = in_home(&home, "hub");
	write_file(&home, "a/manifests/b/manifests/registry.ollama.ai/library/tiny/1b",
		   "{\"layers\":[{\"mediaType\":\"" MODEL_TYPE "\",\"digest\":\"sha256:" DIGEST "\"}]}");
	write_file(&home, "a/manifests/b/blobs/sha256-" DIGEST, "1234");
	write_file(&home, "hub/models--me--x/blobs/abc", "12");
	write_file(&home, "hub/models--me--x/snapshots/1/mmproj-f16.gguf", "1");
	write_file(&home, "hub/models--me--x/snapshots/1/big-00001-of-00002.gguf", "1");
	char *blob = in_home(&home, "hub/models--me--x/blobs/abc");
	for (int i = 1; i < 3; i++) {
		char *name = xasprintf("%s/models--me--x/snapshots/%d", hub, i), *link = path_join(name, "x.gguf");
		assert_int_equal(path_make(name, err, sizeof(err)), 0);
		assert_int_equal(symlink(blob, link), 0);
		free(link);
		free(name);
	}
	setenv("OLLAMA_MODELS", store, 1);
	setenv("HF_HUB_CACHE", hub, 1);
	lists("huggingface big 1\nollama tiny:1b 4\nhuggingface x 2\n");
	finds(&home, "tiny:1b", "a/manifests/b/blobs/sha256-" DIGEST);
	unsetenv("HF_HUB_CACHE");
	setenv("LLAMA_CACHE", hub, 1);
	lists("llama.cpp big 1\nollama tiny:1b 4\nllama.cpp x 2\n");
	free(blob);
	free(hub);
	free(store);
	remove_home(&home);
}

/* A model in several files is one, named and found without their numbers; a part alone is none. */
static void test_parts(void **state)
{
	struct home home;
	set_home(&home);
	write_file(&home, "models/big-00001-of-00003.gguf", "1");
	write_file(&home, "models/big-00002-of-00003.gguf", "22");
	write_file(&home, "models/big-00003-of-00003.gguf", "333");
	write_file(&home, "models/lost-00002-of-00003.gguf", "1");
	lists("bora big 6\n");
	finds(&home, "big", "models/big-00001-of-00003.gguf");
	finds(&home, "big-00001-of-00003.gguf", "models/big-00001-of-00003.gguf");
	remove_home(&home);
}

static void test_finding(void **state)
{
	struct home home;
	set_home(&home);
	finds_nothing(NULL, "default");
	finds_nothing("small", "small");
	finds_nothing("nothing", "no model 'nothing'");
	finds_nothing("./nothing.gguf", "no such file");
	write_file(&home, "models/alpha-1.gguf", "1");
	write_file(&home, "models/alpha-12.gguf", "1");
	write_file(&home, "models/beta.gguf", "1");
	finds(&home, "alpha-1", "models/alpha-1.gguf"); /* whole, though another begins with it */
	finds(&home, "BET", "models/beta.gguf");
	finds_nothing("alpha", "2 models begin with 'alpha' (alpha-1, alpha-12);");
	finds(&home, "beta.gguf", "models/beta.gguf");
	finds_nothing("eta", "did you mean beta?");
	finds_nothing("aplha", "did you mean alpha-1?");
	char *twin = in_home(&home, "models/twin.gguf"), *beta = in_home(&home, "models/beta.gguf");
	assert_int_equal(link(beta, twin), 0); /* one file, found by each of its names */
	finds(&home, "beta", "models/beta.gguf");
	finds(&home, "twin", "models/twin.gguf");
	free(beta);
	free(twin);
	char *path = in_home(&home, "models/beta.gguf");
	finds(&home, path, "models/beta.gguf");
	free(path);
	write_file(&home, "models/smollm2-135m-instruct-q4_1.gguf", "1");
	finds(&home, "small", "models/smollm2-135m-instruct-q4_1.gguf");
	remove_home(&home);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_store),
		cmocka_unit_test(test_hostile_manifests),
		cmocka_unit_test(test_a_fifo_is_no_manifest),
		cmocka_unit_test(test_folders_that_loop),
		cmocka_unit_test(test_traps),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_finding),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
