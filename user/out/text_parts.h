/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * text_parts.h - cells of the text output.
 *
 * A cell function writes its text and returns the columns it took; text_fill then pads. Text
 * of watched processes is escaped in here.
 */
#ifndef TW_OUT_TEXT_PARTS_H
#define TW_OUT_TEXT_PARTS_H

#include "out/out.h"

#define TEXT_PID_COLUMNS     7
#define TEXT_PROCESS_COLUMNS 15
#define TEXT_ROUTINE_COLUMNS 32 /* padded to */
#define TEXT_ROUTINE_MAX     63 /* cut at */
#define TEXT_AGE_COLUMNS     7
#define TEXT_BY_COLUMNS	     24
#define TEXT_BY_MAX	     48
#define TEXT_BY_LEAST	     16	 /* of a function's name beside its line */
#define TEXT_BY_BYTES	     256 /* more than is ever shown */
#define TEXT_TIME_COLUMNS    12
#define TEXT_AGE_BYTES	     24

#define TEXT_UNKNOWN "-"

#define TEXT_BOLD   "\033[1m"
#define TEXT_DIM    "\033[2m"
#define TEXT_YELLOW "\033[33m"
#define TEXT_CYAN   "\033[36m"
#define TEXT_RESET  "\033[0m"

/* Pads a cell of `used` columns to `columns` and adds the gap to the next one. */
void text_fill(FILE *out, int used, int columns);

/* "12:34:56.789" */
void text_time(FILE *out, const struct out_options *options, uint64_t boot_ns);
/* "1.2ms", "3m12s", "2d04h" */
void text_age(char out[static TEXT_AGE_BYTES], uint64_t age_ns);
/* Right-aligned to TEXT_AGE_COLUMNS, with the gap. */
void text_age_cell(FILE *out, uint64_t age_ns);

/* A routine's name: in parentheses when it is only comm, with '?' behind it when guessed. */
int text_routine(FILE *out, const struct routine_name *routine);
/* The most columns that text_routine writes. */
int text_routine_width(const struct routine_name *routine);
/* One column of at most `columns`, "-" when text is NULL or empty. */
int text_column(FILE *out, const char *text, int columns);
/* Who created a thread: its call site, "function (file.c:12)" or "function+0x12", else "tid N",
 * else "-". */
int text_by(FILE *out, const struct origin *origin);
/* Lines of their own: the callers of the call site, "    from function+0x12 (file.c:12)". */
void text_stack(FILE *out, const struct origin *origin);

/* Is there anything for DATA? */
bool text_has_data(uint64_t timebox_ns, size_t data_count);
/* "timebox=500ms image_id=7 path=\"a b\"" */
void text_data(FILE *out, uint64_t timebox_ns, const struct data_item *items, size_t count);

/* Turns a colour on; NULL or options without colour: nothing. */
void text_colour(FILE *out, const struct out_options *options, const char *colour);
/* Ends a line, and what text_colour turned on. */
void text_line_end(FILE *out, const struct out_options *options, const char *colour);

#endif
