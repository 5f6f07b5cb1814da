/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * passer.c - a library that starts threads as CPython does since 3.13: by a function of its own
 * behind the exported one. Only looked at, never run.
 */
#include <pthread.h>
#include <stdlib.h>

struct start {
	void (*function)(void *);
	void *argument;
};

static void *pythread_wrapper(void *argument)
{
	struct start start = *(struct start *)argument;

	free(argument);
	start.function(start.argument);
	return NULL;
}

static __attribute__((noinline)) int hand_on(struct start *start, pthread_t *thread)
{
	return pthread_create(thread, NULL, pythread_wrapper, start);
}

unsigned long PyThread_start_new_thread(void (*function)(void *), void *argument);

unsigned long PyThread_start_new_thread(void (*function)(void *), void *argument)
{
	struct start *start = malloc(sizeof(*start));
	pthread_t thread;

	if (!start)
		return 0;
	*start = (struct start){function, argument};
	if (hand_on(start, &thread))
		return 0;
	pthread_detach(thread);
	return thread;
}
