/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_spans.c - every begin and end, each name, value and timebox against the truth.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "stream.h"
#include "tests.h"

#define SPANS_LIMIT_S 120
#define THREADS	      50

/* Event counts by type of one span, and the events themselves (borrowed). */
struct seen {
	const json_t *started, *finished, *timebox;
	size_t count;
};

/* An index of the span events of a stream: "TID NAME" -> array of events. */
static json_t *index_spans(struct world *world, const struct stream_log *log, size_t *count)
{
	json_t *index = json_object(), *event, *list;
	size_t i;

	*count = 0;
	json_array_foreach(log->events, i, event)
	{
		char *key;

		if (strcmp(json_text(event, "instance"), "span"))
			continue;
		REQUIRE(world, strcmp(json_text(event, "source"), "span") == 0, "a span from %s",
			json_text(event, "source"));
		key = text("%lld %s", (long long)json_number(event, "ns_tid"),
			json_text(event, "routine"));
		list = json_object_get(index, key);
		if (!list) {
			list = json_array();
			json_object_set_new(index, key, list);
		}
		json_array_append(list, event);
		++*count;
	}
	return index;
}

static struct seen seen_of(struct world *world, const json_t *index, const json_t *span)
{
	char *key = text("%lld %s", (long long)json_number(span, "tid"), json_text(span, "span"));
	json_t *list = json_object_get(index, key), *event;
	struct seen seen = {0};
	size_t i;

	json_array_foreach(list, i, event)
	{
		const char *type = json_text(event, "type");
		const json_t **slot = strcmp(type, "started") == 0    ? &seen.started
				      : strcmp(type, "finished") == 0 ? &seen.finished
				      : strcmp(type, "timebox") == 0  ? &seen.timebox
								      : NULL;

		REQUIRE(world, slot && !*slot, "twice, or unknown: %s", json_dumps(event, 0));
		*slot = event;
		seen.count++;
	}
	REQUIRE(world, seen.started && seen.finished, "no begin or no end of %s", key);
	return seen;
}

static void require_span(struct world *world, const struct seen *seen, const json_t *span)
{
	json_t *data = json_object_get(span, "data");
	json_t *told = json_object_get(seen->finished, "data");
	bool exceeded = json_is_true(json_object_get(span, "exceeded"));

	REQUIRE(world,
		json_number(seen->started, "start_ns") == json_number(seen->finished, "start_ns"),
		"begin and end of %s do not fit", json_text(span, "span"));
	REQUIRE(world,
		json_number(seen->finished, "duration_ns") ==
			json_number(seen->finished, "boot_ns") -
				json_number(seen->started, "boot_ns"),
		"%s lasted %lld", json_text(span, "span"),
		(long long)json_number(seen->finished, "duration_ns"));
	REQUIRE(world, json_object_size(data) ? json_equal(data, told) : !told,
		"data of %s: %s, truth %s", json_text(span, "span"),
		told ? json_dumps(told, 0) : "none", json_dumps(data, 0));
	REQUIRE(world, !json_object_get(seen->started, "data"), "data before it was given");
	REQUIRE(world,
		json_number(seen->started, "timebox_ns") == json_number(span, "timebox_ns") &&
			json_number(seen->finished, "timebox_ns") ==
				json_number(span, "timebox_ns"),
		"the timebox of %s", json_text(span, "span"));
	REQUIRE(world, exceeded == (seen->timebox != NULL), "%s: %s", json_text(span, "span"),
		exceeded ? "nobody said that it outlived its timebox"
			 : "outlived a timebox that it did not");
	REQUIRE(world,
		!exceeded || json_number(seen->timebox, "boot_ns") >=
				     json_number(span, "timebox_ns") +
					     json_number(seen->started, "start_ns"),
		"%s was told too early", json_text(span, "span"));
}

/* Spans of the thread that were open when this one began, itself included. */
static int64_t depth_of(const json_t *index, int64_t tid, const json_t *begin)
{
	int64_t depth = 1, start = json_number(begin, "start_ns");
	const char *key;
	json_t *list;

	json_object_foreach((json_t *)index, key, list)
	{
		json_t *event, *end = NULL;
		size_t i;

		if (strtoll(key, NULL, 10) != tid)
			continue;
		json_array_foreach(list, i,
			event) if (strcmp(json_text(event, "type"), "finished") == 0) end = event;
		depth +=
			json_number(end, "start_ns") < start && json_number(end, "boot_ns") > start;
	}
	return depth;
}

static void require_spans(struct world *world, struct run *run)
{
	json_t *last = json_array_get(run->truth.lines, json_array_size(run->truth.lines) - 1);
	size_t i, count, expected = 0, spans = 0;
	json_t *index = index_spans(world, &run->log, &count), *line;

	REQUIRE(world, !json_number(run->log.summary, "dropped"), "events were dropped");
	json_array_foreach(run->truth.lines, i, line)
	{
		struct seen seen;

		if (!json_object_get(line, "span"))
			continue;
		seen = seen_of(world, index, line);
		require_span(world, &seen, line);
		/* quadratic: a part of them is enough */
		if (spans++ % 10 == 7)
			REQUIRE(world,
				depth_of(index, json_number(line, "tid"), seen.started) ==
					json_number(line, "depth"),
				"%s is at another depth", json_text(line, "span"));
		expected += seen.count;
	}
	REQUIRE(world, spans == (size_t)json_number(last, "spans") && spans == 1000,
		"%zu spans in the truth", spans);
	REQUIRE(world, count == expected, "%zu span events, %zu belong to the truth", count,
		expected);
	REQUIRE(world, json_number(last, "cold_resident") <= 0, "%lld strings were not cold",
		(long long)json_number(last, "cold_resident"));
}

static void spans_of(struct world *world, const char *name)
{
	struct run run = run_attached(world, NULL, ARGV(workload(world, name)));

	require_spans(world, &run);
	require_counts(world, &run, 1);
}

static void spans_attached(struct world *world)
{
	spans_of(world, "spans");
}

static void spans_launched(struct world *world)
{
	struct run run = run_launched(world, NULL, ARGV(workload(world, "spans")));

	require_spans(world, &run);
	require_counts(world, &run, 0);
}

static void spans_static(struct world *world)
{
	spans_of(world, "spans_static");
}

static void spans_shared(struct world *world)
{
	spans_of(world, "spans_shared");
}

static void spans_shared_launched(struct world *world)
{
	struct run run = run_launched(world, NULL, ARGV(workload(world, "spans_shared")));

	require_spans(world, &run);
}

/* 8 deep in 50 threads at one moment. */
static void spans_in_snapshot(struct world *world)
{
	struct proc *work = work_start(world, ARGV(workload(world, "spans"), "--hold"));
	struct proc *tw =
		tw_start(world, ARGV("-o", "json", "-p", text("%d", (int)work->pid)), NULL);
	json_t *settled, *snapshot, *span;
	int64_t open = 0;
	size_t i;

	stream_ready(world, tw);
	proc_send(world, work, "go\n");
	settled = proc_json_with(world, work, CHANNEL_OUT, "settled");
	proc_signal(world, tw, SIGUSR1);
	snapshot = stream_event(world, tw, "snapshot", NULL, NULL);
	json_array_foreach(json_object_get(snapshot, "spans"), i, span) open +=
		json_number(span, "instances");
	REQUIRE(world, open == json_number(settled, "open_spans"), "%lld open spans, truth %lld",
		(long long)open, (long long)json_number(settled, "open_spans"));
	REQUIRE(world, json_number(snapshot, "threads") == THREADS + 1, "%lld threads",
		(long long)json_number(snapshot, "threads"));
	proc_send(world, work, "end\n");
	truth_read(world, work);
	proc_wait(world, work);
	REQUIRE(world, stream_stop(world, tw) == 0, "the stream failed");
}

/* Told while the span is still open, once; its end tells no second time. */
static void timebox_is_told_in_time(struct world *world)
{
	struct proc *work =
		work_start(world, ARGV(workload(world, "span_hold"), "--timebox", "50"));
	struct proc *tw =
		tw_start(world, ARGV("-o", "json", "-p", text("%d", (int)work->pid)), NULL);
	struct stream_log log;
	size_t i, told = 0;
	json_t *event;

	stream_ready(world, tw);
	proc_send(world, work, "go\n");
	json_decref(proc_json_with(world, work, CHANNEL_OUT, "settled"));
	for (i = 0; i < 5; i++)
		json_decref(stream_event(world, tw, "timebox", "routine", "outer"));
	proc_send(world, work, "end\n");
	truth_read(world, work);
	proc_wait(world, work);
	stream_stop(world, tw);
	log = stream_read(world, tw);
	json_array_foreach(log.events, i, event) told +=
		strcmp(json_text(event, "type"), "timebox") == 0;
	REQUIRE(world, told == 5, "%zu times told of 5 spans", told);
}

/* Only spans of that name, and no thread. */
static void spans_by_regex(struct world *world)
{
	struct run run =
		run_attached(world, ARGV("-r", "^span-07-"), ARGV(workload(world, "spans")));
	json_t *event, *line;
	size_t i, ends = 0, expected = 0;

	json_array_foreach(run.log.events, i, event)
	{
		REQUIRE(world, strncmp(json_text(event, "routine"), "span-07-", 8) == 0,
			"%s got through", json_text(event, "routine"));
		ends += strcmp(json_text(event, "type"), "finished") == 0;
	}
	REQUIRE(world, run.log.count == 0, "%zu threads got through", run.log.count);
	json_array_foreach(run.truth.lines, i, line) expected +=
		strncmp(json_text(line, "span"), "span-07-", 8) == 0;
	REQUIRE(world, ends == expected && ends, "%zu spans, truth %zu", ends, expected);
}

/* A leaf function that keeps its data below the stack pointer, probed thousands of times. */
static void red_zone_is_untouched(struct world *world)
{
	struct run run = run_attached(world, NULL, ARGV(workload(world, "redzone"), "-n", "2000"));
	json_t *last = json_array_get(run.truth.lines, json_array_size(run.truth.lines) - 1);
	json_t *event;
	size_t i, ends = 0;

	json_array_foreach(run.log.events, i, event) ends +=
		strcmp(json_text(event, "type"), "finished") == 0;
	REQUIRE(world,
		run.work_status == 0 && json_number(last, "corrupt") == 0 &&
			json_number(last, "calls") == 2000,
		"%lld of %lld calls were corrupted", (long long)json_number(last, "corrupt"),
		(long long)json_number(last, "calls"));
	REQUIRE(world, ends == 4000, "%zu ends of spans: the probes were not all there", ends);
}

const struct live_test span_tests[] = {
	{"spans_attached", spans_attached, SPANS_LIMIT_S},
	{"spans_launched", spans_launched, SPANS_LIMIT_S | ANYWHERE},
	{"spans_static", spans_static, SPANS_LIMIT_S | ANYWHERE},
	{"spans_shared", spans_shared, SPANS_LIMIT_S},
	{"spans_shared_launched", spans_shared_launched, SPANS_LIMIT_S},
	{"spans_in_snapshot", spans_in_snapshot, 0},
	{"timebox_is_told_in_time", timebox_is_told_in_time, 0},
	{"spans_by_regex", spans_by_regex, ANYWHERE},
	{"red_zone_is_untouched", red_zone_is_untouched, 0},
	{0},
};
