/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * metrics.h - totals per (process name, routine name) that never go backwards.
 *
 * Pure. The exporter feeds it two things each round: a grouped snapshot (gauges) and the
 * kernel's counters, each already named. Counters of live processes are given anew each
 * round; those of ended processes are given once and kept (harvest). In one round a process is
 * given as live or as ended, never as both.
 */
#ifndef TW_MODEL_METRICS_H
#define TW_MODEL_METRICS_H

#include "model/snapshot.h"

struct metrics_row {
	const char *process;
	const char *routine;
	uint64_t started, finished, timebox_exceeded; /* totals, ended processes included */
	uint64_t instances;			      /* live thread lives and spans by name */
	uint64_t oldest_ns;			      /* of the oldest live instance; 0: none */
	uint64_t states[WIRE_STATE_COUNT];	      /* threads by current routine */
	bool has_counters;    /* this (process, routine) was ever counted by the kernel */
	uint32_t states_seen; /* bit i: states[i] was ever above 0; never cleared */
	uint64_t order;	      /* of first appearance; unique */
};

struct metrics;

struct metrics *metrics_new(void); /* NULL without memory */
void metrics_free(struct metrics *metrics);

/* Adds counters of an ended process for good. 0 or -ENOMEM. */
int metrics_harvest(struct metrics *metrics, const char *process, const char *routine,
	const struct wire_routine_stats *stats);

/* Starts a round: forgets the live part. */
void metrics_begin(struct metrics *metrics);
/* Adds counters of a process that still lives, for this round. 0 or -ENOMEM. */
int metrics_add_live(struct metrics *metrics, const char *process, const char *routine,
	const struct wire_routine_stats *stats);
/* Adds the gauges of a grouped snapshot: threads by current routine; instances: each thread
 * under its birth name and each open span under its own; folded as the snapshot is. 0 or
 * -ENOMEM. */
int metrics_add_snapshot(struct metrics *metrics, const struct snapshot *snapshot);

/* Rows sorted by process, then routine. Valid until the next call on `metrics`. */
const struct metrics_row *metrics_rows(struct metrics *metrics, size_t *count);

#endif
