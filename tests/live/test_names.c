/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_names.c - which name a thread has: start functions, given names, renames, late attach.
 */
#include <string.h>

#include "stream.h"
#include "tests.h"

/* ---- already running ---- */

/* A pool that stands, watched by a stream until its end. */
static struct run watch_standing(struct world *world, const char *name)
{
	struct proc *work = proc_start(world, ARGV(workload(world, name), "--now"));
	json_t *settled = proc_json_with(world, work, CHANNEL_OUT, "settled");
	struct proc *tw =
		tw_start(world, ARGV("-o", "json", "-p", text("%d", (int)work->pid)), NULL);
	size_t standing = tasks_of(work->pid);
	struct run run;

	REQUIRE(world, (int64_t)standing == json_number(settled, "threads"),
		"the workload lies about its threads");
	stream_ready(world, tw);
	REQUIRE(world, lines_in(proc_text(tw, CHANNEL_OUT)) == standing,
		"not all threads are listed first");
	proc_send(world, work, "end\n");
	run.truth = truth_read(world, work);
	run.work_status = proc_wait(world, work);
	run.status = stream_stop(world, tw);
	run.log = stream_read(world, tw);
	REQUIRE(world, run.log.count == standing, "%zu lives, %zu threads", run.log.count,
		standing);
	for (size_t i = 0; i < run.log.count; i++)
		REQUIRE(world, run.log.lives[i].already_running && run.log.lives[i].finished,
			"tid %lld was not there, or did not end", (long long)run.log.lives[i].tid);
	return run;
}

static void late_attach_names(struct world *world)
{
	struct run run = watch_standing(world, "pool");

	require_counts(world, &run, run.log.count);
}

/* Without symbols the names are addresses, still one for each routine. */
static void late_attach_stripped(struct world *world)
{
	struct run run = watch_standing(world, "pool_stripped");
	size_t routines = 0, pairs = 0;

	for (size_t i = 0; i < run.log.count; i++) {
		const struct life *life = &run.log.lives[i];
		size_t alike = lives_of(&run.log, life->routine), first = 0;

		REQUIRE(world, strcmp(life->source, "symbol") == 0, "%s has its name from %s",
			life->routine, life->source);
		REQUIRE(world,
			strcmp(life->routine, "main") == 0 ||
				strncmp(life->routine, "pool_stripped+0x", 16) == 0,
			"a name from nowhere: %s", life->routine);
		while (strcmp(run.log.lives[first].routine, life->routine))
			first++;
		routines += first == i;
		pairs += first == i && alike == 2;
	}
	REQUIRE(world, routines == json_object_size(run.truth.totals) && pairs == routines - 2,
		"%zu routines are told apart, %zu of them of two threads", routines, pairs);
}

/* No libc tells where: every thread is there all the same, with some name. */
static void late_attach_static(struct world *world)
{
	watch_standing(world, "pool_static");
}

static void late_attach_musl(struct world *world)
{
	struct run run = watch_standing(world, "pool_musl");

	require_counts(world, &run, run.log.count);
}

/* ---- seen from the first instruction ---- */

static void launch_pool(struct world *world, const char *name, const char *const *options)
{
	const char *argv[] = {workload(world, name), NULL};
	struct proc *tw = tw_start(world, options, argv);
	struct run run;

	json_decref(proc_json_with(world, tw, CHANNEL_OUT, "ready"));
	proc_send(world, tw, "go\n");
	json_decref(proc_json_with(world, tw, CHANNEL_OUT, "settled"));
	proc_send(world, tw, "end\n");
	run.truth = truth_read(world, tw);
	REQUIRE(world, proc_wait(world, tw) == 0, "threadwatch: %s", proc_text(tw, CHANNEL_ERR));
	run.log = stream_read(world, tw);
	require_counts(world, &run, 0);
}

static void launched_names(struct world *world)
{
	launch_pool(world, "pool", ARGV("-o", "json"));
	launch_pool(world, "pool", ARGV("-o", "json", "--no-uprobes"));
}

static void launched_names_static(struct world *world)
{
	launch_pool(world, "pool_static", ARGV("-o", "json"));
}

static void launched_names_musl(struct world *world)
{
	launch_pool(world, "pool_musl", ARGV("-o", "json"));
	launch_pool(world, "pool_musl_static", ARGV("-o", "json"));
}

/* ---- renames ---- */

static void renames(struct world *world)
{
	struct run run = run_attached(world, NULL, ARGV(workload(world, "rename")));
	size_t i, seen = 0;
	json_t *line, *event;

	require_lives(world, &run);
	json_array_foreach(run.truth.lines, i, line)
	{
		if (!json_object_get(line, "renamed"))
			continue;
		while ((event = json_array_get(run.log.events, seen++)) &&
			strcmp(json_text(event, "type"), "named"))
			;
		REQUIRE(world, event, "no event for %s", json_dumps(line, 0));
		REQUIRE(world,
			json_number(event, "tid") == json_number(line, "tid") &&
				strcmp(json_text(event, "routine"), json_text(line, "renamed")) ==
					0,
			"%s instead of %s", json_dumps(event, 0), json_dumps(line, 0));
	}
	while ((event = json_array_get(run.log.events, seen++)))
		REQUIRE(world, strcmp(json_text(event, "type"), "named"), "one rename too many: %s",
			json_dumps(event, 0));
}

/* ---- names given by the creator ---- */

static void require_spawned(struct world *world, struct run *run)
{
	require_lives(world, run);
	for (size_t i = 0; i < run->log.count; i++) {
		const struct life *life = &run->log.lives[i];
		bool plain = strcmp(life->routine, "main") == 0 ||
			     strncmp(life->routine, "spawn_", 6) == 0;

		REQUIRE(world, strcmp(life->source, plain ? "symbol" : "spawn") == 0,
			"%s has its name from %s", life->routine, life->source);
	}
}

static void spawn_names_attached(struct world *world)
{
	struct run run = run_attached(world, NULL, ARGV(workload(world, "spawn_names")));

	require_spawned(world, &run);
	REQUIRE(world,
		json_number(json_object_get(run.log.summary, "drops"), "name_truncated") == 1,
		"a name that was cut is not counted");
}

static void spawn_names_launched(struct world *world)
{
	struct run run = run_launched(world, NULL, ARGV(workload(world, "spawn_names")));

	require_spawned(world, &run);
}

/* ---- C++ ---- */

static void cpp_threads(struct world *world)
{
	struct proc *work = work_start(world, ARGV(workload(world, "cpp_threads")));
	char *pid = text("%d", (int)work->pid);
	struct proc *tw = tw_start(world, ARGV("-o", "json", "-p", pid), NULL);
	struct stream_log log;
	json_t *settled, *snapshot;

	stream_ready(world, tw);
	proc_send(world, work, "go\n");
	settled = proc_json_with(world, work, CHANNEL_OUT, "settled");
	snapshot = snapshot_take(world, ARGV("-p", pid));
	REQUIRE(world,
		json_number(snapshot, "threads") == json_number(settled, "threads") &&
			tasks_of(work->pid) == (size_t)json_number(settled, "threads"),
		"%lld threads in the snapshot", (long long)json_number(snapshot, "threads"));
	proc_send(world, work, "end\n");
	truth_read(world, work);
	proc_wait(world, work);
	stream_stop(world, tw);
	log = stream_read(world, tw);
	REQUIRE(world,
		log.count == (size_t)json_number(settled, "threads") && log.finished == log.count,
		"%zu lives, %zu ends", log.count, log.finished);
}

/* ---- what stands behind a name ---- */

/* The thread under this routine in a snapshot with --threads; NULL when there is none. */
static json_t *thread_named(const json_t *snapshot, const char *routine)
{
	json_t *thread;
	size_t i;

	json_array_foreach(json_object_get(snapshot, "thread_list"), i, thread)
	{
		if (strcmp(json_text(thread, "routine"), routine) == 0)
			return thread;
	}
	return NULL;
}

static void whole_names(struct world *world)
{
	struct proc *work = work_start(world, ARGV(workload(world, "cpp_routines")));
	json_t *lines = json_array(), *line, *snapshot, *thread;
	size_t i;

	proc_send(world, work, "go\n");
	while (!json_object_get(line = proc_json(world, work, CHANNEL_OUT), "settled")) {
		if (json_object_get(line, "full"))
			json_array_append(lines, line);
	}
	snapshot = snapshot_take(world, ARGV("-p", text("%d", (int)work->pid), "--threads"));
	REQUIRE(world, json_array_size(lines) + 1 == (size_t)json_number(line, "threads"),
		"the workload lies about its threads");
	json_array_foreach(lines, i, line)
	{
		thread = thread_named(snapshot, json_text(line, "routine"));
		REQUIRE(world,
			thread && strcmp(json_text(thread, "routine_full"),
					  json_text(line, "full")) == 0,
			"%s is %s", json_dumps(line, 0), json_dumps(snapshot, 0));
		REQUIRE(world, !json_object_get(thread, "build_id"), "a build id: %s",
			json_dumps(thread, 0));
	}
	proc_send(world, work, "end\n");
	proc_wait(world, work);
}

/* What readelf says. */
static const char *build_id_of(struct world *world, const char *path)
{
	const char mark[] = "Build ID: ";
	struct proc *readelf;
	const char *found;

	if (!have_program("readelf"))
		test_skip(world, "no readelf here");
	readelf = proc_start(world, ARGV("readelf", "-n", path));
	REQUIRE(world, proc_wait(world, readelf) == 0, "readelf failed");
	found = strstr(proc_text(readelf, CHANNEL_OUT), mark);
	if (!found)
		test_skip(world, "this compiler writes no build ids");
	found += sizeof(mark) - 1;
	return text("%.*s", (int)strcspn(found, "\n"), found);
}

static void build_ids(struct world *world)
{
	char *path = workload(world, "pool_stripped");
	const char *id = build_id_of(world, path);
	struct proc *work = proc_start(world, ARGV(path, "--now"));
	json_t *settled = proc_json_with(world, work, CHANNEL_OUT, "settled"), *snapshot, *thread;
	size_t i, told = 0;

	snapshot = snapshot_take(world, ARGV("-p", text("%d", (int)work->pid), "--threads"));
	json_array_foreach(json_object_get(snapshot, "thread_list"), i, thread)
	{
		if (strcmp(json_text(thread, "routine"), "main") == 0)
			continue;
		REQUIRE(world, strcmp(json_text(thread, "build_id"), id) == 0, "not %s: %s", id,
			json_dumps(thread, 0));
		told++;
	}
	REQUIRE(world, (int64_t)told + 1 == json_number(settled, "threads"), "%zu build ids", told);
	proc_send(world, work, "end\n");
	proc_wait(world, work);
}

/* Code made at run time, named by its map; `owner`: who the map is given to, or NULL. */
static void watch_made_code(struct world *world, const char *owner)
{
	const char *argv[] = {workload(world, "jit"), owner ? "--owner" : NULL, owner, NULL};
	struct proc *work = work_start(world, argv), *tw;
	char *pid = text("%d", (int)work->pid);
	struct stream_log log;
	json_t *snapshot;

	tw = tw_start(world, ARGV("-o", "json", "-p", pid), NULL);
	stream_ready(world, tw);
	proc_send(world, work, "go\n");
	proc_json_with(world, work, CHANNEL_OUT, "settled");
	snapshot = snapshot_take(world, ARGV("-p", pid));
	for (int i = 0; i < 2; i++) {
		const char *name = i ? "jit_second" : "jit_first";

		REQUIRE(world, snapshot_threads(snapshot, name) == !owner, "%lld of %s: %s",
			(long long)snapshot_threads(snapshot, name), name, json_dumps(snapshot, 0));
	}
	REQUIRE(world,
		json_number(json_object_get(snapshot, "drops"), "perf_maps_refused") ==
			(owner != NULL),
		"perf_maps_refused: %s", json_dumps(json_object_get(snapshot, "drops"), 0));
	proc_send(world, work, "end\n");
	truth_read(world, work);
	proc_wait(world, work);
	stream_stop(world, tw);
	log = stream_read(world, tw);
	REQUIRE(world, log.count == 3 && log.finished == 3, "%zu lives, %zu ends", log.count,
		log.finished);
	for (size_t i = 0; i < log.count; i++) {
		const char *routine = log.lives[i].routine;

		REQUIRE(world,
			strcmp(routine, "main") == 0 ||
				(owner ? strncmp(routine, "[anon]+0x", 9) == 0
				       : strcmp(routine, "jit_first") == 0 ||
							strcmp(routine, "jit_second") == 0),
			"a thread is called %s", routine);
	}
}

static void made_code(struct world *world)
{
	watch_made_code(world, NULL);
}

/* Where the process has another number and another /tmp than we. */
static void made_code_elsewhere(struct world *world)
{
	/* By a descriptor: the workload may itself lie below /tmp. */
	char *command = text("exec 9<%s && mount -t tmpfs none /tmp && exec /proc/self/fd/9 --now",
		workload(world, "jit"));
	struct proc *work;
	json_t *snapshot;

	if (!have_program("unshare"))
		test_skip(world, "no unshare here");
	work = proc_start(world, ARGV("unshare", "-m", "-p", "-f", "sh", "-c", command));
	proc_json_with(world, work, CHANNEL_OUT, "settled");
	snapshot = snapshot_take(world, ARGV("-a"));
	REQUIRE(world,
		snapshot_threads(snapshot, "jit_first") == 1 &&
			snapshot_threads(snapshot, "jit_second") == 1,
		"not named: %s", json_dumps(snapshot, 0));
	proc_send(world, work, "end\n");
	REQUIRE(world, proc_wait(world, work) == 0, "%s", proc_text(work, CHANNEL_ERR));
}

static void made_code_refused(struct world *world)
{
	watch_made_code(world, "12345");
}

const struct live_test names_tests[] = {
	{"late_attach_names", late_attach_names, 0},
	{"late_attach_stripped", late_attach_stripped, ANYWHERE},
	{"late_attach_static", late_attach_static, 0},
	{"late_attach_musl", late_attach_musl, 0},
	{"launched_names", launched_names, 0},
	{"launched_names_static", launched_names_static, ANYWHERE},
	{"launched_names_musl", launched_names_musl, 0},
	{"renames", renames, ANYWHERE},
	{"spawn_names_attached", spawn_names_attached, 0},
	{"spawn_names_launched", spawn_names_launched, ANYWHERE},
	{"cpp_threads", cpp_threads, 0},
	{"whole_names", whole_names, ANYWHERE},
	{"build_ids", build_ids, ANYWHERE},
	{"made_code", made_code, ANYWHERE},
	{"made_code_elsewhere", made_code_elsewhere, ANYWHERE},
	{"made_code_refused", made_code_refused, ANYWHERE},
	{0},
};
