/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_fold.c - numbered names are one routine where that is asked for, and functions are not.
 */
#include <signal.h>
#include <string.h>

#include "stream.h"
#include "tests.h"

#define WORKERS 6

static struct proc *settled_start(struct world *world, const char *name)
{
	struct proc *work = proc_start(world, ARGV(workload(world, name), "--now", "--hold"));

	json_decref(proc_json_with(world, work, CHANNEL_OUT, "settled"));
	return work;
}

static void end(struct world *world, struct proc *work)
{
	proc_send(world, work, "end\n");
	truth_read(world, work);
	REQUIRE(world, proc_wait(world, work) == 0, "the workload failed");
}

static void require_threads(
	struct world *world, const json_t *snapshot, const char *routine, int64_t expected)
{
	REQUIRE(world, snapshot_threads(snapshot, routine) == expected,
		"%lld threads of %s, truth %lld: %s",
		(long long)snapshot_threads(snapshot, routine), routine, (long long)expected,
		json_dumps(snapshot, 0));
}

/* Is there a thread of its own, unfolded name? */
static bool lists(const json_t *snapshot, const char *routine)
{
	json_t *list = json_object_get(snapshot, "thread_list"), *thread;
	size_t i;

	json_array_foreach(list, i,
		thread) if (strcmp(json_text(thread, "routine"), routine) == 0) return true;
	return false;
}

/* A stripped program's start functions have no names, so that its comms stand for them. */
static void fold_in_snapshot(struct world *world)
{
	struct proc *work = settled_start(world, "numbered_stripped");
	char *pid = text("%d", (int)work->pid);
	json_t *snapshot = snapshot_take(world, ARGV("-p", pid, "--threads"));

	require_threads(world, snapshot, "pool-*", WORKERS);
	require_threads(world, snapshot, "job*", 2);
	for (int i = 1; i <= WORKERS; i++)
		REQUIRE(world, lists(snapshot, text("pool-%d", i)), "no thread pool-%d in %s", i,
			json_dumps(snapshot, 0));
	snapshot = snapshot_take(world, ARGV("-p", pid, "--no-fold-numbers"));
	require_threads(world, snapshot, "pool-*", 0);
	require_threads(world, snapshot, "pool-3", 1);
	require_threads(world, snapshot, "job2", 1);
	end(world, work);
}

/* -r knows a thread by its own name and by the folded one. */
static void fold_with_regex(struct world *world)
{
	struct proc *work = settled_start(world, "numbered_stripped");
	char *pid = text("%d", (int)work->pid);
	json_t *snapshot = snapshot_take(world, ARGV("-p", pid, "-r", "^pool-3$"));

	require_threads(world, snapshot, "pool-*", 1);
	snapshot = snapshot_take(world, ARGV("-p", pid, "-r", "^pool-\\*$"));
	require_threads(world, snapshot, "pool-*", WORKERS);
	snapshot = snapshot_take(world, ARGV("-p", pid, "--no-fold-numbers", "-r", "^pool-\\*$"));
	REQUIRE(world, json_number(snapshot, "threads") == 0, "nothing is called pool-*: %s",
		json_dumps(snapshot, 0));
	end(world, work);
}

static void fold_leaves_functions(struct world *world)
{
	struct proc *work = settled_start(world, "numbered");
	json_t *snapshot = snapshot_take(world, ARGV("-p", text("%d", (int)work->pid)));

	require_threads(world, snapshot, "worker2", 1);
	require_threads(world, snapshot, "worker3", 1);
	require_threads(world, snapshot, "numbered", WORKERS);
	end(world, work);
}

static size_t spans_called(const struct stream_log *log, const char *name)
{
	size_t count = 0, i;
	json_t *event;

	json_array_foreach(log->events, i, event) count +=
		strcmp(json_text(event, "type"), "started") == 0 &&
		strcmp(json_text(event, "instance"), "span") == 0 &&
		strcmp(json_text(event, "routine"), name) == 0;
	return count;
}

static void fold_in_trace(struct world *world)
{
	struct run folded =
		run_attached(world, ARGV("--fold-numbers"), ARGV(workload(world, "numbered")));
	struct run plain = run_attached(world, NULL, ARGV(workload(world, "numbered")));

	REQUIRE(world, lives_of(&folded.log, "worker-*") == WORKERS, "%zu lives of worker-*",
		lives_of(&folded.log, "worker-*"));
	REQUIRE(world, spans_called(&folded.log, "order-*") == WORKERS, "%zu spans order-*",
		spans_called(&folded.log, "order-*"));
	REQUIRE(world,
		lives_of(&folded.log, "worker2") == 1 && lives_of(&folded.log, "worker3") == 1,
		"a function was folded");
	REQUIRE(world, lives_of(&plain.log, "worker-3") == 1 && spans_called(&plain.log, "order-3"),
		"folded unasked");
	REQUIRE(world, !lives_of(&plain.log, "worker-*"), "folded unasked");
}

const struct live_test fold_tests[] = {
	{"fold_in_snapshot", fold_in_snapshot, ANYWHERE},
	{"fold_with_regex", fold_with_regex, ANYWHERE},
	{"fold_leaves_functions", fold_leaves_functions, ANYWHERE},
	{"fold_in_trace", fold_in_trace, ANYWHERE},
	{0},
};
