#include "fault_guard.h"

#include <setjmp.h>
#include <signal.h>
#include <stddef.h>

/* Where this thread goes on after a fault; a handler finds it in no other way. */
static _Thread_local sigjmp_buf *way_out;
static struct sigaction before; /* what a fault anywhere else does */

static void handler(int number)
{
	sigset_t this_one;
	sigemptyset(&this_one);
	sigaddset(&this_one, number);
	/* The mask is not saved on the way in (that would be a system call each time). */
	pthread_sigmask(SIG_UNBLOCK, &this_one, NULL);
	if (way_out)
		siglongjmp(*way_out, 1);
	sigaction(number, &before, NULL);
	raise(number);
}

void fault_guard_install(void)
{
	struct sigaction action = {.sa_handler = handler}, old;
	sigemptyset(&action.sa_mask);
	sigaction(SIGBUS, &action, &old);
	if (old.sa_handler != handler)
		before = old;
}

bool fault_guard_run(void (*fn)(void *arg), void *arg)
{
	sigjmp_buf here;
	if (sigsetjmp(here, 0) != 0) {
		way_out = NULL;
		return false;
	}
	way_out = &here;
	fn(arg);
	way_out = NULL;
	return true;
}
