// SPDX-License-Identifier: GPL-2.0-only
/*
 * fold.c - folds the numbers of instances in names (the rule is in fold.h).
 *
 * Input: any NUL-terminated bytes, valid UTF-8 or not. Bytes beyond ASCII are copied as they
 * are, and count as letters: nothing is decoded, nothing can be cut within a character. Knows
 * no locale. Refuses names of code, and what does not fit.
 */
#include "model/fold.h"

#include <string.h>

#define NUMBER '*'

static bool is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

static bool is_capital(char byte)
{
	return byte >= 'A' && byte <= 'Z';
}

static bool is_word(char byte)
{
	return is_digit(byte) || is_capital(byte) || (byte >= 'a' && byte <= 'z') ||
	       (unsigned char)byte >= 0x80;
}

static size_t word_bytes(const char *text)
{
	size_t bytes = 0;

	while (is_word(text[bytes]))
		bytes++;
	return bytes;
}

static size_t digits_at(const char *word, size_t bytes)
{
	size_t digits = 0;

	while (digits < bytes && is_digit(word[digits]))
		digits++;
	return digits;
}

static size_t digits_before(const char *word, size_t bytes)
{
	size_t digits = 0;

	while (digits < bytes && is_digit(word[bytes - digits - 1]))
		digits++;
	return digits;
}

/* Where in a word its number is; bytes 0: it has none. */
struct number {
	size_t start, bytes;
};

static struct number number_of(const char *word, size_t bytes, bool names_thread)
{
	size_t digits = digits_at(word, bytes);

	if (digits && (digits == bytes || (digits + 1 == bytes && is_capital(word[digits]))))
		return (struct number){0, digits};
	if (names_thread && word[bytes] == '\0') {
		digits = digits_before(word, bytes);
		return (struct number){bytes - digits, digits};
	}
	return (struct number){0, 0};
}

const char *fold_numbers(const char *name, enum name_source source, char out[static FOLD_BYTES])
{
	bool names_thread = source == SOURCE_COMM || source == SOURCE_SPAWN;
	const char *from = name;
	char *to = out;
	bool folded = false;

	/* No number is shorter than what stands for it: what fits before fits after. */
	if ((!names_thread && source != SOURCE_SPAN) || strlen(name) >= FOLD_BYTES)
		return name;
	while (*from) {
		size_t bytes = word_bytes(from);
		struct number number = number_of(from, bytes, names_thread);
		size_t behind = bytes - number.start - number.bytes;

		to = mempcpy(to, from, number.start);
		if (number.bytes)
			*to++ = NUMBER;
		to = mempcpy(to, from + number.start + number.bytes, behind);
		from += bytes;
		folded |= number.bytes != 0;
		/* What parts this word from the next. */
		if (*from)
			*to++ = *from++;
	}
	*to = '\0';
	return folded ? out : name;
}
