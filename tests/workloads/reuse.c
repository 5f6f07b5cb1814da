/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * reuse.c - the same number for two processes, and for two threads of one process.
 *
 * reuse pid [--now]: forks a child that runs a thread of reuse_first, reaps it, then forks one
 * with the same PID (clone3 with set_tid) that runs reuse_second.
 * reuse tid [--now]: creates a thread of reuse_first, joins it, sets ns_last_pid just below its
 * number and creates one of reuse_second, until both had one TID. Threads that missed it are
 * of reuse_second too and are told like the rest.
 * Both need CAP_SYS_ADMIN (or CAP_CHECKPOINT_RESTORE); without, {"skip":WHY} comes instead of
 * the totals.
 */
#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/wait.h>

#include "truth.h"

#define TRIES_MAX 2000

static void *reuse_first(void *tid)
{
	truth_thread("reuse_first");
	*(int *)tid = truth_tid();
	return NULL;
}

static void *reuse_second(void *tid)
{
	truth_thread("reuse_second");
	*(int *)tid = truth_tid();
	return NULL;
}

static int skip(const char *why)
{
	truth_line("{\"skip\":\"%s\"}", why);
	return 0;
}

static void run_child(void *(*routine)(void *))
{
	int tid;

	truth_thread("main");
	truth_join(truth_create(routine, &tid));
	_exit(0);
}

static void reap(pid_t child)
{
	int status;

	if (waitpid(child, &status, 0) != child || status)
		truth_die("reuse: a child failed");
}

/* fork with a given PID. */
static pid_t fork_with_pid(pid_t pid)
{
	struct clone_args args = {
		.exit_signal = SIGCHLD,
		.set_tid = (__u64)(unsigned long)&pid,
		.set_tid_size = 1,
	};

	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

static int mode_pid(void)
{
	pid_t first, second = -1;

	truth_thread("main");
	first = fork();
	if (first < 0)
		truth_die("fork: %s", strerror(errno));
	if (first == 0)
		run_child(reuse_first);
	reap(first);
	for (int i = 0; second < 0 && i < TRIES_MAX; i++) {
		second = fork_with_pid(first);
		if (second < 0 && errno != EEXIST)
			return skip("clone3 refuses set_tid");
	}
	if (second < 0)
		return skip("the number was taken by others");
	if (second == 0)
		run_child(reuse_second);
	reap(second);
	truth_line("{\"totals\":{\"main\":3,\"reuse_first\":1,\"reuse_second\":1},"
		   "\"failed\":0,\"reused\":%d}",
		(int)first);
	return 0;
}

static bool set_last_pid(int last)
{
	FILE *file = fopen("/proc/sys/kernel/ns_last_pid", "w");

	if (!file)
		return false;
	fprintf(file, "%d", last);
	return fclose(file) == 0;
}

static int mode_tid(void)
{
	int first = 0, second = 0, tries = 0;

	truth_thread("main");
	truth_join(truth_create(reuse_first, &first));
	while (second != first && tries < TRIES_MAX) {
		if (!set_last_pid(first - 1))
			return skip("ns_last_pid cannot be written");
		truth_join(truth_create(reuse_second, &second));
		tries++;
	}
	if (second != first)
		return skip("the number was taken by others");
	truth_line("{\"totals\":{\"main\":1,\"reuse_first\":1,\"reuse_second\":%d},"
		   "\"failed\":0,\"reused\":%d}",
		tries, first);
	return 0;
}

int main(int argc, char **argv)
{
	bool pid = argc > 1 && strcmp(argv[1], "pid") == 0;

	if (!pid && (argc < 2 || strcmp(argv[1], "tid") != 0))
		truth_die("usage: reuse pid|tid [--now]");
	truth_ready(argc, argv);
	return pid ? mode_pid() : mode_tid();
}
