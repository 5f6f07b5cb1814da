/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pool.c - named routines that stand still, each in its own kind of waiting.
 *
 * pool [-n COPIES] [--no-spin] [--now]
 * COPIES (default 2) threads of each waiting routine and one that runs (left out by
 * --no-spin). Once all of them wait: {"settled":true,"threads":N,"routines":{...}}; after
 * one more line on stdin everything ends. Built dynamic, static, stripped and for musl.
 */
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include "truth.h"

#define COPIES_MAX	16
#define SETTLE_LIMIT_MS 20000

enum { KIND_COND, KIND_READ, KIND_POLL, KIND_SLEEP, KIND_MUTEX, KINDS };

struct pool {
	pthread_mutex_t held; /* locked by main while the pool stands */
	pthread_mutex_t lock; /* guards `over` */
	pthread_cond_t changed;
	bool over;
	int quiet[2];	      /* a pipe that nobody writes to; its closing ends readers */
	atomic_bool spinning; /* cleared to end the runner */
	atomic_int entered;
};

static void enter(struct pool *pool, const char *routine)
{
	truth_thread(routine);
	atomic_fetch_add(&pool->entered, 1);
}

static void *pool_cond(void *argument)
{
	struct pool *pool = argument;

	enter(pool, "pool_cond");
	pthread_mutex_lock(&pool->lock);
	while (!pool->over)
		pthread_cond_wait(&pool->changed, &pool->lock);
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

static void *pool_read(void *argument)
{
	struct pool *pool = argument;
	char byte;

	enter(pool, "pool_read");
	while (read(pool->quiet[0], &byte, 1) > 0)
		;
	return NULL;
}

static void *pool_poll(void *argument)
{
	struct pool *pool = argument;
	struct pollfd quiet = {.fd = pool->quiet[0], .events = POLLIN};

	enter(pool, "pool_poll");
	poll(&quiet, 1, -1);
	return NULL;
}

static void *pool_sleep(void *argument)
{
	struct pool *pool = argument;
	const struct timespec long_time = {.tv_sec = 3600};

	enter(pool, "pool_sleep");
	nanosleep(&long_time, NULL); /* ended by SIGUSR2 */
	return NULL;
}

static void *pool_mutex(void *argument)
{
	struct pool *pool = argument;

	enter(pool, "pool_mutex");
	pthread_mutex_lock(&pool->held);
	pthread_mutex_unlock(&pool->held);
	return NULL;
}

static void *pool_spin(void *argument)
{
	struct pool *pool = argument;

	enter(pool, "pool_spin");
	while (atomic_load(&pool->spinning))
		;
	return NULL;
}

static void on_wake(int number)
{
	(void)number;
}

/* 'S' when the task sleeps, as in /proc/self/task/TID/stat. */
static bool sleeps(long tid)
{
	char path[64], line[256];
	FILE *stat;
	bool result;

	snprintf(path, sizeof(path), "/proc/self/task/%ld/stat", tid);
	stat = fopen(path, "r");
	if (!stat)
		return false;
	result = fgets(line, sizeof(line), stat) && strstr(line, ") S ");
	fclose(stat);
	return result;
}

static int sleeping_tasks(void)
{
	DIR *tasks = opendir("/proc/self/task");
	int count = 0;

	if (!tasks)
		truth_die("/proc/self/task cannot be read");
	for (struct dirent *entry; (entry = readdir(tasks));)
		count += entry->d_name[0] != '.' && sleeps(strtol(entry->d_name, NULL, 10));
	closedir(tasks);
	return count;
}

static void settle(struct pool *pool, int waiting, int running)
{
	const struct timespec pause = {.tv_nsec = 1000000};

	for (int ms = 0; ms < SETTLE_LIMIT_MS; ms++) {
		if (atomic_load(&pool->entered) == waiting + running && sleeping_tasks() >= waiting)
			return;
		nanosleep(&pause, NULL);
	}
	truth_die("pool: did not settle");
}

/* Ends every wait. threads[i] is of kind i / copies. */
static void release(struct pool *pool, const pthread_t *threads, int copies)
{
	pthread_mutex_unlock(&pool->held);
	pthread_mutex_lock(&pool->lock);
	pool->over = true;
	pthread_cond_broadcast(&pool->changed);
	pthread_mutex_unlock(&pool->lock);
	close(pool->quiet[1]);
	atomic_store(&pool->spinning, false);
	for (int i = 0; i < copies; i++)
		pthread_kill(threads[KIND_SLEEP * copies + i], SIGUSR2);
}

int main(int argc, char **argv)
{
	static void *(*const routines[KINDS])(void *) = {[KIND_COND] = pool_cond,
		[KIND_READ] = pool_read,
		[KIND_POLL] = pool_poll,
		[KIND_SLEEP] = pool_sleep,
		[KIND_MUTEX] = pool_mutex};
	struct pool pool = {.held = PTHREAD_MUTEX_INITIALIZER,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER,
		.spinning = true};
	int copies = (int)truth_number(argc, argv, "-n", 2);
	int spinners = truth_flag(argc, argv, "--no-spin") ? 0 : 1;
	struct sigaction wake = {.sa_handler = on_wake};
	pthread_t threads[KINDS * COPIES_MAX], spinner;

	if (copies < 1 || copies > COPIES_MAX || pipe(pool.quiet) ||
		sigaction(SIGUSR2, &wake, NULL) || pthread_mutex_lock(&pool.held))
		truth_die("pool: cannot start");
	truth_ready(argc, argv);
	for (int i = 0; i < KINDS * copies; i++)
		threads[i] = truth_create(routines[i / copies], &pool);
	if (spinners)
		spinner = truth_create(pool_spin, &pool);
	settle(&pool, KINDS * copies, spinners);
	truth_line("{\"settled\":true,\"threads\":%d,\"routines\":{\"main\":1,\"pool_cond\":%d,"
		   "\"pool_read\":%d,\"pool_poll\":%d,\"pool_sleep\":%d,\"pool_mutex\":%d,"
		   "\"pool_spin\":%d}}",
		1 + KINDS * copies + spinners, copies, copies, copies, copies, copies, spinners);
	truth_wait_line();
	release(&pool, threads, copies);
	for (int i = 0; i < KINDS * copies; i++)
		truth_join(threads[i]);
	if (spinners)
		truth_join(spinner);
	truth_line("{\"totals\":{\"main\":1,\"pool_cond\":%d,\"pool_read\":%d,\"pool_poll\":%d,"
		   "\"pool_sleep\":%d,\"pool_mutex\":%d,\"pool_spin\":%d},\"failed\":0}",
		copies, copies, copies, copies, copies, spinners);
	return 0;
}
