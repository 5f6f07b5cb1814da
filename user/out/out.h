/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * out.h - the formats. Each writer gets const data and a stdio stream, never where the data
 * came from. All text of watched processes is escaped here (escape.h). Writers return 0 or a
 * negative errno from the stream; they buffer nothing of their own. A record is written
 * whole or, after an error, the stream is not used again.
 */
#ifndef TW_OUT_OUT_H
#define TW_OUT_OUT_H

#include <stdio.h>

#include "model/event.h"
#include "model/metrics.h"
#include "model/snapshot.h"

/* Offset from CLOCK_BOOTTIME to the wall clock: wall_ns = boot_ns + wall_offset_ns. */
struct out_options {
	int64_t wall_offset_ns;
	bool colour;	 /* text only */
	bool local_time; /* text only: TIME in the local zone (else UTC) */
	bool stacks;	 /* text: the stack behind a thread's start too */
	bool threads;	 /* snapshots: one line (or object) for each thread too */
};

/* End of a stream. */
struct stream_summary {
	uint64_t boot_ns;
	uint64_t events;
	uint64_t dropped; /* events that the ring could not take */
	uint64_t live;
	const struct drop_count *drops; /* every counter that is not zero */
	size_t drop_count;
};

/*
 * Text: aligned columns TIME EVENT PID TID PROCESS ROUTINE AGE BY DATA; "-" is not known. A
 * routine in parentheses has only its comm for a name, '?' behind it marks a guess, '~' at the
 * end of a column a cut.
 */
int text_header(FILE *out, const struct out_options *options);
int text_event(FILE *out, const struct out_options *options, const struct event *event);
int text_snapshot(FILE *out, const struct out_options *options, const struct snapshot *snapshot);

/* JSON: one object per line, docs/json.md. */
int json_event(FILE *out, const struct out_options *options, const struct event *event);
int json_snapshot(FILE *out, const struct out_options *options, const struct snapshot *snapshot);
int json_summary(
	FILE *out, const struct out_options *options, const struct stream_summary *summary);

/* Prometheus text format 0.0.4. */
struct exposition {
	const struct metrics_row *rows;
	size_t row_count;
	const struct drop_count *drops; /* all counters, zeros too */
	size_t drop_count;
	double snapshot_time_s; /* Unix time of the snapshot */
	const char *version;
	size_t max_series; /* of samples with a routine label; rows that do not fit are summed
			    * under routine="other" (series.c); 0: no limit */
};
int prometheus_write(FILE *out, const struct exposition *exposition);

/*
 * Replaces `path` with what `fill` writes: a temporary file beside it (no .prom suffix,
 * 0644), fsync, rename. A reader sees the old file or the new one, never a part. Negative
 * errno on failure, with the old file untouched and no temporary file left: -ENOENT without the
 * folder; -EISDIR, -ELOOP, -EINVAL when path is a folder, a symbolic link, not a file.
 */
int textfile_replace(
	const char *path, int (*fill)(FILE *out, const void *context), const void *context);

#endif
