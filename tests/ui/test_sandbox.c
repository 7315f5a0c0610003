/* Programs in the sandbox: what they can do, and what they cannot. */
#include "ui/runner.h"
#include "xmalloc.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char home[] = "/tmp/bora-test-home-XXXXXX";
static const struct sandbox_limits limits = {.seconds = 20, .memory = 512u << 20, .file = 1 << 20};

static void write_file(const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", home, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	free(path);
}

static int setup(void **state)
{
	assert_non_null(mkdtemp(home));
	char *ssh = xasprintf("%s/.ssh", home);
	mkdir(ssh, 0700);
	free(ssh);
	write_file(".ssh/id_ed25519", "a secret key");
	write_file("notes.txt", "open notes");
	write_file(".netrc", "a password");
	/* Where the interpreters are is decided by PATH; a person's own home is not looked at. */
	setenv("PATH", "/usr/local/bin:/usr/bin:/bin", 1);
	setenv("HOME", home, 1);
	setenv("SECRET_TOKEN", "abc", 1);
	return 0;
}

static int teardown(void **state)
{
	char *command = xasprintf("rm -rf '%s'", home);
	int result = system(command);
	free(command);
	return result;
}

/* Runs the code to its end; what it printed (caller frees). NULL: not installed here. */
static char *run(const char *language, const char *code, const struct sandbox_limits *l, int *exit_code)
{
	char err[512];
	struct runner r;
	struct sandbox s;
	struct buffer out = {0};
	if (runner_prepare(&r, language, code, strlen(code), err, sizeof(err))) {
		print_message("%s\n", err);
		return NULL;
	}
	assert_int_equal(runner_start(&r, &s, l, err, sizeof(err)), 0);
	for (;;) {
		char bytes[4096];
		poll(&(struct pollfd){.fd = s.fd, .events = POLLIN}, 1, 1000);
		ssize_t n = read(s.fd, bytes, sizeof(bytes));
		if (n > 0)
			buffer_append(&out, bytes, (size_t)n);
		if (n == 0)
			break;
	}
	while (!sandbox_ended(&s, exit_code))
		usleep(1000);
	sandbox_stop(&s);
	char *work = xstrdup(r.work);
	runner_free(&r);
	assert_int_not_equal(access(work, F_OK), 0); /* nothing is left behind */
	free(work);
	return buffer_take(&out);
}

static void check(const char *language, const char *code, const char *expected)
{
	int exit_code = -1;
	char *out = run(language, code, &limits, &exit_code);
	if (!out)
		return;
	if (!strstr(out, expected))
		print_message("%s: %s\n", language, out);
	assert_non_null(strstr(out, expected));
	free(out);
}

static void test_languages(void **state)
{
	check("python", "import sys\nprint(6 * 7)\nprint('to stderr', file=sys.stderr)\n", "42");
	check("python", "import sys\nprint('to stderr', file=sys.stderr)\n", "to stderr");
	check("py", "open('a.txt', 'w').write('x')\nprint(open('a.txt').read() * 3)\n", "xxx");
	check("c", "#include <math.h>\n#include <stdio.h>\nint main(void) { printf(\"%.0f\\n\", pow(7, 2)); }\n", "49");
	check("sh", "x=5; echo $((x * 3)) | tr 1 2\n", "25");
	check("js", "console.log([1, 2, 3].map(x => x * x).join())\n", "1,4,9");
}

static void test_exit_codes(void **state)
{
	int code = -1;
	free(run("sh", "exit 7", &limits, &code));
	assert_int_equal(code, 7);
	free(run("sh", "kill -SEGV $$", &limits, &code));
	assert_int_equal(code, 128 + SIGSEGV);
	char *out = run("c", "int main(void) { return x; }", &limits, &code);
	assert_true(!out || (code != 0 && strstr(out, "error")));
	free(out);
}

static void test_secrets(void **state)
{
	if (!(sandbox_can() & SANDBOX_FILES))
		skip();
	check("sh", "cat ~/.ssh/id_ed25519 || echo refused", "refused");
	check("sh", "ls ~/.ssh || echo refused", "refused");
	check("sh", "cat ~/.netrc || echo refused", "refused");
	check("sh", "cat ~/notes.txt", "open notes");
	check("sh", "cat /etc/shadow /etc/ssh/* 2>/dev/null; echo token=$SECRET_TOKEN.", "token=.");
	check("python",
	      "import os\ntry:\n    print(open(os.path.expanduser('~/.ssh/id_ed25519')).read())\nexcept OSError as "
	      "e:\n    print('refused', e.errno)\n",
	      "refused 13");
	check("js",
	      "try { console.log(require('fs').readFileSync(process.env.HOME + '/.ssh/id_ed25519', 'utf8')) } catch "
	      "(e) { console.log('refused', e.code) }\n",
	      "refused EACCES");
	check("c",
	      "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\nint main(void) { char p[300]; "
	      "strcat(strcpy(p, getenv(\"HOME\")), \"/.ssh/id_ed25519\"); puts(fopen(p, \"r\") ? \"read\" : "
	      "\"refused\"); }\n",
	      "refused");
	check("c", "#include \"../../../../../../../../etc/shadow\"\nint main(void) { }\n", "ermission denied");
}

/* The home folder is for reading: nothing in it can be made, changed, moved or given other modes. */
static void test_read_only(void **state)
{
	if (sandbox_can() != (SANDBOX_FILES | SANDBOX_NETWORK))
		skip();
	check("sh", "echo x >> ~/notes.txt || echo refused", "refused");
	check("sh", "touch ~/new || echo refused", "refused");
	check("sh", "rm ~/notes.txt || echo refused", "refused");
	check("sh", "mv ~/notes.txt notes || echo refused", "refused");
	check("sh", "chmod 0 ~/notes.txt || echo refused", "refused");
	check("sh", "ln ~/notes.txt here || echo refused", "refused");
	check("sh", "echo x > /tmp/bora-test-outside || echo refused", "refused");
	check("sh", "cat ~/notes.txt", "open notes");
}

static void test_network(void **state)
{
	if (!(sandbox_can() & SANDBOX_NETWORK))
		skip();
	check("python",
	      "import socket\ntry:\n    socket.socket()\n    print('open')\nexcept OSError as e:\n    print('refused', "
	      "e.errno)\n",
	      "refused 1");
	check("python",
	      "import socket\ntry:\n    socket.socket(socket.AF_UNIX)\n    print('open')\nexcept OSError as e:\n    "
	      "print('refused', e.errno)\n",
	      "refused 1");
	check("c",
	      "#include <stdio.h>\n#include <sys/socket.h>\nint main(void) { puts(socket(AF_INET, SOCK_STREAM, 0) < 0 "
	      "? \"refused\" : \"open\"); }\n",
	      "refused");
	check("sh", "exec 3<>/dev/tcp/127.0.0.1/22 || echo refused", "refused");
	check("js", "require('net').connect(22, '127.0.0.1').on('error', e => console.log('refused', e.code))\n",
	      "refused");
}

/* Others' processes are neither looked into nor stopped. */
static void test_others(void **state)
{
	if (sandbox_can() != (SANDBOX_FILES | SANDBOX_NETWORK))
		skip();
	char *look = xasprintf("tr '\\0' ' ' </proc/%d/environ || echo refused", getpid());
	char *stop = xasprintf("kill -9 %d || echo refused", getpid());
	check("sh", look, "refused");
	check("sh", stop, "refused");
	free(look);
	free(stop);
	check("sh", "setsid sleep 1000 || echo refused", "refused");
}

static void test_limits(void **state)
{
	struct sandbox_limits tight = {.seconds = 1, .memory = 64 << 20, .file = 4096};
	int code = -1;
	free(run("sh", "sleep 100 & while :; do sleep 1; done", &tight, &code));
	assert_int_equal(code, SANDBOX_TIMED_OUT);
	free(run("sh", "head -c 100000 /dev/zero >big && echo written", &tight, &code));
	assert_int_not_equal(code, 0);
	char *out = run("python", "x = bytearray(1 << 28)\nprint('had it')\n", &tight, &code);
	assert_true(!out || !strstr(out, "had it"));
	free(out);
}

static void test_stopping(void **state)
{
	char err[256], byte;
	struct runner r;
	struct sandbox s;
	assert_int_equal(runner_prepare(&r, "sh", "sleep 1000 & echo $!; sleep 1000", 32, err, sizeof(err)), 0);
	assert_int_equal(runner_start(&r, &s, &limits, err, sizeof(err)), 0);
	poll(&(struct pollfd){.fd = s.fd, .events = POLLIN}, 1, 10000);
	assert_int_equal(read(s.fd, &byte, 1), 1);
	sandbox_stop(&s);
	assert_int_equal(s.pid, 0);
	runner_free(&r);
}

static void test_refusals(void **state)
{
	char err[256];
	struct runner r;
	assert_int_equal(runner_prepare(&r, "cobol", "x", 1, err, sizeof(err)), -1);
	assert_non_null(strstr(err, "cobol"));
	assert_int_equal(runner_prepare(&r, "console", "$ ls", 4, err, sizeof(err)), -1);
	assert_int_equal(runner_prepare(&r, "", "x", 1, err, sizeof(err)), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_languages), cmocka_unit_test(test_exit_codes), cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_read_only), cmocka_unit_test(test_network),    cmocka_unit_test(test_others),
		cmocka_unit_test(test_limits),    cmocka_unit_test(test_stopping),   cmocka_unit_test(test_refusals),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
