/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * spans.c - 1,000 spans, each with a name of its own, nested up to 8 deep in 50 threads.
 *
 * spans [--hold] [--now]. The threads are named spans-worker with TW_SPAWN. Names and values are
 * short and as long as is kept, built at run time, literal, and in pages that were never
 * touched; integers include the least and the greatest. Some timeboxes are exceeded.
 * --hold: when 8 spans are open in each thread, says so ("settled") and awaits a line.
 * On top of what truth.h has, at the end, for each span in the order of its thread's begins:
 *   {"span":NAME,"depth":1..8,"pid":N,"tid":N,"timebox_ns":N,"exceeded":BOOL,"data":{...}}
 * timebox_ns 0 means none. The last line also has the counts of all that, and
 * "unmapped", how many of the 17 strings in untouched pages were still that when they were told:
 * with 0 they prove nothing.
 *
 * -DSPANS_SHARED: the probe sites come from libspans.so (spans_lib.c).
 */
#include "include/threadwatch.h"
#include "spans.h"
#include "truth.h"

#ifndef SPANS_SHARED
#include "spans_lib.c"
#endif

#define THREADS		 50
#define SPANS_PER_THREAD 20
#define TEXT_BYTES	 64
#define HELD_SPAN	 7 /* the first at depth 8 */
#define EXCEEDED_EVERY	 10
#define EXCEEDED_FIRST	 3
#define TIMEBOX_SHORT_MS 10
#define TIMEBOX_LONG_MS	 3600000
#define NS_IN_MS	 1000000ll
#define LONGEST_NAME	 63
#define LONGEST_VALUE	 55

static const unsigned depths[SPANS_PER_THREAD] = {
	1, 2, 3, 4, 5, 6, 7, 8, 8, 7, 5, 2, 1, 2, 3, 3, 2, 1, 2, 2};

struct worker {
	pthread_t thread;
	int tid;
	size_t unmapped;
	pthread_barrier_t *barrier; /* NULL: no hold */
	struct span_plan plans[SPANS_PER_THREAD];
	char names[SPANS_PER_THREAD][TEXT_BYTES];
	char values[SPANS_PER_THREAD][TEXT_BYTES];
};

/* A text that no other span has, padded to `length` (0: not). */
static const char *unique(char *text, const char *what, int thread, int span, size_t length)
{
	size_t at = (size_t)snprintf(text, TEXT_BYTES, "%s-%02d-%02d", what, thread, span);

	if (length > at) {
		memset(text + at, '.', length - at);
		text[length] = '\0';
	}
	return text;
}

static void plan_data(struct worker *worker, int thread, int span)
{
	static const int64_t numbers[] = {
		-1, 0, INT64_MIN, INT64_MAX, -9007199254740993, 4294967296};
	struct span_plan *plan = &worker->plans[span];
	size_t which = (size_t)(thread + span);
	const struct span_data all[SPANS_DATA_MAX] = {
		{"number", NULL, numbers[which % (sizeof(numbers) / sizeof(numbers[0]))]},
		{"value",
			unique(worker->values[span], "value", thread, span,
				span % 2 ? LONGEST_VALUE : 0),
			0},
		{"a-key-of-23-characters-", NULL, -(int64_t)which},
		{"odd", "caf\xc3\xa9 = au lait, \tplease", 0},
	};

	plan->data_count = which % (SPANS_DATA_MAX + 1);
	memcpy(plan->data, all, plan->data_count * sizeof(all[0]));
}

static void plan_span(struct worker *worker, int thread, int span)
{
	struct span_plan *plan = &worker->plans[span];

	plan->name =
		unique(worker->names[span], "span", thread, span, span % 4 == 1 ? LONGEST_NAME : 0);
	plan->kind = span % 3 == 0 ? SPAN_BEGIN : SPAN_SCOPE;
	plan->depth = depths[span];
	plan->holds = worker->barrier && span == HELD_SPAN;
	plan->exceeds = span % EXCEEDED_EVERY == EXCEEDED_FIRST;
	if (plan->exceeds)
		plan->timebox_ms = TIMEBOX_SHORT_MS;
	else if (span % 2)
		plan->timebox_ms = TIMEBOX_LONG_MS;
	plan_data(worker, thread, span);
}

/* Names and values in places of their own, all in one thread: another's page faults would map
 * the pages that are to be unmapped. */
static void plan_special(struct span_plan *special)
{
	special[0].kind = SPAN_CROSSING;
	special[0].name = spans_crossing();
	special[1].kind = SPAN_LITERAL;
	special[1].name = spans_literal();
	special += 2;
	for (size_t i = 0; i < SPANS_COLD / 2; i++) {
		special[i].name = spans_cold(2 * i);
		special[i].data_count = 1;
		special[i].data[0] = (struct span_data){"cold", spans_cold(2 * i + 1), 0};
	}
}

/* Twice: all are here, all may go on. */
static void hold(void *barrier)
{
	pthread_barrier_wait(barrier);
	pthread_barrier_wait(barrier);
}

static void *spans_worker(void *argument)
{
	struct worker *worker = argument;

	worker->tid = truth_tid();
	worker->unmapped = spans_run(worker->plans, SPANS_PER_THREAD, hold, worker->barrier);
	return NULL;
}

/* JSON of what is known to need no more escaping than a tab. */
static void print_text(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++)
		if (*text == '\t')
			fputs("\\t", out);
		else
			fputc(*text, out);
	fputc('"', out);
}

static void print_span(const struct worker *worker, const struct span_plan *plan)
{
	char line[TRUTH_LINE_BYTES] = "";
	FILE *out = fmemopen(line, sizeof(line), "w");

	if (!out)
		truth_die("fmemopen failed");
	fputs("{\"span\":", out);
	print_text(out, plan->name);
	fprintf(out, ",\"depth\":%u,\"pid\":%d,\"tid\":%d,\"timebox_ns\":%lld,\"exceeded\":%s",
		plan->depth, (int)getpid(), worker->tid, (long long)plan->timebox_ms * NS_IN_MS,
		plan->exceeds ? "true" : "false");
	fputs(",\"data\":{", out);
	for (size_t i = 0; i < plan->data_count; i++) {
		fprintf(out, "%s\"%s\":", i ? "," : "", plan->data[i].key);
		if (plan->data[i].text)
			print_text(out, plan->data[i].text);
		else
			fprintf(out, "%lld", (long long)plan->data[i].number);
	}
	fputs("}}", out);
	fclose(out);
	truth_line("%s", line);
}

static void print_truth(const struct worker *workers)
{
	unsigned spans = 0, timeboxed = 0, exceeded = 0, data = 0, deepest = 0;
	size_t unmapped = 0;

	for (int i = 0; i < THREADS; i++) {
		truth_line("{\"thread\":\"spans-worker\",\"pid\":%d,\"tid\":%d}", (int)getpid(),
			workers[i].tid);
		unmapped += workers[i].unmapped;
		for (int j = 0; j < SPANS_PER_THREAD; j++) {
			const struct span_plan *plan = &workers[i].plans[j];

			print_span(&workers[i], plan);
			spans++;
			timeboxed += plan->timebox_ms > 0;
			exceeded += plan->exceeds;
			data += (unsigned)plan->data_count;
			deepest = plan->depth > deepest ? plan->depth : deepest;
		}
	}
	truth_line("{\"totals\":{\"main\":1,\"spans-worker\":%d},\"failed\":0,\"spans\":%u,"
		   "\"timeboxed\":%u,\"exceeded\":%u,\"data\":%u,\"deepest\":%u,"
		   "\"unmapped\":%zu}",
		THREADS, spans, timeboxed, exceeded, data, deepest, unmapped);
}

int main(int argc, char **argv)
{
	static struct worker workers[THREADS];
	static pthread_barrier_t barrier;
	bool holds = truth_flag(argc, argv, "--hold");

	if (pthread_barrier_init(&barrier, NULL, THREADS + 1))
		truth_die("no barrier");
	for (int i = 0; i < THREADS; i++) {
		workers[i].barrier = holds ? &barrier : NULL;
		for (int j = 0; j < SPANS_PER_THREAD; j++)
			plan_span(&workers[i], i, j);
	}
	plan_special(workers[0].plans);
	truth_ready(argc, argv);
	for (int i = 0; i < THREADS; i++) {
		TW_SPAWN("spans-worker");
		workers[i].thread = truth_create(spans_worker, &workers[i]);
	}
	if (holds) {
		pthread_barrier_wait(&barrier);
		truth_line("{\"settled\":true,\"open_spans\":%d}", THREADS * (HELD_SPAN + 1));
		truth_wait_line();
		pthread_barrier_wait(&barrier);
	}
	for (int i = 0; i < THREADS; i++)
		truth_join(workers[i].thread);
	print_truth(workers);
	return 0;
}
