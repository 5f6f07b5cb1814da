// SPDX-License-Identifier: GPL-2.0-only
/*
 * text.c - the stream of events for people: one aligned line each.
 *
 * Input: one decoded event. Columns TIME EVENT PID TID PROCESS ROUTINE AGE BY DATA; what is not
 * known is "-". One event is one line, whatever its texts hold, and no line ends in spaces; with
 * options->stacks the frames behind a thread's start follow it, indented, one a line.
 */
#include <inttypes.h>

#include "out/stream.h"
#include "out/text_parts.h"

#define EVENT_COLUMNS 8

int text_header(FILE *out, const struct out_options *options)
{
	errno = 0;
	text_colour(out, options, TEXT_BOLD);
	fprintf(out, "%-*s %-*s %*s %*s %-*s %-*s %*s %-*s %s", TEXT_TIME_COLUMNS, "TIME",
		EVENT_COLUMNS, "EVENT", TEXT_PID_COLUMNS, "PID", TEXT_PID_COLUMNS, "TID",
		TEXT_PROCESS_COLUMNS, "PROCESS", TEXT_ROUTINE_COLUMNS, "ROUTINE", TEXT_AGE_COLUMNS,
		"AGE", TEXT_BY_COLUMNS, "BY", "DATA");
	text_line_end(out, options, TEXT_BOLD);
	return stream_result(out);
}

static const char *event_colour(const struct event *event)
{
	switch (event->type) {
	case EVENT_FINISHED:
		return TEXT_DIM;
	case EVENT_TIMEBOX:
		return TEXT_YELLOW;
	case EVENT_NAMED:
		return TEXT_CYAN;
	case EVENT_STARTED:
		break;
	}
	return NULL;
}

static void put_age(FILE *out, const struct event *event)
{
	bool is_birth = event->type == EVENT_STARTED && !event->already_running;

	if (is_birth || event->start_ns == 0)
		fprintf(out, "%*s ", TEXT_AGE_COLUMNS, TEXT_UNKNOWN);
	else
		text_age_cell(out, event_age_ns(event));
}

int text_event(FILE *out, const struct out_options *options, const struct event *event)
{
	const char *colour = event_colour(event);
	const char *word = event->already_running ? "running" : event_type_name(event->type);

	errno = 0;
	text_colour(out, options, colour);
	text_time(out, options, event->boot_ns);
	fprintf(out, " %-*s %*" PRIu32 " %*" PRIu32 " ", EVENT_COLUMNS, word, TEXT_PID_COLUMNS,
		event->pid, TEXT_PID_COLUMNS, event->tid);
	text_fill(
		out, text_column(out, event->process, TEXT_PROCESS_COLUMNS), TEXT_PROCESS_COLUMNS);
	text_fill(out, text_routine(out, &event->routine), TEXT_ROUTINE_COLUMNS);
	put_age(out, event);

	/* A span has no creator but the thread it runs in. */
	static const struct origin none;
	int used = text_by(out, event->instance == INSTANCE_THREAD ? &event->origin : &none);
	if (text_has_data(event->timebox_ns, event->data_count)) {
		text_fill(out, used, TEXT_BY_COLUMNS);
		text_data(out, event->timebox_ns, event->data, event->data_count);
	}
	text_line_end(out, options, colour);
	if (options->stacks && event->type == EVENT_STARTED && event->instance == INSTANCE_THREAD)
		text_stack(out, &event->origin);
	return stream_result(out);
}
