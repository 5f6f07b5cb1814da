/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_out_support.h - what the tests of writers share: hostile texts and captured output.
 */
#ifndef TW_TEST_OUT_SUPPORT_H
#define TW_TEST_OUT_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FIFTY	     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define FIVE_HUNDRED FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY

/* text; what a parser of JSON must get back; what a Prometheus label holds, escaped. */
struct hostile_text {
	const char *text;
	const char *json;
	const char *prometheus;
};

static const struct hostile_text hostile_texts[] = {
	{"plain", "plain", "plain"},
	{"say \"hi\"", "say \"hi\"", "say \\\"hi\\\""},
	{"back\\slash\\", "back\\slash\\", "back\\\\slash\\\\"},
	{"two\nlines\r\n", "two\nlines\r\n", "two\\nlines\xef\xbf\xbd\\n"},
	{"tab\tbell\a", "tab\tbell\a",
		"tab\xef\xbf\xbd"
		"bell\xef\xbf\xbd"},
	{"\033[31mred\033[0m", "\033[31mred\033[0m", "\xef\xbf\xbd[31mred\xef\xbf\xbd[0m"},
	{"\033]0;title\a", "\033]0;title\a", "\xef\xbf\xbd]0;title\xef\xbf\xbd"},
	{"del\x7f", "del\x7f", "del\xef\xbf\xbd"},
	{"c1\xc2\x9b"
	 "31m",
		"c1\xc2\x9b"
		"31m",
		"c1\xef\xbf\xbd"
		"31m"},
	{"bidi\xe2\x80\xae"
	 "txt",
		"bidi\xe2\x80\xae"
		"txt",
		"bidi\xef\xbf\xbd"
		"txt"},
	{"isolate\xe2\x81\xa6", "isolate\xe2\x81\xa6", "isolate\xef\xbf\xbd"},
	{"tag\xf3\xa0\x80\x81", "tag\xf3\xa0\x80\x81", "tag\xef\xbf\xbd"},
	{"line\xe2\x80\xa8sep", "line\xe2\x80\xa8sep", "line\xef\xbf\xbdsep"},
	{"bad\xff", "bad\xef\xbf\xbd", "bad\xef\xbf\xbd"},
	{"cut\xe2\x82", "cut\xef\xbf\xbd\xef\xbf\xbd", "cut\xef\xbf\xbd\xef\xbf\xbd"},
	{"overlong\xc0\xaf", "overlong\xef\xbf\xbd\xef\xbf\xbd",
		"overlong\xef\xbf\xbd\xef\xbf\xbd"},
	{"surrogate\xed\xa0\x80", "surrogate\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
		"surrogate\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
	{"high\xf4\x90\x80\x80", "high\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
		"high\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
	{"\xc3\xa4\xe6\xbc\xa2\xf0\x9f\x98\x80", "\xc3\xa4\xe6\xbc\xa2\xf0\x9f\x98\x80",
		"\xc3\xa4\xe6\xbc\xa2\xf0\x9f\x98\x80"},
	{"e\xcc\x81", "e\xcc\x81", "e\xcc\x81"},
	{FIVE_HUNDRED, FIVE_HUNDRED, FIVE_HUNDRED},
};

#define HOSTILE_COUNT (sizeof(hostile_texts) / sizeof(hostile_texts[0]))

/* A stream into memory. */
struct capture {
	FILE *stream;
	char *text;
	size_t bytes;
};

static inline FILE *capture_begin(struct capture *capture)
{
	capture->stream = open_memstream(&capture->text, &capture->bytes);
	assert_non_null(capture->stream);
	return capture->stream;
}

/* What was written; free with free(). */
static inline char *capture_end(struct capture *capture)
{
	assert_int_equal(fclose(capture->stream), 0);
	return capture->text;
}

/* A stream that takes nothing. */
static inline FILE *open_full(void)
{
	FILE *stream = fopen("/dev/full", "w");
	assert_non_null(stream);
	setvbuf(stream, NULL, _IONBF, 0);
	return stream;
}

/* Deterministic, so that a failure can be repeated. */
static inline uint32_t next_random(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*state >> 33);
}

#endif
