/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tell.c - makes struct event of what the kernel side sent.
 *
 * Input: records that decode.h has checked. Order matters: the routine is named last, since
 * naming a creator may forget the texts of an earlier name. Prints nothing.
 */
#include "cmd/tell.h"

#include "cmd/origin.h"
#include "cmd/view.h"

static enum event_type type_of(uint16_t kind)
{
	switch (kind) {
	case WIRE_EVENT_STARTED:
		return EVENT_STARTED;
	case WIRE_EVENT_NAMED:
		return EVENT_NAMED;
	case WIRE_EVENT_FINISHED:
		return EVENT_FINISHED;
	default:
		return EVENT_TIMEBOX;
	}
}

static void take_origin(
	struct session *session, const struct wire_event *header, struct origin *out)
{
	const struct creation creation = {.process = &header->process,
		.call_site = header->call_site,
		.creator_id = header->creator_id,
		.creator_source = header->creator_source,
		.creator_tid = header->creator_tid,
		.stack = header->origin_stack,
		.flags = header->flags};

	origin_of(session, &creation, out);
}

static void take_routine(
	struct session *session, const struct event_view *view, struct routine_name *out)
{
	const struct wire_event *header = view->header;
	const struct birth birth = {.process = header->process,
		.start_fn = header->start_fn,
		.callable = header->callable,
		.start_ns = header->start_ns,
		.tid = header->tid,
		.trampoline = header->trampoline,
		.source = header->source,
		.flags = header->flags,
		.name = view->name};

	/* A rename tells the name that the thread has given itself, whatever it was born as. */
	if (header->kind == WIRE_EVENT_NAMED)
		*out = (struct routine_name){.text = header->comm, .source = SOURCE_COMM};
	else
		processes_name(session->processes, &birth, header->comm, header->process_comm, out);
}

void tell_event(struct session *session, const struct event_view *view, struct event *out)
{
	const struct wire_event *header = view->header;
	bool is_thread = header->instance == WIRE_INSTANCE_THREAD;

	*out = (struct event){
		.type = type_of(header->kind),
		.instance = is_thread ? INSTANCE_THREAD : INSTANCE_SPAN,
		.already_running = is_thread && header->kind == WIRE_EVENT_STARTED &&
				   (header->flags & WIRE_THREAD_ADOPTED),
		.boot_ns = header->time_ns,
		.pid = header->process.tgid,
		.tid = header->tid,
		.ns_pid = header->ns_tgid,
		.ns_tid = header->ns_tid,
		.process = header->process_comm,
		.start_ns = header->start_ns,
		.timebox_ns = header->timebox_ns,
		.confinement = confinement_of(session->confinements, &header->process),
	};
	if (is_thread)
		take_origin(session, header, &out->origin);
	take_routine(session, view, &out->routine);
	out->data_count = decode_data(view->data, header->data_count, out->data);
}

void tell_running(struct session *session, const struct thread_view *view, struct event *out)
{
	struct snapshot_thread thread;

	view_thread(session, view, &thread);
	*out = (struct event){
		.type = EVENT_STARTED,
		.instance = INSTANCE_THREAD,
		.already_running = true,
		.boot_ns = view->header->time_ns,
		.pid = thread.pid,
		.tid = thread.tid,
		.ns_pid = thread.ns_pid,
		.ns_tid = thread.ns_tid,
		.process = thread.process,
		.routine = thread.birth,
		.start_ns = thread.start_ns,
		.origin = thread.origin,
		.confinement = thread.confinement,
	};
}
