#include "cores.h"
#include "../xmalloc.h"

#include <limits.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __APPLE__
#include <sys/sysctl.h>
#endif

enum { CPUS_MAX = 4096 };

static FILE *open_at(const char *format, ...) __attribute__((format(printf, 1, 2)));
static FILE *open_at(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	char *path = xvasprintf(format, args);
	va_end(args);
	FILE *file = fopen(path, "re");
	free(path);
	return file;
}

static int read_number(FILE *file, int otherwise)
{
	int number;
	if (!file)
		return otherwise;
	if (fscanf(file, "%d", &number) != 1)
		number = otherwise;
	fclose(file);
	return number;
}

/* --- Cores -------------------------------------------------------------------------- */

/* Marks the CPUs of a list like "0-3,8". */
static void read_list(FILE *file, bool *marked)
{
	int first, last;
	if (!file)
		return;
	while (fscanf(file, "%d", &first) == 1) {
		int next = fgetc(file);
		last = first;
		if (next == '-') {
			if (fscanf(file, "%d", &last) != 1)
				break;
			next = fgetc(file);
		}
		for (int cpu = first < 0 ? 0 : first; cpu <= last && cpu < CPUS_MAX; cpu++)
			marked[cpu] = true;
		if (next != ',')
			break;
	}
	fclose(file);
}

/* The CPUs among cpus that are much slower than others of them: Intel lists its kind, Arm tells capacities. */
static void mark_slow(const char *root, const int *cpus, int count, bool *slow)
{
	int *capacity = xcalloc((size_t)count + 1, sizeof(*capacity)), most = 0, fast = 0;
	read_list(open_at("%s/sys/devices/cpu_atom/cpus", root), slow);
	for (int i = 0; i < count; i++) {
		capacity[i] = read_number(open_at("%s/sys/devices/system/cpu/cpu%d/cpu_capacity", root, cpus[i]), 0);
		most = capacity[i] > most ? capacity[i] : most;
	}
	for (int i = 0; i < count; i++) {
		slow[cpus[i]] |= capacity[i] > 0 && capacity[i] < most / 2;
		fast += !slow[cpus[i]];
	}
	if (fast == 0) /* then they are not slower than what there is */
		memset(slow, 0, CPUS_MAX * sizeof(*slow));
	free(capacity);
}

/* One logical CPU of each physical core. */
static int count_cores(const char *root, const int *cpus, int count)
{
	bool *slow = xcalloc(CPUS_MAX, sizeof(*slow)), *seen = xcalloc(CPUS_MAX, sizeof(*seen));
	int cores = 0;
	mark_slow(root, cpus, count, slow);
	for (int i = 0; i < count; i++) {
		int first = read_number(
			open_at("%s/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", root, cpus[i]),
			cpus[i]);
		first = first < 0 || first >= CPUS_MAX ? cpus[i] : first;
		cores += !slow[cpus[i]] && !seen[first];
		seen[first] |= !slow[cpus[i]];
	}
	free(seen);
	free(slow);
	return cores;
}

/* --- Quotas ---------------------------------------------------------------------------- */

static double smaller(double quota, double other)
{
	return other > 0 && (quota <= 0 || other < quota) ? other : quota;
}

/* Of one group: CPUs, 0 for no limit. */
static double read_quota_v2(const char *root, const char *mount, const char *group)
{
	char quota[32];
	double period, cpus = 0;
	FILE *file = open_at("%s/sys/fs/cgroup%s%s/cpu.max", root, mount, group);
	if (!file)
		return 0;
	if (fscanf(file, "%31s %lf", quota, &period) == 2 && strcmp(quota, "max") != 0 && period > 0)
		cpus = atof(quota) / period;
	fclose(file);
	return cpus;
}

static double read_quota_v1(const char *root, const char *mount, const char *group)
{
	int quota = read_number(open_at("%s/sys/fs/cgroup%s%s/cpu.cfs_quota_us", root, mount, group), 0);
	int period = read_number(open_at("%s/sys/fs/cgroup%s%s/cpu.cfs_period_us", root, mount, group), 0);
	return quota > 0 && period > 0 ? (double)quota / period : 0;
}

/* The smallest of a group and those above it; its path is cut up on the way. */
static double quota_of(const char *root, bool v2, char *group)
{
	double least = 0;
	for (;;) {
		if (v2) {
			least = smaller(least, read_quota_v2(root, "", group));
			least = smaller(least, read_quota_v2(root, "/unified", group));
		} else {
			least = smaller(least, read_quota_v1(root, "/cpu", group));
			least = smaller(least, read_quota_v1(root, "/cpu,cpuacct", group));
		}
		char *end = strrchr(group, '/');
		if (!end)
			return least;
		*end = '\0';
	}
}

/* "cpu" is among the controllers "cpu,cpuacct". */
static bool names_cpu(const char *controllers)
{
	while (*controllers) {
		size_t len = strcspn(controllers, ",");
		if (len == 3 && strncmp(controllers, "cpu", 3) == 0)
			return true;
		controllers += len + (controllers[len] == ',');
	}
	return false;
}

/* Lines are "ID:CONTROLLERS:GROUP"; no controllers: version 2. */
static double quota(const char *root)
{
	char line[PATH_MAX + 256];
	double least = 0;
	FILE *file = open_at("%s/proc/self/cgroup", root);
	while (file && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		char *controllers = strchr(line, ':'), *group = controllers ? strchr(controllers + 1, ':') : NULL;
		if (!group)
			continue;
		*group++ = '\0';
		controllers++;
		if (!*controllers || names_cpu(controllers))
			least = smaller(least, quota_of(root, !*controllers, group));
	}
	if (file)
		fclose(file);
	return least;
}

/* --- Both -------------------------------------------------------------------------------- */

int cores_useful_at(const char *root, const int *cpus, int count)
{
	int cores = count_cores(root, cpus, count);
	double most = quota(root);
	if (most > 0 && most + 0.5 < cores)
		cores = (int)(most + 0.5);
	return cores < 1 ? 1 : cores;
}

#ifdef __linux__

int cores_useful(void)
{
	cpu_set_t mine;
	int cpus[CPU_SETSIZE], count = 0;
	if (sched_getaffinity(0, sizeof(mine), &mine) != 0) {
		long online = sysconf(_SC_NPROCESSORS_ONLN);
		return online < 1 ? 1 : online > CPUS_MAX ? CPUS_MAX : (int)online;
	}
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &mine))
			cpus[count++] = cpu;
	return cores_useful_at("", cpus, count);
}

#else

int cores_useful(void)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
#ifdef __APPLE__
	int fast = 0;
	size_t size = sizeof(fast);
	if (sysctlbyname("hw.perflevel0.physicalcpu", &fast, &size, NULL, 0) == 0 && fast > 0)
		cores = fast;
#endif
	return cores < 1 ? 1 : cores > CPUS_MAX ? CPUS_MAX : (int)cores;
}

#endif
