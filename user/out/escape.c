// SPDX-License-Identifier: GPL-2.0-only
/*
 * escape.c - text of watched processes, made harmless for JSON, Prometheus and terminals.
 *
 * Input: any NUL-terminated bytes. JSON keeps every valid code point (hidden ones as \uXXXX),
 * so that a parser gets back what went in. Prometheus has no such notation: there a hidden
 * character is U+FFFD, like an invalid byte; only newlines survive, escaped. A terminal gets
 * \xNN and \uXXXX, and no backslash that is not doubled, so that what is shown is unambiguous.
 */
#include "out/escape.h"

#include "out/stream.h"
#include "out/utf8.h"

#define CUT_MARK '~'

/* More marks than this on one base character climb over neighbouring lines. */
#define COMBINING_MAX 3

#define HEX_DIGITS "0123456789abcdef"

static void put_utf16(FILE *out, uint32_t unit)
{
	static const char hex[] = HEX_DIGITS;
	char text[] = {'\\', 'u', hex[unit >> 12 & 0xf], hex[unit >> 8 & 0xf], hex[unit >> 4 & 0xf],
		hex[unit & 0xf]};

	fwrite_unlocked(text, 1, sizeof(text), out);
}

static void put_json_code(FILE *out, uint32_t code)
{
	if (code == '\n') {
		stream_text(out, "\\n");
	} else if (code == '\t') {
		stream_text(out, "\\t");
	} else if (code <= 0xffff) {
		put_utf16(out, code);
	} else {
		put_utf16(out, 0xd800 + ((code - 0x10000) >> 10));
		put_utf16(out, 0xdc00 + ((code - 0x10000) & 0x3ff));
	}
}

static void put_prometheus_code(FILE *out, uint32_t code)
{
	stream_text(out, code == '\n' ? "\\n" : UTF8_REPLACEMENT);
}

/* put_hidden: how a control character or an invisible one is written. */
static void escape_quoted(FILE *out, const char *text, void (*put_hidden)(FILE *out, uint32_t code))
{
	struct utf8_unit unit;

	for (;;) {
		size_t run = utf8_clean_run(text);
		fwrite_unlocked(text, 1, run, out);
		text += run;
		if (!utf8_next(&text, &unit))
			return;
		if (unit.kind == UTF8_INVALID) {
			stream_text(out, UTF8_REPLACEMENT);
		} else if (unit.kind == UTF8_HIDDEN) {
			put_hidden(out, unit.code);
		} else {
			if (unit.code == '"' || unit.code == '\\')
				stream_char(out, '\\');
			fwrite_unlocked(unit.start, 1, unit.bytes, out);
		}
	}
}

void escape_json(FILE *out, const char *text)
{
	escape_quoted(out, text, put_json_code);
}

void escape_prometheus(FILE *out, const char *text)
{
	escape_quoted(out, text, put_prometheus_code);
}

/* What a terminal is shown for one unit of text. */
struct cell {
	char escape[sizeof("\\U0010ffff")];
	const char *text;
	size_t bytes;
	int columns;
};

/* A walk over text that becomes cells. */
struct cell_walk {
	const char *text;
	bool quoted; /* '"' is escaped too */
	int marks;   /* combining ones since the last base character */
};

static void cell_escape(struct cell *cell, char letter, uint32_t code, int digits)
{
	static const char hex[] = HEX_DIGITS;

	cell->escape[0] = '\\';
	cell->escape[1] = letter;
	for (int i = 0; i < digits; i++)
		cell->escape[2 + i] = hex[code >> 4 * (digits - 1 - i) & 0xf];
	cell->text = cell->escape;
	cell->columns = 2 + digits;
	cell->bytes = (size_t)cell->columns;
}

static void cell_escape_code(struct cell *cell, uint32_t code)
{
	if (code <= 0x7f)
		cell_escape(cell, 'x', code, 2);
	else if (code <= 0xffff)
		cell_escape(cell, 'u', code, 4);
	else
		cell_escape(cell, 'U', code, 8);
}

static bool next_cell(struct cell_walk *walk, struct cell *cell)
{
	struct utf8_unit unit;
	if (!utf8_next(&walk->text, &unit))
		return false;

	if (unit.kind == UTF8_INVALID) {
		cell_escape(cell, 'x', unit.code, 2);
	} else if (unit.kind == UTF8_HIDDEN) {
		cell_escape_code(cell, unit.code);
	} else if (unit.kind == UTF8_COMBINING) {
		if (walk->marks >= COMBINING_MAX) {
			cell_escape_code(cell, unit.code);
			return true;
		}
		walk->marks++;
		*cell = (struct cell){.text = unit.start, .bytes = unit.bytes};
		return true;
	} else if (unit.code == '\\' || (walk->quoted && unit.code == '"')) {
		cell->escape[0] = '\\';
		cell->escape[1] = (char)unit.code;
		cell->text = cell->escape;
		cell->bytes = 2;
		cell->columns = 2;
	} else {
		*cell = (struct cell){.text = unit.start, .bytes = unit.bytes, .columns = 1};
	}
	walk->marks = unit.kind == UTF8_PLAIN ? 0 : COMBINING_MAX;
	return true;
}

/* A walk from the start of text: a mark there has no base of ours to sit on. */
static struct cell_walk walk_from(const char *text, bool quoted)
{
	return (struct cell_walk){.text = text, .quoted = quoted, .marks = COMBINING_MAX};
}

/* Does the text need more than `columns`? */
static bool is_wider(const char *text, int columns)
{
	struct cell_walk walk = walk_from(text, false);
	struct cell cell;
	int used = 0;

	while (next_cell(&walk, &cell)) {
		used += cell.columns;
		if (used > columns)
			return true;
	}
	return false;
}

static int write_cells(FILE *out, struct cell_walk walk, int columns)
{
	struct cell cell;
	int used = 0;

	while (next_cell(&walk, &cell)) {
		if (columns > 0 && used + cell.columns > columns)
			break;
		fwrite_unlocked(cell.text, 1, cell.bytes, out);
		used += cell.columns;
	}
	return used;
}

int escape_terminal(FILE *out, const char *text, int columns)
{
	if (columns <= 0 || !is_wider(text, columns))
		return write_cells(out, walk_from(text, false), 0);

	int used = columns > 1 ? write_cells(out, walk_from(text, false), columns - 1) : 0;
	stream_char(out, CUT_MARK);
	return used + 1;
}

int escape_terminal_quoted(FILE *out, const char *text)
{
	stream_char(out, '"');
	int used = write_cells(out, walk_from(text, true), 0);
	stream_char(out, '"');
	return used + 2;
}

int escape_terminal_width(const char *text, int columns)
{
	struct cell_walk walk = walk_from(text, false);
	struct cell cell;
	int used = 0;

	while (next_cell(&walk, &cell)) {
		used += cell.columns;
		if (columns > 0 && used > columns)
			return columns;
	}
	return used;
}
