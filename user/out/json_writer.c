// SPDX-License-Identifier: GPL-2.0-only
/*
 * json_writer.c - punctuation, numbers and strings of JSON.
 *
 * Input: calls in the order of the document. One flag is all the state there is: whether what
 * comes next needs a comma before it, which depends on the last call only. Numbers are
 * formatted here, since printf is most of the cost of a line.
 */
#include "out/json_writer.h"

#include "out/escape.h"
#include "out/stream.h"

#define U64_DIGITS 20

static void before_value(struct json_writer *json)
{
	if (json->needs_comma)
		stream_char(json->out, ',');
	json->needs_comma = true;
}

static void open_with(struct json_writer *json, char bracket)
{
	before_value(json);
	stream_char(json->out, bracket);
	json->needs_comma = false;
}

static void close_with(struct json_writer *json, char bracket)
{
	stream_char(json->out, bracket);
	json->needs_comma = true;
}

void json_object_begin(struct json_writer *json)
{
	open_with(json, '{');
}

void json_object_end(struct json_writer *json)
{
	close_with(json, '}');
}

void json_array_begin(struct json_writer *json)
{
	open_with(json, '[');
}

void json_array_end(struct json_writer *json)
{
	close_with(json, ']');
}

static void put_string(struct json_writer *json, const char *text)
{
	stream_char(json->out, '"');
	escape_json(json->out, text);
	stream_char(json->out, '"');
}

void json_key(struct json_writer *json, const char *key)
{
	before_value(json);
	put_string(json, key);
	stream_char(json->out, ':');
	json->needs_comma = false;
}

void json_text(struct json_writer *json, const char *text)
{
	before_value(json);
	put_string(json, text);
}

static void put_digits(struct json_writer *json, uint64_t number)
{
	char digits[U64_DIGITS];
	size_t first = sizeof(digits);

	do {
		digits[--first] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	fwrite_unlocked(digits + first, 1, sizeof(digits) - first, json->out);
}

void json_u64(struct json_writer *json, uint64_t number)
{
	before_value(json);
	put_digits(json, number);
}

void json_i64(struct json_writer *json, int64_t number)
{
	before_value(json);
	if (number < 0)
		stream_char(json->out, '-');
	/* Negated as unsigned: -INT64_MIN is not an int64_t. */
	put_digits(json, number < 0 ? -(uint64_t)number : (uint64_t)number);
}

void json_bool(struct json_writer *json, bool value)
{
	before_value(json);
	stream_text(json->out, value ? "true" : "false");
}

void json_put_text(struct json_writer *json, const char *key, const char *text)
{
	json_key(json, key);
	json_text(json, text);
}

void json_put_u64(struct json_writer *json, const char *key, uint64_t number)
{
	json_key(json, key);
	json_u64(json, number);
}

void json_put_bool(struct json_writer *json, const char *key, bool value)
{
	json_key(json, key);
	json_bool(json, value);
}

void json_put_known_text(struct json_writer *json, const char *key, const char *text)
{
	if (text && *text)
		json_put_text(json, key, text);
}

void json_put_known_u64(struct json_writer *json, const char *key, uint64_t number)
{
	if (number)
		json_put_u64(json, key, number);
}
