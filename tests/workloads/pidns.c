/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pidns.c - a process with threads in a PID namespace of its own.
 *
 * pidns [--hold] [--now]. The child is process 1 of the new namespace; the pid and tid that it
 * prints are the namespace's. First {"child":N}, its number out here. --hold: once its two
 * threads wait, {"settled":true} and a line is awaited. Refuses to run without the right to
 * make a namespace.
 */
#include <errno.h>
#include <sched.h>
#include <sys/wait.h>

#include "truth.h"

#define INSIDERS 2

static void *insider(void *barrier)
{
	truth_thread("insider");
	pthread_barrier_wait(barrier);
	pthread_barrier_wait(barrier);
	return NULL;
}

static int inside(int outside_knows, bool hold)
{
	pthread_barrier_t barrier;
	pthread_t threads[INSIDERS];
	char byte;

	if (read(outside_knows, &byte, 1) != 1)
		truth_die("pidns: the parent is gone");
	if (pthread_barrier_init(&barrier, NULL, INSIDERS + 1))
		truth_die("pthread_barrier_init");
	truth_thread("main");
	for (int i = 0; i < INSIDERS; i++)
		threads[i] = truth_create(insider, &barrier);
	pthread_barrier_wait(&barrier);
	if (hold) {
		truth_line("{\"settled\":true,\"threads\":%d}", 1 + INSIDERS);
		truth_wait_line();
	}
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < INSIDERS; i++)
		truth_join(threads[i]);
	return 0;
}

int main(int argc, char **argv)
{
	int told[2], status;
	pid_t child;

	truth_ready(argc, argv);
	truth_thread("main");
	if (pipe(told) || unshare(CLONE_NEWPID))
		truth_die("pidns: %s", strerror(errno));
	child = fork();
	if (child < 0)
		truth_die("fork: %s", strerror(errno));
	if (child == 0)
		_exit(inside(told[0], truth_flag(argc, argv, "--hold")));
	truth_line("{\"child\":%d}", (int)child);
	if (write(told[1], "x", 1) != 1 || waitpid(child, &status, 0) != child || status)
		truth_die("pidns: the child failed");
	truth_line("{\"totals\":{\"main\":2,\"insider\":%d},\"failed\":0}", INSIDERS);
	return 0;
}
