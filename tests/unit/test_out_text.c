// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_out_text.c - lines for people: aligned, one a record, whatever the text holds.
 */
#include "test_out_support.h"

#include <errno.h>

#include "out/out.h"
#include "out/text_parts.h"
#include "out/utf8.h"

#define S  UINT64_C(1000000000)
#define MS UINT64_C(1000000)

static const struct out_options plain = {0};
static const struct out_options coloured = {.colour = true};

static char *line_of(const struct out_options *options, const struct event *event)
{
	struct capture capture;

	assert_int_equal(text_event(capture_begin(&capture), options, event), 0);
	return capture_end(&capture);
}

static struct event make_event(void)
{
	return (struct event){
		.type = EVENT_FINISHED,
		.instance = INSTANCE_THREAD,
		.boot_ns = 3600 * S + 62 * S + 7 * MS,
		.pid = 1234,
		.tid = 1240,
		.process = "server",
		.routine = {"worker", SOURCE_SYMBOL, false},
		.start_ns = 3600 * S + 62 * S,
		.origin.creator_tid = 1234,
		.origin.call_site = "spawn_all+0x1f",
		.timebox_ns = 500 * MS,
		.data_count = 2,
		.data = {{"id", NULL, -7}, {"path", "/a b", 0}},
	};
}

static void assert_line(const struct event *event, const char *expected)
{
	char *line = line_of(&plain, event);
	assert_string_equal(line, expected);
	free(line);
}

static void lines_are_exact(void **state)
{
	struct event event = make_event();
	struct capture capture;

	(void)state;
	assert_int_equal(text_header(capture_begin(&capture), &plain), 0);
	char *header = capture_end(&capture);
	assert_string_equal(header,
		"TIME         EVENT        PID     TID PROCESS         "
		"ROUTINE                              AGE BY                       DATA\n");
	free(header);
	assert_line(&event, "01:01:02.007 finished    1234    1240 server          "
			    "worker                             7.0ms spawn_all+0x1f           "
			    "timebox=500ms id=-7 path=\"/a b\"\n");
	event.data_count = 0;
	event.timebox_ns = 0;
	event.origin.call_site = NULL;
	event.routine =
		(struct routine_name){.text = "worker", .source = SOURCE_COMM, .heuristic = true};
	assert_line(&event, "01:01:02.007 finished    1234    1240 server          "
			    "(worker)?                          7.0ms tid 1234\n");
	event.type = EVENT_STARTED;
	event.origin.creator_tid = 0;
	assert_line(&event, "01:01:02.007 started     1234    1240 server          "
			    "(worker)?                              - -\n");
	event.already_running = true;
	assert_line(&event, "01:01:02.007 running     1234    1240 server          "
			    "(worker)?                          7.0ms -\n");
	event.already_running = false;
	event.type = EVENT_TIMEBOX;
	event.instance = INSTANCE_SPAN;
	event.origin.creator_tid = 1234; /* the thread's, not the span's */
	event.process = NULL;
	event.routine =
		(struct routine_name){.text = NULL, .source = SOURCE_SPAN, .heuristic = false};
	assert_line(&event, "01:01:02.007 timebox     1234    1240 -               "
			    "-                                  7.0ms -\n");
}

static void calls_are_told_by_their_line(void **state)
{
	struct event event = make_event();

	(void)state;
	event.data_count = 0;
	event.timebox_ns = 0;
	event.origin.file = "/build/src/pool.c";
	event.origin.line = 42;
	assert_line(&event, "01:01:02.007 finished    1234    1240 server          "
			    "worker                             7.0ms spawn_all (pool.c:42)\n");
	/* The function is cut, its line is not. */
	event.origin.call_site = "a_very_long_name_of_a_function_that_nobody_can_read+0x1f";
	assert_line(&event, "01:01:02.007 finished    1234    1240 server          "
			    "worker                             7.0ms "
			    "a_very_long_name_of_a_function_that~ (pool.c:42)\n");
	event.origin.call_site = "spawn\n+0x1f";
	event.origin.file = "a\033[1m.c";
	assert_line(&event, "01:01:02.007 finished    1234    1240 server          "
			    "worker                             7.0ms "
			    "spawn\\x0a (a\\x1b[1m.c:42)\n");
}

static void stacks_follow_a_start(void **state)
{
	static const struct out_options with_stacks = {.stacks = true};
	struct event event = make_event();
	char *line;

	(void)state;
	event.data_count = 0;
	event.timebox_ns = 0;
	event.type = EVENT_STARTED;
	event.origin.frame_count = 3;
	event.origin.frames[0] = "spawn_all+0x1f (pool.c:42)";
	event.origin.frames[1] = "serve+0x2 (\n)";
	event.origin.frames[2] = "main+0x9";
	line = line_of(&with_stacks, &event);
	assert_string_equal(line, "01:01:02.007 started     1234    1240 server          "
				  "worker                                 - spawn_all+0x1f\n"
				  "             from serve+0x2 (\\x0a)\n"
				  "             from main+0x9\n");
	free(line);
	event.type = EVENT_FINISHED;
	line = line_of(&with_stacks, &event);
	assert_int_equal(strlen(strchr(line, '\n')), 1);
	free(line);
}

struct age_case {
	uint64_t age_ns;
	const char *text;
};

static void ages_are_short_and_never_rounded_up(void **state)
{
	static const struct age_case cases[] = {
		{0, "0ns"},
		{999, "999ns"},
		{1000, "1.0us"},
		{999999, "999.9us"},
		{1200000, "1.2ms"},
		{999999999, "999.9ms"},
		{S, "1.0s"},
		{60 * S - 1, "59.9s"},
		{192 * S, "3m12s"},
		{3600 * S - 1, "59m59s"},
		{3600 * S, "1h00m"},
		{86400 * S - 1, "23h59m"},
		{52 * 3600 * S, "2d04h"},
		{UINT64_MAX, "213503d23h"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[TEXT_AGE_BYTES];
		text_age(text, cases[i].age_ns);
		assert_string_equal(text, cases[i].text);
	}
}

/* One line, nothing that a terminal would obey, no space at its end. */
static void assert_harmless_line(const char *line)
{
	size_t length = strlen(line);
	struct utf8_unit unit;

	assert_true(length > 1 && line[length - 1] == '\n' && line[length - 2] != ' ');
	for (const char *at = line; utf8_next(&at, &unit);) {
		if (at != line + length)
			assert_true(unit.kind == UTF8_PLAIN || unit.kind == UTF8_COMBINING);
	}
}

static void hostile_text_stays_in_its_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < HOSTILE_COUNT; i++) {
		const char *text = hostile_texts[i].text;
		struct event event = make_event();
		event.process = text;
		event.routine.text = text;
		event.routine.heuristic = true;
		event.origin.call_site = text;
		event.data[0] = (struct data_item){text, text, 0};
		char *line = line_of(&plain, &event);
		assert_harmless_line(line);
		free(line);
	}
}

static void long_names_are_cut_with_a_mark(void **state)
{
	struct event event = make_event();

	(void)state;
	event.process = FIVE_HUNDRED;
	event.routine = (struct routine_name){
		.text = FIVE_HUNDRED, .source = SOURCE_COMM, .heuristic = true};
	char *line = line_of(&plain, &event);
	assert_non_null(strstr(line, " aaaaaaaaaaaaaa~ (" FIFTY "aaaaaaaaa~)?   7.0ms "));
	free(line);

	/* Longer than its column, but not too long: the rest of the line moves. */
	event.routine =
		(struct routine_name){.text = FIFTY, .source = SOURCE_SYMBOL, .heuristic = false};
	line = line_of(&plain, &event);
	assert_non_null(strstr(line, " " FIFTY "   7.0ms "));
	free(line);
}

static void data_is_quoted_where_needed(void **state)
{
	static const char *const values[][2] = {
		{"word", "k=word\n"},
		{"", "k=\"\"\n"},
		{"a b", "k=\"a b\"\n"},
		{"a=b", "k=\"a=b\"\n"},
		{"say \"hi\"", "k=\"say \\\"hi\\\"\"\n"},
		{"line\nbreak", "k=line\\x0abreak\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct event event = make_event();
		event.timebox_ns = 0;
		event.data_count = 1;
		event.data[0] = (struct data_item){"k", values[i][0], 0};
		char *line = line_of(&plain, &event);
		size_t length = strlen(values[i][1]);
		assert_string_equal(line + strlen(line) - length, values[i][1]);
		free(line);
	}
}

static void colour_is_only_where_asked_for(void **state)
{
	static const struct {
		enum event_type type;
		const char *prefix;
	} cases[] = {{EVENT_FINISHED, TEXT_DIM}, {EVENT_TIMEBOX, TEXT_YELLOW},
		{EVENT_NAMED, TEXT_CYAN}, {EVENT_STARTED, "01:"}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct event event = make_event();
		event.type = cases[i].type;
		char *without = line_of(&plain, &event);
		assert_null(strchr(without, '\033'));
		char *with = line_of(&coloured, &event);
		assert_memory_equal(with, cases[i].prefix, strlen(cases[i].prefix));
		if (cases[i].type != EVENT_STARTED)
			assert_non_null(strstr(with, TEXT_RESET "\n"));
		else
			assert_string_equal(with, without);
		free(with);
		free(without);
	}
}

static struct snapshot *make_snapshot(const char *text)
{
	struct snapshot *snapshot = snapshot_new(100 * S);
	const struct drop_count drops[] = {{"names_full", 0}, {"snapshot_torn", 2}};

	for (uint32_t i = 0; i < 3; i++) {
		struct snapshot_thread thread = {
			.pid = 10,
			.tid = 11 + i,
			.process = "server",
			.birth = {text, SOURCE_SYMBOL, false},
			.start_ns = (90 + i) * S,
			.cpu_ns = 5 * MS,
			.state = i == 2 ? WIRE_STATE_RUNNING : WIRE_STATE_SLEEPING,
			.origin.creator_tid = 10,
			.wait = i == 0 ? "futex_wait" : NULL,
		};
		if (i == 1) {
			thread.span_count = 1;
			thread.spans[0] = (struct snapshot_span){.name = "job",
				.begin_ns = 98 * S,
				.timebox_ns = 250 * MS,
				.data_count = 1,
				.data = {{"id", NULL, 4}}};
		}
		assert_int_equal(snapshot_add(snapshot, &thread), 0);
	}
	assert_int_equal(snapshot_set_drops(snapshot, drops, 2), 0);
	assert_int_equal(snapshot_group(snapshot), 0);
	return snapshot;
}

static char *snapshot_text(const struct out_options *options, const struct snapshot *snapshot)
{
	struct capture capture;

	assert_int_equal(text_snapshot(capture_begin(&capture), options, snapshot), 0);
	return capture_end(&capture);
}

static void snapshots_are_exact(void **state)
{
	struct snapshot *snapshot = make_snapshot("worker");
	struct out_options options = {.threads = true};

	(void)state;
	char *text = snapshot_text(&options, snapshot);
	assert_string_equal(text,
		"00:01:40.000  3 threads, 2 routines, 1 process\n"
		"  THREADS ROUTINE SOURCE  OLDEST STATES                    PID PROCESS\n"
		"        2 worker  symbol   10.0s 1 running, 1 sleeping      10 server\n"
		"        1 job     span      2.0s 1 sleeping                 10 server\n"
		"\n"
		"    SPANS ROUTINE  OLDEST     PID PROCESS\n"
		"        1 job        2.0s      10 server\n"
		"\n"
		"    PID     TID STATE        AGE     CPU ROUTINE WAIT                 "
		"BY                       DATA\n"
		"     10      11 sleeping   10.0s   5.0ms worker  futex_wait           tid 10\n"
		"     10      12 sleeping    2.0s   5.0ms job     -                    "
		"tid 10                   timebox=250ms id=4\n"
		"     10      13 running     8.0s   5.0ms worker  -                    tid 10\n"
		"\n"
		"drops: snapshot_torn=2\n");
	free(text);

	text = snapshot_text(&plain, snapshot);
	assert_null(strstr(text, "TID"));
	assert_null(strchr(text, '\033'));
	free(text);
	text = snapshot_text(&coloured, snapshot);
	assert_non_null(strstr(text, TEXT_BOLD));
	free(text);
	snapshot_free(snapshot);
}

static void hostile_snapshots_keep_their_lines(void **state)
{
	struct out_options options = {.threads = true};

	(void)state;
	for (size_t i = 0; i < HOSTILE_COUNT; i++) {
		struct snapshot *snapshot = make_snapshot(hostile_texts[i].text);
		char *text = snapshot_text(&options, snapshot);
		int lines = 0;
		for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
			struct utf8_unit unit;
			lines++;
			assert_true(line[strlen(line) - 1] != ' ');
			for (const char *at = line; utf8_next(&at, &unit);)
				assert_true(unit.kind == UTF8_PLAIN || unit.kind == UTF8_COMBINING);
		}
		assert_int_equal(lines, 11);
		free(text);
		snapshot_free(snapshot);
	}
}

static void a_full_disk_is_told(void **state)
{
	struct event event = make_event();
	struct snapshot *snapshot = make_snapshot("x");

	(void)state;
	FILE *full = open_full();
	assert_int_equal(text_event(full, &plain, &event), -ENOSPC);
	fclose(full);
	full = open_full();
	assert_int_equal(text_header(full, &plain), -ENOSPC);
	fclose(full);
	full = open_full();
	assert_int_equal(text_snapshot(full, &plain, snapshot), -ENOSPC);
	fclose(full);
	snapshot_free(snapshot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_exact),
		cmocka_unit_test(calls_are_told_by_their_line),
		cmocka_unit_test(stacks_follow_a_start),
		cmocka_unit_test(ages_are_short_and_never_rounded_up),
		cmocka_unit_test(hostile_text_stays_in_its_line),
		cmocka_unit_test(long_names_are_cut_with_a_mark),
		cmocka_unit_test(data_is_quoted_where_needed),
		cmocka_unit_test(colour_is_only_where_asked_for),
		cmocka_unit_test(snapshots_are_exact),
		cmocka_unit_test(hostile_snapshots_keep_their_lines),
		cmocka_unit_test(a_full_disk_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
