/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_snapshot.c - snapshots against /proc and against the truth of programs that stand still.
 */
#include <signal.h>
#include <string.h>

#include "stream.h"
#include "tests.h"

#define ALL_TRIES 50

struct standing {
	struct proc *work;
	char *pid;
	json_t *settled;
};

static struct standing stand(struct world *world, const char *name)
{
	struct standing standing;

	standing.work = proc_start(world, ARGV(workload(world, name), "--now"));
	standing.settled = proc_json_with(world, standing.work, CHANNEL_OUT, "settled");
	standing.pid = text("%d", (int)standing.work->pid);
	return standing;
}

static void let_go(struct world *world, struct standing *standing)
{
	proc_send(world, standing->work, "end\n");
	truth_read(world, standing->work);
	REQUIRE(world, proc_wait(world, standing->work) == 0, "the workload failed");
}

static void require_truth(struct world *world, const json_t *snapshot, const json_t *routines)
{
	const char *routine;
	json_t *count;

	json_object_foreach((json_t *)routines, routine, count)
		REQUIRE(world, snapshot_threads(snapshot, routine) == json_integer_value(count),
			"%lld threads of %s, truth %lld: %s",
			(long long)snapshot_threads(snapshot, routine), routine,
			(long long)json_integer_value(count), json_dumps(snapshot, 0));
}

/* As many threads as /proc has, whatever they are called. */
static void snapshot_number(struct world *world, const char *name)
{
	struct standing standing = stand(world, name);
	json_t *snapshot = snapshot_take(world, ARGV("-p", standing.pid));
	json_t *groups = json_object_get(snapshot, "routines"), *group;
	size_t i;

	REQUIRE(world,
		(size_t)json_number(snapshot, "threads") == tasks_of(standing.work->pid) &&
			json_number(snapshot, "threads") ==
				json_number(standing.settled, "threads"),
		"%lld threads, /proc has %zu", (long long)json_number(snapshot, "threads"),
		tasks_of(standing.work->pid));
	json_array_foreach(groups, i, group) REQUIRE(world,
		*json_text(group, "routine") && json_number(group, "pid") == standing.work->pid &&
			json_number(group, "oldest_ns") > 0,
		"a broken group: %s", json_dumps(group, 0));
	let_go(world, &standing);
}

static void snapshot_of_pool(struct world *world)
{
	struct standing standing = stand(world, "pool");
	json_t *snapshot = snapshot_take(world, ARGV("-p", standing.pid));

	require_truth(world, snapshot, json_object_get(standing.settled, "routines"));
	let_go(world, &standing);
	snapshot_number(world, "pool");
}

static void snapshot_of_static(struct world *world)
{
	snapshot_number(world, "pool_static");
	snapshot_number(world, "pool_static_stripped");
}

static void snapshot_of_stripped(struct world *world)
{
	snapshot_number(world, "pool_stripped");
}

static void snapshot_of_musl(struct world *world)
{
	snapshot_number(world, "pool_musl");
	snapshot_number(world, "pool_musl_static");
}

/* One entry for each TID of /proc, in the state that its routine is in. */
static void snapshot_threads_listed(struct world *world)
{
	struct standing standing = stand(world, "pool");
	json_t *snapshot = snapshot_take(world, ARGV("--threads", "-p", standing.pid));
	json_t *list = json_object_get(snapshot, "thread_list"), *thread;
	size_t i;

	REQUIRE(world, json_array_size(list) == tasks_of(standing.work->pid),
		"%zu threads listed, /proc has %zu", json_array_size(list),
		tasks_of(standing.work->pid));
	json_array_foreach(list, i, thread)
	{
		char *task = text("/proc/%s/task/%lld/stat", standing.pid,
			(long long)json_number(thread, "tid"));
		bool spins = strcmp(json_text(thread, "routine"), "pool_spin") == 0;

		REQUIRE(world, file_text(task), "%s is not there", task);
		REQUIRE(world,
			strcmp(json_text(thread, "state"), spins ? "running" : "sleeping") == 0,
			"%s is %s", json_text(thread, "routine"), json_text(thread, "state"));
		REQUIRE(world,
			json_number(thread, "start_ns") > 0 &&
				(uint64_t)json_number(thread, "start_ns") < boot_ns(),
			"a start in the future: %s", json_dumps(thread, 0));
		REQUIRE(world, !spins || json_number(thread, "cpu_ns") > 0, "a loop without CPU");
		for (size_t other = 0; other < i; other++)
			REQUIRE(world,
				json_number(json_array_get(list, other), "tid") !=
					json_number(thread, "tid"),
				"tid %lld twice", (long long)json_number(thread, "tid"));
	}
	let_go(world, &standing);
}

/* Two processes with equal routines stay two. */
static void snapshot_of_two(struct world *world)
{
	struct standing one = stand(world, "pool"), two = stand(world, "pool");
	json_t *snapshot = snapshot_take(world, ARGV("-p", one.pid, "-p", two.pid));

	REQUIRE(world, json_number(snapshot, "threads") == 2 * json_number(one.settled, "threads"),
		"%lld threads of two", (long long)json_number(snapshot, "threads"));
	REQUIRE(world,
		json_array_size(json_object_get(snapshot, "routines")) ==
			2 * json_object_size(json_object_get(one.settled, "routines")),
		"routines of two processes are mixed up");
	let_go(world, &one);
	let_go(world, &two);
}

/* The machine does not stand still: some look must agree with /proc before and after it. */
static void snapshot_of_all(struct world *world)
{
	struct standing standing = stand(world, "pool");
	size_t before = 0, after = 0, visible = 0, seen = 0;
	json_t *snapshot = NULL;
	bool equal = false;

	for (int i = 0; i < ALL_TRIES && !equal; i++) {
		before = tasks_of_all(false);
		visible = tasks_of_all(true);
		snapshot = snapshot_take(world, ARGV("-a"));
		after = tasks_of_all(false);
		/* threadwatch itself was there only while it looked */
		seen = (size_t)json_number(snapshot, "threads") - 1;
		equal = before == after && (seen == before || seen == visible);
	}
	REQUIRE(world, equal,
		"%zu threads but for itself, /proc had %zu before, %zu after, %zu open to root",
		seen, before, after, visible);
	REQUIRE(world, snapshot_threads(snapshot, "pool_mutex") == 2, "no pool in it");
	let_go(world, &standing);
}

/* The innermost span is what a thread does now. Spans are known to those who watched. */
static void snapshot_on_signal(struct world *world)
{
	struct proc *work = work_start(world, ARGV(workload(world, "span_hold")));
	struct proc *tw =
		tw_start(world, ARGV("-o", "json", "-p", text("%d", (int)work->pid)), NULL);
	json_t *snapshot, *spans, *span;
	int64_t outer = 0, inner = 0;
	size_t i;

	stream_ready(world, tw);
	proc_send(world, work, "go\n");
	json_decref(proc_json_with(world, work, CHANNEL_OUT, "settled"));
	proc_signal(world, tw, SIGUSR1);
	snapshot = stream_event(world, tw, "snapshot", NULL, NULL);
	REQUIRE(world,
		json_number(snapshot, "threads") == (int64_t)tasks_of(work->pid) &&
			snapshot_sum(snapshot) == json_number(snapshot, "threads"),
		"%lld threads", (long long)json_number(snapshot, "threads"));
	REQUIRE(world,
		snapshot_threads(snapshot, "inner") == 3 &&
			snapshot_threads(snapshot, "outer") == 2 &&
			snapshot_threads(snapshot, "main") == 1,
		"the innermost spans are not the routines: %s", json_dumps(snapshot, 0));
	spans = json_object_get(snapshot, "spans");
	json_array_foreach(spans, i, span)
	{
		if (strcmp(json_text(span, "routine"), "outer") == 0)
			outer += json_number(span, "instances");
		if (strcmp(json_text(span, "routine"), "inner") == 0)
			inner += json_number(span, "instances");
	}
	REQUIRE(world, outer == 5 && inner == 3, "%lld outer and %lld inner spans",
		(long long)outer, (long long)inner);
	proc_send(world, work, "end\n");
	truth_read(world, work);
	proc_wait(world, work);
	REQUIRE(world, stream_stop(world, tw) == 0, "the stream failed after a snapshot");
}

static void snapshot_as_text(struct world *world)
{
	struct standing standing = stand(world, "pool");
	struct proc *tw = proc_start(world, ARGV(world->bin, "snapshot", "-p", standing.pid));
	const char *routine, *out;
	json_t *count;

	REQUIRE(world, proc_wait(world, tw) == 0, "failed: %s", proc_text(tw, CHANNEL_ERR));
	out = proc_text(tw, CHANNEL_OUT);
	json_object_foreach(json_object_get(standing.settled, "routines"), routine, count)
		REQUIRE(world, strstr(out, routine), "no %s in: %s", routine, out);
	REQUIRE(world, !strchr(out, '\033'), "colour without a terminal");
	let_go(world, &standing);
}

const struct live_test snapshot_tests[] = {
	{"snapshot_of_pool", snapshot_of_pool, 0},
	{"snapshot_of_static", snapshot_of_static, 0},
	{"snapshot_of_stripped", snapshot_of_stripped, ANYWHERE},
	{"snapshot_of_musl", snapshot_of_musl, 0},
	{"snapshot_threads_listed", snapshot_threads_listed, 0},
	{"snapshot_of_two", snapshot_of_two, ANYWHERE},
	{"snapshot_of_all", snapshot_of_all, 0},
	{"snapshot_on_signal", snapshot_on_signal, 0},
	{"snapshot_as_text", snapshot_as_text, ANYWHERE},
	{0},
};
