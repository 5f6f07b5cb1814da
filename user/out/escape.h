/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * escape.h - makes hostile text harmless in each output.
 *
 * Input is any NUL-terminated bytes. Invalid UTF-8 becomes U+FFFD in JSON and Prometheus and
 * \xNN in text; control characters (C0, DEL, C1) and bidirectional overrides never get
 * through to a terminal.
 */
#ifndef TW_OUT_ESCAPE_H
#define TW_OUT_ESCAPE_H

#include <stdio.h>

/* The body of a JSON string, without the quotes. */
void escape_json(FILE *out, const char *text);
/* The body of a Prometheus label value, without the quotes. */
void escape_prometheus(FILE *out, const char *text);
/* One run for a terminal column, at most `columns` wide (0: no limit; a cut is marked with the
 * character '~' as its last). Spaces inside are kept. Returns the number of columns written. */
int escape_terminal(FILE *out, const char *text, int columns);
/* The same within double quotes, never cut. */
int escape_terminal_quoted(FILE *out, const char *text);
/* The most columns that escape_terminal writes, without writing. */
int escape_terminal_width(const char *text, int columns);

#endif
