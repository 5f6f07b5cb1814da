/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * churn.c - creates and joins short-lived threads as fast as it can.
 *
 * churn [-n THREADS | --endless] [-c CREATORS] [--routines 1..3] [--fail N] [--log FILE]
 *       [--hold] [--now]
 * THREADS in all, shared among CREATORS threads of routine churn_creator; the workers are of
 * churn_worker, churn_second, churn_third in turn. --fail: that many creates that fail on top
 * of it, spread among the others. --log: a line "TID ROUTINE BOOT_NS" for each worker, at a
 * moment within its life, so that a reused TID can be told apart. --hold: awaits a line after
 * the totals. --endless: creates until a line comes (no --log).
 */
#include <errno.h>
#include <stdatomic.h>
#include <time.h>

#include "truth.h"

#define ROUTINES     3
#define CREATORS_MAX 64
#define NS_PER_S     1000000000ull

static const char *const routine_names[ROUTINES] = {"churn_worker", "churn_second", "churn_third"};

struct life {
	unsigned long long boot_ns;
	int tid;
	unsigned routine;
};

struct creator {
	struct life *lives; /* NULL without --log */
	long count, fail;
	unsigned routines;
	unsigned long created[ROUTINES];
	unsigned long failed;
	atomic_bool *enough; /* NULL: not endless */
	pthread_t thread;
};

static void live(void *life, unsigned routine)
{
	struct life *own = life;
	struct timespec now;

	if (!own)
		return;
	clock_gettime(CLOCK_BOOTTIME, &now);
	own->boot_ns = (unsigned long long)now.tv_sec * NS_PER_S + (unsigned long long)now.tv_nsec;
	own->tid = truth_tid();
	own->routine = routine;
}

static void *churn_worker(void *life)
{
	live(life, 0);
	return NULL;
}

static void *churn_second(void *life)
{
	live(life, 1);
	return NULL;
}

static void *churn_third(void *life)
{
	live(life, 2);
	return NULL;
}

static void *churn_creator(void *argument)
{
	static void *(*const routines[ROUTINES])(void *) = {
		churn_worker, churn_second, churn_third};
	struct creator *creator = argument;
	long fail_every = creator->fail ? creator->count / creator->fail : 0;

	for (long i = 0; creator->enough ? !atomic_load(creator->enough) : i < creator->count;
		i++) {
		unsigned which = (unsigned)i % creator->routines;
		struct life *life = creator->lives ? &creator->lives[i] : NULL;
		pthread_t thread;

		if (fail_every && i % fail_every == 0 && (long)creator->failed < creator->fail) {
			truth_failing_create(churn_third);
			creator->failed++;
		}
		if (pthread_create(&thread, NULL, routines[which], life)) {
			creator->failed++;
			continue;
		}
		creator->created[which]++;
		truth_join(thread);
	}
	return NULL;
}

static void write_log(const char *path, const struct creator *creators, long count)
{
	FILE *log = fopen(path, "w");

	if (!log)
		truth_die("%s: %s", path, strerror(errno));
	for (long c = 0; c < count; c++)
		for (long i = 0; i < creators[c].count; i++) {
			const struct life *life = &creators[c].lives[i];

			if (life->tid)
				fprintf(log, "%d %s %llu\n", life->tid,
					routine_names[life->routine], life->boot_ns);
		}
	if (fclose(log))
		truth_die("%s: %s", path, strerror(errno));
}

static void print_totals(const struct creator *creators, long count)
{
	unsigned long created[ROUTINES] = {0}, failed = 0;

	for (long c = 0; c < count; c++) {
		failed += creators[c].failed;
		for (int r = 0; r < ROUTINES; r++)
			created[r] += creators[c].created[r];
	}
	truth_line(
		"{\"totals\":{\"main\":1,\"churn_creator\":%ld,\"%s\":%lu,\"%s\":%lu,\"%s\":%lu},"
		"\"failed\":%lu}",
		count, routine_names[0], created[0], routine_names[1], created[1], routine_names[2],
		created[2], failed);
}

int main(int argc, char **argv)
{
	long threads = truth_number(argc, argv, "-n", 1000);
	long count = truth_number(argc, argv, "-c", 1);
	long routines = truth_number(argc, argv, "--routines", 1);
	long fail = truth_number(argc, argv, "--fail", 0);
	const char *log = truth_text(argc, argv, "--log");
	bool endless = truth_flag(argc, argv, "--endless");
	atomic_bool enough = false;
	struct creator *creators;

	if (count < 1 || count > CREATORS_MAX || threads < count || routines < 1 ||
		routines > ROUTINES)
		truth_die("churn: bad numbers");
	creators = calloc((size_t)count, sizeof(*creators));
	if (!creators)
		truth_die("churn: no memory");
	for (long c = 0; c < count; c++) {
		creators[c].count = threads / count + (c < threads % count);
		creators[c].fail = fail / count + (c < fail % count);
		creators[c].routines = (unsigned)routines;
		creators[c].enough = endless ? &enough : NULL;
		if (log)
			creators[c].lives = calloc((size_t)creators[c].count, sizeof(struct life));
		if (log && !creators[c].lives)
			truth_die("churn: no memory");
	}
	truth_ready(argc, argv);
	for (long c = 0; c < count; c++)
		creators[c].thread = truth_create(churn_creator, &creators[c]);
	if (endless) {
		truth_wait_line();
		atomic_store(&enough, true);
	}
	for (long c = 0; c < count; c++)
		truth_join(creators[c].thread);
	if (log)
		write_log(log, creators, count);
	print_totals(creators, count);
	if (truth_flag(argc, argv, "--hold"))
		truth_wait_line();
	for (long c = 0; c < count; c++)
		free(creators[c].lives);
	free(creators);
	return 0;
}
