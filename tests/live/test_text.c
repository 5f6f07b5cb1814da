/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_text.c - output for people: one event is one line, whatever names it has to show.
 */
#include <string.h>

#include "stream.h"
#include "tests.h"

#define WAIT_LINES_MAX 100000

static const char *const words[] = {"running", "started", "named", "finished", "timebox", "EVENT"};

static bool is_known_word(const char *line)
{
	char time[32], word[32];

	if (sscanf(line, "%31s %31s", time, word) != 2)
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return false;
}

/* Nothing that a terminal obeys: C0, DEL, C1 as UTF-8 or alone, bidirectional overrides. */
static void require_harmless(struct world *world, const char *out)
{
	for (const unsigned char *c = (const unsigned char *)out; *c; c++) {
		REQUIRE(world, (*c >= 0x20 && *c != 0x7f) || *c == '\n', "control character %#x",
			*c);
		REQUIRE(world, !(c[0] == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f), "a C1 character");
		REQUIRE(world, !(c[0] == 0xe2 && c[1] == 0x80 && c[2] >= 0xaa && c[2] <= 0xae),
			"a bidirectional override");
		REQUIRE(world, *c < 0xf8, "a byte that is no UTF-8");
	}
}

static void hostile_names_in_text(struct world *world)
{
	struct proc *work = work_start(world, ARGV(workload(world, "hostile")));
	struct proc *tw = tw_start(world, ARGV("-p", text("%d", (int)work->pid)), NULL);
	char *line = proc_line(world, tw, CHANNEL_OUT);
	size_t lines = 0;
	json_t *totals;

	REQUIRE(world, line && strstr(line, "EVENT") && strstr(line, "ROUTINE"), "the header: %s",
		line ? line : "(nothing)");
	while (!strstr(line, "running")) /* main is listed: the probes are there */
		REQUIRE(world, (line = proc_line(world, tw, CHANNEL_OUT)), "no main");
	proc_send(world, work, "go\n");
	totals = proc_json_with(world, work, CHANNEL_OUT, "totals");
	proc_wait(world, work);
	REQUIRE(world, stream_stop(world, tw) == 0, "failed: %s", proc_text(tw, CHANNEL_ERR));
	while ((line = proc_line(world, tw, CHANNEL_OUT)) && lines++ < WAIT_LINES_MAX)
		REQUIRE(world, is_known_word(line), "a line that is not an event: %s", line);
	/* started and finished of a thread and a span each, and a rename */
	REQUIRE(world, lines >= 5 * (size_t)json_number(totals, "names"), "%zu lines", lines);
	require_harmless(world, proc_text(tw, CHANNEL_OUT));
}

static void hostile_names_in_json(struct world *world)
{
	struct run run = run_attached(world, NULL, ARGV(workload(world, "hostile")));
	size_t spawned = 0, spans = 0, named = 0, i;
	json_t *event;

	for (i = 0; i < run.log.count; i++)
		spawned += strcmp(run.log.lives[i].source, "spawn") == 0;
	json_array_foreach(run.log.events, i, event)
	{
		spans += strcmp(json_text(event, "instance"), "span") == 0 &&
			 strcmp(json_text(event, "type"), "finished") == 0;
		named += strcmp(json_text(event, "type"), "named") == 0;
	}
	REQUIRE(world, spawned == 8 && spans == 8 && named == 9,
		"%zu given names, %zu spans, %zu renames", spawned, spans, named);
	REQUIRE(world, lives_of(&run.log, "q\"u\\o\",\"x\":1") == 1, "quotes did not survive");
	REQUIRE(world, lives_of(&run.log, "a\nfinished 1 2") == 1, "a newline did not survive");
	REQUIRE(world, lives_of(&run.log, "\033[2J\033[31mred") == 1, "an escape did not survive");
}

static void hostile_names_in_snapshots(struct world *world)
{
	struct proc *work = work_start(world, ARGV(workload(world, "hostile"), "--hold"));
	char *pid = text("%d", (int)work->pid);
	struct proc *tw;

	proc_send(world, work, "go\n");
	json_decref(proc_json_with(world, work, CHANNEL_OUT, "settled"));
	json_decref(snapshot_take(world, ARGV("--threads", "-p", pid)));
	tw = proc_start(world, ARGV(world->bin, "snapshot", "--threads", "-p", pid));
	REQUIRE(world, proc_wait(world, tw) == 0, "failed: %s", proc_text(tw, CHANNEL_ERR));
	require_harmless(world, proc_text(tw, CHANNEL_OUT));
	proc_send(world, work, "end\n");
	truth_read(world, work);
	proc_wait(world, work);
}

const struct live_test text_tests[] = {
	{"hostile_names_in_text", hostile_names_in_text, ANYWHERE},
	{"hostile_names_in_json", hostile_names_in_json, ANYWHERE},
	{"hostile_names_in_snapshots", hostile_names_in_snapshots, ANYWHERE},
	{0},
};
