// SPDX-License-Identifier: GPL-2.0-only
/*
 * cycle.c - how long it takes to create a thread and to join it.
 *
 * cycle N: says "ready", awaits a line, does that N times one after the other, and says how
 * many nanoseconds one took on average.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000ll

static void *nothing(void *unused)
{
	return unused;
}

static long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

int main(int argc, char **argv)
{
	long count = argc > 1 ? atol(argv[1]) : 0;
	pthread_t thread;
	long long begin;
	char byte;

	if (count <= 0)
		return 1;
	puts("ready");
	fflush(stdout);
	if (read(STDIN_FILENO, &byte, 1) != 1)
		return 1;
	begin = now_ns();
	for (long i = 0; i < count; i++)
		if (pthread_create(&thread, NULL, nothing, NULL) || pthread_join(thread, NULL))
			return 1;
	printf("%lld\n", (now_ns() - begin) / count);
	return 0;
}
