#include "sandbox.h"
#include "loop.h"
#include "../xmalloc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__)
#define SANDBOX_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define SANDBOX_ARCH AUDIT_ARCH_AARCH64
#endif

enum { ENTRIES_MOST = 20000, TIMED_OUT = 124, OPEN_FILES = 256 };

/* --- Files: Landlock --------------------------------------------------------------------- */

/* The header of the system that builds may be older than the kernel that runs. */
struct ruleset {
	uint64_t files, network, scoped;
};
enum {
	READ = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
	OF_FILES = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | 1 << 14,
	NETWORK_TCP = 3, /* bind and connect */
	SCOPED = 3,      /* abstract sockets and signals to others */
};

static int landlock_version(void)
{
	return (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

static uint64_t all_accesses(int version)
{
	static const int bits[] = {13, 13, 14, 15, 15, 16}; /* known to version 1, 2… */
	int known = version < 6 ? bits[version > 0 ? version : 0] : 16;
	return ((uint64_t)1 << known) - 1;
}

struct rules {
	int fd;
	uint64_t all;
};

/* A path that is not there needs no rule. */
static void allow(const struct rules *r, const char *path, uint64_t access)
{
	struct stat st;
	struct landlock_path_beneath_attr rule = {.parent_fd = open(path, O_PATH | O_CLOEXEC)};
	if (rule.parent_fd < 0)
		return;
	if (fstat(rule.parent_fd, &st) == 0) {
		rule.allowed_access = access & r->all & (S_ISDIR(st.st_mode) ? ~(uint64_t)0 : OF_FILES);
		syscall(SYS_landlock_add_rule, r->fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	}
	close(rule.parent_fd);
}

static bool is_below(const char *path, const char *folder)
{
	size_t len = strlen(folder);
	return strncmp(path, folder, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

/* Keys, tokens and histories are in hidden files: of a home folder, the rest can be read. */
static void allow_home(const struct rules *r, const char *home)
{
	DIR *folder = opendir(home);
	struct dirent *entry;
	for (int i = 0; folder && i < ENTRIES_MOST && (entry = readdir(folder)); i++) {
		if (entry->d_name[0] == '.' || entry->d_type == DT_LNK)
			continue;
		char *path = xasprintf("%s/%s", home, entry->d_name);
		allow(r, path, READ);
		free(path);
	}
	if (folder)
		closedir(folder);
}

/* Interpreters that live in the home folder, with what they load, and no more of it. */
static void allow_tools(const struct rules *r, const char *home)
{
	static const char *const beside[] = {"lib", "lib64", "libexec", "include", "versions", "version", "plugins"};
	const char *path = getenv("PATH");
	while (path && *path) {
		size_t len = strcspn(path, ":");
		char *folder = xstrndup(path, len), *slash = strrchr(folder, '/');
		if (len > strlen(home) && is_below(folder, home) && slash) {
			allow(r, folder, READ);
			*slash = '\0';
			for (size_t i = 0; i < sizeof(beside) / sizeof(*beside) && strcmp(folder, home) != 0; i++) {
				char *other = xasprintf("%s/%s", folder, beside[i]);
				allow(r, other, READ);
				free(other);
			}
		}
		free(folder);
		path += len + (path[len] == ':');
	}
}

static void allow_system(const struct rules *r)
{
	/* Not /proc/self: it would be our own. */
	static const char *const readable[] = {
		"/usr",
		"/bin",
		"/sbin",
		"/lib",
		"/lib32",
		"/lib64",
		"/opt",
		"/nix/store",

		"/proc/cpuinfo",
		"/proc/meminfo",
		"/proc/stat",
		"/proc/version",
		"/proc/sys/kernel",
		"/proc/sys/vm",
		"/sys/devices/system/cpu",
		"/sys/fs/cgroup",
		/* Of /etc what programs need to start: no keys, no shadowed passwords. */
		"/etc/ld.so.cache",
		"/etc/ld.so.conf",
		"/etc/ld.so.conf.d",
		"/etc/ld.so.preload",
		"/etc/passwd",
		"/etc/group",
		"/etc/nsswitch.conf",
		"/etc/localtime",
		"/etc/timezone",
		"/etc/alternatives",
		"/etc/locale.alias",
		"/etc/mime.types",
		"/etc/os-release",
		"/etc/fonts",
		"/etc/ssl/certs",
		"/etc/ssl/openssl.cnf",
		"/etc/inputrc",
		"/etc/hosts",
		"/etc/perl",
		"/etc/R",
		"/etc/magic",
		"/etc/terminfo",
	};
	static const char *const devices[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"};
	for (size_t i = 0; i < sizeof(readable) / sizeof(*readable); i++)
		allow(r, readable[i], READ);
	for (size_t i = 0; i < sizeof(devices) / sizeof(*devices); i++)
		allow(r, devices[i], LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE);
	for (int version = 4; version < 30; version++) {
		char path[64];
		snprintf(path, sizeof(path), "/etc/python3.%d", version);
		allow(r, path, READ);
	}
}

/* The rules as a descriptor for landlock_restrict_self(), -1: not on this kernel. */
static int make_rules(const char *work)
{
	int version = landlock_version();
	if (version < 1)
		return -1;
	struct ruleset set = {.files = all_accesses(version), .network = NETWORK_TCP, .scoped = SCOPED};
	size_t size = version < 4 ? 8 : version < 6 ? 16 : 24;
	struct rules r = {.fd = (int)syscall(SYS_landlock_create_ruleset, &set, size, 0), .all = set.files};
	if (r.fd < 0)
		return -1;
	fcntl(r.fd, F_SETFD, FD_CLOEXEC);
	const char *home = getenv("HOME");
	char *here = getcwd(NULL, 0);
	allow_system(&r);
	if (home && home[0] == '/' && home[1]) {
		allow_home(&r, home);
		allow_tools(&r, home);
	}
	if (here && home && !is_below(here, home) && !is_below(home, here))
		allow(&r, here, READ);
	allow(&r, work, r.all);
	free(here);
	return r.fd;
}

/* --- System calls: seccomp ------------------------------------------------------------------ */

#ifdef SANDBOX_ARCH
/* No sockets (and no ring that could make them), no other processes, no changes to the
 * system, no way out of the process group. */
static const unsigned denied[] = {
	SYS_socket,
	SYS_io_uring_setup,
	SYS_io_uring_enter,
	SYS_io_uring_register,
	SYS_ptrace,
	SYS_process_vm_readv,
	SYS_process_vm_writev,
	SYS_setsid,
	SYS_setpgid,
	SYS_bpf,
	SYS_perf_event_open,
	SYS_userfaultfd,
	SYS_keyctl,
	SYS_add_key,
	SYS_request_key,
	SYS_mount,
	SYS_umount2,
	SYS_pivot_root,
	SYS_chroot,
	SYS_unshare,
	SYS_setns,
	SYS_open_by_handle_at,
	SYS_name_to_handle_at,
	SYS_reboot,
	SYS_swapon,
	SYS_swapoff,
	SYS_init_module,
	SYS_finit_module,
	SYS_delete_module,
	SYS_kexec_load,
	SYS_sethostname,
	SYS_setdomainname,
	SYS_settimeofday,
	SYS_clock_settime,
	SYS_adjtimex,
	SYS_clock_adjtime,
	SYS_acct,
	SYS_quotactl,
	SYS_fsopen,
	SYS_fsmount,
	SYS_move_mount,
	SYS_open_tree,
	SYS_setxattr,
	SYS_lsetxattr,
	SYS_fsetxattr,
	SYS_removexattr,
	SYS_fchown,
	SYS_fchownat,
	SYS_utimensat,
	SYS_mq_open,
	SYS_pidfd_getfd,
	SYS_setpriority,
	SYS_sched_setscheduler,
#ifdef __x86_64__
	SYS_chown,
	SYS_lchown,
	SYS_utime,
	SYS_utimes,
	SYS_futimesat,
	SYS_iopl,
	SYS_ioperm,
	SYS_kexec_file_load,
#endif
};
/* Landlock does not know of modes; only the compiler must set them. */
static const unsigned modes[] = {
	SYS_fchmod,
	SYS_fchmodat,
#ifdef __x86_64__
	SYS_chmod,
#endif
};
enum {
	DENIED = sizeof(denied) / sizeof(*denied),
	MODES = sizeof(modes) / sizeof(*modes),
	FILTER_MOST = 2 * (DENIED + MODES) + 12
};

static size_t deny(struct sock_filter *filter, size_t n, unsigned call)
{
	filter[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1);
	filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	return n;
}

static int filter_calls(bool may_set_modes)
{
	struct sock_filter filter[FILTER_MOST];
	size_t n = 0;
	filter[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
	filter[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SANDBOX_ARCH, 1, 0);
	filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	filter[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
#ifdef __x86_64__
	/* The second table of calls of this processor, by which the first could be passed round. */
	filter[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1);
	filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
#endif
	for (size_t i = 0; i < DENIED; i++)
		n = deny(filter, n, denied[i]);
	for (size_t i = 0; i < MODES && !may_set_modes; i++)
		n = deny(filter, n, modes[i]);
	filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = {.len = (unsigned short)n, .filter = filter};
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

static bool can_filter(void)
{
	unsigned action = SECCOMP_RET_ERRNO;
	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}
#else
static int filter_calls(bool may_set_modes)
{
	(void)may_set_modes;
	return -1;
}
static bool can_filter(void)
{
	return false;
}
#endif

unsigned sandbox_can(void)
{
	return (landlock_version() > 0 ? SANDBOX_FILES : 0u) | (can_filter() ? SANDBOX_NETWORK : 0u);
}

/* --- Processes -------------------------------------------------------------------------------- */

struct plan {
	const char *work;
	const char *const *compile, *const *run;
	const struct sandbox_limits *limits;
	char **environment;
	int rules, out;
	unsigned can;
};

static void limit(int what, rlim_t most)
{
	struct rlimit l = {most, most};
	setrlimit(what, &l);
}

/* In the child, between fork and exec: nothing that allocates. */
static _Noreturn void become(const struct plan *p, const char *const *argv, bool may_set_modes)
{
	sigset_t none;
	sigemptyset(&none);
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (!p->limits) {
		execve(argv[0], (char *const *)argv, p->environment);
		_exit(127);
	}
	limit(RLIMIT_CPU, (rlim_t)p->limits->seconds);
	limit(RLIMIT_DATA, p->limits->memory);
	limit(RLIMIT_FSIZE, p->limits->file);
	limit(RLIMIT_NOFILE, OPEN_FILES);
	limit(RLIMIT_CORE, 0);
	int score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (score >= 0 && write(score, "1000", 4) == 4)
		close(score);
	bool failed = chdir(p->work) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0;
	/* What this kernel can keep from it must be kept: else nothing runs. */
	if (p->can & SANDBOX_FILES)
		failed = failed || syscall(SYS_landlock_restrict_self, p->rules, 0) != 0;
	if (p->can & SANDBOX_NETWORK)
		failed = failed || filter_calls(may_set_modes) != 0;
	if (!failed)
		execve(argv[0], (char *const *)argv, p->environment);
	static const char message[] = "bora: the sandbox could not be made, or the program not started\n";
	if (write(STDERR_FILENO, message, sizeof(message) - 1) < 0)
		_exit(126);
	_exit(126);
}

static int64_t seconds_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

/* Waits for a child of its own; kills its whole group at the deadline or when told to. */
static int watch(pid_t child, int64_t deadline, const sigset_t *signals)
{
	int status = 0, result = -1;
	for (;;) {
		if (waitpid(child, &status, WNOHANG) == child)
			break;
		struct timespec wait = {.tv_sec = 1};
		int signal = sigtimedwait(signals, NULL, &wait);
		if (signal == SIGTERM)
			result = 128 + SIGTERM;
		else if (seconds_now() >= deadline)
			result = TIMED_OUT;
		if (result >= 0) {
			kill(-child, SIGKILL);
			kill(child, SIGKILL);
			waitpid(child, &status, 0);
			break;
		}
	}
	kill(-child, SIGKILL); /* whatever it left behind */
	if (result >= 0)
		return result;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int run_one(const struct plan *p, const char *const *argv, bool may_set_modes, int64_t deadline,
		   const sigset_t *signals)
{
	pid_t child = fork();
	if (child == 0)
		become(p, argv, may_set_modes);
	return child < 0 ? 126 : watch(child, deadline, signals);
}

static _Noreturn void supervise(const struct plan *p)
{
	sigset_t signals;
	int64_t deadline = p->limits ? seconds_now() + p->limits->seconds : INT64_MAX;
	int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC), code = 0;
	setsid();
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	loop_child();
	dup2(nothing, STDIN_FILENO);
	dup2(p->out, STDOUT_FILENO);
	dup2(p->out, STDERR_FILENO);
	syscall(SYS_close_range, 3U, ~0U, 1U << 2); /* closed on exec: what libraries may have left open */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	if (p->compile)
		code = run_one(p, p->compile, true, deadline, &signals);
	if (code == 0)
		code = run_one(p, p->run, false, deadline, &signals);
	_exit(code);
}

/* Names alone that programs need; keys and tokens in the environment stay here. */
static char **make_environment(const char *work)
{
	static const char *const kept[] = {"PATH",        "HOME",       "USER",          "LOGNAME",
					   "LANG",        "LC_ALL",     "LC_CTYPE",      "TZ",
					   "VIRTUAL_ENV", "PYENV_ROOT", "PYENV_VERSION", "LD_LIBRARY_PATH"};
	enum { KEPT = sizeof(kept) / sizeof(*kept), ADDED = 6 };
	char **list = xcalloc(KEPT + ADDED + 1, sizeof(*list));
	int n = 0;
	for (size_t i = 0; i < KEPT; i++)
		if (getenv(kept[i]))
			list[n++] = xasprintf("%s=%s", kept[i], getenv(kept[i]));
	list[n++] = xasprintf("TMPDIR=%s", work);
	list[n++] = xasprintf("XDG_CACHE_HOME=%s", work);
	list[n++] = xstrdup("TERM=dumb");
	list[n++] = xstrdup("NO_COLOR=1");
	list[n++] = xstrdup("PYTHONUNBUFFERED=1");
	list[n++] = xstrdup("PYTHONDONTWRITEBYTECODE=1");
	return list;
}

/* One's own, but for what would wait for keys or colour what is read as text. */
static char **own_environment(void)
{
	static const char *const set[] = {"TERM=dumb", "PAGER=cat", "GIT_PAGER=cat"};
	enum { SET = sizeof(set) / sizeof(*set) };
	size_t count = 0, n = 0;
	while (environ[count])
		count++;
	char **list = xcalloc(count + SET + 1, sizeof(*list));
	for (size_t i = 0; i < count; i++) {
		bool replaced = false;
		for (size_t k = 0; k < SET; k++)
			replaced = replaced || strncmp(environ[i], set[k], strcspn(set[k], "=") + 1) == 0;
		if (!replaced)
			list[n++] = xstrdup(environ[i]);
	}
	for (size_t k = 0; k < SET; k++)
		list[n++] = xstrdup(set[k]);
	return list;
}

int sandbox_start(struct sandbox *s, const char *work, const char *const *compile, const char *const *run,
		  const struct sandbox_limits *limits, char *err, size_t errlen)
{
	int out[2];
	*s = (struct sandbox){.fd = -1};
	if (pipe2(out, O_CLOEXEC | O_NONBLOCK) != 0) {
		snprintf(err, errlen, "cannot run: %s", strerror(errno));
		return -1;
	}
	fcntl(out[1], F_SETFL, 0); /* the program's end waits, ours does not */
	struct plan plan = {
		.work = work,
		.compile = compile,
		.run = run,
		.limits = limits,
		.environment = limits ? make_environment(work) : own_environment(),
		.rules = limits ? make_rules(work) : -1,
		.out = out[1],
		.can = sandbox_can(),
	};
	pid_t pid = fork();
	if (pid == 0)
		supervise(&plan);
	int error = errno;
	close(out[1]);
	if (plan.rules >= 0)
		close(plan.rules);
	for (int i = 0; plan.environment[i]; i++)
		free(plan.environment[i]);
	free(plan.environment);
	if (pid < 0) {
		close(out[0]);
		snprintf(err, errlen, "cannot run: %s", strerror(error));
		return -1;
	}
	s->pid = pid;
	s->fd = out[0];
	return 0;
}

bool sandbox_ended(struct sandbox *s, int *code)
{
	int status;
	if (s->pid <= 0 || waitpid(s->pid, &status, WNOHANG) != s->pid)
		return false;
	*code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	if (*code == TIMED_OUT)
		*code = SANDBOX_TIMED_OUT;
	s->pid = 0;
	return true;
}

void sandbox_stop(struct sandbox *s)
{
	if (s->pid > 0) {
		kill(s->pid, SIGTERM);
		waitpid(s->pid, NULL, 0);
		s->pid = 0;
	}
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}
