/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cell.c - runs a program in a chroot, each time in a mount and a PID namespace of its own.
 *
 * cell [--times N] [--at-once N] [--depth N] [--now] ROOT PROGRAM. PROGRAM is a path within
 * ROOT; --depth: PID namespaces within each other. {"totals":...} tells how many processes of
 * its own it had (all of them "main") and how many programs ran. Refuses to go on when one
 * fails.
 */
#include <errno.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "truth.h"

static void await(pid_t child)
{
	int status;

	if (waitpid(child, &status, 0) != child || status)
		_exit(TRUTH_EXIT_BROKEN);
}

static _Noreturn void enter(const char *root, const char *program)
{
	if (chroot(root) || chdir("/"))
		truth_die("chroot %s: %s", root, strerror(errno));
	execl(program, program, (char *)NULL);
	truth_die("%s in %s: %s", program, root, strerror(errno));
	_exit(TRUTH_EXIT_BROKEN);
}

/* Process 1 of each namespace waits for the one within. */
static _Noreturn void descend(long depth, const char *root, const char *program)
{
	while (depth--) {
		pid_t child;

		if (unshare(CLONE_NEWPID))
			truth_die("unshare: %s", strerror(errno));
		child = fork();
		if (child < 0)
			truth_die("fork: %s", strerror(errno));
		if (child) {
			await(child);
			_exit(0);
		}
	}
	enter(root, program);
}

static void start(long depth, const char *root, const char *program)
{
	pid_t child = fork();

	if (child < 0)
		truth_die("fork: %s", strerror(errno));
	if (child)
		return;
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		truth_die("a mount namespace: %s", strerror(errno));
	descend(depth, root, program);
}

static void finish_one(void)
{
	int status;

	if (wait(&status) < 0 || status)
		truth_die("a program failed: %d", status);
}

int main(int argc, char **argv)
{
	long times = truth_number(argc, argv, "--times", 1);
	long at_once = truth_number(argc, argv, "--at-once", 1);
	long depth = truth_number(argc, argv, "--depth", 1);

	truth_ready(argc, argv);
	for (long i = 0; i < times; i++) {
		if (i >= at_once)
			finish_one();
		start(depth, argv[argc - 2], argv[argc - 1]);
	}
	for (long i = 0; i < times && i < at_once; i++)
		finish_one();
	truth_line("{\"totals\":{\"main\":%ld},\"failed\":0,\"programs\":%ld}",
		1 + times * (depth + 1), times);
	return 0;
}
