/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * golden_library.c - golden_library.h; becomes libgolden.so.
 */
#include <semaphore.h>

#include "golden_library.h"
#include "truth.h"

static sem_t library_running;

static void *library_worker(void *unused)
{
	sem_post(&library_running);
	for (;;)
		pause();
	return unused;
}

void library_start(void)
{
	pthread_t thread;

	if (sem_init(&library_running, 0, 0) || pthread_create(&thread, NULL, library_worker, NULL))
		truth_die("the library cannot start its thread");
	while (sem_wait(&library_running))
		;
}
