/* cores.h: how many threads this process may well use.
 *
 * One for each physical core in the affinity mask; not for the efficiency cores of
 * a processor that has faster ones as well; no more than the control groups' CPU
 * quota, to the nearest whole. Decoding is bound by memory, and a handful of fast
 * cores saturates it. Elsewhere than on Linux: the (performance) cores there are. */
#ifndef CORES_H
#define CORES_H

int cores_useful(void); /* >= 1 */

/* The same for a machine described under root ("" is this one): root/sys/devices…, root/sys/fs/cgroup…,
 * root/proc/self/cgroup. cpus [count]: the logical CPUs that may be used. For tests. */
int cores_useful_at(const char *root, const int *cpus, int count);

#endif
