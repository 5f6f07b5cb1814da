/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * utf8.h - walks hostile text one unit at a time and says what may be shown of it.
 *
 * Input is any NUL-terminated bytes; a walk never reads past the NUL. A unit is one code point
 * of valid UTF-8 (no overlong forms, no surrogates, at most U+10FFFF) or one invalid byte.
 */
#ifndef TW_OUT_UTF8_H
#define TW_OUT_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UTF8_REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

enum utf8_kind {
	UTF8_PLAIN,
	UTF8_COMBINING, /* takes no column of its own */
	UTF8_HIDDEN,	/* control characters, bidirectional and invisible formatting */
	UTF8_INVALID,	/* one byte */
};

struct utf8_unit {
	const char *start;
	size_t bytes;
	uint32_t code; /* INVALID: the byte */
	enum utf8_kind kind;
};

/* Reads the unit at *text and advances. False at the end. */
bool utf8_next(const char **text, struct utf8_unit *out);

/* The number of bytes at `text` that are printable ASCII and neither '"' nor '\\'. */
size_t utf8_clean_run(const char *text);

/* Are both texts equal once every invalid byte is U+FFFD? */
bool utf8_equal_replaced(const char *a, const char *b);

#endif
