// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_out_json.c - every field of docs/json.md, read back by another parser.
 */
#include "test_out_support.h"

#include <errno.h>

#include <jansson.h>

#include "out/out.h"

#define BOOT_NS	    UINT64_C(5000000000)
#define WALL_OFFSET INT64_C(1767323040000000006) /* BOOT_NS is 2026-01-02T03:04:05.000000006Z */

static const struct out_options options = {.wall_offset_ns = WALL_OFFSET};

/* Parses one line strictly: duplicate keys, a second line or a missing newline are errors. */
static json_t *parse_line(const char *line)
{
	json_error_t error;
	size_t length = strlen(line);

	assert_true(length > 0 && line[length - 1] == '\n');
	assert_ptr_equal(strchr(line, '\n'), line + length - 1);
	json_t *root = json_loads(line, JSON_REJECT_DUPLICATES, &error);
	if (!root)
		fail_msg("%s in %s", error.text, line);
	return root;
}

static json_t *event_object(const struct event *event)
{
	struct capture capture;

	assert_int_equal(json_event(capture_begin(&capture), &options, event), 0);
	char *line = capture_end(&capture);
	json_t *root = parse_line(line);
	free(line);
	return root;
}

static json_t *snapshot_object(const struct snapshot *snapshot, bool threads)
{
	struct out_options with = options;
	struct capture capture;

	with.threads = threads;
	assert_int_equal(json_snapshot(capture_begin(&capture), &with, snapshot), 0);
	char *line = capture_end(&capture);
	json_t *root = parse_line(line);
	free(line);
	return root;
}

static void assert_text(json_t *object, const char *key, const char *text)
{
	json_t *value = json_object_get(object, key);
	if (!json_is_string(value))
		fail_msg("no string \"%s\"", key);
	assert_string_equal(json_string_value(value), text);
}

static void assert_number(json_t *object, const char *key, json_int_t number)
{
	json_t *value = json_object_get(object, key);
	if (!json_is_integer(value))
		fail_msg("no integer \"%s\"", key);
	assert_int_equal(json_integer_value(value), number);
}

static struct event full_event(void)
{
	return (struct event){
		.type = EVENT_FINISHED,
		.instance = INSTANCE_SPAN,
		.boot_ns = BOOT_NS,
		.pid = 100,
		.tid = 101,
		.ns_pid = 1,
		.ns_tid = 2,
		.process = "imaged",
		.routine = {"resize-image", SOURCE_SPAN, false},
		.start_ns = UINT64_C(4000000000),
		.timebox_ns = UINT64_C(500000000),
		.data_count = 1,
		.data = {{"image_id", NULL, 7}},
	};
}

static void the_documented_line(void **state)
{
	struct event event = full_event();
	struct capture capture;

	(void)state;
	assert_int_equal(json_event(capture_begin(&capture), &options, &event), 0);
	char *line = capture_end(&capture);
	/* The example of docs/json.md. */
	assert_string_equal(line,
		"{\"v\":1,\"type\":\"finished\",\"time\":\"2026-01-02T03:04:05.000000006Z\","
		"\"boot_ns\":5000000000,\"pid\":100,\"tid\":101,\"ns_pid\":1,\"ns_tid\":2,"
		"\"process\":\"imaged\",\"instance\":\"span\",\"routine\":\"resize-image\","
		"\"source\":\"span\",\"heuristic\":false,\"start_ns\":4000000000,"
		"\"duration_ns\":1000000000,\"timebox_ns\":500000000,\"data\":{\"image_id\":7}}\n");
	free(line);
}

static void every_event_field(void **state)
{
	struct event event = full_event();

	(void)state;
	event.type = EVENT_STARTED;
	event.instance = INSTANCE_THREAD;
	event.already_running = true;
	event.routine = (struct routine_name){
		.text = "main::{lambda()#1}", .source = SOURCE_TYPE, .heuristic = true};
	event.origin.creator_tid = 100;
	event.origin.call_site = "spawn_all+0x1f";
	event.data_count = 4;
	event.data[1] = (struct data_item){"min", NULL, INT64_MIN};
	event.data[2] = (struct data_item){"max", NULL, INT64_MAX};
	event.data[0].number = -7;
	event.data[3] = (struct data_item){"empty", "", 0};

	json_t *root = event_object(&event);
	assert_int_equal(json_object_size(root), 19);
	assert_number(root, "v", 1);
	assert_text(root, "type", "started");
	assert_text(root, "time", "2026-01-02T03:04:05.000000006Z");
	assert_number(root, "boot_ns", BOOT_NS);
	assert_true(json_is_true(json_object_get(root, "already_running")));
	assert_number(root, "pid", 100);
	assert_number(root, "tid", 101);
	assert_number(root, "ns_pid", 1);
	assert_number(root, "ns_tid", 2);
	assert_text(root, "process", "imaged");
	assert_text(root, "instance", "thread");
	assert_text(root, "routine", "main::{lambda()#1}");
	assert_text(root, "source", "type");
	assert_true(json_is_true(json_object_get(root, "heuristic")));
	assert_number(root, "start_ns", 4000000000);
	assert_number(root, "timebox_ns", 500000000);
	assert_number(root, "creator_tid", 100);
	assert_text(root, "call_site", "spawn_all+0x1f");
	assert_null(json_object_get(root, "duration_ns"));
	json_t *data = json_object_get(root, "data");
	assert_int_equal(json_object_size(data), 4);
	assert_number(data, "image_id", -7);
	assert_number(data, "min", INT64_MIN);
	assert_number(data, "max", INT64_MAX);
	assert_text(data, "empty", "");
	json_decref(root);
}

static void unknown_fields_are_absent(void **state)
{
	static const char *const always[] = {
		"v", "type", "time", "boot_ns", "instance", "source", "heuristic"};
	struct event event = {.type = EVENT_FINISHED,
		.boot_ns = 1,
		.process = "",
		.origin.call_site = "",
		.routine = {"", SOURCE_COMM, false}};

	(void)state;
	json_t *root = event_object(&event);
	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		assert_non_null(json_object_get(root, always[i]));
	assert_int_equal(json_object_size(root), sizeof(always) / sizeof(always[0]));
	json_decref(root);
}

static void hostile_text_in_every_event_field(void **state)
{
	(void)state;
	for (size_t i = 0; i < HOSTILE_COUNT; i++) {
		const char *text = hostile_texts[i].text, *read = hostile_texts[i].json;
		struct event event = full_event();
		event.process = text;
		event.routine.text = text;
		event.origin.call_site = text;
		event.data[0] = (struct data_item){text, text, 0};
		json_t *root = event_object(&event);
		assert_text(root, "process", read);
		assert_text(root, "routine", read);
		assert_text(root, "call_site", read);
		assert_text(json_object_get(root, "data"), read, read);
		json_decref(root);
	}
}

static void duplicate_keys_give_the_last_value(void **state)
{
	struct event event = full_event();

	(void)state;
	event.data_count = 4;
	event.data[0] = (struct data_item){"k", "old", 0};
	event.data[1] = (struct data_item){"bad\xff", NULL, 1};
	event.data[2] = (struct data_item){"bad\xfe", NULL, 2};
	event.data[3] = (struct data_item){"k", "new", 0};
	json_t *root = event_object(&event);
	json_t *data = json_object_get(root, "data");
	assert_int_equal(json_object_size(data), 2);
	assert_text(data, "k", "new");
	assert_number(data, "bad\xef\xbf\xbd", 2);
	json_decref(root);
}

static void any_time_is_a_time(void **state)
{
	static const uint64_t times[] = {0, 1, INT64_MAX, UINT64_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		struct out_options plain = {0};
		struct event event = {.boot_ns = times[i]};
		struct capture capture;
		assert_int_equal(json_event(capture_begin(&capture), &plain, &event), 0);
		char *line = capture_end(&capture);
		const char *time = strstr(line, "\"time\":\"");
		assert_non_null(time);
		assert_int_equal(strcspn(time + strlen("\"time\":\""), "\""),
			strlen("1970-01-01T00:00:00.000000000Z"));
		free(line);
	}
}

static void summary_has_its_numbers(void **state)
{
	const struct drop_count drops[] = {{"names_full", 3}, {"span_too_deep", 4}};
	struct stream_summary summary = {
		.boot_ns = BOOT_NS, .events = 10, .live = 2, .drops = drops, .drop_count = 2};
	struct capture capture;

	(void)state;
	assert_int_equal(json_summary(capture_begin(&capture), &options, &summary), 0);
	char *line = capture_end(&capture);
	json_t *root = parse_line(line);
	assert_int_equal(json_object_size(root), 8);
	assert_text(root, "type", "summary");
	assert_number(root, "boot_ns", BOOT_NS);
	assert_number(root, "events", 10);
	assert_number(root, "dropped", 0); /* known to be none, so it is there */
	assert_number(root, "live", 2);
	assert_int_equal(json_object_size(json_object_get(root, "drops")), 2);
	assert_number(json_object_get(root, "drops"), "span_too_deep", 4);
	json_decref(root);
	free(line);
}

static struct snapshot *make_snapshot(const char *text)
{
	struct snapshot *snapshot = snapshot_new(BOOT_NS);
	struct drop_count drops[] = {{"snapshot_torn", 1}};
	struct snapshot_thread spanning = {
		.pid = 100,
		.tid = 102,
		.ns_pid = 1,
		.ns_tid = 3,
		.process = text,
		.comm = text,
		.birth = {text, SOURCE_SYMBOL, true},
		.start_ns = BOOT_NS - 900,
		.cpu_ns = 77,
		.state = WIRE_STATE_SLEEPING,
		.origin.creator_tid = 100,
		.origin.call_site = text,
		.wait = text,
		.span_count = 2,
		.spans = {{.name = "outer", .begin_ns = BOOT_NS - 500},
			{.name = "inner",
				.begin_ns = BOOT_NS - 300,
				.timebox_ns = 200,
				.data_count = 1,
				.data = {{text, text, 0}}}},
	};
	struct snapshot_thread plain = {.pid = 100,
		.tid = 100,
		.process = text,
		.birth = {"main", SOURCE_SYMBOL, false},
		.start_ns = BOOT_NS - 1000};

	assert_non_null(snapshot);
	assert_int_equal(snapshot_add(snapshot, &spanning), 0);
	assert_int_equal(snapshot_add(snapshot, &plain), 0);
	assert_int_equal(snapshot_set_drops(snapshot, drops, 1), 0);
	assert_int_equal(snapshot_group(snapshot), 0);
	return snapshot;
}

static void check_thread_list(json_t *list, const char *read)
{
	assert_int_equal(json_array_size(list), 2);

	json_t *plain = json_array_get(list, 0);
	assert_int_equal(json_object_size(plain), 10);
	assert_number(plain, "tid", 100);
	assert_text(plain, "routine", "main");
	assert_text(plain, "state", "running");
	assert_number(plain, "cpu_ns", 0);
	assert_number(plain, "age_ns", 1000);
	assert_null(json_object_get(plain, "birth"));
	assert_null(json_object_get(plain, "spans"));
	assert_null(json_object_get(plain, "data"));

	json_t *thread = json_array_get(list, 1);
	assert_int_equal(json_object_size(thread), 19);
	assert_number(thread, "pid", 100);
	assert_number(thread, "tid", 102);
	assert_number(thread, "ns_pid", 1);
	assert_number(thread, "ns_tid", 3);
	assert_text(thread, "process", read);
	assert_text(thread, "comm", read);
	assert_text(thread, "routine", "inner");
	assert_text(thread, "source", "span");
	assert_true(json_is_false(json_object_get(thread, "heuristic")));
	assert_number(thread, "start_ns", BOOT_NS - 900);
	assert_number(thread, "age_ns", 900);
	assert_text(thread, "state", "sleeping");
	assert_number(thread, "cpu_ns", 77);
	assert_text(thread, "wait", read);
	assert_number(thread, "creator_tid", 100);
	assert_text(thread, "call_site", read);
	assert_text(thread, "birth", read);
	assert_text(json_object_get(thread, "data"), read, read);
	json_t *spans = json_object_get(thread, "spans");
	assert_int_equal(json_array_size(spans), 2);
	assert_text(json_array_get(spans, 0), "routine", "outer");
	assert_int_equal(json_object_size(json_array_get(spans, 0)), 3);
	json_t *inner = json_array_get(spans, 1);
	assert_text(inner, "routine", "inner");
	assert_number(inner, "start_ns", BOOT_NS - 300);
	assert_number(inner, "age_ns", 300);
	assert_number(inner, "timebox_ns", 200);
	assert_text(json_object_get(inner, "data"), read, read);
}

static void every_snapshot_field(void **state)
{
	(void)state;
	for (size_t i = 0; i < HOSTILE_COUNT; i++) {
		const char *read = hostile_texts[i].json;
		struct snapshot *snapshot = make_snapshot(hostile_texts[i].text);
		json_t *root = snapshot_object(snapshot, true);
		assert_int_equal(json_object_size(root), 9);
		assert_text(root, "type", "snapshot");
		assert_number(root, "threads", 2);
		json_t *routines = json_object_get(root, "routines");
		assert_int_equal(json_array_size(routines), 2);
		json_t *inner = json_array_get(routines, 0);
		assert_int_equal(json_object_size(inner), 8);
		assert_number(inner, "pid", 100);
		assert_text(inner, "process", read);
		assert_text(inner, "routine", "inner");
		assert_text(inner, "source", "span");
		assert_number(inner, "threads", 1);
		assert_number(inner, "oldest_ns", 300);
		assert_int_equal(json_object_size(json_object_get(inner, "states")), 1);
		assert_number(json_object_get(inner, "states"), "sleeping", 1);
		json_t *spans = json_object_get(root, "spans");
		assert_int_equal(json_array_size(spans), 2);
		assert_text(json_array_get(spans, 1), "routine", "outer");
		assert_number(json_array_get(spans, 1), "instances", 1);
		assert_number(json_array_get(spans, 1), "oldest_ns", 500);
		assert_number(json_object_get(root, "drops"), "snapshot_torn", 1);
		check_thread_list(json_object_get(root, "thread_list"), read);
		json_decref(root);
		snapshot_free(snapshot);
	}
}

static void an_empty_snapshot_has_its_arrays(void **state)
{
	struct snapshot *snapshot = snapshot_new(BOOT_NS);

	(void)state;
	assert_int_equal(snapshot_group(snapshot), 0);
	json_t *root = snapshot_object(snapshot, false);
	assert_number(root, "threads", 0);
	assert_true(json_is_array(json_object_get(root, "routines")));
	assert_true(json_is_array(json_object_get(root, "spans")));
	assert_true(json_is_object(json_object_get(root, "drops")));
	assert_null(json_object_get(root, "thread_list"));
	assert_null(json_object_get(root, "unjoined"));
	json_decref(root);
	snapshot_free(snapshot);
}

static void a_full_disk_is_told(void **state)
{
	struct event event = full_event();
	struct stream_summary summary = {0};
	struct snapshot *snapshot = make_snapshot("x");

	(void)state;
	FILE *full = open_full();
	assert_int_equal(json_event(full, &options, &event), -ENOSPC);
	fclose(full);
	full = open_full();
	assert_int_equal(json_summary(full, &options, &summary), -ENOSPC);
	fclose(full);
	full = open_full();
	assert_int_equal(json_snapshot(full, &options, snapshot), -ENOSPC);
	fclose(full);
	snapshot_free(snapshot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_documented_line),
		cmocka_unit_test(every_event_field),
		cmocka_unit_test(unknown_fields_are_absent),
		cmocka_unit_test(hostile_text_in_every_event_field),
		cmocka_unit_test(duplicate_keys_give_the_last_value),
		cmocka_unit_test(any_time_is_a_time),
		cmocka_unit_test(summary_has_its_numbers),
		cmocka_unit_test(every_snapshot_field),
		cmocka_unit_test(an_empty_snapshot_has_its_arrays),
		cmocka_unit_test(a_full_disk_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
