// SPDX-License-Identifier: GPL-2.0-only
/*
 * decode.c - checks records of bpf/wire.h and views them in place.
 *
 * Input: bytes of the ring buffer or of the iterator, aligned as wire structs are (both give
 * 8 bytes; anything else is refused). After a check every string of a view ends inside its
 * array and every count is within its limit, so that readers need no bounds of their own.
 * Refuses (-EBADMSG): lengths that are not exactly what the header announces, unknown kinds,
 * sources that the kernel side cannot know, counts beyond the limits, missing terminators.
 */
#include "model/decode.h"

#include <errno.h>
#include <string.h>

static bool is_terminated(const char *text, size_t bytes)
{
	return memchr(text, '\0', bytes) != NULL;
}

static bool is_aligned(const void *record)
{
	return (uintptr_t)record % _Alignof(struct wire_event) == 0;
}

static bool is_birth_source(uint32_t source)
{
	return source == WIRE_SOURCE_COMM || source == WIRE_SOURCE_SYMBOL ||
	       source == WIRE_SOURCE_TYPE || source == WIRE_SOURCE_SPAWN;
}

static bool is_valid_item(const struct wire_data *item)
{
	if (!is_terminated(item->key, sizeof(item->key)))
		return false;
	if (item->kind == WIRE_DATA_INT)
		return true;
	return item->kind == WIRE_DATA_STRING && is_terminated(item->text, sizeof(item->text));
}

static bool are_valid_items(const struct wire_data *data, size_t count)
{
	if (count > WIRE_DATA_MAX)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!is_valid_item(&data[i]))
			return false;
	}
	return true;
}

static size_t event_bytes(const struct wire_event *event)
{
	switch (event->body) {
	case WIRE_BODY_NONE:
		return sizeof(*event);
	case WIRE_BODY_NAME:
		return sizeof(*event) + sizeof(struct wire_name);
	case WIRE_BODY_DATA:
		return sizeof(*event) + sizeof(struct wire_name) +
		       WIRE_DATA_MAX * sizeof(struct wire_data);
	default:
		return 0;
	}
}

static bool is_valid_header(const struct wire_event *event)
{
	if (event->kind < WIRE_EVENT_STARTED || event->kind > WIRE_EVENT_TIMEBOX)
		return false;
	if (event->body != WIRE_BODY_DATA && event->data_count != 0)
		return false;
	if (!is_terminated(event->comm, sizeof(event->comm)) ||
		!is_terminated(event->process_comm, sizeof(event->process_comm)))
		return false;
	if (event->instance == WIRE_INSTANCE_THREAD)
		return is_birth_source(event->source);
	return event->instance == WIRE_INSTANCE_SPAN && event->source == WIRE_SOURCE_SPAN;
}

int decode_event(const void *record, size_t bytes, struct event_view *out)
{
	const struct wire_event *header = record;

	if (!is_aligned(record) || bytes < sizeof(*header) || bytes != event_bytes(header) ||
		!is_valid_header(header))
		return -EBADMSG;

	struct event_view view = {.header = header};
	if (header->body != WIRE_BODY_NONE) {
		const struct wire_name *name = (const void *)(header + 1);
		if (!is_terminated(name->text, sizeof(name->text)))
			return -EBADMSG;
		view.name = name->text;
		if (header->body == WIRE_BODY_DATA) {
			view.data = (const void *)(name + 1);
			if (!are_valid_items(view.data, header->data_count))
				return -EBADMSG;
		}
	}
	*out = view;
	return 0;
}

static bool is_valid_thread(const struct wire_thread_record *record)
{
	return record->state < WIRE_STATE_COUNT && record->span_count <= WIRE_SPANS_MAX &&
	       record->torn <= 1 && (record->torn == 0 || record->span_count == 0) &&
	       is_birth_source(record->thread.source) &&
	       is_terminated(record->thread.name, sizeof(record->thread.name)) &&
	       is_terminated(record->comm, sizeof(record->comm)) &&
	       is_terminated(record->process_comm, sizeof(record->process_comm));
}

static bool is_valid_span(const struct wire_span *span)
{
	return is_terminated(span->name, sizeof(span->name)) &&
	       are_valid_items(span->data, span->data_count);
}

int decode_thread(const void *bytes, size_t length, size_t *offset, struct thread_view *out)
{
	if (*offset > length)
		return -EBADMSG;

	size_t left = length - *offset;
	if (left == 0)
		return 0;

	const struct wire_thread_record *header = (const void *)((const char *)bytes + *offset);
	if (!is_aligned(header) || left < sizeof(*header) || !is_valid_thread(header))
		return -EBADMSG;
	left -= sizeof(*header);

	const struct wire_span *spans = (const void *)(header + 1);
	if (left / sizeof(*spans) < header->span_count)
		return -EBADMSG;
	for (size_t i = 0; i < header->span_count; i++) {
		if (!is_valid_span(&spans[i]))
			return -EBADMSG;
	}
	*out = (struct thread_view){.header = header, .spans = spans};
	*offset += sizeof(*header) + header->span_count * sizeof(*spans);
	return 1;
}

size_t decode_data(const struct wire_data *data, size_t count, struct data_item *out)
{
	size_t filled = 0;

	for (size_t i = 0; i < count && filled < WIRE_DATA_MAX; i++) {
		const struct wire_data *item = &data[i];
		if (!is_valid_item(item))
			continue;
		out[filled++] = (struct data_item){
			.key = item->key,
			.text = item->kind == WIRE_DATA_STRING ? item->text : NULL,
			.number = item->kind == WIRE_DATA_INT ? item->number : 0,
		};
	}
	return filled;
}
