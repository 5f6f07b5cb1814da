/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * print.c - choice of the output format, and the filter on routine names.
 */
#include "cmd/print.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/session.h"

#define STREAM_BYTES (256u << 10)

FILE *print_open(const struct common_options *common)
{
	FILE *out = common->output_path ? fopen(common->output_path, "we") : stdout;

	if (out)
		setvbuf(out, NULL, _IOFBF, STREAM_BYTES);
	else
		log_error("cannot write to '%s': %s", common->output_path, strerror(errno));
	return out;
}

int print_close(FILE *out)
{
	int err = 0;

	if (!out)
		return 0;
	if (out == stdout ? fflush(out) : fclose(out))
		err = -errno;
	return err;
}

struct out_options print_options(FILE *out, bool threads)
{
	return (struct out_options){
		.wall_offset_ns = wall_offset_ns(),
		.colour = isatty(fileno(out)) && !getenv("NO_COLOR"),
		.local_time = true,
		.threads = threads,
	};
}

static bool wanted(const struct common_options *common, const char *routine)
{
	return !common->has_regex || !regexec(&common->regex, routine, 0, NULL, 0);
}

/* A snapshot of the threads whose current routine matches. NULL without memory. */
static struct snapshot *filtered(
	const struct common_options *common, const struct snapshot *snapshot)
{
	struct snapshot *kept = snapshot_new(snapshot->boot_ns);
	int err = kept ? snapshot_set_drops(kept, snapshot->drops, snapshot->drop_count) : 0;

	for (size_t i = 0; kept && !err && i < snapshot->thread_count; i++) {
		const struct snapshot_thread *thread = &snapshot->threads[i];

		if (wanted(common, snapshot_thread_routine(thread).text))
			err = snapshot_add(kept, thread);
	}
	if (kept && !err)
		err = snapshot_group(kept);
	if (!err)
		return kept;
	snapshot_free(kept);
	return NULL;
}

int print_snapshot(FILE *out, const struct common_options *common, bool threads,
	const struct snapshot *snapshot)
{
	struct out_options options = print_options(out, threads);
	struct snapshot *kept = NULL;
	int err;

	if (common->has_regex) {
		kept = filtered(common, snapshot);
		if (!kept)
			return -ENOMEM;
		snapshot = kept;
	}
	err = common->format == FORMAT_JSON ? json_snapshot(out, &options, snapshot)
					    : text_snapshot(out, &options, snapshot);
	snapshot_free(kept);
	return err;
}

int print_event(FILE *out, const struct out_options *options, const struct common_options *common,
	const struct event *event, bool *printed)
{
	*printed = wanted(common, event->routine.text);
	if (!*printed)
		return 0;
	return common->format == FORMAT_JSON ? json_event(out, options, event)
					     : text_event(out, options, event);
}
