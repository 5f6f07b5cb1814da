// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_model_decode.c - records are viewed right or refused, and never read beyond.
 *
 * Each record is decoded from a heap block of exactly its size, so that the sanitizer sees a
 * read of one byte too many.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/decode.h"

#define MUTATIONS 100000

struct full_event {
	struct wire_event header;
	struct wire_name name;
	struct wire_data data[WIRE_DATA_MAX];
};

struct full_thread {
	struct wire_thread_record header;
	struct wire_span spans[2];
};

struct deep_thread {
	struct wire_thread_record header;
	struct wire_span spans[WIRE_SPANS_MAX + 1];
};

static uint32_t next_random(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*state >> 33);
}

static struct full_event make_event(void)
{
	struct full_event event = {
		.header = {.kind = WIRE_EVENT_FINISHED,
			.instance = WIRE_INSTANCE_SPAN,
			.body = WIRE_BODY_DATA,
			.data_count = 2,
			.time_ns = 9,
			.source = WIRE_SOURCE_SPAN,
			.comm = "worker",
			.process_comm = "server"},
		.name = {"resize-image"},
		.data = {{.key = "image_id", .kind = WIRE_DATA_INT, .number = -7},
			{.key = "path", .kind = WIRE_DATA_STRING, .text = "/a b"},
			{.key = "third", .kind = WIRE_DATA_INT},
			{.key = "fourth", .kind = WIRE_DATA_INT}},
	};
	return event;
}

static struct full_thread make_thread(void)
{
	struct full_thread thread = {
		.header = {.thread = {.tid = 5, .source = WIRE_SOURCE_SPAWN, .name = "egress"},
			.state = WIRE_STATE_SLEEPING,
			.span_count = 2,
			.comm = "worker",
			.process_comm = "server"},
		.spans = {{.begin_ns = 1, .name = "outer"},
			{.begin_ns = 2,
				.name = "inner",
				.data_count = 1,
				.data = {{.key = "k", .kind = WIRE_DATA_STRING, .text = "v"}}}},
	};
	return thread;
}

/* Decodes the first `bytes` of a record from a block of that size. */
static int decode_copy(const void *record, size_t bytes)
{
	void *copy = malloc(bytes ? bytes : 1);
	struct event_view view;

	assert_non_null(copy);
	memcpy(copy, record, bytes);
	int result = decode_event(copy, bytes, &view);
	if (result == 0) {
		struct data_item items[WIRE_DATA_MAX];
		size_t count = decode_data(view.data, view.header->data_count, items);
		assert_int_equal(count, view.header->data_count);
		for (size_t i = 0; i < count; i++) {
			assert_true(strlen(items[i].key) < WIRE_KEY_BYTES);
			assert_true(!items[i].text || strlen(items[i].text) < WIRE_VALUE_BYTES);
		}
		assert_true(!view.name || strlen(view.name) < WIRE_NAME_BYTES);
		assert_true(strlen(view.header->comm) < WIRE_COMM_BYTES);
		assert_true(strlen(view.header->process_comm) < WIRE_COMM_BYTES);
	}
	free(copy);
	return result;
}

/* Reads all threads of a block of that size; the number, or the error. */
static int decode_threads_copy(const void *records, size_t bytes)
{
	char *copy = malloc(bytes ? bytes : 1);
	struct thread_view view;
	size_t offset = 0;
	int count = 0, result;

	assert_non_null(copy);
	memcpy(copy, records, bytes);
	while ((result = decode_thread(copy, bytes, &offset, &view)) == 1) {
		count++;
		assert_true(offset <= bytes);
		assert_true(strlen(view.header->thread.name) < WIRE_NAME_BYTES);
		assert_true(strlen(view.header->comm) < WIRE_COMM_BYTES);
		for (size_t i = 0; i < view.header->span_count; i++) {
			const struct wire_span *span = &view.spans[i];
			struct data_item items[WIRE_DATA_MAX];
			assert_true(strlen(span->name) < WIRE_NAME_BYTES);
			assert_int_equal(
				decode_data(span->data, span->data_count, items), span->data_count);
		}
	}
	free(copy);
	return result < 0 ? result : count;
}

static void event_is_viewed_in_place(void **state)
{
	struct full_event event = make_event();
	struct event_view view;
	struct data_item items[WIRE_DATA_MAX];

	(void)state;
	assert_int_equal(decode_event(&event, sizeof(event), &view), 0);
	assert_ptr_equal(view.header, &event.header);
	assert_ptr_equal(view.name, event.name.text);
	assert_int_equal(decode_data(view.data, view.header->data_count, items), 2);
	assert_string_equal(items[0].key, "image_id");
	assert_null(items[0].text);
	assert_int_equal(items[0].number, -7);
	assert_string_equal(items[1].key, "path");
	assert_string_equal(items[1].text, "/a b");
}

static void event_bodies_have_their_lengths(void **state)
{
	static const size_t lengths[] = {sizeof(struct wire_event),
		sizeof(struct wire_event) + sizeof(struct wire_name), sizeof(struct full_event)};

	(void)state;
	for (uint16_t body = WIRE_BODY_NONE; body <= WIRE_BODY_DATA; body++) {
		struct {
			struct full_event event;
			char beyond[8];
		} record = {.event = make_event()};
		record.event.header.body = body;
		if (body != WIRE_BODY_DATA)
			record.event.header.data_count = 0;
		for (size_t bytes = 0; bytes <= sizeof(record); bytes++)
			assert_int_equal(
				decode_copy(&record, bytes), bytes == lengths[body] ? 0 : -EBADMSG);
	}
}

static void view_is_untouched_on_failure(void **state)
{
	struct full_event event = make_event();
	struct event_view view = {.name = "before"};

	(void)state;
	event.header.kind = 0;
	assert_int_equal(decode_event(&event, sizeof(event), &view), -EBADMSG);
	assert_string_equal(view.name, "before");
	assert_null(view.header);
}

#define FILL(array) memset(array, 'x', sizeof(array))

static void broken_events_are_refused(void **state)
{
	struct full_event good = make_event(), bad;

	(void)state;
	assert_int_equal(decode_copy(&good, sizeof(good)), 0);
#define REFUSES(change)                                                     \
	do {                                                                \
		bad = good;                                                 \
		change;                                                     \
		assert_int_equal(decode_copy(&bad, sizeof(bad)), -EBADMSG); \
	} while (0)
	REFUSES(bad.header.kind = 0);
	REFUSES(bad.header.kind = WIRE_EVENT_TIMEBOX + 1);
	REFUSES(bad.header.instance = 0);
	REFUSES(bad.header.instance = WIRE_INSTANCE_SPAN + 1);
	REFUSES(bad.header.instance = WIRE_INSTANCE_THREAD);
	REFUSES(bad.header.body = WIRE_BODY_DATA + 1);
	REFUSES(bad.header.data_count = WIRE_DATA_MAX + 1);
	REFUSES(bad.header.source = 0);
	REFUSES(bad.header.source = WIRE_SOURCE_SYMBOL);
	REFUSES(FILL(bad.header.comm));
	REFUSES(FILL(bad.header.process_comm));
	REFUSES(FILL(bad.name.text));
	REFUSES(FILL(bad.data[1].key));
	REFUSES(FILL(bad.data[1].text));
	REFUSES(bad.data[0].kind = WIRE_DATA_NONE);
	REFUSES(bad.data[0].kind = WIRE_DATA_STRING + 1);
#undef REFUSES
	/* Behind data_count nothing is looked at. */
	bad = good;
	FILL(bad.data[2].key);
	assert_int_equal(decode_copy(&bad, sizeof(bad)), 0);
	/* Without a body there is no data. */
	bad = good;
	bad.header.body = WIRE_BODY_NAME;
	assert_int_equal(
		decode_copy(&bad, sizeof(bad.header) + sizeof(struct wire_name)), -EBADMSG);
}

static void threads_are_read_one_after_the_other(void **state)
{
	struct full_thread records[3] = {make_thread(), make_thread(), make_thread()};
	struct thread_view view;
	size_t offset = 0;

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(decode_thread(records, sizeof(records), &offset, &view), 1);
		assert_ptr_equal(view.header, &records[i].header);
		assert_string_equal(view.spans[1].name, "inner");
	}
	assert_int_equal(decode_thread(records, sizeof(records), &offset, &view), 0);
	assert_int_equal(offset, sizeof(records));
	/* A good record, but behind the length. */
	offset = sizeof(records[0]) * 2;
	assert_int_equal(decode_thread(records, sizeof(records[0]), &offset, &view), -EBADMSG);
	assert_int_equal(offset, sizeof(records[0]) * 2);
}

static void truncated_threads_are_refused(void **state)
{
	struct full_thread records[2] = {make_thread(), make_thread()};

	(void)state;
	for (size_t bytes = 0; bytes <= sizeof(records); bytes++) {
		bool is_whole = bytes % sizeof(records[0]) == 0;
		int whole = (int)(bytes / sizeof(records[0]));
		assert_int_equal(decode_threads_copy(records, bytes), is_whole ? whole : -EBADMSG);
	}
}

static void broken_threads_are_refused(void **state)
{
	struct full_thread good = make_thread(), bad;

	(void)state;
	assert_int_equal(decode_threads_copy(&good, sizeof(good)), 1);
#define REFUSES(change)                                                             \
	do {                                                                        \
		bad = good;                                                         \
		change;                                                             \
		assert_int_equal(decode_threads_copy(&bad, sizeof(bad)), -EBADMSG); \
	} while (0)
	REFUSES(bad.header.state = WIRE_STATE_COUNT);
	REFUSES(bad.header.span_count = 3);
	REFUSES(bad.header.span_count = WIRE_SPANS_MAX + 1);
	REFUSES(bad.header.span_count = UINT32_MAX);
	REFUSES(bad.header.torn = 1);
	REFUSES(bad.header.torn = 2);
	REFUSES(bad.header.thread.source = WIRE_SOURCE_SPAN);
	REFUSES(bad.header.thread.source = 0);
	REFUSES(FILL(bad.header.thread.name));
	REFUSES(FILL(bad.header.comm));
	REFUSES(FILL(bad.header.process_comm));
	REFUSES(FILL(bad.spans[0].name));
	REFUSES(bad.spans[1].data_count = WIRE_DATA_MAX + 1);
	REFUSES(bad.spans[1].data[0].kind = 7);
	REFUSES(FILL(bad.spans[1].data[0].text));
#undef REFUSES
}

static void spans_are_at_most_so_many(void **state)
{
	struct deep_thread deep = {.header = make_thread().header};

	(void)state;
	deep.header.span_count = WIRE_SPANS_MAX;
	assert_int_equal(decode_threads_copy(&deep, sizeof(deep) - sizeof(struct wire_span)), 1);
	deep.header.span_count = WIRE_SPANS_MAX + 1;
	assert_int_equal(decode_threads_copy(&deep, sizeof(deep)), -EBADMSG);
}

static void data_of_a_span_is_at_most_so_much(void **state)
{
	struct full_thread thread = make_thread();
	struct wire_span *span = &thread.spans[1];

	(void)state;
	for (int i = 0; i < WIRE_DATA_MAX; i++)
		span->data[i] = (struct wire_data){.key = "k", .kind = WIRE_DATA_INT};
	span->data_count = WIRE_DATA_MAX;
	assert_int_equal(decode_threads_copy(&thread, sizeof(thread)), 1);
	span->data_count = WIRE_DATA_MAX + 1;
	assert_int_equal(decode_threads_copy(&thread, sizeof(thread)), -EBADMSG);
}

static void misaligned_records_are_refused(void **state)
{
	struct full_event event = make_event();
	struct full_thread thread = make_thread();
	struct event_view event_view;
	struct thread_view thread_view;
	size_t offset = 1;

	(void)state;
	char *block = malloc(sizeof(event) + sizeof(thread) + 1);
	assert_non_null(block);
	memcpy(block + 1, &event, sizeof(event));
	assert_int_equal(decode_event(block + 1, sizeof(event), &event_view), -EBADMSG);
	memcpy(block + 1, &thread, sizeof(thread));
	assert_int_equal(decode_thread(block, sizeof(thread) + 1, &offset, &thread_view), -EBADMSG);
	free(block);
}

static void mutate(unsigned char *bytes, size_t length, uint64_t *random)
{
	for (uint32_t changes = 1 + next_random(random) % 4; changes; changes--) {
		uint32_t at = next_random(random) % (uint32_t)length;
		/* Most of the meaning is in small numbers and in the header. */
		if (next_random(random) % 2)
			at %= sizeof(struct wire_event);
		bytes[at] = (unsigned char)(next_random(random) % 2 ? next_random(random)
								    : next_random(random) % 8);
	}
}

static void mutations_never_read_beyond(void **state)
{
	uint64_t random = 1;
	unsigned accepted = 0, refused = 0;

	(void)state;
	for (int i = 0; i < MUTATIONS; i++) {
		struct full_event event = make_event();
		struct full_thread thread = make_thread();
		mutate((unsigned char *)&event, sizeof(event), &random);
		mutate((unsigned char *)&thread, sizeof(thread), &random);
		int event_result = decode_copy(&event, sizeof(event));
		int thread_result = decode_threads_copy(&thread, sizeof(thread));
		assert_true(event_result == 0 || event_result == -EBADMSG);
		assert_true(thread_result >= 0 || thread_result == -EBADMSG);
		accepted += event_result == 0;
		refused += event_result != 0;
	}
	assert_true(accepted > 0 && refused > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(event_is_viewed_in_place),
		cmocka_unit_test(event_bodies_have_their_lengths),
		cmocka_unit_test(view_is_untouched_on_failure),
		cmocka_unit_test(broken_events_are_refused),
		cmocka_unit_test(threads_are_read_one_after_the_other),
		cmocka_unit_test(truncated_threads_are_refused),
		cmocka_unit_test(broken_threads_are_refused),
		cmocka_unit_test(spans_are_at_most_so_many),
		cmocka_unit_test(data_of_a_span_is_at_most_so_much),
		cmocka_unit_test(misaligned_records_are_refused),
		cmocka_unit_test(mutations_never_read_beyond),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
