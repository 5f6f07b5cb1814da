/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compare.c - a whole run of threadwatch and a workload, and what must be equal after it.
 */
#include <stdlib.h>
#include <string.h>

#include "stream.h"

#define OPTIONS_MAX 24

/* options with "-o json" in front and, when pid is given, "-p PID" too. */
static const char *const *with_target(struct world *world, const char *const *options, pid_t pid)
{
	const char **all = calloc(OPTIONS_MAX + 1, sizeof(*all));
	size_t count = 0;

	if (!all)
		abort();
	all[count++] = "-o";
	all[count++] = "json";
	if (pid) {
		all[count++] = "-p";
		all[count++] = text("%d", (int)pid);
	}
	for (; options && *options; options++) {
		REQUIRE(world, count < OPTIONS_MAX, "too many options");
		all[count++] = *options;
	}
	return all;
}

struct run run_attached(struct world *world, const char *const *options, const char *const *argv)
{
	struct proc *work = work_start(world, argv);
	struct proc *tw = tw_start(world, with_target(world, options, work->pid), NULL);
	struct run run;

	stream_ready(world, tw);
	proc_send(world, work, "go\n");
	run.truth = truth_read(world, work);
	run.work_status = proc_wait(world, work);
	run.status = stream_stop(world, tw);
	REQUIRE(world, run.status == 0, "threadwatch exited with %d: %s", run.status,
		proc_text(tw, CHANNEL_ERR));
	run.log = stream_read(world, tw);
	return run;
}

struct run run_launched(struct world *world, const char *const *options, const char *const *argv)
{
	struct proc *tw = tw_start(world, with_target(world, options, 0), argv);
	struct run run;

	json_decref(proc_json_with(world, tw, CHANNEL_OUT, "ready"));
	stream_ready(world, tw);
	proc_send(world, tw, "go\n");
	run.truth = truth_read(world, tw);
	run.status = proc_wait(world, tw);
	run.work_status = run.status;
	run.log = stream_read(world, tw);
	return run;
}

size_t lives_of(const struct stream_log *log, const char *routine)
{
	size_t count = 0;

	for (size_t i = 0; i < log->count; i++)
		count += strcmp(log->lives[i].routine, routine) == 0;
	return count;
}

size_t truth_total(const struct truth *truth)
{
	const char *routine;
	json_t *count;
	size_t total = 0;

	json_object_foreach(truth->totals, routine, count) total +=
		(size_t)json_integer_value(count);
	return total;
}

static struct life *life_for(struct stream_log *log, const json_t *line)
{
	for (size_t i = 0; i < log->count; i++) {
		struct life *life = &log->lives[i];

		if (!life->matched && life->ns_tid == json_number(line, "tid") &&
			life->ns_pid == json_number(line, "pid") &&
			strcmp(life->routine, json_text(line, "thread")) == 0)
			return life;
	}
	return NULL;
}

static char *lives_text(const struct stream_log *log)
{
	char *all = text("%s", "");

	for (size_t i = 0; i < log->count && strlen(all) < BUFSIZ; i++)
		all = text("%s %lld:%lld=%s%s", all, (long long)log->lives[i].ns_pid,
			(long long)log->lives[i].ns_tid, log->lives[i].routine,
			log->lives[i].matched ? "" : "(!)");
	return all;
}

void require_lives(struct world *world, struct run *run)
{
	struct stream_log *log = &run->log;
	json_t *line;
	size_t i;

	REQUIRE(world, !log->started_dropped && !log->finished_dropped, "events were dropped");
	json_array_foreach(run->truth.lines, i, line)
	{
		struct life *life;

		if (!json_object_get(line, "thread"))
			continue;
		life = life_for(log, line);
		REQUIRE(world, life, "no life for %s; there are%s", json_dumps(line, 0),
			lives_text(log));
		life->matched = true;
		REQUIRE(world, life->started, "no start of %s", json_dumps(line, 0));
		REQUIRE(world, life->finished, "no end of %s", json_dumps(line, 0));
	}
	for (i = 0; i < log->count; i++)
		REQUIRE(world, log->lives[i].matched, "a thread that never was; there are%s",
			lives_text(log));
}

void require_counts(struct world *world, const struct run *run, size_t running)
{
	const struct stream_log *log = &run->log;
	size_t total = truth_total(&run->truth);
	const char *routine;
	json_t *count;

	REQUIRE(world, log->started + (size_t)log->started_dropped + running == total,
		"%zu started + %lld dropped + %zu already running, truth %zu", log->started,
		(long long)log->started_dropped, running, total);
	REQUIRE(world, log->finished + (size_t)log->finished_dropped == total,
		"%zu finished + %lld dropped, truth %zu", log->finished,
		(long long)log->finished_dropped, total);
	if (log->started_dropped || log->finished_dropped)
		return;
	json_object_foreach(run->truth.totals, routine, count)
		REQUIRE(world, lives_of(log, routine) == (size_t)json_integer_value(count),
			"%zu lives of %s, truth %lld", lives_of(log, routine), routine,
			(long long)json_integer_value(count));
}
