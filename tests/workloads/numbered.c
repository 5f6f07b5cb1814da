/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * numbered.c - threads and spans whose names end in the number of the instance, beside
 * functions whose names do.
 *
 * numbered [--now] [--hold]. WORKERS threads are spawned as worker-N, call themselves pool-N and
 * are in a span order-N; worker2 and worker3 are functions, whose threads call themselves job2 and
 * job3. All are there at {"settled":true}; with --hold a line is awaited before they end.
 */
#include "include/threadwatch.h"
#include "truth.h"

#define WORKERS	   6
#define NAME_BYTES 16
#define FUNCTIONS  2

static pthread_barrier_t settled, over;

static void call_self(const char *what, int number)
{
	char name[NAME_BYTES];

	snprintf(name, sizeof(name), "%s%d", what, number);
	if (pthread_setname_np(pthread_self(), name))
		truth_die("pthread_setname_np");
}

static void stand(void)
{
	pthread_barrier_wait(&settled);
	pthread_barrier_wait(&over);
}

static void *numbered(void *number)
{
	char name[NAME_BYTES];

	call_self("pool-", *(int *)number);
	snprintf(name, sizeof(name), "order-%d", *(int *)number);
	TW_BEGIN(name);
	stand();
	TW_END();
	return NULL;
}

static void *worker2(void *unused)
{
	call_self("job", 2);
	stand();
	return unused;
}

static void *worker3(void *unused)
{
	call_self("job", 3);
	stand();
	return unused;
}

int main(int argc, char **argv)
{
	pthread_t threads[WORKERS + FUNCTIONS];
	int numbers[WORKERS];
	char name[NAME_BYTES];

	if (pthread_barrier_init(&settled, NULL, WORKERS + FUNCTIONS + 1) ||
		pthread_barrier_init(&over, NULL, WORKERS + FUNCTIONS + 1))
		truth_die("pthread_barrier_init");
	truth_ready(argc, argv);
	for (int i = 0; i < WORKERS; i++) {
		numbers[i] = i + 1;
		snprintf(name, sizeof(name), "worker-%d", numbers[i]);
		TW_SPAWN(name);
		threads[i] = truth_create(numbered, &numbers[i]);
	}
	threads[WORKERS] = truth_create(worker2, NULL);
	threads[WORKERS + 1] = truth_create(worker3, NULL);
	pthread_barrier_wait(&settled);
	truth_line("{\"settled\":true}");
	if (truth_flag(argc, argv, "--hold"))
		truth_wait_line();
	pthread_barrier_wait(&over);
	for (int i = 0; i < WORKERS + FUNCTIONS; i++)
		truth_join(threads[i]);
	truth_line("{\"totals\":{\"main\":1,\"worker-*\":%d,\"worker2\":1,\"worker3\":1},"
		   "\"failed\":0}",
		WORKERS);
	return 0;
}
