/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * view.c - turns the kernel's thread records into a snapshot with names.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/origin.h"
#include "cmd/session.h"
#include "cmd/view.h"
#include "model/decode.h"

struct view {
	struct session *session;
	struct snapshot *snapshot;
	int err;
};

/* Functions of the scheduler say nothing of what a thread waits for. */
static bool is_scheduler(const char *name)
{
	static const char *const prefixes[] = {
		"schedule", "__schedule", "io_schedule", "preempt_schedule", "__switch_to"};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (!strncmp(name, prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}

static const char *wait_site(struct session *session, const struct wire_thread_record *record)
{
	if (!session->kallsyms_tried && record->wait_ips[0]) {
		session->kallsyms_tried = true;
		session->kallsyms = kallsyms_open();
	}
	for (size_t i = 0; session->kallsyms && i < WIRE_WAIT_FRAMES; i++) {
		const char *name = record->wait_ips[i]
					   ? kallsyms_name(session->kallsyms, record->wait_ips[i])
					   : NULL;

		if (name && !is_scheduler(name))
			return name;
	}
	return NULL;
}

static void take_spans(const struct thread_view *from, struct snapshot_thread *to)
{
	to->span_count = from->header->span_count;
	for (size_t i = 0; i < to->span_count; i++) {
		const struct wire_span *span = &from->spans[i];

		to->spans[i] = (struct snapshot_span){
			.name = span->name,
			.begin_ns = span->begin_ns,
			.timebox_ns = span->timebox_ns,
		};
		to->spans[i].data_count =
			decode_data(span->data, span->data_count, to->spans[i].data);
	}
}

void view_thread(
	struct session *session, const struct thread_view *from, struct snapshot_thread *to)
{
	const struct wire_thread_record *record = from->header;
	const struct wire_thread *thread = &record->thread;
	struct birth birth = {
		.process = thread->process,
		.start_fn = thread->start_fn,
		.start_arg = thread->start_arg,
		.pthread = thread->pthread,
		.callable = thread->callable,
		.start_ns = thread->start_ns,
		.tid = thread->tid,
		.trampoline = thread->trampoline,
		.alive = true,
		.source = thread->source,
		.flags = thread->flags,
		.name = thread->name,
	};
	const struct creation creation = {.process = &thread->process,
		.call_site = thread->call_site,
		.creator_id = thread->creator_id,
		.creator_source = thread->creator_source,
		.creator_tid = thread->creator_tid,
		.stack = thread->origin_stack,
		.flags = thread->flags};

	*to = (struct snapshot_thread){
		.pid = thread->process.tgid,
		.tid = thread->tid,
		.ns_pid = record->ns_tgid,
		.ns_tid = record->ns_tid,
		.process = record->process_comm,
		.comm = record->comm,
		.start_ns = thread->start_ns,
		.cpu_ns = record->cpu_ns,
		.state = record->state,
		.detached = thread->flags & WIRE_THREAD_DETACHED,
		.joinable = thread->flags & WIRE_THREAD_JOINABLE,
		.wait = wait_site(session, record),
		.confinement = confinement_of(session->confinements, &thread->process),
	};
	if (session->origins)
		origin_of(session, &creation, &to->origin);
	processes_name(session->processes, &birth, record->comm, record->process_comm, &to->birth);
	take_spans(from, to);
}

bool view_decode(struct session *session, const void *record, size_t bytes, struct thread_view *out)
{
	size_t offset = 0;

	if (decode_thread(record, bytes, &offset, out) == 1)
		return true;
	session->records_refused++;
	return false;
}

static void add_thread(void *context, const void *record, size_t bytes)
{
	struct view *view = context;
	struct snapshot_thread thread;
	struct thread_view decoded;

	if (view->err || !view_decode(view->session, record, bytes, &decoded))
		return;
	view_thread(view->session, &decoded, &thread);
	view->err = snapshot_add(view->snapshot, &thread);
}

int session_snapshot(struct session *session, bool with_wait, struct snapshot **out)
{
	struct view view = {.session = session, .snapshot = snapshot_new(boot_now_ns())};
	struct drop_count drops[SESSION_COUNTERS];

	if (!view.snapshot)
		return -ENOMEM;
	view.snapshot->fold_numbers = session->options->fold_numbers;
	view.err = kernel_walk(session->kernel, with_wait, add_thread, &view);
	if (!view.err)
		view.err = snapshot_set_drops(
			view.snapshot, drops, session_counters(session, false, drops));
	if (!view.err)
		view.err = snapshot_group(view.snapshot);
	if (view.err) {
		snapshot_free(view.snapshot);
		return view.err;
	}
	*out = view.snapshot;
	return 0;
}
