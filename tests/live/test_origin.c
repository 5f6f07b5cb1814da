/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_origin.c - who created a thread, in the middle of what, from which line and stack.
 *
 * The workload tells each create with its line, function, creator and callers, and the stream
 * must say the same of the thread's start and of its end, which most often is named when the
 * process has gone.
 */
#include <signal.h>
#include <string.h>

#include "stream.h"
#include "tests.h"

enum stack_kind {
	STACK_NONE,  /* only the call site may be known */
	STACK_SOME,  /* callers may be missing, none may be false */
	STACK_WHOLE, /* up to main or the start function */
};

/* Is `text` this function with an offset? */
static bool names_function(const char *text, const char *function)
{
	size_t length = strlen(function);

	return strncmp(text, function, length) == 0 && strncmp(text + length, "+0x", 3) == 0;
}

/* Below main and start functions lies what the C library calls. */
static bool is_of_libc(const char *frame)
{
	return strncmp(frame, "libc.so.6+", strlen("libc.so.6+")) == 0 ||
	       strncmp(frame, "__libc_start", strlen("__libc_start")) == 0 ||
	       strncmp(frame, "_start+", strlen("_start+")) == 0 ||
	       strncmp(frame, "start_thread+", strlen("start_thread+")) == 0 ||
	       strstr(frame, "clone3+") != NULL;
}

/* The frames are the expected functions in their order, those from `at` on; what the kind of
 * stack allows may be missing. */
static void require_frames(struct world *world, const json_t *event, const json_t *expected,
	size_t at, enum stack_kind kind)
{
	const json_t *frames = json_object_get(event, "origin_stack");
	size_t wanted = 0;

	for (; at < json_array_size(frames); at++) {
		const char *frame = json_string_value(json_array_get(frames, at));
		const char *function;

		while ((function = json_string_value(json_array_get(expected, wanted))) &&
			!names_function(frame, function) && kind == STACK_SOME)
			wanted++;
		REQUIRE(world, function ? names_function(frame, function) : is_of_libc(frame),
			"%s is not on the stack here: %s", frame, json_dumps(event, 0));
		wanted += function != NULL;
	}
	REQUIRE(world, kind != STACK_WHOLE || wanted >= json_array_size(expected),
		"the stack is not whole: %s", json_dumps(event, 0));
}

static void require_origin(
	struct world *world, const json_t *event, const json_t *truth, enum stack_kind kind)
{
	const char *file = json_text(event, "file"), *base = strrchr(file, '/');
	const char *place =
		text("(%s:%lld)", json_text(truth, "file"), (long long)json_number(truth, "line"));
	const char *first =
		json_string_value(json_array_get(json_object_get(event, "origin_stack"), 0));

	REQUIRE(world, names_function(json_text(event, "call_site"), json_text(truth, "function")),
		"another call site than %s: %s", json_text(truth, "function"),
		json_dumps(event, 0));
	REQUIRE(world,
		base && strcmp(base + 1, json_text(truth, "file")) == 0 &&
			json_number(event, "line") == json_number(truth, "line"),
		"another line than %s: %s", place, json_dumps(event, 0));
	REQUIRE(world,
		strcmp(json_text(event, "creator_routine"), json_text(truth, "creator")) == 0,
		"another creator than %s: %s", json_text(truth, "creator"), json_dumps(event, 0));
	if (kind == STACK_NONE)
		return;
	REQUIRE(world, first && strstr(first, place), "the stack does not begin at %s: %s", place,
		json_dumps(event, 0));
	require_frames(world, event, json_object_get(truth, "stack"), 0, kind);
}

/* Calls `check` for the start and the end of each thread of this routine; returns how many. */
static size_t each_event(struct world *world, const struct proc *tw, const char *routine,
	void (*check)(struct world *world, const json_t *event, const json_t *truth,
		enum stack_kind kind),
	const json_t *truth, enum stack_kind kind)
{
	char *all = text("%s", proc_text(tw, tw->events)), *rest = NULL;
	size_t count = 0;

	for (char *line = strtok_r(all, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		json_t *event = json_loads(line, 0, NULL);

		if (strcmp(json_text(event, "routine"), routine) == 0 &&
			strcmp(json_text(event, "instance"), "thread") == 0) {
			check(world, event, truth, kind);
			count++;
		}
		json_decref(event);
	}
	return count;
}

static void check_truth(
	struct world *world, const struct proc *tw, const struct truth *truth, enum stack_kind kind)
{
	size_t i, checked = 0;
	json_t *line;

	json_array_foreach(truth->lines, i, line)
	{
		const char *routine = json_text(line, "origin");

		if (!*routine)
			continue;
		REQUIRE(world, each_event(world, tw, routine, require_origin, line, kind) == 2,
			"%s did not start and end once", routine);
		checked++;
	}
	REQUIRE(world, checked, "the workload told no origin");
}

/* ---- programs seen from the first instruction, and attached to ---- */

static void launched(
	struct world *world, const char *name, const char *option, enum stack_kind kind)
{
	struct truth truth;
	struct proc *tw = run_held(world, name, ARGV("-o", "json", option), &truth);

	stream_read(world, tw);
	check_truth(world, tw, &truth, kind);
}

static void attached(struct world *world, const char *name, enum stack_kind kind)
{
	struct proc *work = work_start(world, ARGV(workload(world, name)));
	struct proc *tw =
		tw_start(world, ARGV("-o", "json", "-p", text("%d", (int)work->pid)), NULL);
	struct truth truth;

	stream_ready(world, tw);
	proc_send(world, work, "go\n");
	truth = truth_read(world, work);
	proc_wait(world, work);
	REQUIRE(world, stream_stop(world, tw) == 0, "threadwatch: %s", proc_text(tw, CHANNEL_ERR));
	stream_read(world, tw);
	check_truth(world, tw, &truth, kind);
}

static void origin_lines(struct world *world)
{
	launched(world, "origin", NULL, STACK_SOME);
	attached(world, "origin", STACK_SOME);
	launched(world, "origin_cpp", NULL, STACK_SOME);
}

static void origin_debug_formats(struct world *world)
{
	launched(world, "origin_dwarf2", NULL, STACK_SOME);
	launched(world, "origin_dwarf3", NULL, STACK_SOME);
	launched(world, "origin_dwarf4", NULL, STACK_SOME);
	launched(world, "origin_clang", "--origin-stacks", STACK_WHOLE);
}

static void origin_frame_pointers(struct world *world)
{
	launched(world, "origin_fp", NULL, STACK_WHOLE);
	attached(world, "origin_fp", STACK_WHOLE);
}

static void origin_copies(struct world *world)
{
	launched(world, "origin", "--origin-stacks", STACK_WHOLE);
	launched(world, "origin_fp", "--origin-stacks", STACK_WHOLE);
	launched(world, "origin_cpp", "--origin-stacks", STACK_WHOLE);
}

/* ---- text ---- */

static void origin_text(struct world *world)
{
	struct truth truth;
	struct proc *tw = run_held(world, "origin", ARGV("--origin-stacks"), &truth);
	const char *out;
	size_t i;
	json_t *line;

	out = proc_text(tw, tw->events);
	json_array_foreach(truth.lines, i, line)
	{
		if (!json_object_get(line, "origin"))
			continue;
		REQUIRE(world,
			strstr(out, text(" %s (%s:%lld)\n", json_text(line, "function"),
					    json_text(line, "file"),
					    (long long)json_number(line, "line"))),
			"no call of %s in: %s", json_dumps(line, 0), out);
	}
	REQUIRE(world, strstr(out, "\n             from outer+0x"), "no stack in: %s", out);
}

/* A snapshot of the running trace knows the threads that it saw being created. */
static void origin_snapshot(struct world *world)
{
	struct proc *work = work_start(world, ARGV(workload(world, "origin_fp"), "--hold"));
	struct proc *tw =
		tw_start(world, ARGV("-v", "-o", "json", "-p", text("%d", (int)work->pid)), NULL);
	struct truth truth = {.lines = json_array()};
	json_t *line, *snapshot, *threads, *thread;
	size_t i, j, checked = 0;

	stream_ready(world, tw);
	proc_send(world, work, "go\n");
	while ((line = proc_json(world, work, CHANNEL_OUT)) && !json_object_get(line, "settled"))
		json_array_append_new(truth.lines, line);
	stream_event(world, tw, "started", "routine", "origin_by_named");
	proc_signal(world, tw, SIGUSR1);
	snapshot = stream_event(world, tw, "snapshot", NULL, NULL);
	threads = json_object_get(snapshot, "thread_list");
	json_array_foreach(truth.lines, i, line)
	{
		json_array_foreach(threads, j, thread)
		{
			if (strcmp(json_text(thread, "routine"), json_text(line, "origin")))
				continue;
			require_origin(world, thread, line, STACK_WHOLE);
			checked++;
		}
	}
	REQUIRE(world, checked == 6, "%zu threads are in the snapshot", checked);
	proc_send(world, work, "end\n");
	proc_wait(world, work);
	stream_stop(world, tw);
}

const struct live_test origin_tests[] = {
	{"origin_lines", origin_lines, 0},
	{"origin_debug_formats", origin_debug_formats, ANYWHERE},
	{"origin_frame_pointers", origin_frame_pointers, 0},
	{"origin_copies", origin_copies, 0},
	{"origin_text", origin_text, ANYWHERE},
	{"origin_snapshot", origin_snapshot, 0},
	{0},
};
