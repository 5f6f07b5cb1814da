/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_options.c - what the options of the stream do.
 */
#include <regex.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stream.h"
#include "tests.h"

#define LAUNCH_STATUS 7
#define DURATION_MS   1000
#define SOAK_MS	      60000
#define SOAK_GUEST_MS 20000
#define GROWTH_KIB    2048 /* in the second half */

static void regex_filters(struct world *world)
{
	struct run run = run_attached(world, ARGV("-r", "^churn_(second|third)$"),
		ARGV(workload(world, "churn"), "-n", "300", "--routines", "3"));

	REQUIRE(world,
		lives_of(&run.log, "churn_second") == 100 &&
			lives_of(&run.log, "churn_third") == 100 && run.log.count == 200,
		"%zu lives got through, 200 match", run.log.count);
	REQUIRE(world, run.log.finished == 200, "%zu ends got through", run.log.finished);
}

static void regex_that_matches_nothing(struct world *world)
{
	struct run run = run_attached(
		world, ARGV("-r", "no-such-routine"), ARGV(workload(world, "churn"), "-n", "30"));

	REQUIRE(world, run.log.count == 0 && json_array_size(run.log.events) == 0,
		"%zu lives match nothing", run.log.count);
}

static void duration_ends_the_stream(struct world *world)
{
	struct proc *work = work_start(world, ARGV(workload(world, "churn")));
	struct proc *tw = tw_start(
		world, ARGV("-o", "json", "-d", "1", "-p", text("%d", (int)work->pid)), NULL);
	uint64_t begin;

	stream_ready(world, tw);
	begin = now_ms();
	REQUIRE(world, proc_wait(world, tw) == 0, "failed: %s", proc_text(tw, CHANNEL_ERR));
	/* It counts from somewhere before the ready line that was read here. */
	REQUIRE(world,
		now_ms() - begin > DURATION_MS / 4 &&
			now_ms() - begin < DURATION_MS * 5 * (uint64_t)world->scale,
		"-d 1 lasted %llu ms", (unsigned long long)(now_ms() - begin));
	stream_read(world, tw);
	proc_send(world, work, "go\n");
	REQUIRE(world, proc_wait(world, work) == 0, "the workload failed");
}

static int launch_status(struct world *world, const char *option, const char *script)
{
	struct proc *tw =
		tw_start(world, ARGV("-o", "json", option), ARGV("/bin/sh", "-c", script));
	int status = proc_wait(world, tw);

	stream_read(world, tw);
	return status;
}

static void exit_code_passed_on(struct world *world)
{
	int status = launch_status(world, "--exit-code", text("exit %d", LAUNCH_STATUS));

	REQUIRE(world, status == LAUNCH_STATUS, "--exit-code gave %d", status);
	status = launch_status(world, "--exit-code", "exit 0");
	REQUIRE(world, status == 0, "--exit-code gave %d for 0", status);
	status = launch_status(world, "--exit-code", "kill -9 $$");
	REQUIRE(world, status == 128 + SIGKILL, "--exit-code gave %d for SIGKILL", status);
	status = launch_status(world, "--no-uprobes", text("exit %d", LAUNCH_STATUS));
	REQUIRE(world, status == 0, "%d without --exit-code", status);
}

/* The program sees its arguments, its stdin and its stdout as it would alone. */
static void launched_program_is_undisturbed(struct world *world)
{
	struct proc *tw = tw_start(world, ARGV("-o", "json"),
		ARGV("/bin/sh", "-c", "read a; echo \"$a $1 $#\"; echo oops >&2", "sh", "-x y"));
	char *line;

	proc_send(world, tw, "hello\n");
	line = proc_line(world, tw, CHANNEL_OUT);
	REQUIRE(world, line && strcmp(line, "hello -x y 1") == 0, "it said %s",
		line ? line : "nothing");
	REQUIRE(world, proc_wait(world, tw) == 0, "failed: %s", proc_text(tw, CHANNEL_ERR));
	REQUIRE(world, strstr(proc_text(tw, CHANNEL_ERR), "oops\n"), "stderr: %s",
		proc_text(tw, CHANNEL_ERR));
	stream_read(world, tw);
}

static void two_targets(struct world *world)
{
	struct proc *one = work_start(world, ARGV(workload(world, "churn"), "-n", "40"));
	struct proc *two = work_start(world, ARGV(workload(world, "churn"), "-n", "60"));
	struct proc *other = work_start(world, ARGV(workload(world, "churn"), "-n", "80"));
	struct proc *tw = tw_start(world,
		ARGV("-o", "json", "-p", text("%d", (int)one->pid), "-p",
			text("%d", (int)two->pid)),
		NULL);
	struct proc *works[] = {one, two, other};
	struct stream_log log;

	stream_ready(world, tw);
	for (int i = 0; i < 3; i++) {
		proc_send(world, works[i], "go\n");
		proc_wait(world, works[i]);
	}
	stream_stop(world, tw);
	log = stream_read(world, tw);
	REQUIRE(world, lives_of(&log, "churn_worker") == 100, "%zu workers of two targets",
		lives_of(&log, "churn_worker"));
	for (size_t i = 0; i < log.count; i++)
		REQUIRE(world, log.lives[i].pid != other->pid, "a process that is not watched");
}

static void ends_with_its_targets(struct world *world)
{
	struct proc *one = work_start(world, ARGV(workload(world, "churn"), "-n", "5"));
	struct proc *two = work_start(world, ARGV(workload(world, "churn"), "-n", "5"));
	struct proc *tw = tw_start(world,
		ARGV("-o", "json", "-p", text("%d", (int)one->pid), "-p",
			text("%d", (int)two->pid)),
		NULL);

	stream_ready(world, tw);
	proc_send(world, one, "go\n");
	proc_wait(world, one);
	json_decref(stream_event(world, tw, "finished", "routine", "main"));
	REQUIRE(world, !proc_ended(tw), "ended while a target lives");
	proc_send(world, two, "go\n");
	proc_wait(world, two);
	REQUIRE(world, proc_wait(world, tw) == 0, "failed: %s", proc_text(tw, CHANNEL_ERR));
	stream_read(world, tw);
}

static void stops_on(struct world *world, int signal)
{
	struct proc *work = work_start(world, ARGV(workload(world, "churn"), "-n", "200000"));
	struct proc *tw =
		tw_start(world, ARGV("-o", "json", "-p", text("%d", (int)work->pid)), NULL);
	struct stream_log log;

	stream_ready(world, tw);
	proc_send(world, work, "go\n");
	json_decref(stream_event(world, tw, "finished", "routine", "churn_worker"));
	proc_signal(world, tw, signal);
	REQUIRE(world, proc_wait(world, tw) == 0, "failed: %s", proc_text(tw, CHANNEL_ERR));
	log = stream_read(world, tw);
	REQUIRE(world, json_number(log.summary, "live") >= 2, "%lld threads live",
		(long long)json_number(log.summary, "live"));
	proc_signal(world, work, SIGKILL);
	proc_wait(world, work);
}

static void sigint_detaches(struct world *world)
{
	stops_on(world, SIGINT);
}

static void sigterm_detaches(struct world *world)
{
	stops_on(world, SIGTERM);
}

/* The summary counts what the stream has. */
static void summary_adds_up(struct world *world)
{
	struct run run =
		run_attached(world, NULL, ARGV(workload(world, "churn"), "-n", "500", "-c", "2"));
	size_t others, i, running = 0;

	others = json_array_size(run.log.events);
	for (i = 0; i < run.log.count; i++)
		running += run.log.lives[i].already_running;
	REQUIRE(world,
		json_number(run.log.summary, "events") ==
			(int64_t)(run.log.started + running + run.log.finished + others),
		"the summary says %lld events, the stream has %zu",
		(long long)json_number(run.log.summary, "events"),
		run.log.started + running + run.log.finished + others);
	REQUIRE(world, json_number(run.log.summary, "live") == 0, "%lld live",
		(long long)json_number(run.log.summary, "live"));
}

/* RFC 3339 with nanoseconds, in UTC, and the same moment as boot_ns. */
static void times_are_rfc3339(struct world *world)
{
	struct run run = run_attached(world, NULL, ARGV(workload(world, "rename")));
	json_t *event;
	regex_t form;
	size_t i;

	REQUIRE(world,
		regcomp(&form,
			"^20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9]"
			"(\\.[0-9]+)?(Z|[+-][0-2][0-9]:[0-5][0-9])$",
			REG_EXTENDED | REG_NOSUB) == 0,
		"regcomp");
	json_array_foreach(run.log.events, i, event)
	{
		REQUIRE(world, regexec(&form, json_text(event, "time"), 0, NULL, 0) == 0,
			"not a time: %s", json_dumps(event, 0));
		REQUIRE(world,
			json_number(event, "boot_ns") > 0 &&
				(uint64_t)json_number(event, "boot_ns") < boot_ns(),
			"not a moment of the past: %s", json_dumps(event, 0));
	}
	regfree(&form);
}

/* ---- the whole system ---- */

/* Counts one event of the workers of process `pid`. */
static void count_worker(const json_t *event, pid_t pid, size_t *started, size_t *finished)
{
	if (json_number(event, "pid") != pid ||
		strcmp(json_text(event, "routine"), "churn_worker") != 0)
		return;
	*started += strcmp(json_text(event, "type"), "started") == 0;
	*finished += strcmp(json_text(event, "type"), "finished") == 0;
}

static void whole_system(struct world *world)
{
	struct proc *tw = tw_start(world, ARGV("-o", "json", "-a"), NULL), *work;
	size_t started = 0, finished = 0;
	json_t *event;

	stream_ready(world, tw);
	work = work_start(world, ARGV(workload(world, "churn"), "-n", "250", "--now"));
	truth_read(world, work);
	proc_wait(world, work);
	/* Until all have ended, not until the main thread has: a joiner is woken before its
	 * thread's exit is traced (6.1 to 6.12) and may end first. */
	while (finished < 250) {
		event = proc_json(world, tw, CHANNEL_OUT);
		REQUIRE(world, event, "the stream ended: %s", proc_text(tw, CHANNEL_ERR));
		if (json_object_get(event, "pid"))
			count_worker(event, work->pid, &started, &finished);
		json_decref(event);
	}
	REQUIRE(world, stream_stop(world, tw) == 0, "failed: %s", proc_text(tw, CHANNEL_ERR));
	while ((event = proc_json(world, tw, CHANNEL_OUT))) {
		if (json_object_get(event, "pid"))
			count_worker(event, work->pid, &started, &finished);
		json_decref(event);
	}
	REQUIRE(world, started == 250 && finished == 250, "%zu started and %zu finished of 250",
		started, finished);
}

/* Everything that runs is listed first, each thread of /proc at least. */
static void whole_system_lists_all(struct world *world)
{
	size_t before = tasks_of_all(true);
	struct proc *tw = tw_start(world, ARGV("-o", "json", "-a"), NULL);
	size_t listed = 0;
	struct stream_log log;

	stream_ready(world, tw);
	REQUIRE(world, stream_stop(world, tw) == 0, "failed: %s", proc_text(tw, CHANNEL_ERR));
	log = stream_read(world, tw);
	for (size_t i = 0; i < log.count; i++)
		listed += log.lives[i].already_running;
	REQUIRE(world, listed * 10 > before * 9, "%zu threads listed, /proc had %zu", listed,
		before);
}

static size_t resident_kib(struct world *world, const struct proc *proc)
{
	char *status = file_text(text("/proc/%d/status", (int)proc->pid));
	char *line = status ? strstr(status, "VmRSS:") : NULL;
	unsigned long kib;

	REQUIRE(world, line && sscanf(line, "VmRSS: %lu", &kib) == 1, "%s has ended: %s",
		proc->what, proc_text(proc, CHANNEL_ERR));
	free(status);
	return kib;
}

/* Programs that start and stop, with threads and without. */
static void bustle(struct world *world, uint64_t until)
{
	while (now_ms() < until) {
		struct proc *shell =
			proc_start(world, ARGV("/bin/sh", "-c", "/bin/true; /bin/true"));
		struct proc *threads = proc_start(
			world, ARGV(workload(world, "churn"), "-n", "200", "-c", "2", "--now"));

		REQUIRE(world, proc_wait(world, threads) == 0 && proc_wait(world, shell) == 0,
			"a program failed");
		proc_forget(world, threads);
		proc_forget(world, shell);
	}
}

/* Observers of everything settle: they do not grow with what has come and gone. */
static void whole_system_does_not_grow(struct world *world)
{
	uint64_t begin = now_ms(), whole_ms = (uint64_t)scaled(world, SOAK_MS, SOAK_GUEST_MS);
	struct proc *tw = proc_start(world, ARGV("/bin/sh", "-c", "exec \"$0\" \"$@\" >/dev/null",
						    world->bin, "-o", "json", "-a"));
	struct proc *export = proc_start(world, ARGV(world->bin, "export", "-a", "--interval", "1",
							"--textfile", scratch(world, "tw.prom")));
	size_t tw_kib, export_kib;

	bustle(world, begin + whole_ms / 2);
	tw_kib = resident_kib(world, tw);
	export_kib = resident_kib(world, export);
	bustle(world, begin + whole_ms);
	REQUIRE(world, resident_kib(world, tw) < tw_kib + GROWTH_KIB,
		"the stream grew from %zu to %zu KiB", tw_kib, resident_kib(world, tw));
	REQUIRE(world, resident_kib(world, export) < export_kib + GROWTH_KIB,
		"export grew from %zu to %zu KiB", export_kib, resident_kib(world, export));
	REQUIRE(world, stream_stop(world, tw) == 0, "failed: %s", proc_text(tw, CHANNEL_ERR));
	REQUIRE(world, stream_stop(world, export) == 0, "failed: %s",
		proc_text(export, CHANNEL_ERR));
}

const struct live_test option_tests[] = {
	{"regex_filters", regex_filters, ANYWHERE},
	{"regex_that_matches_nothing", regex_that_matches_nothing, ANYWHERE},
	{"duration_ends_the_stream", duration_ends_the_stream, ANYWHERE},
	{"exit_code_passed_on", exit_code_passed_on, ANYWHERE},
	{"launched_program_is_undisturbed", launched_program_is_undisturbed, 0},
	{"two_targets", two_targets, ANYWHERE},
	{"ends_with_its_targets", ends_with_its_targets, ANYWHERE},
	{"sigint_detaches", sigint_detaches, 0},
	{"sigterm_detaches", sigterm_detaches, ANYWHERE},
	{"summary_adds_up", summary_adds_up, ANYWHERE},
	{"times_are_rfc3339", times_are_rfc3339, ANYWHERE},
	{"whole_system", whole_system, 0},
	{"whole_system_lists_all", whole_system_lists_all, 0},
	{"whole_system_does_not_grow", whole_system_does_not_grow, 150},
	{0},
};
