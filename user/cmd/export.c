/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * export.c - `threadwatch export`: counters and gauges for Prometheus, in a textfile.
 *
 * Each round reads the kernel's counters first and walks the threads after that. A process
 * that the walk does not show has ended for good, with all its counting done, so its
 * counters are then taken out of the kernel and kept as totals.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/loop.h"
#include "cmd/round.h"
#include "cmd/session.h"
#include "out/out.h"

#define NS_PER_MS	   1000000ull
#define NS_PER_S	   1000000000ull
#define INTERVAL_DEFAULT_S 15.0
#define MAX_SERIES_DEFAULT 10000
#define LOOK_NS		   (100 * NS_PER_MS)

struct export_options {
	struct common_options common; /* first: options_parse relies on it */
	const char *textfile;
	double interval_s;
	uint64_t max_series;
};

enum long_option { OPTION_TEXTFILE = 0x200, OPTION_INTERVAL, OPTION_MAX_SERIES };

static const struct argp_option table[] = {
	{"textfile", OPTION_TEXTFILE, "FILE", 0, "Replace this file each interval (NAME.prom)", 0},
	{"interval", OPTION_INTERVAL, "SECONDS", 0, "Time between two writes (default 15)", 0},
	{"max-series", OPTION_MAX_SERIES, "N", 0,
		"At most this many series with a routine; the rest are summed as 'other' (default "
		"10000)",
		0},
	{0},
};

static error_t take_max_series(const char *text, struct export_options *options)
{
	char *end;

	errno = 0;
	options->max_series = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || !options->max_series)
		return options_reject("--max-series wants a number above 0, not '%s'", text);
	return 0;
}

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct export_options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->common;
		state->child_inputs[1] = &options->common;
		return 0;
	case OPTION_TEXTFILE:
		options->textfile = text;
		return 0;
	case OPTION_INTERVAL:
		return parse_seconds(text, &options->interval_s)
			       ? 0
			       : options_reject("--interval wants seconds, not '%s'", text);
	case OPTION_MAX_SERIES:
		return take_max_series(text, options);
	case ARGP_KEY_END:
		return options->textfile
			       ? 0
			       : options_reject("export needs --textfile FILE to write to");
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {
	{&target_argp, 0, NULL, 0}, {&watch_argp, 0, NULL, 0}, {0}};
static const struct argp export_argp = {
	.options = table,
	.parser = parse,
	.children = children,
	.args_doc = "-p PID... | -a | --cgroup PATH | -- CMD [ARG...]",
	.doc = "Export threads and routines as Prometheus metrics.\v"
	       "EXAMPLES\n"
	       "  threadwatch export -a --textfile /var/lib/prometheus/node-exporter/tw.prom\n"
	       "  threadwatch export -p 1234 --textfile tw.prom --interval 5\n",
};

static int fill(FILE *out, const void *context)
{
	return prometheus_write(out, context);
}

/* One write. The error of a series of failed ones is told once. */
static int write_once(struct round *round, const struct export_options *options, int previous)
{
	struct drop_count drops[SESSION_COUNTERS];
	struct exposition exposition;
	int err = round_take(round);

	if (!err) {
		exposition = (struct exposition){
			.drops = drops,
			.drop_count = session_counters(round->session, true, drops),
			.snapshot_time_s = (double)(boot_now_ns() + wall_offset_ns()) / NS_PER_S,
			.version = TW_VERSION,
			.max_series = options->max_series,
		};
		exposition.rows = metrics_rows(round->metrics, &exposition.row_count);
		err = textfile_replace(options->textfile, fill, &exposition);
	}
	if (err && err != previous)
		log_error("cannot write '%s': %s", options->textfile, strerror(-err));
	return err;
}

static void ignore_event(void *context, const void *record, size_t bytes)
{
	(void)context;
	(void)record;
	(void)bytes;
}

static void on_control(void *context, const struct wire_control *record)
{
	session_control(context, record);
}

static int rounds(struct round *round, struct loop *loop, const struct export_options *options)
{
	struct session *session = round->session;
	struct kernel_reader reader = {ignore_event, on_control, session};
	uint64_t interval_ns = (uint64_t)(options->interval_s * NS_PER_S);
	uint64_t due_ns = boot_now_ns() + interval_ns, now_ns, next;
	uint64_t look_ns = kernel_look_interval_ns(round->session->kernel, LOOK_NS);
	int err = 0, written = 0;

	processes_keep_dead(session->processes, interval_ns);
	while (!err && !loop->stop) {
		now_ns = boot_now_ns();
		err = loop_wait(loop, due_ns < now_ns + look_ns ? due_ns : now_ns + look_ns);
		if (!err)
			err = kernel_consume_control(session->kernel, &reader);
		session_look_again(session, boot_now_ns());
		if (boot_now_ns() < due_ns && !loop->stop)
			continue;
		if (kernel_timeboxes_in_use(session->kernel))
			session_walked(session, kernel_scan_timeboxes(session->kernel, &next));
		written = write_once(round, options, written);
		due_ns += interval_ns;
		if (due_ns < boot_now_ns())
			due_ns = boot_now_ns() + interval_ns;
	}
	return err;
}

static int run(struct session *session, const struct export_options *options)
{
	struct round round = {.session = session, .metrics = metrics_new()};
	struct loop loop;
	int err = loop_open(&loop, session);
	int code = 0;

	if (!round.metrics)
		err = -ENOMEM;
	/* The first write says at once whether the file can be written at all. */
	if (!err && write_once(&round, options, 0))
		code = EXIT_NO_INPUT;
	if (!err && !code)
		code = session_release_child(session);
	if (!err && !code) {
		log_error("exporting to %s every %g s", options->textfile, options->interval_s);
		err = rounds(&round, &loop, options);
	}
	if (err)
		log_error("the export broke: %s", strerror(-err));
	/* A stale file would be read for ever; the last values were there to be scraped. */
	if (code != EXIT_NO_INPUT)
		unlink(options->textfile);
	metrics_free(round.metrics);
	loop_close(&loop);
	return err ? EXIT_INTERNAL : code;
}

int cmd_export(int argc, char **argv)
{
	struct export_options options = {.common.fold_numbers = true,
		.interval_s = INTERVAL_DEFAULT_S,
		.max_series = MAX_SERIES_DEFAULT};
	struct session session;
	int code = options_parse(&export_argp, argc, argv, true, &options.common);

	if (!code) {
		loop_block_signals();
		code = session_open(&session, &options.common, SESSION_COUNT);
		if (!code)
			code = run(&session, &options);
		session_close(&session);
	}
	options_free(&options.common);
	return code;
}
