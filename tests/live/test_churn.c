/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_churn.c - many short lives: exact sums, and no number mixed up with its next bearer.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "stream.h"
#include "tests.h"

#define CHURN_LIMIT_S 180
#define ROUTINE_BYTES 64

/* ---- the log of who had which number when ---- */

static int by_tid_and_start(const void *a, const void *b)
{
	const struct life *one = *(const struct life *const *)a;
	const struct life *other = *(const struct life *const *)b;

	if (one->tid != other->tid)
		return one->tid < other->tid ? -1 : 1;
	return (one->start_ns > other->start_ns) - (one->start_ns < other->start_ns);
}

static const struct life **sorted(const struct stream_log *log)
{
	const struct life **lives = calloc(log->count + 1, sizeof(*lives));

	if (!lives)
		abort();
	for (size_t i = 0; i < log->count; i++)
		lives[i] = &log->lives[i];
	qsort(lives, log->count, sizeof(*lives), by_tid_and_start);
	return lives;
}

/* The last life of this number that began before this moment. */
static const struct life *life_at(
	const struct life **lives, size_t count, int64_t tid, int64_t moment)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct life *life = lives[middle];

		if (life->tid < tid || (life->tid == tid && life->start_ns <= moment))
			low = middle + 1;
		else
			high = middle;
	}
	return low && lives[low - 1]->tid == tid ? lives[low - 1] : NULL;
}

/* Each worker wrote its number, its routine and a moment of its life. */
static void require_bearers(struct world *world, const struct run *run, const char *log_path)
{
	const struct life **lives = sorted(&run->log);
	char *all = file_text(log_path), routine[ROUTINE_BYTES], *save = NULL;
	size_t checked = 0, lost = 0;

	REQUIRE(world, all, "no %s", log_path);
	for (char *line = strtok_r(all, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		const struct life *life;
		long long tid, moment;

		REQUIRE(world, sscanf(line, "%lld %63s %lld", &tid, routine, &moment) == 3,
			"a broken line: %s", line);
		life = life_at(lives, run->log.count, tid, moment);
		/* Both of its events were dropped; what is there was borne by the number before. */
		if (!life || (life->finished ? life->finish_ns < moment
					     : strcmp(life->routine, routine) != 0)) {
			lost++;
			continue;
		}
		REQUIRE(world, strcmp(life->routine, routine) == 0,
			"tid %lld was %s, the stream says %s", tid, routine, life->routine);
		checked++;
	}
	REQUIRE(world, checked && lost <= (size_t)run->log.started_dropped,
		"%zu lives are not in the stream, %lld were dropped", lost,
		(long long)run->log.started_dropped);
	free(lives);
	free(all);
}

static void churn(struct world *world, const char *creators, const char *const *options)
{
	char *log = scratch(world, "log");
	char *count = text("%ld", scaled(world, 100000, 5000));
	struct run run = run_attached(world, options,
		ARGV(workload(world, "churn"), "-n", count, "-c", creators, "--routines", "3",
			"--fail", "50", "--log", log));

	REQUIRE(world, run.work_status == 0, "the workload exited with %d", run.work_status);
	REQUIRE(world, run.truth.failed == 50, "%lld creates failed", (long long)run.truth.failed);
	require_counts(world, &run, 1);
	require_bearers(world, &run, log);
}

static void churn_one_creator(struct world *world)
{
	churn(world, "1", NULL);
}

static void churn_four_creators(struct world *world)
{
	churn(world, "4", NULL);
}

static void churn_without_uprobes(struct world *world)
{
	churn(world, "4", ARGV("--no-uprobes"));
}

/* A ring of one page overflows: the sums hold all the same. */
static void churn_with_a_tiny_ring(struct world *world)
{
	char *log = scratch(world, "log");
	char *count = text("%ld", scaled(world, 50000, 4000));
	struct run run = run_attached(world, ARGV("--ring-bytes", "4096"),
		ARGV(workload(world, "churn"), "-n", count, "-c", "4", "--routines", "3", "--log",
			log));

	REQUIRE(world, run.log.started_dropped && run.log.finished_dropped,
		"nothing was dropped: the test proves nothing");
	REQUIRE(world,
		json_number(run.log.summary, "dropped") >=
			run.log.started_dropped + run.log.finished_dropped,
		"the summary hides drops");
	require_counts(world, &run, 1);
	require_bearers(world, &run, log);
}

/* The probe on pthread_create and the new thread's control block agree each time: the counter
 * that would tell otherwise is not among the drops. */
static void agree(struct world *world, const char *name)
{
	char *count = text("%ld", scaled(world, 100000, 5000));
	struct run run = run_attached(world, NULL,
		ARGV(workload(world, name), "-n", count, "-c", "2", "--routines", "3"));
	json_t *drops = json_object_get(run.log.summary, "drops");

	REQUIRE(world, run.work_status == 0, "the workload exited with %d", run.work_status);
	REQUIRE(world, json_number(drops, "start_disagrees") == 0, "%lld creates disagree",
		(long long)json_number(drops, "start_disagrees"));
	require_counts(world, &run, 1);
}

static void churn_agrees(struct world *world)
{
	agree(world, "churn");
}

static void churn_agrees_static(struct world *world)
{
	agree(world, "churn_static");
}

/* And the counter tells: control blocks are made to say something else. */
static void disagree(struct world *world, const char *name)
{
	struct proc *work = proc_start(world, ARGV(workload(world, name), "-n", "10")), *tw;
	json_t *ready = proc_json_with(world, work, CHANNEL_OUT, "ready"), *event, *drops;

	tw = tw_start(world,
		ARGV("-o", "json", "-p", text("%lld", (long long)json_number(ready, "pid"))), NULL);
	stream_ready(world, tw);
	proc_send(world, work, "go\n");
	truth_read(world, work);
	REQUIRE(world, proc_wait(world, work) == 0, "the workload failed");
	event = stream_event(world, tw, "started", "routine", "forged_told");
	REQUIRE(world, strcmp(json_text(event, "source"), "symbol") == 0, "not by its symbol: %s",
		json_dumps(event, 0));
	event = stream_event(world, tw, "summary", "type", "summary");
	drops = json_object_get(event, "drops");
	REQUIRE(world, json_number(drops, "start_disagrees") == 10, "%lld creates of 10 disagree",
		(long long)json_number(drops, "start_disagrees"));
	REQUIRE(world, stream_stop(world, tw) == 0, "failed: %s", proc_text(tw, CHANNEL_ERR));
}

static void churn_disagrees(struct world *world)
{
	disagree(world, "forged");
}

static void churn_disagrees_static(struct world *world)
{
	disagree(world, "forged_static");
}

/* Where in the program each thread was created. */
static void churn_call_sites(struct world *world)
{
	struct run run =
		run_attached(world, NULL, ARGV(workload(world, "churn"), "-n", "20", "-c", "1"));

	require_counts(world, &run, 1);
	for (size_t i = 0; i < run.log.count; i++) {
		const struct life *life = &run.log.lives[i], *creator = NULL;

		if (strcmp(life->routine, "churn_worker"))
			continue;
		REQUIRE(world, strncmp(life->call_site, "churn_creator+0x", 16) == 0,
			"call site %s", life->call_site);
		for (size_t c = 0; c < run.log.count; c++)
			if (run.log.lives[c].tid == life->creator_tid)
				creator = &run.log.lives[c];
		REQUIRE(world, creator && strcmp(creator->routine, "churn_creator") == 0,
			"created by %s", creator ? creator->routine : "nobody");
	}
}

static void churn_variant(struct world *world, const char *name, const char *const *options)
{
	struct run attached = run_attached(world, options,
		ARGV(workload(world, name), "-n", "200", "-c", "2", "--routines", "3"));
	struct run launched;

	require_counts(world, &attached, 1);
	launched = run_launched(world, options,
		ARGV(workload(world, name), "-n", "200", "-c", "2", "--routines", "3"));
	require_counts(world, &launched, 0);
}

static void churn_static(struct world *world)
{
	churn_variant(world, "churn_static", NULL);
}

static void churn_musl(struct world *world)
{
	churn_variant(world, "churn_musl", NULL);
}

static void churn_musl_static(struct world *world)
{
	churn_variant(world, "churn_musl_static", NULL);
}

static void churn_static_without_uprobes(struct world *world)
{
	churn_variant(world, "churn_static", ARGV("--no-uprobes"));
}

static void churn_musl_without_uprobes(struct world *world)
{
	churn_variant(world, "churn_musl", ARGV("--no-uprobes"));
}

const struct live_test churn_tests[] = {
	{"churn_one_creator", churn_one_creator, CHURN_LIMIT_S},
	{"churn_four_creators", churn_four_creators, CHURN_LIMIT_S},
	{"churn_without_uprobes", churn_without_uprobes, CHURN_LIMIT_S | ANYWHERE},
	{"churn_with_a_tiny_ring", churn_with_a_tiny_ring, CHURN_LIMIT_S},
	{"churn_agrees", churn_agrees, CHURN_LIMIT_S},
	{"churn_agrees_static", churn_agrees_static, CHURN_LIMIT_S | ANYWHERE},
	{"churn_disagrees", churn_disagrees, 0},
	{"churn_disagrees_static", churn_disagrees_static, ANYWHERE},
	{"churn_call_sites", churn_call_sites, 0},
	{"churn_static", churn_static, 0},
	{"churn_static_without_uprobes", churn_static_without_uprobes, ANYWHERE},
	{"churn_musl", churn_musl, ANYWHERE},
	{"churn_musl_static", churn_musl_static, 0},
	{"churn_musl_without_uprobes", churn_musl_without_uprobes, ANYWHERE},
	{0},
};
