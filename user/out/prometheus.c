// SPDX-License-Identifier: GPL-2.0-only
/*
 * prometheus.c - metrics in the Prometheus text format 0.0.4 (docs/prometheus.md).
 *
 * Input: metrics rows and drop counters. HELP and TYPE are constant, samples carry no
 * timestamps (node_exporter skips a whole file that has one), no two samples have equal
 * labels. What is not known is absent.
 */
#include "out/out.h"

#include <inttypes.h>

#include "out/escape.h"
#include "out/series.h"
#include "out/stream.h"
#include "out/wall.h"

#define MS_PER_S UINT64_C(1000)

static void put_family(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* name{process="...",routine="..." without the closing brace */
static void put_labels(FILE *out, const char *name, const struct metrics_row *row)
{
	stream_text(out, name);
	stream_text(out, "{process=\"");
	escape_prometheus(out, row->process);
	stream_text(out, "\",routine=\"");
	escape_prometheus(out, row->routine);
	stream_char(out, '"');
}

static void put_threads(FILE *out, const struct series_set *set)
{
	static const char name[] = "threadwatch_threads";

	put_family(out, name, "gauge", "Live threads by their current routine and state.");
	for (size_t i = 0; i < set->count; i++) {
		const struct metrics_row *row = &set->rows[i];
		for (uint32_t state = 0; state < WIRE_STATE_COUNT; state++) {
			if (row->states[state] == 0)
				continue;
			put_labels(out, name, row);
			fprintf(out, ",state=\"%s\"} %" PRIu64 "\n", thread_state_name(state),
				row->states[state]);
		}
	}
}

static void put_instances(FILE *out, const struct series_set *set)
{
	static const char name[] = "threadwatch_routine_instances";

	put_family(out, name, "gauge",
		"Live instances of a routine: threads by birth name, and open spans.");
	for (size_t i = 0; i < set->count; i++) {
		put_labels(out, name, &set->rows[i]);
		fprintf(out, "} %" PRIu64 "\n", set->rows[i].instances);
	}
}

struct counter_family {
	const char *name;
	const char *help;
	size_t offset; /* of the total in struct metrics_row */
};

static void put_counters(FILE *out, const struct series_set *set)
{
	static const struct counter_family families[] = {
		{"threadwatch_routines_started_total",
			"Instances of a routine that started while they were watched.",
			offsetof(struct metrics_row, started)},
		{"threadwatch_routines_finished_total",
			"Instances of a routine that finished while they were watched.",
			offsetof(struct metrics_row, finished)},
		{"threadwatch_routine_timebox_exceeded_total",
			"Instances of a routine that outlived their timebox.",
			offsetof(struct metrics_row, timebox_exceeded)},
	};

	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		const struct counter_family *family = &families[i];
		put_family(out, family->name, "counter", family->help);
		for (size_t j = 0; j < set->count; j++) {
			const struct metrics_row *row = &set->rows[j];
			if (!row->has_counters)
				continue;
			const uint64_t *total = (const void *)((const char *)row + family->offset);
			put_labels(out, family->name, row);
			fprintf(out, "} %" PRIu64 "\n", *total);
		}
	}
}

static void put_oldest(FILE *out, const struct series_set *set)
{
	static const char name[] = "threadwatch_routine_oldest_seconds";

	put_family(out, name, "gauge", "Age of the oldest live instance of a routine.");
	for (size_t i = 0; i < set->count; i++) {
		const struct metrics_row *row = &set->rows[i];
		if (row->instances == 0)
			continue;
		put_labels(out, name, row);
		fprintf(out, "} %" PRIu64 ".%09" PRIu64 "\n", row->oldest_ns / NS_PER_S,
			row->oldest_ns % NS_PER_S);
	}
}

static void put_drops(FILE *out, const struct exposition *exposition)
{
	static const char name[] = "threadwatch_drops_total";

	put_family(out, name, "counter", "What was lost or fell back, by what.");
	for (size_t i = 0; i < exposition->drop_count; i++) {
		fprintf(out, "%s{what=\"", name);
		escape_prometheus(out, exposition->drops[i].name);
		fprintf(out, "\"} %" PRIu64 "\n", exposition->drops[i].count);
	}
}

static void put_self(FILE *out, const struct exposition *exposition, const struct series_set *set)
{
	static const char folded[] = "threadwatch_routines_folded";
	static const char snapshot[] = "threadwatch_last_snapshot_timestamp_seconds";
	static const char build[] = "threadwatch_build_info";

	put_family(out, folded, "gauge",
		"Routines summed under routine=\"other\" to keep within the limit of series.");
	fprintf(out, "%s %zu\n", folded, set->folded);
	put_family(out, snapshot, "gauge", "Unix time of the snapshot that these numbers are of.");
	if (exposition->snapshot_time_s > 0) {
		/* Not %f, which follows the locale. */
		uint64_t ms = (uint64_t)(exposition->snapshot_time_s * MS_PER_S);
		fprintf(out, "%s %" PRIu64 ".%03" PRIu64 "\n", snapshot, ms / MS_PER_S,
			ms % MS_PER_S);
	}
	put_family(out, build, "gauge", "Always 1; the label says which threadwatch wrote this.");
	fprintf(out, "%s{version=\"", build);
	escape_prometheus(out, exposition->version);
	stream_text(out, "\"} 1\n");
}

int prometheus_write(FILE *out, const struct exposition *exposition)
{
	__attribute__((cleanup(series_release))) struct series_set set = {0};
	int err = series_prepare(
		exposition->rows, exposition->row_count, exposition->max_series, &set);
	if (err)
		return err;

	errno = 0;
	put_threads(out, &set);
	put_instances(out, &set);
	put_counters(out, &set);
	put_oldest(out, &set);
	put_drops(out, exposition);
	put_self(out, exposition, &set);
	return stream_result(out);
}
