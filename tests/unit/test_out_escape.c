// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_out_escape.c - nothing harmful gets through an escaper, and nothing harmless is lost.
 */
#include "test_out_support.h"

#include <jansson.h>

#include "out/escape.h"
#include "out/utf8.h"

#define RANDOM_TEXTS 20000
#define RANDOM_BYTES 24

static char *json_of(const char *text)
{
	struct capture capture;

	escape_json(capture_begin(&capture), text);
	return capture_end(&capture);
}

static char *prometheus_of(const char *text)
{
	struct capture capture;

	escape_prometheus(capture_begin(&capture), text);
	return capture_end(&capture);
}

static char *terminal_of(const char *text, int columns, int *used)
{
	struct capture capture;

	*used = escape_terminal(capture_begin(&capture), text, columns);
	return capture_end(&capture);
}

/* What a JSON parser makes of an escaped text; free with free(). */
static char *parsed_json(const char *body)
{
	struct capture capture;

	fprintf(capture_begin(&capture), "[\"%s\"]", body);
	char *document = capture_end(&capture);
	json_error_t error;
	json_t *root = json_loads(document, 0, &error);
	if (!root)
		fail_msg("%s: %s", error.text, document);
	char *text = strdup(json_string_value(json_array_get(root, 0)));
	json_decref(root);
	free(document);
	return text;
}

/* No control character, nothing invisible, nothing invalid. */
static void assert_harmless(const char *text)
{
	struct utf8_unit unit;

	while (utf8_next(&text, &unit))
		assert_true(unit.kind == UTF8_PLAIN || unit.kind == UTF8_COMBINING);
}

static void json_comes_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < HOSTILE_COUNT; i++) {
		char *body = json_of(hostile_texts[i].text);
		char *parsed = parsed_json(body);
		assert_string_equal(parsed, hostile_texts[i].json);
		assert_harmless(body);
		free(parsed);
		free(body);
	}
}

static void prometheus_labels_are_escaped(void **state)
{
	(void)state;
	for (size_t i = 0; i < HOSTILE_COUNT; i++) {
		char *body = prometheus_of(hostile_texts[i].text);
		assert_string_equal(body, hostile_texts[i].prometheus);
		assert_harmless(body);
		free(body);
	}
}

struct terminal_case {
	const char *text;
	int columns;
	const char *shown;
	int used;
};

static const struct terminal_case terminal_cases[] = {
	{"", 0, "", 0},
	{"plain", 0, "plain", 5},
	{"plain", 5, "plain", 5},
	{"plain", 4, "pla~", 4},
	{"plain", 1, "~", 1},
	{"a b", 0, "a b", 3},
	{"a\nb", 0, "a\\x0ab", 6},
	{"\033[31m", 0, "\\x1b[31m", 8},
	{"\x7f", 0, "\\x7f", 4},
	{"\xc2\x9b", 0, "\\u009b", 6},
	{"\xe2\x80\xae", 0, "\\u202e", 6},
	{"\xf3\xa0\x80\x81", 0, "\\U000e0001", 10},
	{"\xff\xfe", 0, "\\xff\\xfe", 8},
	{"\xe2\x82", 0, "\\xe2\\x82", 8},
	{"back\\slash", 0, "back\\\\slash", 11},
	{"say \"hi\"", 0, "say \"hi\"", 8},
	/* An escape is never cut in the middle. */
	{"ab\033cd", 6, "ab~", 3},
	{"ab\033cd", 7, "ab\\x1b~", 7},
	{"ab\033", 6, "ab\\x1b", 6},
	/* One column a code point, none for a combining mark. */
	{"\xc3\xa4\xc3\xb6\xc3\xbc", 3, "\xc3\xa4\xc3\xb6\xc3\xbc", 3},
	{"\xc3\xa4\xc3\xb6\xc3\xbc", 2, "\xc3\xa4~", 2},
	{"e\xcc\x81x", 2, "e\xcc\x81x", 2},
	{"e\xcc\x81xy", 2, "e\xcc\x81~", 2},
	/* Not more than a few marks climb; none sits on what is not ours. */
	{"e\xcc\x81\xcc\x81\xcc\x81\xcc\x81", 0, "e\xcc\x81\xcc\x81\xcc\x81\\u0301", 7},
	{"\xcc\x81", 0, "\\u0301", 6},
};

static void terminal_cells_are_exact(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(terminal_cases) / sizeof(terminal_cases[0]); i++) {
		const struct terminal_case *c = &terminal_cases[i];
		int used;
		char *shown = terminal_of(c->text, c->columns, &used);
		assert_string_equal(shown, c->shown);
		assert_int_equal(used, c->used);
		assert_true(escape_terminal_width(c->text, c->columns) >= used);
		free(shown);
	}
}

static void quoted_text_keeps_its_quotes(void **state)
{
	struct capture capture;

	(void)state;
	int used = escape_terminal_quoted(capture_begin(&capture), "a \"b\" \\\n");
	char *shown = capture_end(&capture);
	assert_string_equal(shown, "\"a \\\"b\\\" \\\\\\x0a\"");
	assert_int_equal(used, (int)strlen(shown));
	free(shown);
}

static void fill_random(char *text, uint64_t *random)
{
	/* Bytes that begin, continue or break sequences are drawn more often than chance. */
	static const unsigned char likely[] = {
		'"', '\\', '\n', 0x1b, 0x80, 0xbf, 0xc2, 0xe2, 0xed, 0xf0, 0xf4, 0xff};
	uint32_t length = next_random(random) % RANDOM_BYTES;

	for (uint32_t i = 0; i < length; i++) {
		unsigned char byte = next_random(random) % 2
					     ? likely[next_random(random) % sizeof(likely)]
					     : (unsigned char)next_random(random);
		text[i] = (char)(byte ? byte : 1);
	}
	text[length] = '\0';
}

static void random_bytes_are_harmless(void **state)
{
	uint64_t random = 3;

	(void)state;
	for (int i = 0; i < RANDOM_TEXTS; i++) {
		/* A block of exactly its size, so that a read beyond the NUL is seen. */
		char buffer[RANDOM_BYTES];
		fill_random(buffer, &random);
		char *text = strdup(buffer);
		char *json = json_of(text);
		free(parsed_json(json));
		assert_harmless(json);
		char *label = prometheus_of(text);
		assert_harmless(label);
		for (int columns = 0; columns < 8; columns++) {
			int used;
			char *shown = terminal_of(text, columns, &used);
			assert_harmless(shown);
			assert_true(columns == 0 || used <= columns);
			free(shown);
		}
		free(label);
		free(json);
		free(text);
	}
}

static void replaced_texts_compare_as_they_read(void **state)
{
	(void)state;
	assert_true(utf8_equal_replaced("a\xff", "a\xfe"));
	assert_true(utf8_equal_replaced("a\xff", "a\xef\xbf\xbd"));
	assert_false(utf8_equal_replaced("a\xff", "a"));
	assert_false(utf8_equal_replaced("a", "a\xff"));
	assert_false(utf8_equal_replaced("a", "b"));
	assert_true(utf8_equal_replaced("", ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_comes_back),
		cmocka_unit_test(prometheus_labels_are_escaped),
		cmocka_unit_test(terminal_cells_are_exact),
		cmocka_unit_test(quoted_text_keeps_its_quotes),
		cmocka_unit_test(random_bytes_are_harmless),
		cmocka_unit_test(replaced_texts_compare_as_they_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
