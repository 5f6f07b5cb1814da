/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * snapshot.c - `threadwatch snapshot`: one walk over the threads, grouped by routine.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/print.h"
#include "cmd/session.h"

struct snapshot_options {
	struct common_options common; /* first: options_parse relies on it */
	bool threads;
};

static const struct argp_option table[] = {
	{"threads", 't', NULL, 0, "One line for each thread too", 0},
	{0},
};

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct snapshot_options *options = state->input;
	(void)text;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->common;
		state->child_inputs[1] = &options->common;
		return 0;
	case 't':
		options->threads = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {
	{&target_argp, 0, NULL, 0}, {&output_argp, 0, NULL, 0}, {0}};
static const struct argp snapshot_argp = {
	.options = table,
	.parser = parse,
	.children = children,
	.args_doc = "-p PID... | -a | --cgroup PATH",
	.doc = "Show the live threads of processes, grouped by routine.\v"
	       "EXAMPLES\n"
	       "  threadwatch snapshot -p 1234\n"
	       "  threadwatch snapshot -p 1234 --threads\n"
	       "  threadwatch snapshot -a -o json | jq .threads\n",
};

static int take(struct session *session, const struct snapshot_options *options, FILE *out)
{
	struct snapshot *snapshot = NULL;
	int err = session_snapshot(session, options->threads, &snapshot);

	if (!err)
		err = print_snapshot(out, &options->common, options->threads, snapshot);
	if (!err && fflush(out))
		err = -errno;
	snapshot_free(snapshot);
	if (!err)
		return EXIT_FINE;
	log_error("cannot take the snapshot: %s", strerror(-err));
	return EXIT_INTERNAL;
}

int cmd_snapshot(int argc, char **argv)
{
	struct snapshot_options options = {.common.fold_numbers = true};
	struct session session;
	FILE *out = NULL;
	int code = options_parse(&snapshot_argp, argc, argv, false, &options.common);

	if (!code) {
		code = session_open(&session, &options.common, SESSION_SNAPSHOT);
		out = code ? NULL : print_open(&options.common);
		if (!code)
			code = out ? take(&session, &options, out) : EXIT_NO_INPUT;
		print_close(out);
		session_close(&session);
	}
	options_free(&options.common);
	return code;
}
