/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sink.h - text that is built up to a bound. Private to user/target.
 *
 * What does not fit is cut off, and a text that was cut ends in "~", never within a character
 * of UTF-8. The result is always NUL-terminated.
 */
#ifndef TW_TARGET_SINK_H
#define TW_TARGET_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct sink {
	char *out;
	size_t size; /* of `out`, at least 1 */
	size_t used;
	bool cut;
};

static inline void sink_put(struct sink *sink, const char *text, size_t bytes)
{
	size_t room = sink->size - 1 - sink->used;

	if (bytes > room) {
		bytes = room;
		sink->cut = true;
	}
	memcpy(sink->out + sink->used, text, bytes);
	sink->used += bytes;
}

static inline void sink_finish(struct sink *sink)
{
	if (sink->cut && sink->size > 1) {
		if (sink->used == sink->size - 1)
			sink->used--;
		while (sink->used && ((unsigned char)sink->out[sink->used] & 0xc0) == 0x80)
			sink->used--;
		sink->out[sink->used++] = '~';
	}
	sink->out[sink->used] = '\0';
}

/* The whole of a text, or as much as fits. */
static inline void sink_copy(const char *text, char *out, size_t bytes)
{
	struct sink sink = {.out = out, .size = bytes};

	if (!bytes)
		return;
	sink_put(&sink, text, strlen(text));
	sink_finish(&sink);
}

#endif
