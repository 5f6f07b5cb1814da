/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stream.h - what every writer needs of its stdio stream.
 *
 * Writers set errno to 0 before their first write and end with stream_result(). They use the
 * unlocked calls: a stream has one writer at a time.
 */
#ifndef TW_OUT_STREAM_H
#define TW_OUT_STREAM_H

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* 0, or a negative errno when anything written to the stream so far failed. */
static inline int stream_result(FILE *out)
{
	if (!ferror_unlocked(out))
		return 0;
	return errno ? -errno : -EIO;
}

static inline void stream_text(FILE *out, const char *text)
{
	fwrite_unlocked(text, 1, strlen(text), out);
}

static inline void stream_char(FILE *out, char c)
{
	putc_unlocked(c, out);
}

#endif
