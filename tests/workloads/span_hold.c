/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * span_hold.c - threads that stand still inside of open spans.
 *
 * span_hold [--timebox MS] [--now]. Five threads of hold_worker: three in "inner" within "outer",
 * with data, two in "outer" alone; "outer" has a timebox of an hour, or of MS. Then
 * {"settled":true}; after a line on stdin all spans end.
 */
#include "include/threadwatch.h"
#include "truth.h"

#define NESTED	 3
#define FLAT	 2
#define HOUR_MS	 3600000
#define ID_FIRST 100

struct hold {
	pthread_barrier_t barrier;
	int id;
	long timebox_ms;
};

static void *hold_worker(void *argument)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct hold *hold = argument;
	int id;

	pthread_mutex_lock(&lock);
	id = hold->id++;
	pthread_mutex_unlock(&lock);
	truth_thread("hold_worker");
	TW_ROUTINE("outer", TW_TIMEBOX_MS(hold->timebox_ms));
	if (id < ID_FIRST + NESTED) {
		TW_BEGIN("inner");
		TW_DATA("id", id);
		TW_DATA("kind", "nested");
	}
	pthread_barrier_wait(&hold->barrier);
	pthread_barrier_wait(&hold->barrier);
	if (id < ID_FIRST + NESTED)
		TW_END();
	return NULL;
}

int main(int argc, char **argv)
{
	struct hold hold = {
		.id = ID_FIRST, .timebox_ms = truth_number(argc, argv, "--timebox", HOUR_MS)};
	pthread_t threads[NESTED + FLAT];

	if (pthread_barrier_init(&hold.barrier, NULL, NESTED + FLAT + 1))
		truth_die("pthread_barrier_init");
	truth_ready(argc, argv);
	for (int i = 0; i < NESTED + FLAT; i++)
		threads[i] = truth_create(hold_worker, &hold);
	pthread_barrier_wait(&hold.barrier);
	truth_line("{\"settled\":true,\"threads\":%d}", 1 + NESTED + FLAT);
	truth_wait_line();
	pthread_barrier_wait(&hold.barrier);
	for (int i = 0; i < NESTED + FLAT; i++)
		truth_join(threads[i]);
	truth_line("{\"totals\":{\"main\":1,\"hold_worker\":%d},\"failed\":0}", NESTED + FLAT);
	return 0;
}
