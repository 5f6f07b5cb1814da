/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rename.c - threads that change their comm, themselves and each other.
 *
 * rename [--now]. For each change a line {"renamed":NEW,"tid":N}, in the order in which the
 * thread with that number had its names.
 */
#include <errno.h>
#include <sys/prctl.h>

#include "truth.h"

static void renamed(int tid, const char *name)
{
	truth_line("{\"renamed\":\"%s\",\"tid\":%d}", name, tid);
}

static void *rename_self(void *unused)
{
	truth_thread("rename_self");
	if (prctl(PR_SET_NAME, "self-first"))
		truth_die("prctl: %s", strerror(errno));
	renamed(truth_tid(), "self-first");
	if (pthread_setname_np(pthread_self(), "self-second"))
		truth_die("pthread_setname_np");
	renamed(truth_tid(), "self-second");
	return unused;
}

struct renamed_thread {
	pthread_barrier_t barrier;
	int tid;
};

static void *rename_other(void *argument)
{
	struct renamed_thread *own = argument;

	truth_thread("rename_other");
	own->tid = truth_tid();
	pthread_barrier_wait(&own->barrier);
	pthread_barrier_wait(&own->barrier);
	return NULL;
}

int main(int argc, char **argv)
{
	struct renamed_thread other;
	pthread_t thread;

	if (pthread_barrier_init(&other.barrier, NULL, 2))
		truth_die("pthread_barrier_init");
	truth_ready(argc, argv);
	truth_thread("main");
	truth_join(truth_create(rename_self, NULL));
	thread = truth_create(rename_other, &other);
	pthread_barrier_wait(&other.barrier);
	if (pthread_setname_np(thread, "15-characters.."))
		truth_die("pthread_setname_np");
	renamed(other.tid, "15-characters..");
	pthread_barrier_wait(&other.barrier);
	truth_join(thread);
	if (prctl(PR_SET_NAME, "main-renamed"))
		truth_die("prctl: %s", strerror(errno));
	renamed(truth_tid(), "main-renamed");
	truth_line("{\"totals\":{\"main\":1,\"rename_self\":1,\"rename_other\":1},\"failed\":0}");
	return 0;
}
