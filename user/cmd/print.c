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
#include "model/fold.h"

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

static bool matches(const struct common_options *common, const char *routine)
{
	return !regexec(&common->regex, routine, 0, NULL, 0);
}

/* Whoever sees worker-* asks for it by that name; whoever knows worker-17 finds that one. */
static bool wanted(const struct common_options *common, const struct routine_name *routine)
{
	char text[FOLD_BYTES];

	if (!common->has_regex || matches(common, routine->text))
		return true;
	return common->fold_numbers &&
	       matches(common, fold_numbers(routine->text, routine->source, text));
}

/* A snapshot of the threads whose current routine matches. NULL without memory. */
static struct snapshot *filtered(
	const struct common_options *common, const struct snapshot *snapshot)
{
	struct snapshot *kept = snapshot_new(snapshot->boot_ns);
	int err = kept ? snapshot_set_drops(kept, snapshot->drops, snapshot->drop_count) : 0;

	if (kept)
		kept->fold_numbers = snapshot->fold_numbers;
	for (size_t i = 0; kept && !err && i < snapshot->thread_count; i++) {
		const struct snapshot_thread *thread = &snapshot->threads[i];
		struct routine_name routine = snapshot_thread_routine(thread);

		if (wanted(common, &routine))
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
	struct event folded;
	char text[FOLD_BYTES];

	*printed = wanted(common, &event->routine);
	if (!*printed)
		return 0;
	if (common->fold_numbers) {
		folded = *event;
		folded.routine.text =
			fold_numbers(event->routine.text, event->routine.source, text);
		event = &folded;
	}
	return common->format == FORMAT_JSON ? json_event(out, options, event)
					     : text_event(out, options, event);
}
