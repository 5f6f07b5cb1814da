/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * print.h - sends things to the output format that the user chose.
 */
#ifndef TW_CMD_PRINT_H
#define TW_CMD_PRINT_H

#include <stdio.h>

#include "cmd/options.h"
#include "out/out.h"

/* The stream that the user chose, fully buffered; NULL after one line on stderr. */
FILE *print_open(const struct common_options *common);
/* Flushes and, unless it is standard output, closes. 0 or a negative errno. NULL is fine. */
int print_close(FILE *out);

/* Writer options for a stream: colour on a terminal only, and not with NO_COLOR. */
struct out_options print_options(FILE *out, bool threads);

/* All return 0 or a negative errno. -r is applied here: what matches neither as it is nor folded
 * (with fold_numbers) is left out. */
int print_snapshot(FILE *out, const struct common_options *common, bool threads,
	const struct snapshot *snapshot);
/* *printed tells whether -r let it through. */
int print_event(FILE *out, const struct out_options *options, const struct common_options *common,
	const struct event *event, bool *printed);

#endif
