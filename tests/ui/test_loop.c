#include "ui/loop.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static int setup(void **state)
{
	char err[256];
	return loop_create((struct loop **)state, err, sizeof(err));
}

static int teardown(void **state)
{
	loop_free(*state);
	return 0;
}

static void test_input_and_engine(void **state)
{
	int tty[2], engine[2];
	assert_int_equal(pipe(tty), 0);
	assert_int_equal(pipe(engine), 0);
	assert_int_equal(loop_wait(*state, tty[0], engine[0], 0), 0);
	assert_int_equal(write(tty[1], "x", 1), 1);
	assert_int_equal(loop_wait(*state, tty[0], engine[0], -1), LOOP_INPUT);
	assert_int_equal(loop_wait(*state, -1, engine[0], 0), 0);
	assert_int_equal(write(engine[1], "x", 1), 1);
	assert_int_equal(loop_wait(*state, tty[0], engine[0], -1), LOOP_INPUT | LOOP_ENGINE);
	close(tty[1]);
	assert_true(loop_wait(*state, tty[0], -1, -1) & LOOP_HANGUP);
	close(tty[0]);
	close(engine[0]);
	close(engine[1]);
}

static void test_signals_are_events(void **state)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGWINCH};
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		assert_int_equal(kill(getpid(), numbers[i]), 0);
		while (!(loop_wait(*state, -1, -1, -1) & LOOP_SIGNAL))
			;
		assert_int_equal(loop_signal(*state), numbers[i]);
		assert_int_equal(loop_signal(*state), 0);
	}
}

static void test_a_closed_pipe_is_an_error_only(void **state)
{
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	assert_int_equal(write(ends[1], "x", 1), -1);
	close(ends[1]);
}

static void test_children_get_their_signals_back(void **state)
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		loop_child();
		execl("/bin/sh", "sh", "-c", "kill -PIPE $$; exit 7", (char *)NULL);
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGPIPE);
}

static void test_clock_goes_forward(void **state)
{
	int64_t before = loop_now();
	assert_int_equal(loop_wait(*state, -1, -1, 5), 0);
	assert_true(loop_now() >= before + 4);
}

#define IN_LOOP(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_LOOP(test_input_and_engine),
		IN_LOOP(test_signals_are_events),
		IN_LOOP(test_a_closed_pipe_is_an_error_only),
		IN_LOOP(test_children_get_their_signals_back),
		IN_LOOP(test_clock_goes_forward),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
