/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_lifecycle.c - each trap in the life of processes and threads, against the truth.
 *
 * Every mode of the workload runs twice: attached to by number, and started by threadwatch.
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "stream.h"
#include "tests.h"

#define EXIT_LIVE_STATUS 3
#define TICK_NS		 (NS_PER_S / 100) /* of /proc/PID/stat */

static const char *const follow[] = {"-f", NULL};

static void require_work(struct world *world, const struct run *run, int status)
{
	REQUIRE(world, run->work_status == status, "the workload exited with %d, not %d",
		run->work_status, status);
}

static struct run run_mode(struct world *world, bool launched, const char *const *options,
	const char *program, const char *mode)
{
	const char *argv[] = {workload(world, program), mode, NULL};
	struct run run =
		launched ? run_launched(world, options, argv) : run_attached(world, options, argv);

	require_lives(world, &run);
	require_counts(world, &run, launched ? 0 : 1);
	return run;
}

/* ---- leader exits first ---- */

static void leader_exits_attached(struct world *world)
{
	struct run run = run_mode(world, false, NULL, "lifecycle", "leader-exits");

	require_work(world, &run, 0);
}

static void leader_exits_launched(struct world *world)
{
	run_mode(world, true, NULL, "lifecycle", "leader-exits");
}

/* ---- exec from a thread that is not the leader ---- */

/* The caller ends under the number that it had, at the moment when the new main begins. */
static void require_exec(struct world *world, const struct stream_log *log)
{
	const struct life *caller = NULL, *mains[2] = {NULL, NULL};
	size_t count = 0;

	for (size_t i = 0; i < log->count; i++) {
		const struct life *life = &log->lives[i];

		if (strcmp(life->routine, "exec_caller") == 0)
			caller = life;
		if (strcmp(life->routine, "main") == 0 && count < 2)
			mains[count++] = life;
	}
	REQUIRE(world, caller && count == 2, "no caller or not two mains");
	REQUIRE(world, mains[0]->tid == mains[1]->tid && caller->tid != mains[0]->tid,
		"the new main has not the leader's number");
	REQUIRE(world,
		mains[1]->start_ns > mains[0]->start_ns && mains[1]->start_ns >= caller->finish_ns,
		"the new main begins before the old image's threads have ended");
}

static void exec_attached(struct world *world)
{
	struct run run = run_mode(world, false, NULL, "lifecycle", "exec");

	require_exec(world, &run.log);
	require_work(world, &run, 0);
}

static void exec_launched(struct world *world)
{
	struct run run = run_mode(world, true, NULL, "lifecycle", "exec");

	require_exec(world, &run.log);
}

/* ---- exit() with live workers ---- */

static void exit_live_attached(struct world *world)
{
	struct run run = run_mode(world, false, NULL, "lifecycle", "exit-live");

	require_work(world, &run, EXIT_LIVE_STATUS);
}

static void exit_live_launched(struct world *world)
{
	run_mode(world, true, NULL, "lifecycle", "exit-live");
}

/* ---- fork without exec ---- */

static void fork_attached(struct world *world)
{
	run_mode(world, false, follow, "lifecycle", "fork");
}

static void fork_launched(struct world *world)
{
	run_mode(world, true, follow, "lifecycle", "fork");
}

/* Without -f only the parent's own threads are there: main and fork_worker. */
static void fork_not_followed(struct world *world)
{
	struct run run = run_attached(world, NULL, ARGV(workload(world, "lifecycle"), "fork"));

	REQUIRE(world,
		run.log.count == 2 && lives_of(&run.log, "main") == 1 &&
			lives_of(&run.log, "fork_worker") == 1,
		"%zu lives seen without -f, 2 belong to the process", run.log.count);
}

/* ---- raw clone ---- */

/* Named by comm, and marked so: not by the creator's start function, whose control block it
 * shares, nor by the pthread_create that failed just before. */
static void require_clones(struct world *world, const struct stream_log *log)
{
	for (size_t i = 0; i < log->count; i++)
		if (strcmp(log->lives[i].routine, "lifecycle") == 0)
			REQUIRE(world, strcmp(log->lives[i].source, "comm") == 0,
				"a raw clone has its name from %s", log->lives[i].source);
}

static void clone_attached(struct world *world)
{
	struct run run = run_mode(world, false, NULL, "lifecycle", "clone");

	require_clones(world, &run.log);
}

static void clone_launched(struct world *world)
{
	struct run run = run_mode(world, true, NULL, "lifecycle", "clone");

	require_clones(world, &run.log);
}

static void clone_without_uprobes(struct world *world)
{
	struct run run = run_mode(world, false, ARGV("--no-uprobes"), "lifecycle", "clone");

	require_clones(world, &run.log);
}

/* ---- numbers used twice ---- */

static void require_reused(struct world *world, const struct run *run)
{
	json_t *last = json_array_get(run->truth.lines, json_array_size(run->truth.lines) - 1);
	int64_t number = json_number(last, "reused");
	size_t count = 0;

	for (size_t i = 0; i < run->log.count; i++)
		count += run->log.lives[i].ns_tid == number;
	REQUIRE(world, count == 2, "%zu lives have the number that was used twice", count);
}

static void pid_reused_attached(struct world *world)
{
	struct run run = run_mode(world, false, follow, "reuse", "pid");

	require_reused(world, &run);
}

static void pid_reused_launched(struct world *world)
{
	struct run run = run_mode(world, true, follow, "reuse", "pid");

	require_reused(world, &run);
}

static void tid_reused(struct world *world)
{
	struct run run = run_mode(world, false, NULL, "reuse", "tid");

	require_reused(world, &run);
}

/* ---- a PID namespace of its own ---- */

/* Inside they are 1, 2, 3; outside they are what /proc here says. */
static void require_namespace(struct world *world, const struct run *run)
{
	int64_t child = 0;
	json_t *line;
	size_t i, inside = 0;

	json_array_foreach(run->truth.lines, i, line) if (json_object_get(line, "child")) child =
		json_number(line, "child");
	for (i = 0; i < run->log.count; i++) {
		const struct life *life = &run->log.lives[i];

		if (life->ns_pid != 1)
			continue;
		inside++;
		REQUIRE(world, life->pid == child, "pid %lld from outside is really %lld",
			(long long)life->pid, (long long)child);
		REQUIRE(world, (life->ns_tid == 1) == (life->tid == child),
			"the main thread's numbers do not fit");
	}
	REQUIRE(world, inside == 3, "%zu lives inside of the namespace", inside);
}

static void pid_namespace_attached(struct world *world)
{
	struct run run = run_attached(world, follow, ARGV(workload(world, "pidns")));

	require_lives(world, &run);
	require_namespace(world, &run);
}

static void pid_namespace_launched(struct world *world)
{
	struct run run = run_launched(world, follow, ARGV(workload(world, "pidns")));

	require_lives(world, &run);
	require_namespace(world, &run);
}

/* Attached from outside to what already runs inside. */
static void pid_namespace_late(struct world *world)
{
	struct proc *work = proc_start(world, ARGV(workload(world, "pidns"), "--hold", "--now")),
		    *tw;
	json_t *child = proc_json_with(world, work, CHANNEL_OUT, "child");
	struct stream_log log;

	json_decref(proc_json_with(world, work, CHANNEL_OUT, "settled"));
	tw = tw_start(world,
		ARGV("-o", "json", "-p", text("%lld", (long long)json_number(child, "child"))),
		NULL);
	stream_ready(world, tw);
	proc_send(world, work, "end\n");
	truth_read(world, work);
	proc_wait(world, work);
	stream_stop(world, tw);
	log = stream_read(world, tw);
	REQUIRE(world, log.count == 3 && lives_of(&log, "insider") == 2, "%zu lives, %zu insiders",
		log.count, lives_of(&log, "insider"));
	for (size_t i = 0; i < log.count; i++)
		REQUIRE(world,
			log.lives[i].already_running && log.lives[i].finished &&
				log.lives[i].ns_pid == 1 &&
				log.lives[i].pid == json_number(child, "child"),
			"life %zu is not right", i);
}

/* ---- kill -9 of the target while it creates threads ---- */

static void killed_in_a_storm(struct world *world)
{
	struct proc *work = work_start(world, ARGV(workload(world, "lifecycle"), "storm"));
	struct proc *tw =
		tw_start(world, ARGV("-o", "json", "-p", text("%d", (int)work->pid)), NULL);
	struct stream_log log;
	size_t open = 0;

	stream_ready(world, tw);
	proc_send(world, work, "go\n");
	for (int i = 0; i < 200; i++)
		json_decref(stream_event(world, tw, "finished", "routine", "storm_worker"));
	proc_signal(world, work, SIGKILL);
	proc_wait(world, work);
	REQUIRE(world, stream_stop(world, tw) == 0, "threadwatch failed: %s",
		proc_text(tw, CHANNEL_ERR));
	log = stream_read(world, tw);
	for (size_t i = 0; i < log.count; i++)
		open += log.lives[i].started != log.lives[i].finished;
	REQUIRE(world, log.started_dropped || log.finished_dropped || open == 0,
		"%zu of %zu lives have one end only", open, log.count);
	REQUIRE(world,
		log.started + 1 + (size_t)log.started_dropped ==
			log.finished + (size_t)log.finished_dropped,
		"%zu started, main, %lld dropped; %zu finished, %lld dropped", log.started,
		(long long)log.started_dropped, log.finished, (long long)log.finished_dropped);
	REQUIRE(world, json_number(log.summary, "live") == 0, "%lld threads live after kill -9",
		(long long)json_number(log.summary, "live"));
}

/* ---- start times are the kernel's ---- */

static void start_times_as_in_proc(struct world *world)
{
	struct proc *work = work_start(world, ARGV(workload(world, "pool")));
	struct proc *tw =
		tw_start(world, ARGV("-o", "json", "-p", text("%d", (int)work->pid)), NULL);
	size_t checked = 0;

	stream_ready(world, tw);
	proc_send(world, work, "go\n");
	json_decref(proc_json_with(world, work, CHANNEL_OUT, "settled"));
	while (checked < 11) {
		json_t *event = stream_event(world, tw, "started", "instance", "thread");
		char *stat = file_text(text("/proc/%d/task/%lld/stat", (int)work->pid,
			(long long)json_number(event, "tid")));
		const char *at = stat ? strrchr(stat, ')') : NULL;
		unsigned long long ticks = 0;

		for (int field = 2; at && field < 22; field++)
			at = strchr(at + 1, ' ');
		REQUIRE(world, at && sscanf(at, "%llu", &ticks) == 1, "no stat of a thread");
		REQUIRE(world,
			ticks == (unsigned long long)json_number(event, "start_ns") / TICK_NS,
			"start_ns %lld, /proc says %llu ticks",
			(long long)json_number(event, "start_ns"), ticks);
		checked++;
	}
	proc_send(world, work, "end\n");
	truth_read(world, work);
	proc_wait(world, work);
	stream_stop(world, tw);
}

const struct live_test lifecycle_tests[] = {
	{"leader_exits_attached", leader_exits_attached, 0},
	{"leader_exits_launched", leader_exits_launched, 0},
	{"exec_attached", exec_attached, 0},
	{"exec_launched", exec_launched, 0},
	{"exit_live_attached", exit_live_attached, 0},
	{"exit_live_launched", exit_live_launched, 0},
	{"fork_attached", fork_attached, 0},
	{"fork_launched", fork_launched, 0},
	{"fork_not_followed", fork_not_followed, 0},
	{"clone_attached", clone_attached, 0},
	{"clone_launched", clone_launched, 0},
	{"clone_without_uprobes", clone_without_uprobes, 0},
	{"pid_reused_attached", pid_reused_attached, 0},
	{"pid_reused_launched", pid_reused_launched, 0},
	{"tid_reused", tid_reused, 0},
	{"pid_namespace_attached", pid_namespace_attached, 0},
	{"pid_namespace_launched", pid_namespace_launched, 0},
	{"pid_namespace_late", pid_namespace_late, 0},
	{"killed_in_a_storm", killed_in_a_storm, 0},
	{"start_times_as_in_proc", start_times_as_in_proc, 0},
	{0},
};
