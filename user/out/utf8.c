// SPDX-License-Identifier: GPL-2.0-only
/*
 * utf8.c - strict UTF-8 and the classes of code points that matter to outputs.
 *
 * Input: any NUL-terminated bytes. The NUL is never a continuation byte, so that a sequence
 * cut by the end is invalid and nothing behind it is read. Knows no widths beyond "takes a
 * column or not": wide characters count as one.
 */
#include "out/utf8.h"

#include <string.h>

#define REPLACEMENT_CODE 0xfffdu

struct range {
	uint32_t first, last;
};

/* Invisible or able to reorder what surrounds them; also line and paragraph separators. */
static const struct range hidden_ranges[] = {
	{0x0000, 0x001f},   /* C0 */
	{0x007f, 0x009f},   /* DEL, C1 */
	{0x00ad, 0x00ad},   /* soft hyphen */
	{0x061c, 0x061c},   /* Arabic letter mark */
	{0x180e, 0x180e},   /* Mongolian vowel separator */
	{0x200b, 0x200b},   /* zero width space */
	{0x200e, 0x200f},   /* left-to-right and right-to-left marks */
	{0x2028, 0x202e},   /* separators, embeddings, overrides */
	{0x2060, 0x206f},   /* word joiner, isolates, deprecated formatting */
	{0xfeff, 0xfeff},   /* byte order mark */
	{0xfff9, 0xfffb},   /* interlinear annotation */
	{0xe0000, 0xe007f}, /* tags */
};

static const struct range combining_ranges[] = {
	{0x0300, 0x036f},
	{0x0483, 0x0489},
	{0x0591, 0x05bd},
	{0x064b, 0x065f},
	{0x1ab0, 0x1aff},
	{0x1dc0, 0x1dff},
	{0x200c, 0x200d}, /* joiners, needed by some scripts */
	{0x20d0, 0x20ff},
	{0xfe00, 0xfe0f}, /* variation selectors */
	{0xfe20, 0xfe2f},
};

static bool is_in(uint32_t code, const struct range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (code <= ranges[i].last)
			return code >= ranges[i].first;
	}
	return false;
}

static enum utf8_kind kind_of(uint32_t code)
{
	if (code >= ' ' && code < 0x7f)
		return UTF8_PLAIN;
	if (is_in(code, hidden_ranges, sizeof(hidden_ranges) / sizeof(hidden_ranges[0])))
		return UTF8_HIDDEN;
	if (is_in(code, combining_ranges, sizeof(combining_ranges) / sizeof(combining_ranges[0])))
		return UTF8_COMBINING;
	return UTF8_PLAIN;
}

/* Length of the sequence that a lead byte announces, 0 when it is none; *low and *high bound
 * the second byte (Unicode 15, table 3-7), which is what excludes overlong forms, surrogates
 * and codes above U+10FFFF. */
static size_t sequence_bytes(unsigned char lead, unsigned char *low, unsigned char *high)
{
	*low = 0x80;
	*high = 0xbf;
	if (lead < 0x80)
		return 1;
	if (lead >= 0xc2 && lead <= 0xdf)
		return 2;
	if (lead >= 0xe0 && lead <= 0xef) {
		if (lead == 0xe0)
			*low = 0xa0;
		else if (lead == 0xed)
			*high = 0x9f;
		return 3;
	}
	if (lead >= 0xf0 && lead <= 0xf4) {
		if (lead == 0xf0)
			*low = 0x90;
		else if (lead == 0xf4)
			*high = 0x8f;
		return 4;
	}
	return 0;
}

/* The code point at `bytes`; false when it is not valid UTF-8. */
static bool decode(const unsigned char *bytes, size_t *length, uint32_t *code)
{
	static const unsigned char lead_masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	unsigned char low, high;
	size_t count = sequence_bytes(bytes[0], &low, &high);
	if (count == 0)
		return false;

	uint32_t value = bytes[0] & lead_masks[count];
	for (size_t i = 1; i < count; i++) {
		if (bytes[i] < low || bytes[i] > high)
			return false;
		low = 0x80;
		high = 0xbf;
		value = value << 6 | (bytes[i] & 0x3f);
	}
	*length = count;
	*code = value;
	return true;
}

bool utf8_next(const char **text, struct utf8_unit *out)
{
	const unsigned char *bytes = (const unsigned char *)*text;
	if (*bytes == '\0')
		return false;

	struct utf8_unit unit = {.start = *text};
	if (decode(bytes, &unit.bytes, &unit.code)) {
		unit.kind = kind_of(unit.code);
	} else {
		unit.bytes = 1;
		unit.code = *bytes;
		unit.kind = UTF8_INVALID;
	}
	*text += unit.bytes;
	*out = unit;
	return true;
}

size_t utf8_clean_run(const char *text)
{
	size_t length = 0;

	while (text[length] >= ' ' && text[length] < 0x7f && text[length] != '"' &&
		text[length] != '\\')
		length++;
	return length;
}

bool utf8_equal_replaced(const char *a, const char *b)
{
	struct utf8_unit left, right;

	for (;;) {
		bool more_left = utf8_next(&a, &left);
		bool more_right = utf8_next(&b, &right);
		if (!more_left || !more_right)
			return more_left == more_right;
		uint32_t left_code = left.kind == UTF8_INVALID ? REPLACEMENT_CODE : left.code;
		uint32_t right_code = right.kind == UTF8_INVALID ? REPLACEMENT_CODE : right.code;
		if (left_code != right_code)
			return false;
	}
}
