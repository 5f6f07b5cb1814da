/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * decode.h - checks a record of bpf/wire.h and views it in place.
 *
 * Pure. The records come from our own kernel side, but are checked all the same: lengths,
 * kinds, counts, terminators. A view points into the record and lives as long as it.
 */
#ifndef TW_MODEL_DECODE_H
#define TW_MODEL_DECODE_H

#include "model/event.h"

/* A checked record. name is NULL without a name in the record; data has
 * header->data_count entries. */
struct event_view {
	const struct wire_event *header;
	const char *name;
	const struct wire_data *data;
};

/* 0, or -EBADMSG with `out` untouched when the record is not a valid one. */
int decode_event(const void *record, size_t bytes, struct event_view *out);

/* One thread of a snapshot; spans has header->span_count entries, outermost first. */
struct thread_view {
	const struct wire_thread_record *header;
	const struct wire_span *spans;
};

/* Reads the record at *offset of a snapshot's bytes and advances *offset. 1: read; 0: at the
 * end; -EBADMSG: broken, nothing read. */
int decode_thread(const void *bytes, size_t length, size_t *offset, struct thread_view *out);

/* Fills `out` from a view of data of a record or a span. Returns the number of items. */
size_t decode_data(const struct wire_data *data, size_t count, struct data_item *out);

#endif
