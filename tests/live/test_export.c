/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_export.c - the Prometheus file: exact counters, atomic, readable, gone at the end.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stream.h"
#include "tests.h"

#define EXPORT_LIMIT_S 180
#define SETTLE_MS      15000
#define LAST_METRIC    "threadwatch_build_info"
#define ABSENT	       (-1.0)

/* The value of the one sample that starts with this, labels and all. */
static double sample(const char *all, const char *series)
{
	size_t length = strlen(series);

	for (const char *line = all; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, series, length) == 0 && line[length] == ' ')
			return strtod(line + length, NULL);
	}
	return ABSENT;
}

static char *series(const char *metric, const char *routine)
{
	return text("%s{process=\"churn\",routine=\"%s\"}", metric, routine);
}

static struct proc *export_start(struct world *world, const char *file, const char *const *options)
{
	const char *args[24] = {world->bin, "export", "--textfile", file, "--interval", "0.2"};
	size_t count = 6;
	uint64_t until = now_ms() + SETTLE_MS * (uint64_t)world->scale;
	struct proc *tw;

	for (; *options; options++)
		args[count++] = *options;
	tw = proc_start(world, args);
	while (access(file, R_OK)) {
		REQUIRE(world, !proc_ended(tw), "export ended: %s", proc_text(tw, CHANNEL_ERR));
		REQUIRE(world, now_ms() < until, "no %s", file);
		procs_pump(world, 1);
		breathe();
	}
	return tw;
}

/* Waits until the file says so. */
static void require_sample(struct world *world, const char *file, const char *what, double expected)
{
	uint64_t until = now_ms() + SETTLE_MS * (uint64_t)world->scale;
	double value = ABSENT;

	while (now_ms() < until) {
		char *all = file_text(file);

		value = all ? sample(all, what) : ABSENT;
		free(all);
		if (value == expected)
			return;
		procs_pump(world, 1);
		breathe();
	}
	test_fail(world, "%s is %.0f, the truth is %.0f", what, value, expected);
}

static void require_counters(struct world *world, const char *file, const json_t *totals)
{
	const char *routine;
	json_t *count;

	json_object_foreach((json_t *)totals, routine, count)
	{
		double expected = (double)json_integer_value(count);

		if (strcmp(routine, "main") == 0 || expected == 0)
			continue;
		require_sample(world, file, series("threadwatch_routines_started_total", routine),
			expected);
		require_sample(world, file, series("threadwatch_routines_finished_total", routine),
			expected);
		require_sample(world, file, series("threadwatch_routine_instances", routine), 0);
	}
}

static void stop_export(struct world *world, struct proc *tw, const char *file)
{
	proc_signal(world, tw, SIGTERM);
	REQUIRE(world, proc_wait(world, tw) == 0, "export failed: %s", proc_text(tw, CHANNEL_ERR));
	REQUIRE(world, access(file, F_OK), "the file outlives a clean stop");
}

/* While the process lives, and once more when it is gone and its counters were harvested. */
static void churn_export(struct world *world, const char *creators)
{
	char *file = scratch(world, "tw.prom");
	char *count = text("%ld", scaled(world, 100000, 5000));
	struct proc *other = work_start(world, ARGV(workload(world, "churn"), "-n", "1"));
	struct proc *work = work_start(world, ARGV(workload(world, "churn"), "-n", count, "-c",
						      creators, "--routines", "3", "--hold"));
	struct proc *tw = export_start(world, file,
		ARGV("-p", text("%d", (int)work->pid), "-p", text("%d", (int)other->pid)));
	struct truth truth;

	proc_send(world, work, "go\n");
	truth = truth_read(world, work);
	require_counters(world, file, truth.totals);
	require_sample(world, file, series("threadwatch_routine_instances", "main"), 2);
	proc_send(world, work, "end\n");
	REQUIRE(world, proc_wait(world, work) == 0, "the workload failed");
	require_sample(world, file, series("threadwatch_routines_finished_total", "main"), 1);
	require_sample(world, file, series("threadwatch_routine_instances", "main"), 1);
	require_counters(world, file, truth.totals);
	stop_export(world, tw, file);
	proc_send(world, other, "go\n");
	proc_wait(world, other);
}

static void export_one_creator(struct world *world)
{
	churn_export(world, "1");
}

static void export_four_creators(struct world *world)
{
	churn_export(world, "4");
}

/* A program started by export is counted from its first thread on. */
static void export_launched(struct world *world)
{
	char *file = scratch(world, "tw.prom");
	struct proc *tw = export_start(world, file,
		ARGV("--", workload(world, "churn"), "-n", "300", "-c", "2", "--hold"));
	struct truth truth;

	json_decref(proc_json_with(world, tw, CHANNEL_OUT, "ready"));
	proc_send(world, tw, "go\n");
	truth = truth_read(world, tw);
	require_counters(world, file, truth.totals);
	require_sample(world, file, series("threadwatch_routines_started_total", "main"), 1);
	proc_send(world, tw, "end\n");
	REQUIRE(world, proc_wait(world, tw) == 0, "export failed: %s", proc_text(tw, CHANNEL_ERR));
	REQUIRE(world, access(file, F_OK), "the file outlives its program");
}

static void export_states(struct world *world)
{
	char *file = scratch(world, "tw.prom");
	struct proc *work = proc_start(world, ARGV(workload(world, "pool"), "--now"));
	struct proc *tw;
	struct stat info;
	char *all;

	json_decref(proc_json_with(world, work, CHANNEL_OUT, "settled"));
	tw = export_start(world, file, ARGV("-p", text("%d", (int)work->pid)));
	require_sample(world, file,
		"threadwatch_threads{process=\"pool\",routine=\"pool_mutex\",state=\"sleeping\"}",
		2);
	require_sample(world, file,
		"threadwatch_threads{process=\"pool\",routine=\"pool_spin\",state=\"running\"}", 1);
	require_sample(world, file,
		"threadwatch_routine_instances{process=\"pool\",routine=\"pool_read\"}", 2);
	REQUIRE(world, stat(file, &info) == 0 && (info.st_mode & 07777) == 0644, "mode %o",
		info.st_mode & 07777);
	all = file_text(file);
	REQUIRE(world, sample(all, "threadwatch_last_snapshot_timestamp_seconds") > 1.6e9,
		"not a Unix time");
	REQUIRE(world,
		sample(all,
			"threadwatch_routine_oldest_seconds{process=\"pool\",routine=\"main\"}") >
			0,
		"main has no age");
	REQUIRE(world, strstr(all, "threadwatch_drops_total{what=\"events_started_dropped\"} 0\n"),
		"no drops_total");
	proc_send(world, work, "end\n");
	truth_read(world, work);
	proc_wait(world, work);
	proc_wait(world, tw);
}

static char *numbered(const char *metric, const char *routine)
{
	return text("%s{process=\"numbered\",routine=\"%s\"}", metric, routine);
}

/* Threads and spans, gauges and counters; functions stay apart. */
static void export_folds_numbers(struct world *world)
{
	char *file = scratch(world, "folded.prom"), *plain = scratch(world, "plain.prom");
	struct proc *work = work_start(world, ARGV(workload(world, "numbered"), "--hold"));
	struct proc *stays = work_start(world, ARGV(workload(world, "churn"), "-n", "1"));
	char *pid = text("%d", (int)work->pid), *stays_pid = text("%d", (int)stays->pid);
	struct proc *tw = export_start(world, file, ARGV("-p", pid, "-p", stays_pid));
	struct proc *other =
		export_start(world, plain, ARGV("-p", pid, "-p", stays_pid, "--no-fold-numbers"));

	proc_send(world, work, "go\n");
	json_decref(proc_json_with(world, work, CHANNEL_OUT, "settled"));
	require_sample(world, file, numbered("threadwatch_routine_instances", "worker-*"), 6);
	require_sample(world, file, numbered("threadwatch_routine_instances", "order-*"), 6);
	require_sample(world, file, numbered("threadwatch_routines_started_total", "worker-*"), 6);
	require_sample(world, file, numbered("threadwatch_routines_started_total", "worker2"), 1);
	require_sample(
		world, file, numbered("threadwatch_routines_started_total", "worker-3"), ABSENT);
	require_sample(world, plain, numbered("threadwatch_routines_started_total", "worker-3"), 1);
	require_sample(world, plain, numbered("threadwatch_routine_instances", "order-3"), 1);
	proc_send(world, work, "end\n");
	truth_read(world, work);
	require_sample(world, file, numbered("threadwatch_routines_finished_total", "order-*"), 6);
	stop_export(world, tw, file);
	stop_export(world, other, plain);
	proc_send(world, stays, "go\n");
	proc_wait(world, stays);
}

/* ---- readers never see a part ---- */

struct reader {
	const char *file;
	atomic_bool stop;
	const char *broken; /* what was wrong with some read; NULL: nothing */
	size_t reads;
};

static void *read_all_the_time(void *argument)
{
	struct reader *reader = argument;

	while (!atomic_load(&reader->stop) && !reader->broken) {
		char *all = file_text(reader->file);
		size_t length = all ? strlen(all) : 0;

		if (!all)
			reader->broken = "it was not there for a moment";
		else if (!length || all[length - 1] != '\n')
			reader->broken = "its last line was not whole";
		else if (!strstr(all, LAST_METRIC) || !strstr(all, "threadwatch_threads"))
			reader->broken = "metrics were missing";
		reader->reads++;
		free(all);
		breathe();
	}
	return NULL;
}

static void export_is_atomic(struct world *world)
{
	char *file = scratch(world, "tw.prom"), *count = text("%ld", scaled(world, 40000, 4000));
	struct proc *work = work_start(world, ARGV(workload(world, "churn"), "-n", count, "-c", "2",
						      "--routines", "3", "--hold"));
	struct proc *tw =
		proc_start(world, ARGV(world->bin, "export", "--textfile", file, "--interval",
					  "0.02", "-p", text("%d", (int)work->pid)));
	struct reader reader = {.file = file};
	pthread_t thread;

	while (access(file, R_OK)) {
		REQUIRE(world, !proc_ended(tw), "export ended: %s", proc_text(tw, CHANNEL_ERR));
		breathe();
	}
	REQUIRE(world, pthread_create(&thread, NULL, read_all_the_time, &reader) == 0, "a thread");
	proc_send(world, work, "go\n");
	truth_read(world, work);
	while (reader.reads < 300 && !reader.broken)
		breathe();
	atomic_store(&reader.stop, true);
	pthread_join(thread, NULL);
	REQUIRE(world, !reader.broken, "a reader of the file: %s", reader.broken);
	stop_export(world, tw, file);
	proc_send(world, work, "end\n");
	proc_wait(world, work);
}

/* ---- promtool's opinion, also about hostile names ---- */

static void require_promtool(struct world *world, const char *file)
{
	struct proc *promtool = proc_start(
		world, ARGV("/bin/sh", "-c", "exec promtool check metrics <\"$0\" 2>&1", file));
	int status = proc_wait(world, promtool);

	REQUIRE(world, status == 0 && !*proc_text(promtool, CHANNEL_OUT),
		"promtool check metrics: %s", proc_text(promtool, CHANNEL_OUT));
}

static void promtool_is_content(struct world *world)
{
	char *file = scratch(world, "tw.prom");
	struct proc *work, *tw;
	char *all;

	if (!have_program("promtool"))
		test_skip(world, "promtool is not installed");
	work = work_start(world, ARGV(workload(world, "hostile"), "--hold"));
	tw = export_start(world, file, ARGV("--no-fold-numbers", "-p", text("%d", (int)work->pid)));
	proc_send(world, work, "go\n");
	json_decref(proc_json_with(world, work, CHANNEL_OUT, "settled"));
	require_sample(world, file,
		"threadwatch_routines_finished_total{process=\"m\\n\xef\xbf\xbd]0;\\\"\\\\x\","
		"routine=\"q\\\"u\\\\o\\\",\\\"x\\\":1\"}",
		2); /* a thread and a span of that name */
	require_promtool(world, file);
	all = file_text(file);
	for (char *line = strtok(all, "\n"); line; line = strtok(NULL, "\n"))
		REQUIRE(world, *line == '#' || strncmp(line, "threadwatch_", 12) == 0,
			"a line that is none: %s", line);
	stop_export(world, tw, file);
	proc_send(world, work, "end\n");
	truth_read(world, work);
	proc_wait(world, work);
}

static void export_unwritable(struct world *world)
{
	char *folder = scratch(world, "not-a-file.prom");
	struct proc *tw;

	REQUIRE(world, mkdir(folder, 0755) == 0, "mkdir");
	tw = proc_start(world,
		ARGV(world->bin, "export", "-p", text("%d", (int)getpid()), "--textfile", folder));
	REQUIRE(world, proc_wait(world, tw) != 0, "a folder as a text file is fine?");
	REQUIRE(world, lines_in(proc_text(tw, CHANNEL_ERR)) == 1, "stderr: %s",
		proc_text(tw, CHANNEL_ERR));
	REQUIRE(world, access(folder, F_OK) == 0, "it removed somebody's folder");
}

const struct live_test export_tests[] = {
	{"export_one_creator", export_one_creator, EXPORT_LIMIT_S},
	{"export_four_creators", export_four_creators, EXPORT_LIMIT_S},
	{"export_launched", export_launched, ANYWHERE},
	{"export_states", export_states, 0},
	{"export_folds_numbers", export_folds_numbers, ANYWHERE},
	{"export_is_atomic", export_is_atomic, ANYWHERE},
	{"promtool_is_content", promtool_is_content, ANYWHERE},
	{"export_unwritable", export_unwritable, ANYWHERE},
	{0},
};
