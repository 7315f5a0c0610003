/* Threads worth having on machines that are described by files. */
#include "engine/cores.h"
#include "xmalloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const int cpus[] = {0, 1, 2, 3, 4, 5, 6, 7};

static char *make_root(void)
{
	char *root = xstrdup("/tmp/bora-cores-XXXXXX");
	assert_non_null(mkdtemp(root));
	return root;
}

static void drop_root(char *root)
{
	char *command = xasprintf("rm -rf %s", root);
	assert_int_equal(system(command), 0);
	free(command);
	free(root);
}

static void put(const char *root, const char *path, const char *text)
{
	char *command = xasprintf("mkdir -p \"$(dirname '%s/%s')\" && printf -- '%s\\n' >'%s/%s'", root, path, text,
				  root, path);
	assert_int_equal(system(command), 0);
	free(command);
}

static void put_cpu(const char *root, int cpu, const char *file, const char *text)
{
	char path[128];
	snprintf(path, sizeof(path), "sys/devices/system/cpu/cpu%d/%s", cpu, file);
	put(root, path, text);
}

static void test_nothing_known(void **state)
{
	char *root = make_root();
	assert_int_equal(cores_useful_at(root, cpus, 8), 8);
	assert_int_equal(cores_useful_at(root, cpus, 3), 3);
	assert_int_equal(cores_useful_at(root, cpus, 0), 1);
	drop_root(root);
}

static void test_siblings(void **state)
{
	char *root = make_root();
	static const char *const siblings[] = {"0,4", "1,5", "2-3", "2-3"};
	for (int i = 0; i < 8; i++)
		put_cpu(root, i, "topology/thread_siblings_list", siblings[i % 4]);
	assert_int_equal(cores_useful_at(root, cpus, 8), 3);
	assert_int_equal(cores_useful_at(root, cpus + 4, 4), 3);
	assert_int_equal(cores_useful_at(root, cpus + 6, 2), 1);
	drop_root(root);
}

static void test_slow_cores(void **state)
{
	char *root = make_root();
	put(root, "sys/devices/cpu_atom/cpus", "2-3,5-7");
	assert_int_equal(cores_useful_at(root, cpus, 8), 3);
	assert_int_equal(cores_useful_at(root, cpus + 5, 3), 3); /* nothing else may be used */
	drop_root(root);
	root = make_root();
	for (int i = 0; i < 8; i++)
		put_cpu(root, i, "cpu_capacity", i < 4 ? "300" : i < 7 ? "800" : "1024");
	assert_int_equal(cores_useful_at(root, cpus, 8), 4);
	assert_int_equal(cores_useful_at(root, cpus, 4), 4);
	drop_root(root);
}

static void expect_quota_v2(const char *quota, int threads)
{
	char *root = make_root();
	put(root, "proc/self/cgroup", "0::/user/session");
	put(root, "sys/fs/cgroup/user/session/cpu.max", "max 100000");
	put(root, "sys/fs/cgroup/user/cpu.max", quota);
	put(root, "sys/fs/cgroup/cpu.max", "700000 100000");
	assert_int_equal(cores_useful_at(root, cpus, 8), threads);
	drop_root(root);
}

static void test_quota_v2(void **state)
{
	expect_quota_v2("max 100000", 7);
	expect_quota_v2("400000 100000", 4);
	expect_quota_v2("250000 100000", 3); /* to the nearest whole */
	expect_quota_v2("240000 100000", 2);
	expect_quota_v2("10000 100000", 1);
	expect_quota_v2("25000 10000", 3);
	expect_quota_v2("nonsense", 7);
}

static void expect_quota_v1(const char *line, const char *group, const char *quota, int threads)
{
	char path[256];
	char *root = make_root();
	put(root, "proc/self/cgroup", line);
	snprintf(path, sizeof(path), "sys/fs/cgroup/%s/cpu.cfs_quota_us", group);
	put(root, path, quota);
	snprintf(path, sizeof(path), "sys/fs/cgroup/%s/cpu.cfs_period_us", group);
	put(root, path, "100000");
	assert_int_equal(cores_useful_at(root, cpus, 8), threads);
	drop_root(root);
}

static void test_quota_v1(void **state)
{
	expect_quota_v1("4:cpu,cpuacct:/docker/abc\\n0::/other", "cpu,cpuacct/docker/abc", "300000", 3);
	expect_quota_v1("4:cpu:/docker/abc", "cpu/docker", "300000", 3);
	expect_quota_v1("4:cpu:/docker/abc", "cpu", "300000", 3); /* in a container that group is the root */
	expect_quota_v1("4:cpu:/docker/abc", "cpu", "-1", 8);
	expect_quota_v1("4:cpuset:/docker/abc", "cpu/docker", "300000", 8);
}

static void test_this_machine(void **state)
{
	assert_in_range(cores_useful(), 1, sysconf(_SC_NPROCESSORS_ONLN));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_known), cmocka_unit_test(test_siblings),
		cmocka_unit_test(test_slow_cores),    cmocka_unit_test(test_quota_v2),
		cmocka_unit_test(test_quota_v1),      cmocka_unit_test(test_this_machine),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
