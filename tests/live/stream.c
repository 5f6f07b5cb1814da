/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stream.c - runs threadwatch on workloads and reads whole streams.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stream.h"

#define ARGS_MAX	 256
#define INDEX_SIZE_FIRST 1024
#define HASH_MULTIPLIER	 0x9e3779b97f4a7c15ull
#define HASH_SHIFT	 20
#define PID_OPTION_BYTES 16

/* ---- step by step ---- */

struct proc *tw_start(struct world *world, const char *const *options, const char *const *argv)
{
	const char *args[ARGS_MAX] = {world->bin};
	size_t count = 1;
	int events_fd = -1;
	struct proc *proc;

	for (; options && *options; options++)
		args[count++] = *options;
	if (argv) { /* the program has threadwatch's stdout, so the events go elsewhere */
		args[count++] = "--output";
		args[count++] = events_fifo(world, &events_fd);
		args[count++] = "--";
		for (; *argv; argv++)
			args[count++] = *argv;
	}
	REQUIRE(world, count < ARGS_MAX, "too many arguments");
	proc = proc_start(world, args);
	if (argv)
		proc_read_events_from(proc, events_fd);
	return proc;
}

struct proc *work_start(struct world *world, const char *const *argv)
{
	struct proc *work = proc_start(world, argv);

	json_decref(proc_json_with(world, work, CHANNEL_OUT, "ready"));
	return work;
}

json_t *stream_event(
	struct world *world, struct proc *tw, const char *type, const char *key, const char *value)
{
	json_t *event;

	while ((event = proc_json(world, tw, tw->events))) {
		if (strcmp(json_text(event, "type"), type) == 0 &&
			(!key || strcmp(json_text(event, key), value) == 0))
			return event;
		json_decref(event);
	}
	proc_wait(world, tw);
	test_fail(world, "the stream ended without a %s event with %s \"%s\"; stderr: %s", type,
		key ? key : "anything", value ? value : "", proc_text(tw, CHANNEL_ERR));
}

/* Tells on stderr when all is attached and how many threads its first lines list. */
#define WATCHING "threadwatch: watching: "

void stream_ready(struct world *world, struct proc *tw)
{
	char *line;
	long listed;

	while ((line = proc_line(world, tw, CHANNEL_ERR)) &&
		strncmp(line, WATCHING, strlen(WATCHING)) != 0)
		;
	REQUIRE(world, line, "%s never watched anything", tw->what);
	for (listed = strtol(line + strlen(WATCHING), NULL, 10); listed > 0; listed--)
		json_decref(proc_json(world, tw, tw->events));
}

int stream_stop(struct world *world, struct proc *tw)
{
	if (!proc_ended(tw))
		proc_signal(world, tw, SIGINT);
	return proc_wait(world, tw);
}

/* ---- the table of lives ---- */

static size_t life_slot(const struct stream_log *log, int64_t tid, int64_t start_ns)
{
	uint64_t hash = ((uint64_t)start_ns ^ (uint64_t)tid << HASH_SHIFT) * HASH_MULTIPLIER;
	size_t slot = (hash >> HASH_SHIFT) & (log->index_size - 1);

	for (;; slot = (slot + 1) & (log->index_size - 1)) {
		const struct life *life;

		if (!log->index[slot])
			return slot;
		life = &log->lives[log->index[slot] - 1];
		if (life->tid == tid && life->start_ns == start_ns)
			return slot;
	}
}

static void index_grow(struct stream_log *log)
{
	free(log->index);
	log->index_size = log->index_size ? log->index_size * 2 : INDEX_SIZE_FIRST;
	log->index = calloc(log->index_size, sizeof(*log->index));
	if (!log->index)
		abort();
	for (size_t i = 0; i < log->count; i++)
		log->index[life_slot(log, log->lives[i].tid, log->lives[i].start_ns)] =
			(uint32_t)i + 1;
}

static struct life *life_get(struct stream_log *log, int64_t tid, int64_t start_ns)
{
	size_t slot;

	if (log->count * 2 >= log->index_size)
		index_grow(log);
	slot = life_slot(log, tid, start_ns);
	if (log->index[slot])
		return &log->lives[log->index[slot] - 1];
	if (log->count == log->capacity) {
		log->capacity = log->capacity * 2 + INDEX_SIZE_FIRST;
		log->lives = reallocarray(log->lives, log->capacity, sizeof(*log->lives));
		if (!log->lives)
			abort();
	}
	log->lives[log->count] = (struct life){.tid = tid, .start_ns = start_ns};
	log->index[slot] = (uint32_t)++log->count;
	return &log->lives[log->count - 1];
}

struct life *life_find(const struct stream_log *log, int64_t tid, int64_t start_ns)
{
	size_t slot;

	if (!log->index_size)
		return NULL;
	slot = life_slot(log, tid, start_ns);
	return log->index[slot] ? &log->lives[log->index[slot] - 1] : NULL;
}

/* ---- reading ---- */

static char *copy(const char *string)
{
	return text("%s", string);
}

static void life_describe(struct world *world, struct life *life, const json_t *event)
{
	const char *routine = json_text(event, "routine");

	REQUIRE(world, *routine, "a thread without a name: %s", json_dumps(event, 0));
	if (life->routine) {
		/* A thread whose start function says nothing may name itself later. */
		REQUIRE(world,
			strcmp(life->routine, routine) == 0 ||
				strcmp(json_text(event, "source"), "comm") == 0,
			"tid %lld started as %s and finished as %s", (long long)life->tid,
			life->routine, routine);
		REQUIRE(world, life->pid == json_number(event, "pid"), "tid %lld changed its pid",
			(long long)life->tid);
		return;
	}
	life->routine = copy(routine);
	life->source = copy(json_text(event, "source"));
	life->process = copy(json_text(event, "process"));
	life->call_site = copy(json_text(event, "call_site"));
	life->pid = json_number(event, "pid");
	life->ns_pid = json_number(event, "ns_pid");
	life->ns_tid = json_number(event, "ns_tid");
	life->creator_tid = json_number(event, "creator_tid");
}

static void read_started(struct world *world, struct stream_log *log, const json_t *event)
{
	struct life *life =
		life_get(log, json_number(event, "tid"), json_number(event, "start_ns"));

	REQUIRE(world, !life->started, "started twice: %s", json_dumps(event, 0));
	REQUIRE(world, !life->finished, "started after its end: %s", json_dumps(event, 0));
	life->started = true;
	life->already_running = json_is_true(json_object_get(event, "already_running"));
	life_describe(world, life, event);
	log->started += !life->already_running;
}

static void read_finished(struct world *world, struct stream_log *log, const json_t *event)
{
	int64_t start_ns = json_number(event, "start_ns"), boot = json_number(event, "boot_ns");
	struct life *life = life_get(log, json_number(event, "tid"), start_ns);

	REQUIRE(world, !life->finished, "finished twice: %s", json_dumps(event, 0));
	REQUIRE(world, json_number(event, "duration_ns") == boot - start_ns && boot >= start_ns,
		"a duration that is not its end minus its start: %s", json_dumps(event, 0));
	life->finished = true;
	life->finish_ns = boot;
	life_describe(world, life, event);
	log->finished++;
}

/* Counters of what comes all the same, if late or by another way, and of what tests provoke. */
static bool is_made_good(const char *counter)
{
	static const char *const names[] = {"name_truncated", "ends_late", "births_late",
		"thread_storage_failed", "perf_maps_refused",
		/* Others on this machine may map files faster than they can be looked at. */
		"mappings_lost", "mapped_files_gone"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(counter, names[i]) == 0)
			return true;
	return strncmp(counter, "events_", strlen("events_")) == 0;
}

static void read_summary(struct world *world, struct stream_log *log, json_t *summary)
{
	json_t *drops = json_object_get(summary, "drops"), *value;
	const char *what;

	REQUIRE(world, !log->summary, "two summaries");
	log->summary = json_incref(summary);
	log->started_dropped = json_number(drops, "events_started_dropped");
	log->finished_dropped = json_number(drops, "events_finished_dropped");
	json_object_foreach(drops, what, value) REQUIRE(world, is_made_good(what),
		"something fell short: %s is %lld", what, (long long)json_integer_value(value));
}

static void read_event(struct world *world, struct stream_log *log, json_t *event)
{
	const char *type = json_text(event, "type");
	bool thread = strcmp(json_text(event, "instance"), "thread") == 0;

	REQUIRE(world, json_number(event, "v") == 1, "no version: %s", json_dumps(event, 0));
	REQUIRE(world, !log->summary, "a line after the summary: %s", json_dumps(event, 0));
	if (strcmp(type, "summary") == 0)
		read_summary(world, log, event);
	else if (strcmp(type, "started") == 0 && thread)
		read_started(world, log, event);
	else if (strcmp(type, "finished") == 0 && thread)
		read_finished(world, log, event);
	else
		json_array_append(log->events, event);
}

static void require_last_line(struct world *world, const struct proc *tw)
{
	const char *err = proc_text(tw, CHANNEL_ERR), *last = strrchr(err, '\n');
	unsigned long long events, dropped, live;
	int end = 0;

	while (last && last > err && last[-1] != '\n')
		last--;
	REQUIRE(world,
		last &&
			sscanf(last, "threadwatch: %llu events, %llu dropped, %llu threads live%n",
				&events, &dropped, &live, &end) == 3 &&
			end && last[end] == '\n',
		"the last line on stderr is not the summary: %s", err);
}

struct stream_log stream_read(struct world *world, const struct proc *tw)
{
	struct stream_log log = {.events = json_array()};
	struct channel all = tw->channels[tw->events];
	struct proc view = *tw;
	json_t *event;

	all.read = 0;
	view.channels[tw->events] = all;
	while ((event = proc_json(world, &view, tw->events))) {
		read_event(world, &log, event);
		json_decref(event);
	}
	REQUIRE(world, log.summary, "the stream has no summary; stderr: %s",
		proc_text(tw, CHANNEL_ERR));
	require_last_line(world, tw);
	return log;
}

struct truth truth_read(struct world *world, struct proc *work)
{
	struct truth truth = {.lines = json_array()};
	json_t *line;

	while (!truth.totals && (line = proc_json(world, work, CHANNEL_OUT))) {
		if (json_object_get(line, "skip"))
			test_skip(world, "the workload: %s", json_text(line, "skip"));
		truth.totals = json_incref(json_object_get(line, "totals"));
		truth.failed = json_number(line, "failed");
		json_array_append_new(truth.lines, line);
	}
	REQUIRE(world, truth.totals, "%s ended without its totals: %s", work->what,
		proc_text(work, CHANNEL_ERR));
	return truth;
}

/* Waits until the stream has said this. */
static void wait_for_text(struct world *world, struct proc *tw, const char *wanted)
{
	char *line;

	while ((line = proc_line(world, tw, tw->events)) && !strstr(line, wanted))
		;
	REQUIRE(world, line, "the stream ended before %s: %s", wanted, proc_text(tw, CHANNEL_ERR));
}

struct proc *run_held(
	struct world *world, const char *name, const char *const *options, struct truth *truth)
{
	const char *argv[] = {workload(world, name), "--now", "--hold", NULL};
	struct proc *tw = tw_start(world, options, argv);
	json_t *line, *settled;

	*truth = (struct truth){.lines = json_array()};
	while ((line = proc_json(world, tw, CHANNEL_OUT)) && !json_object_get(line, "settled"))
		json_array_append_new(truth->lines, line);
	REQUIRE(world, line, "%s did not settle: %s", name, proc_text(tw, CHANNEL_ERR));
	settled = line;
	wait_for_text(world, tw, json_text(settled, "last"));
	proc_send(world, tw, "end\n");
	REQUIRE(world, proc_wait(world, tw) == 0, "threadwatch: %s", proc_text(tw, CHANNEL_ERR));
	return tw;
}
