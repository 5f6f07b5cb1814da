/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_discovery.c - files that carry probes are found: a C library that was deleted, overlays,
 * libraries loaded later, many sites; and what happens when the kernel does not tell.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "files.h"
#include "stream.h"
#include "tests.h"

#define TICKS	    300
#define TICKS_LATE  150 /* of 1 ms: a look now and then would take up to a second */
#define FLOOD	    20000
#define SITES_PAIRS 200
#define ATTACH_MS   5000
#define POLLED_MS   10000
#define PROBED_MS   20000
#define END_MS	    20000 /* 400 probes one by one take 40 s */

/* ---- an upgraded C library ---- */

static void deleted_libc(struct world *world)
{
	char *dir = make_root(world, "root", "churn");
	char *libs = text("%s/lib/x86_64-linux-gnu", dir), *libc = text("%s/libc.so.6", libs);
	struct proc *work =
		work_start(world, ARGV(text("%s/lib64/ld-linux-x86-64.so.2", dir), "--library-path",
					  libs, text("%s/churn", dir), "-n", "50"));
	size_t called = 0;
	struct proc *tw;
	struct run run;

	/* What an upgrade does: a new file under the old name. */
	copy_file(world, libc, text("%s.new", libc));
	REQUIRE(world, rename(text("%s.new", libc), libc) == 0, "rename: %s", strerror(errno));
	REQUIRE(world,
		strstr(file_text(text("/proc/%d/maps", (int)work->pid)), "libc.so.6 (deleted)"),
		"its libc is not deleted");
	tw = tw_start(world, ARGV("-o", "json", "-p", text("%d", (int)work->pid)), NULL);
	stream_ready(world, tw);
	proc_send(world, work, "go\n");
	run.truth = truth_read(world, work);
	run.work_status = proc_wait(world, work);
	run.status = stream_stop(world, tw);
	run.log = stream_read(world, tw);
	for (size_t i = 0; i < run.log.count; i++)
		called += *run.log.lives[i].call_site != '\0';
	REQUIRE(world, lives_of(&run.log, "churn_worker") == 50, "%zu workers",
		lives_of(&run.log, "churn_worker"));
	REQUIRE(world, called >= 50, "%zu call sites of 50: the deleted libc is not probed",
		called);
}

/* ---- probes ---- */

/* A stream without what stream_read requires: a probe that is set between begin and end of a span
 * sees an end without a begin. */
static struct stream_log read_loosely(struct world *world, struct proc *tw)
{
	struct stream_log log = {.events = json_array()};
	json_t *line;

	tw->channels[tw->events].read = 0;
	while ((line = proc_json(world, tw, tw->events))) {
		log.summary = line;
		json_array_append(log.events, line);
	}
	return log;
}

/* Spans of the stream whose names begin so. */
static size_t spans_of(const struct stream_log *log, const char *type, const char *prefix)
{
	size_t i, count = 0;
	json_t *event;

	json_array_foreach(log->events, i, event) count +=
		strcmp(json_text(event, "type"), type) == 0 &&
		strncmp(json_text(event, "routine"), prefix, strlen(prefix)) == 0;
	return count;
}

/* Waits until a file with this many probes is probed. */
static void await_probes(struct world *world, const struct proc *tw, size_t probes)
{
	const char *wanted = text(": %zu routine probes", probes);
	uint64_t until = now_ms() + PROBED_MS;

	while (!strstr(proc_text(tw, CHANNEL_ERR), wanted)) {
		REQUIRE(world, now_ms() < until, "not probed: %s", proc_text(tw, CHANNEL_ERR));
		procs_pump(world, 1);
		breathe();
	}
}

static void mount_overlay(struct world *world, const char *lower, const char *name)
{
	char *upper = make_dir(world, text("%s/%s.upper", world->dir, name));
	char *work = make_dir(world, text("%s/%s.work", world->dir, name));
	char *at = make_dir(world, text("%s/%s", world->dir, name));

	if (mount("overlay", at, "overlay", 0,
		    text("lowerdir=%s,upperdir=%s,workdir=%s", lower, upper, work)))
		test_skip(world, "no overlay here: %s", strerror(errno));
}

/* Waits for the end of a process of this name. */
static void await_main(struct world *world, struct proc *tw, const char *process)
{
	json_t *event;

	do
		event = stream_event(world, tw, "finished", "instance", "thread");
	while (strcmp(json_text(event, "process"), process) ||
		json_number(event, "pid") != json_number(event, "tid"));
}

/* Runs the program by three names in turn, twice. Each name is known by the second time, when
 * probes set twice would tell everything twice. */
static void overlay(struct world *world)
{
	char *lower = make_dir(world, scratch(world, "lower"));
	char *all = text("%s/one/many_sites --now; %s/other/many_sites --now; %s/many_sites --now",
		world->dir, world->dir, lower);
	struct stream_log log;
	struct proc *tw;
	size_t told;

	copy_file(world, workload(world, "many_sites"), text("%s/many_sites", lower));
	mount_overlay(world, lower, "one");
	mount_overlay(world, lower, "other");
	tw = tw_start(world, ARGV("-v", "-f", "-o", "json"),
		ARGV("/bin/sh", "-c", text("%s; read go; %s", all, all)));
	await_probes(world, tw, 2 * SITES_PAIRS);
	for (int i = 0; i < 3; i++)
		await_main(world, tw, "many_sites");
	proc_send(world, tw, "go\n");
	proc_wait(world, tw);
	/* The lower folder cannot go while it is used. */
	umount2(scratch(world, "one"), MNT_DETACH);
	umount2(scratch(world, "other"), MNT_DETACH);
	log = read_loosely(world, tw);
	told = spans_of(&log, "started", "site-");
	/* The first runs may be over before they are probed. */
	REQUIRE(world, told <= 2 * 3 * SITES_PAIRS, "%zu spans of %d: some were told twice", told,
		2 * 3 * SITES_PAIRS);
	REQUIRE(world, told >= 3 * SITES_PAIRS, "%zu spans of %d: a view is not probed", told,
		2 * 3 * SITES_PAIRS);
}

/* The first tick that was told, each later one too. */
static long first_tick(struct world *world, const struct stream_log *log)
{
	size_t count = spans_of(log, "started", "tick-");

	REQUIRE(world, count > 0, "the library was never probed");
	for (long i = TICKS - (long)count; i < TICKS; i++)
		REQUIRE(world, spans_of(log, "started", text("tick-%ld", i)) > 0,
			"tick-%ld is missing, %zu were told", i, count);
	REQUIRE(world, spans_of(log, "started", "last") == 1, "the last span is missing");
	return TICKS - (long)count;
}

static void library_loaded_later(struct world *world)
{
	struct proc *work = work_start(world, ARGV(workload(world, "loads_later")));
	struct proc *tw =
		tw_start(world, ARGV("-o", "json", "-p", text("%d", (int)work->pid)), NULL);
	struct stream_log log;
	long first;

	stream_ready(world, tw);
	proc_send(world, work, "go\n");
	json_decref(proc_json_with(world, work, CHANNEL_OUT, "settled"));
	proc_send(world, work, "end\n");
	proc_wait(world, work);
	stream_stop(world, tw);
	log = read_loosely(world, tw);
	first = first_tick(world, &log);
	fprintf(stderr, "    probed within %ld ms of dlopen\n", first);
	REQUIRE(world, first < TICKS_LATE, "the library was probed only after %ld ms", first);
}

/* While threadwatch stands still the kernel's records overflow: it looks at everything again. */
static void lost_mappings_are_made_good(struct world *world)
{
	struct proc *work = work_start(
		world, ARGV(workload(world, "loads_later"), "--flood", text("%d", FLOOD)));
	struct proc *tw =
		tw_start(world, ARGV("-o", "json", "-p", text("%d", (int)work->pid)), NULL);
	struct stream_log log;
	json_t *last;

	stream_ready(world, tw);
	proc_signal(world, tw, SIGSTOP);
	proc_send(world, work, "go\n");
	json_decref(proc_json_with(world, work, CHANNEL_OUT, "settled"));
	proc_signal(world, tw, SIGCONT);
	/* It answers once it has taken in what waited. */
	proc_signal(world, tw, SIGUSR1);
	while (strcmp(json_text(last = proc_json(world, tw, tw->events), "type"), "snapshot"))
		json_decref(last);
	proc_send(world, work, "end\n");
	proc_wait(world, work);
	stream_stop(world, tw);
	log = read_loosely(world, tw);
	REQUIRE(world, json_number(json_object_get(log.summary, "drops"), "mappings_lost") > 0,
		"nothing was lost: %s", json_dumps(log.summary, 0));
	REQUIRE(world, spans_of(&log, "started", "last") == 1,
		"the library was not found after the loss");
}

/* Where perf_event_open is refused a library is found all the same, if later, and that is told. */
static void mappings_are_polled(struct world *world)
{
	struct proc *work = work_start(world, ARGV(workload(world, "loads_later"))), *tw;
	struct stream_log log;
	uint64_t until = now_ms() + POLLED_MS;
	const char *said;

	if (world->scale > 1)
		test_skip(world, "older kernels attach probes by perf_event_open too");
	tw = proc_start(world, ARGV(workload(world, "without_perf"), world->bin, "-v", "-o", "json",
				       "-p", text("%d", (int)work->pid)));
	stream_ready(world, tw);
	proc_send(world, work, "go\n");
	json_decref(proc_json_with(world, work, CHANNEL_OUT, "settled"));
	while (!strstr(said = proc_text(tw, CHANNEL_ERR), "libticks.so")) {
		REQUIRE(world, now_ms() < until, "the library is not probed: %s", said);
		procs_pump(world, 1);
		breathe();
	}
	proc_send(world, work, "end\n");
	proc_wait(world, work);
	stream_stop(world, tw);
	log = read_loosely(world, tw);
	REQUIRE(world, spans_of(&log, "started", "last") == 1,
		"the last span is missing, %zu spans, %zu ticks: %s", json_array_size(log.events),
		spans_of(&log, "started", "tick-"), proc_text(tw, CHANNEL_ERR));
	REQUIRE(world, json_number(json_object_get(log.summary, "drops"), "mappings_polled") == 1,
		"it is not told: %s", json_dumps(log.summary, 0));
}

/* The same inode with other content: what was known of it is wrong. */
static void file_changed_in_place(struct world *world)
{
	char *program = scratch(world, "program");
	struct stream_log log;
	struct proc *tw;

	copy_file(world, workload(world, "short_life"), program);
	tw = tw_start(world, ARGV("-v", "-f", "-o", "json"),
		ARGV("/bin/sh", "-c",
			text("%s; cat %s > %s; %s --now; read go; %s --now", program,
				workload(world, "many_sites"), program, program, program)));
	await_probes(world, tw, 2 * SITES_PAIRS);
	proc_send(world, tw, "go\n");
	proc_wait(world, tw);
	log = read_loosely(world, tw);
	REQUIRE(world, spans_of(&log, "started", "site-") >= SITES_PAIRS,
		"%zu spans of the new content", spans_of(&log, "started", "site-"));
}

static void many_sites(struct world *world)
{
	struct proc *work = work_start(world, ARGV(workload(world, "many_sites")));
	uint64_t begin = now_ms(), attached, end;
	struct proc *tw =
		tw_start(world, ARGV("-o", "json", "-p", text("%d", (int)work->pid)), NULL);
	struct stream_log log;

	stream_ready(world, tw);
	attached = now_ms() - begin;
	proc_send(world, work, "go\n");
	proc_wait(world, work);
	begin = now_ms();
	stream_stop(world, tw);
	end = now_ms() - begin;
	log = stream_read(world, tw);
	REQUIRE(world, spans_of(&log, "finished", "site-") == SITES_PAIRS, "%zu spans of %d",
		spans_of(&log, "finished", "site-"), SITES_PAIRS);
	fprintf(stderr, "    400 sites: watching after %llu ms, gone after %llu ms\n",
		(unsigned long long)attached, (unsigned long long)end);
	if (world->scale > 1)
		return; /* kernels there may have no uprobe_multi links */
	REQUIRE(world, attached < ATTACH_MS, "attached after %llu ms",
		(unsigned long long)attached);
	REQUIRE(world, end < END_MS, "ended after %llu ms", (unsigned long long)end);
}

const struct live_test discovery_tests[] = {
	{"deleted_libc", deleted_libc, 0},
	{"overlay", overlay, 0},
	{"library_loaded_later", library_loaded_later, 0},
	{"lost_mappings_are_made_good", lost_mappings_are_made_good, 0},
	{"many_sites", many_sites, 0},
	{"mappings_are_polled", mappings_are_polled, 0},
	{"file_changed_in_place", file_changed_in_place, 0},
	{0},
};
