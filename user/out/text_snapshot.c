// SPDX-License-Identifier: GPL-2.0-only
/*
 * text_snapshot.c - a snapshot for people: a title, then aligned tables.
 *
 * Input: a grouped snapshot. Tables: threads by routine, open spans when there are any, drops
 * that are not zero, and with options->threads every thread. Columns are as wide as what they
 * hold; no line ends in spaces.
 */
#include <inttypes.h>

#include "out/stream.h"
#include "out/text_parts.h"

#define COUNT_COLUMNS  9
#define SOURCE_COLUMNS 6
#define STATE_COLUMNS  8
#define WAIT_COLUMNS   20
#define WAIT_MAX       40
#define STATES_BYTES   (WIRE_STATE_COUNT * 32)

#define ROUTINE_TITLE "ROUTINE"
#define STATES_TITLE  "STATES"

static int larger(int a, int b)
{
	return a > b ? a : b;
}

/* "12 sleeping, 1 running", the most frequent first; returns the columns. */
static int format_states(const uint64_t *states, char out[static STATES_BYTES])
{
	bool done[WIRE_STATE_COUNT] = {false};
	int length = 0;

	out[0] = '\0';
	for (;;) {
		uint32_t best = WIRE_STATE_COUNT;
		for (uint32_t i = 0; i < WIRE_STATE_COUNT; i++) {
			if (!done[i] && states[i] &&
				(best == WIRE_STATE_COUNT || states[i] > states[best]))
				best = i;
		}
		if (best == WIRE_STATE_COUNT)
			return length;
		done[best] = true;
		length +=
			snprintf(out + length, (size_t)(STATES_BYTES - length), "%s%" PRIu64 " %s",
				length ? ", " : "", states[best], thread_state_name(best));
	}
}

static size_t count_processes(const struct snapshot *snapshot)
{
	size_t count = 0;

	for (size_t i = 0; i < snapshot->routine_count; i++) {
		if (i == 0 || snapshot->routines[i - 1].pid != snapshot->routines[i].pid)
			count++;
	}
	return count;
}

static void put_counted(FILE *out, size_t count, const char *one, const char *many)
{
	fprintf(out, "%zu %s", count, count == 1 ? one : many);
}

static void put_title(FILE *out, const struct out_options *options, const struct snapshot *snapshot)
{
	text_colour(out, options, TEXT_BOLD);
	text_time(out, options, snapshot->boot_ns);
	stream_text(out, "  ");
	put_counted(out, snapshot->thread_count, "thread", "threads");
	stream_text(out, ", ");
	put_counted(out, snapshot->routine_count, "routine", "routines");
	stream_text(out, ", ");
	put_counted(out, count_processes(snapshot), "process", "processes");
	text_line_end(out, options, TEXT_BOLD);
}

static void put_routines(
	FILE *out, const struct out_options *options, const struct snapshot *snapshot)
{
	int routine_columns = (int)sizeof(ROUTINE_TITLE) - 1;
	int states_columns = (int)sizeof(STATES_TITLE) - 1;
	char states[STATES_BYTES];

	for (size_t i = 0; i < snapshot->routine_count; i++) {
		const struct routine_group *group = &snapshot->routines[i];
		routine_columns = larger(routine_columns, text_routine_width(&group->routine));
		states_columns = larger(states_columns, format_states(group->states, states));
	}

	text_colour(out, options, TEXT_BOLD);
	fprintf(out, "%*s %-*s %-*s %*s %-*s %*s %s", COUNT_COLUMNS, "THREADS", routine_columns,
		ROUTINE_TITLE, SOURCE_COLUMNS, "SOURCE", TEXT_AGE_COLUMNS, "OLDEST", states_columns,
		STATES_TITLE, TEXT_PID_COLUMNS, "PID", "PROCESS");
	text_line_end(out, options, TEXT_BOLD);
	for (size_t i = 0; i < snapshot->routine_count; i++) {
		const struct routine_group *group = &snapshot->routines[i];
		fprintf(out, "%*" PRIu64 " ", COUNT_COLUMNS, group->threads);
		text_fill(out, text_routine(out, &group->routine), routine_columns);
		fprintf(out, "%-*s ", SOURCE_COLUMNS, name_source_name(group->routine.source));
		text_age_cell(out, group->oldest_ns);
		format_states(group->states, states);
		fprintf(out, "%-*s %*" PRIu32 " ", states_columns, states, TEXT_PID_COLUMNS,
			group->pid);
		text_column(out, group->process, TEXT_PROCESS_COLUMNS);
		stream_char(out, '\n');
	}
}

static struct routine_name span_routine(const struct span_group *group)
{
	return (struct routine_name){.text = group->name, .source = SOURCE_SPAN};
}

static void put_spans(FILE *out, const struct out_options *options, const struct snapshot *snapshot)
{
	int routine_columns = (int)sizeof(ROUTINE_TITLE) - 1;

	if (snapshot->span_group_count == 0)
		return;
	for (size_t i = 0; i < snapshot->span_group_count; i++) {
		struct routine_name routine = span_routine(&snapshot->span_groups[i]);
		routine_columns = larger(routine_columns, text_routine_width(&routine));
	}

	stream_char(out, '\n');
	text_colour(out, options, TEXT_BOLD);
	fprintf(out, "%*s %-*s %*s %*s %s", COUNT_COLUMNS, "SPANS", routine_columns, ROUTINE_TITLE,
		TEXT_AGE_COLUMNS, "OLDEST", TEXT_PID_COLUMNS, "PID", "PROCESS");
	text_line_end(out, options, TEXT_BOLD);
	for (size_t i = 0; i < snapshot->span_group_count; i++) {
		const struct span_group *group = &snapshot->span_groups[i];
		struct routine_name routine = span_routine(group);
		fprintf(out, "%*" PRIu64 " ", COUNT_COLUMNS, group->instances);
		text_fill(out, text_routine(out, &routine), routine_columns);
		text_age_cell(out, group->oldest_ns);
		fprintf(out, "%*" PRIu32 " ", TEXT_PID_COLUMNS, group->pid);
		text_column(out, group->process, TEXT_PROCESS_COLUMNS);
		stream_char(out, '\n');
	}
}

static void put_thread(FILE *out, const struct snapshot *snapshot,
	const struct snapshot_thread *thread, int routine_columns)
{
	static const struct snapshot_span no_span;
	const struct snapshot_span *span =
		thread->span_count ? &thread->spans[thread->span_count - 1] : &no_span;
	struct routine_name routine = snapshot_thread_routine(thread);

	fprintf(out, "%*" PRIu32 " %*" PRIu32 " %-*s ", TEXT_PID_COLUMNS, thread->pid,
		TEXT_PID_COLUMNS, thread->tid, STATE_COLUMNS, thread_state_name(thread->state));
	text_age_cell(out, snapshot_routine_age_ns(snapshot, thread));
	text_age_cell(out, thread->cpu_ns);
	text_fill(out, text_routine(out, &routine), routine_columns);
	text_fill(out, text_column(out, thread->wait, WAIT_MAX), WAIT_COLUMNS);
	int used = text_by(out, &thread->origin);
	if (text_has_data(span->timebox_ns, span->data_count)) {
		text_fill(out, used, TEXT_BY_COLUMNS);
		text_data(out, span->timebox_ns, span->data, span->data_count);
	}
	stream_char(out, '\n');
}

static void put_threads(
	FILE *out, const struct out_options *options, const struct snapshot *snapshot)
{
	int routine_columns = (int)sizeof(ROUTINE_TITLE) - 1;

	for (size_t i = 0; i < snapshot->thread_count; i++) {
		struct routine_name routine = snapshot_thread_routine(&snapshot->threads[i]);
		routine_columns = larger(routine_columns, text_routine_width(&routine));
	}

	stream_char(out, '\n');
	text_colour(out, options, TEXT_BOLD);
	fprintf(out, "%*s %*s %-*s %*s %*s %-*s %-*s %-*s %s", TEXT_PID_COLUMNS, "PID",
		TEXT_PID_COLUMNS, "TID", STATE_COLUMNS, "STATE", TEXT_AGE_COLUMNS, "AGE",
		TEXT_AGE_COLUMNS, "CPU", routine_columns, ROUTINE_TITLE, WAIT_COLUMNS, "WAIT",
		TEXT_BY_COLUMNS, "BY", "DATA");
	text_line_end(out, options, TEXT_BOLD);
	for (size_t i = 0; i < snapshot->thread_count; i++)
		put_thread(out, snapshot, &snapshot->threads[i], routine_columns);
}

static void put_drops(FILE *out, const struct out_options *options, const struct snapshot *snapshot)
{
	bool any = false;

	for (size_t i = 0; i < snapshot->drop_count; i++) {
		const struct drop_count *drop = &snapshot->drops[i];
		if (drop->count == 0)
			continue;
		if (!any) {
			stream_char(out, '\n');
			text_colour(out, options, TEXT_YELLOW);
			stream_text(out, "drops:");
		}
		any = true;
		fprintf(out, " %s=%" PRIu64, drop->name, drop->count);
	}
	if (any)
		text_line_end(out, options, TEXT_YELLOW);
}

int text_snapshot(FILE *out, const struct out_options *options, const struct snapshot *snapshot)
{
	errno = 0;
	put_title(out, options, snapshot);
	put_routines(out, options, snapshot);
	put_spans(out, options, snapshot);
	if (options->threads)
		put_threads(out, options, snapshot);
	put_drops(out, options, snapshot);
	return stream_result(out);
}
