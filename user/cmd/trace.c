/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * trace.c - `threadwatch [trace]`: the stream of starts, ends, renames and overruns.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/loop.h"
#include "cmd/origin.h"
#include "cmd/print.h"
#include "cmd/round.h"
#include "cmd/session.h"
#include "cmd/tell.h"
#include "cmd/view.h"

#define NS_PER_MS	 1000000ull
#define POLL_NS		 (50 * NS_PER_MS)   /* a lone event shows within this time */
#define SCAN_AT_LEAST_NS (1000 * NS_PER_MS) /* in case the event with a deadline was lost */
#define DISCARD_NS	 (10000 * NS_PER_MS)
#define ADOPT_NS	 (500 * NS_PER_MS)
#define COUNTER_BYTES	 64 /* name, number, comma */

struct trace_options {
	struct common_options common; /* first: options_parse relies on it */
	bool pass_exit_code;
};

struct trace {
	const struct trace_options *options;
	struct session *session;
	const struct kernel_reader *reader;
	FILE *out;
	struct out_options out_options;
	uint64_t events;       /* printed */
	uint64_t next_scan_ns; /* of timeboxes; 0: none begun yet */
	uint64_t next_discard_ns;
	uint64_t next_adopt_ns;
	uint64_t live;
	int err; /* of the output */
};

enum long_option { OPTION_RING_BYTES = 0x200, OPTION_ORIGIN_STACKS };

static const struct argp_option table[] = {
	{"ring-bytes", OPTION_RING_BYTES, "BYTES", 0, "Size of the event ring (default 4M)", 0},
	{"origin-stacks", OPTION_ORIGIN_STACKS, NULL, 0,
		"Copy and unwind the creator's stack for each thread", 0},
	{"exit-code", 'e', NULL, 0, "With -- CMD: exit as the program did", 0},
	{0},
};

static error_t take_ring_bytes(const char *text, struct common_options *common)
{
	uint64_t page = sysconf(_SC_PAGESIZE), bytes;

	if (!parse_bytes(text, &bytes) || bytes < page || (bytes & (bytes - 1)))
		return options_reject("--ring-bytes wants a power of two of at least one page "
				      "(4096, 64K, 4M), not '%s'",
			text);
	common->ring_bytes = bytes;
	return 0;
}

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct trace_options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->common;
		state->child_inputs[1] = &options->common;
		state->child_inputs[2] = &options->common;
		return 0;
	case OPTION_RING_BYTES:
		return take_ring_bytes(text, &options->common);
	case OPTION_ORIGIN_STACKS:
		options->common.origin_stacks = true;
		return 0;
	case 'e':
		options->pass_exit_code = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {
	{&target_argp, 0, NULL, 0}, {&watch_argp, 0, NULL, 0}, {&output_argp, 0, NULL, 0}, {0}};
static const struct argp trace_argp = {
	.options = table,
	.parser = parse,
	.children = children,
	.args_doc = "-p PID... | -a | --cgroup PATH | -- CMD [ARG...]",
	.doc = "Stream the starts and ends of threads and spans. SIGUSR1 prints a snapshot.\v"
	       "EXAMPLES\n"
	       "  threadwatch -p 1234\n"
	       "  threadwatch -p 1234 -r 'worker|resize' -o json\n"
	       "  threadwatch -f -- make test\n",
};

/* ---- events ---- */

static void print_one(struct trace *trace, const struct event *event)
{
	bool printed = false;

	if (!trace->err)
		trace->err = print_event(
			trace->out, &trace->out_options, &trace->options->common, event, &printed);
	trace->events += printed;
}

static void note_deadline(struct trace *trace, const struct wire_event *header)
{
	uint64_t deadline_ns = header->start_ns + header->timebox_ns;

	if (header->kind == WIRE_EVENT_STARTED && header->timebox_ns &&
		(!trace->next_scan_ns || deadline_ns < trace->next_scan_ns))
		trace->next_scan_ns = deadline_ns;
}

/* What a callable is named by comes in the other ring, before the event that needs it, but
 * perhaps after that ring was last read. */
static void hear_of_callable(struct trace *trace, const struct wire_event *header)
{
	struct session *session = trace->session;

	if (header->callable &&
		!processes_knows(session->processes, &header->process, header->callable))
		kernel_consume_control(session->kernel, trace->reader);
}

static void on_event(void *context, const void *record, size_t bytes)
{
	struct trace *trace = context;
	struct event_view view;
	struct event event;

	if (decode_event(record, bytes, &view)) {
		trace->session->records_refused++;
		return;
	}
	note_deadline(trace, view.header);
	hear_of_callable(trace, view.header);
	tell_event(trace->session, &view, &event);
	print_one(trace, &event);
}

static void on_control(void *context, const struct wire_control *record)
{
	struct trace *trace = context;

	session_control(trace->session, record);
}

/* ---- threads that were there before us ---- */

static void on_existing(void *context, const void *record, size_t bytes)
{
	struct trace *trace = context;
	struct thread_view view;
	struct event event;

	if (!view_decode(trace->session, record, bytes, &view) ||
		!(view.header->thread.flags & WIRE_THREAD_ADOPTED))
		return;
	tell_running(trace->session, &view, &event);
	print_one(trace, &event);
}

static void count_live(void *context, const void *record, size_t bytes)
{
	const struct wire_thread_record *thread = record;
	struct trace *trace = context;
	(void)bytes;

	trace->live += thread->state != WIRE_STATE_ZOMBIE && thread->state != WIRE_STATE_DEAD;
}

/* ---- the stream ---- */

static void scan_when_due(struct trace *trace, uint64_t now_ns)
{
	uint64_t next_ns = 0;

	if (!kernel_timeboxes_in_use(trace->session->kernel) || now_ns < trace->next_scan_ns)
		return;
	session_walked(trace->session, kernel_scan_timeboxes(trace->session->kernel, &next_ns));
	if (!next_ns || next_ns > now_ns + SCAN_AT_LEAST_NS)
		next_ns = now_ns + SCAN_AT_LEAST_NS;
	trace->next_scan_ns = next_ns;
}

/* Nobody reads the counters here; those of ended processes would fill their table. */
static void discard_when_due(struct trace *trace, uint64_t now_ns)
{
	const struct common_options *common = &trace->options->common;

	if ((!options_whole(common) && !common->follow) || now_ns < trace->next_discard_ns)
		return;
	session_walked(trace->session, round_discard(trace->session));
	trace->next_discard_ns = now_ns + DISCARD_NS;
}

static void snapshot_when_asked(struct trace *trace, struct loop *loop)
{
	struct snapshot *snapshot = NULL;
	int err;

	if (!loop->snapshot_wanted)
		return;
	loop->snapshot_wanted = false;
	err = session_snapshot(trace->session, false, &snapshot);
	if (err) {
		log_error("cannot take the snapshot: %s", strerror(-err));
		return;
	}
	trace->err = print_snapshot(
		trace->out, &trace->options->common, trace->options->common.verbose, snapshot);
	snapshot_free(snapshot);
}

/* Nothing tells that a process was moved into a watched cgroup: its threads are walked to. */
static void adopt_when_due(struct trace *trace, uint64_t now_ns)
{
	if (!trace->options->common.cgroup_count || now_ns < trace->next_adopt_ns)
		return;
	session_walked(trace->session, round_adopt(trace->session));
	trace->next_adopt_ns = now_ns + ADOPT_NS;
}

static int flush(struct trace *trace)
{
	if (!trace->err && fflush(trace->out))
		trace->err = -errno;
	return trace->err;
}

static int stream(struct trace *trace, struct loop *loop, const struct kernel_reader *reader)
{
	while (!loop->stop) {
		uint64_t now_ns = boot_now_ns();
		uint64_t until_ns =
			now_ns + kernel_look_interval_ns(trace->session->kernel, POLL_NS);
		int err;

		if (trace->next_scan_ns && trace->next_scan_ns < until_ns)
			until_ns = trace->next_scan_ns;
		err = loop_wait(loop, until_ns);
		if (err)
			return err;
		err = kernel_consume(trace->session->kernel, reader);
		if (err)
			return err;
		origin_take_stacks(trace->session);
		snapshot_when_asked(trace, loop);
		scan_when_due(trace, boot_now_ns());
		session_look_again(trace->session, boot_now_ns());
		discard_when_due(trace, boot_now_ns());
		adopt_when_due(trace, boot_now_ns());
		if (flush(trace))
			return 0;
	}
	return 0;
}

static void say_counters(const struct drop_count *drops, size_t count)
{
	char line[SESSION_COUNTERS * COUNTER_BYTES] = "";
	size_t used = 0;

	for (size_t i = 0; i < count && used < sizeof(line); i++)
		used += snprintf(line + used, sizeof(line) - used, "%s%s %llu", i ? ", " : "",
			drops[i].name, (unsigned long long)drops[i].count);
	if (count)
		log_error("counters: %s", line);
}

static void finish(struct trace *trace, const struct kernel_reader *reader)
{
	struct session *session = trace->session;
	struct drop_count drops[SESSION_COUNTERS];
	struct stream_summary summary;

	session_walked(session, kernel_walk(session->kernel, false, count_live, trace));
	kernel_detach(session->kernel);
	kernel_consume(session->kernel, reader);
	summary = (struct stream_summary){
		.boot_ns = boot_now_ns(),
		.events = trace->events,
		.dropped = session_dropped(session),
		.live = trace->live,
		.drops = drops,
		.drop_count = session_counters(session, false, drops),
	};
	if (!trace->err && trace->options->common.format == FORMAT_JSON)
		trace->err = json_summary(trace->out, &trace->out_options, &summary);
	flush(trace);
	if (trace->err && trace->err != -EPIPE)
		log_error("cannot write the output: %s", strerror(-trace->err));
	say_counters(drops, summary.drop_count);
	log_error("%llu events, %llu dropped, %llu threads live", (unsigned long long)trace->events,
		(unsigned long long)summary.dropped, (unsigned long long)trace->live);
}

static int run(struct trace *trace)
{
	struct session *session = trace->session;
	const struct kernel_reader reader = {on_event, on_control, trace};
	struct loop loop;
	int err = loop_open(&loop, session);
	int code;

	trace->reader = &reader;
	if (!err && trace->options->common.format == FORMAT_TEXT)
		err = text_header(trace->out, &trace->out_options);
	if (!err)
		err = kernel_walk(session->kernel, false, on_existing, trace);
	if (trace->options->common.cgroup_count)
		kernel_announce_adopted(session->kernel);
	code = err ? 0 : session_release_child(session);
	if (!err && !code) {
		flush(trace);
		log_error("watching: %llu threads already running, %zu routine probes",
			(unsigned long long)trace->events, session->usdt_sites);
		err = stream(trace, &loop, &reader);
	}
	loop_close(&loop);
	if (code)
		return code;
	if (err) {
		log_error("the stream broke: %s", strerror(-err));
		return EXIT_INTERNAL;
	}
	finish(trace, &reader);
	if (trace->err && trace->err != -EPIPE)
		return EXIT_INTERNAL;
	return trace->options->pass_exit_code ? child_exit_code(&session->child) : EXIT_FINE;
}

static int run_to(struct trace *trace)
{
	int code;

	trace->out = print_open(&trace->options->common);
	if (!trace->out)
		return EXIT_NO_INPUT;
	trace->out_options = print_options(trace->out, false);
	trace->out_options.stacks =
		trace->options->common.verbose || trace->options->common.origin_stacks;
	code = run(trace);
	print_close(trace->out);
	return code;
}

int cmd_trace(int argc, char **argv)
{
	struct trace_options options = {0};
	struct session session;
	struct trace trace = {.options = &options, .session = &session};
	int code = options_parse(&trace_argp, argc, argv, true, &options.common);

	if (!code) {
		loop_block_signals();
		code = session_open(&session, &options.common, SESSION_STREAM);
		if (!code)
			code = run_to(&trace);
		session_close(&session);
	}
	options_free(&options.common);
	return code;
}
