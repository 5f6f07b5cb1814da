// SPDX-License-Identifier: GPL-2.0-only
/*
 * json.c - events and the summary of a stream as JSON lines (docs/json.md).
 *
 * Input: one decoded event or the numbers of an ended stream. A field that is not known is
 * left out, never 0 or "".
 */
#include "out/json_parts.h"

int json_event(FILE *out, const struct out_options *options, const struct event *event)
{
	struct json_writer json = {.out = out};

	json_line_begin(&json, event_type_name(event->type), options, event->boot_ns);
	if (event->already_running)
		json_put_bool(&json, "already_running", true);
	json_put_known_u64(&json, "pid", event->pid);
	json_put_known_u64(&json, "tid", event->tid);
	json_put_known_u64(&json, "ns_pid", event->ns_pid);
	json_put_known_u64(&json, "ns_tid", event->ns_tid);
	json_put_known_text(&json, "process", event->process);
	json_put_text(&json, "instance", instance_name(event->instance));
	json_put_routine(&json, &event->routine);
	json_put_known_u64(&json, "start_ns", event->start_ns);
	if (event->type == EVENT_FINISHED && event->start_ns)
		json_put_u64(&json, "duration_ns", event_age_ns(event));
	json_put_known_u64(&json, "timebox_ns", event->timebox_ns);
	json_put_origin(&json, &event->origin);
	json_put_confinement(&json, &event->confinement);
	json_put_data(&json, event->data, event->data_count);
	return json_line_end(&json);
}

int json_summary(FILE *out, const struct out_options *options, const struct stream_summary *summary)
{
	struct json_writer json = {.out = out};

	json_line_begin(&json, "summary", options, summary->boot_ns);
	json_put_u64(&json, "events", summary->events);
	json_put_u64(&json, "dropped", summary->dropped);
	json_put_u64(&json, "live", summary->live);
	json_put_drops(&json, summary->drops, summary->drop_count);
	return json_line_end(&json);
}
