// SPDX-License-Identifier: GPL-2.0-only
/*
 * text_parts.c - cells of the text output: times, ages, names, data.
 *
 * Input: const data of the model. No cell ever writes a newline or a control character that
 * came from a watched process. An over-long name moves the cells behind it on its own line,
 * up to a limit where it is cut with '~'.
 */
#include "out/text_parts.h"

#include <inttypes.h>
#include <string.h>

#include "out/escape.h"
#include "out/stream.h"
#include "out/wall.h"

#define SECONDS_PER_MINUTE 60u
#define SECONDS_PER_HOUR   3600u
#define SECONDS_PER_DAY	   86400u

void text_fill(FILE *out, int used, int columns)
{
	for (; used < columns; used++)
		stream_char(out, ' ');
	stream_char(out, ' ');
}

void text_time(FILE *out, const struct out_options *options, uint64_t boot_ns)
{
	struct wall_time wall = wall_time_at(boot_ns, options->wall_offset_ns, options->local_time);

	fprintf(out, "%02d:%02d:%02d.%03d", wall.tm.tm_hour, wall.tm.tm_min, wall.tm.tm_sec,
		(int)(wall.ns / NS_PER_MS));
}

/* One decimal, not rounded: 59.96s must not read 60.0s. */
static void put_decimal(char *out, uint64_t number, uint64_t unit, const char *suffix)
{
	snprintf(out, TEXT_AGE_BYTES, "%" PRIu64 ".%" PRIu64 "%s", number / unit,
		number % unit * 10 / unit, suffix);
}

void text_age(char out[static TEXT_AGE_BYTES], uint64_t age_ns)
{
	uint64_t seconds = age_ns / NS_PER_S;

	if (age_ns < NS_PER_US)
		snprintf(out, TEXT_AGE_BYTES, "%" PRIu64 "ns", age_ns);
	else if (age_ns < NS_PER_MS)
		put_decimal(out, age_ns, NS_PER_US, "us");
	else if (age_ns < NS_PER_S)
		put_decimal(out, age_ns, NS_PER_MS, "ms");
	else if (seconds < SECONDS_PER_MINUTE)
		put_decimal(out, age_ns, NS_PER_S, "s");
	else if (seconds < SECONDS_PER_HOUR)
		snprintf(out, TEXT_AGE_BYTES, "%" PRIu64 "m%02" PRIu64 "s",
			seconds / SECONDS_PER_MINUTE, seconds % SECONDS_PER_MINUTE);
	else if (seconds < SECONDS_PER_DAY)
		snprintf(out, TEXT_AGE_BYTES, "%" PRIu64 "h%02" PRIu64 "m",
			seconds / SECONDS_PER_HOUR,
			seconds % SECONDS_PER_HOUR / SECONDS_PER_MINUTE);
	else
		snprintf(out, TEXT_AGE_BYTES, "%" PRIu64 "d%02" PRIu64 "h",
			seconds / SECONDS_PER_DAY, seconds % SECONDS_PER_DAY / SECONDS_PER_HOUR);
}

void text_age_cell(FILE *out, uint64_t age_ns)
{
	char age[TEXT_AGE_BYTES];

	text_age(age, age_ns);
	fprintf(out, "%*s ", TEXT_AGE_COLUMNS, age);
}

int text_column(FILE *out, const char *text, int columns)
{
	return escape_terminal(out, text && *text ? text : TEXT_UNKNOWN, columns);
}

int text_routine(FILE *out, const struct routine_name *routine)
{
	bool is_comm = routine->source == SOURCE_COMM;
	int marks = (is_comm ? 2 : 0) + (routine->heuristic ? 1 : 0);

	if (is_comm)
		stream_char(out, '(');
	int used = text_column(out, routine->text, TEXT_ROUTINE_MAX - marks);
	if (is_comm)
		stream_char(out, ')');
	if (routine->heuristic)
		stream_char(out, '?');
	return used + marks;
}

int text_routine_width(const struct routine_name *routine)
{
	int marks = (routine->source == SOURCE_COMM ? 2 : 0) + (routine->heuristic ? 1 : 0);
	const char *text = routine->text && *routine->text ? routine->text : TEXT_UNKNOWN;

	return escape_terminal_width(text, TEXT_ROUTINE_MAX - marks) + marks;
}

/* "function (file.c:12)": with a line at hand, the offset in the function says nothing more. A
 * function that is too long is cut, never its line. */
static int put_call(FILE *out, const char *call_site, const char *file, uint32_t line)
{
	const char *slash = strrchr(file, '/'), *plus = strrchr(call_site, '+');
	char function[TEXT_BY_BYTES], place[TEXT_BY_BYTES];
	int length = plus ? (int)(plus - call_site) : (int)strlen(call_site), room;

	snprintf(function, sizeof(function), "%.*s", length, call_site);
	snprintf(place, sizeof(place), " (%s:%" PRIu32 ")", slash ? slash + 1 : file, line);
	room = TEXT_BY_MAX - escape_terminal_width(place, TEXT_BY_MAX);
	length = escape_terminal(out, function, room > TEXT_BY_LEAST ? room : TEXT_BY_LEAST);
	return length + escape_terminal(out, place, TEXT_BY_MAX);
}

int text_by(FILE *out, const struct origin *origin)
{
	if (origin->call_site && *origin->call_site && origin->file && origin->line)
		return put_call(out, origin->call_site, origin->file, origin->line);
	if (origin->call_site && *origin->call_site)
		return escape_terminal(out, origin->call_site, TEXT_BY_MAX);
	if (origin->creator_tid)
		return fprintf(out, "tid %" PRIu32, origin->creator_tid);
	return text_column(out, NULL, 1);
}

void text_stack(FILE *out, const struct origin *origin)
{
	/* The first frame is the call site, which BY shows. */
	for (size_t i = 1; i < origin->frame_count; i++) {
		fprintf(out, "%*s from ", TEXT_TIME_COLUMNS, "");
		escape_terminal(out, origin->frames[i], 0);
		stream_char(out, '\n');
	}
}

bool text_has_data(uint64_t timebox_ns, size_t data_count)
{
	return timebox_ns != 0 || data_count != 0;
}

/* Bare words stay bare; anything that could be read as more than one word is quoted. */
static void put_word(FILE *out, const char *text)
{
	if (*text == '\0' || strpbrk(text, " \"="))
		escape_terminal_quoted(out, text);
	else
		escape_terminal(out, text, 0);
}

void text_data(FILE *out, uint64_t timebox_ns, const struct data_item *items, size_t count)
{
	const char *gap = "";

	if (timebox_ns) {
		char timebox[TEXT_AGE_BYTES];
		/* Whole milliseconds as the program gave them: "500ms", not "500.0ms". */
		if (timebox_ns < NS_PER_S && timebox_ns % NS_PER_MS == 0)
			snprintf(timebox, sizeof(timebox), "%" PRIu64 "ms", timebox_ns / NS_PER_MS);
		else
			text_age(timebox, timebox_ns);
		fprintf(out, "timebox=%s", timebox);
		gap = " ";
	}
	for (size_t i = 0; i < count; i++) {
		stream_text(out, gap);
		put_word(out, items[i].key);
		stream_char(out, '=');
		if (items[i].text)
			put_word(out, items[i].text);
		else
			fprintf(out, "%" PRId64, items[i].number);
		gap = " ";
	}
}

void text_colour(FILE *out, const struct out_options *options, const char *colour)
{
	if (options->colour && colour)
		stream_text(out, colour);
}

void text_line_end(FILE *out, const struct out_options *options, const char *colour)
{
	if (options->colour && colour)
		stream_text(out, TEXT_RESET);
	stream_char(out, '\n');
}
