/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * spans.h - what spans.c (threads and truth) asks of spans_lib.c (every probe site of spans,
 * so that these can live in a shared library).
 */
#ifndef TW_TESTS_SPANS_H
#define TW_TESTS_SPANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SPANS_COLD     16 /* strings */
#define SPANS_DATA_MAX 4

enum span_kind { SPAN_SCOPE, SPAN_BEGIN, SPAN_CROSSING, SPAN_LITERAL };

struct span_data {
	const char *key;
	const char *text; /* NULL: number */
	int64_t number;
};

/* One span to be. Strings belong to the caller and outlive the run. */
struct span_plan {
	const char *name; /* as told; CROSSING and LITERAL: by a site of their own */
	enum span_kind kind;
	unsigned depth;	    /* the spans that follow with a greater depth are within this one */
	int64_t timebox_ms; /* 0: none */
	bool exceeds;	    /* sleeps until the timebox is over */
	bool holds;	    /* calls `hold` while open */
	size_t data_count;
	struct span_data data[SPANS_DATA_MAX];
};

/* Strings each in a page of .rodata of its own, which is unmapped when they are told. */
const char *spans_cold(size_t page);
const char *spans_crossing(void); /* begins in one such page and ends in another */
const char *spans_literal(void);

/* Begins and ends the spans of a thread. Returns how many strings were told whose pages were
 * not mapped right before. */
size_t spans_run(
	const struct span_plan *plans, size_t count, void (*hold)(void *context), void *context);

#endif
