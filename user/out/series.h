/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * series.h - the rows of an exposition as they may be shown: unique labels, at most so many
 * series, nothing lost from the sums.
 */
#ifndef TW_OUT_SERIES_H
#define TW_OUT_SERIES_H

#include "model/metrics.h"

/* Label value of what stands for everything that did not fit. */
#define SERIES_OTHER "other"

struct series_set {
	struct metrics_row *rows; /* by process; the rest of a process behind its rows */
	size_t count;
	size_t folded; /* rows that are part of an "other" one for want of room */
	char **texts;  /* owned label values; the other rows' belong to the input */
	size_t text_count;
};

/* Picks from `rows`, which must outlive `out`. max_series: 0 is no limit. 0 or -ENOMEM. */
int series_prepare(
	const struct metrics_row *rows, size_t count, size_t max_series, struct series_set *out);
/* Frees what series_prepare made; a zeroed set is fine. */
void series_release(struct series_set *set);

#endif
