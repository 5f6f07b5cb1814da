// SPDX-License-Identifier: GPL-2.0-only
/*
 * json_parts.c - head and tail of a JSON line, routine names, data, drops.
 *
 * Input: const data of the model. Every line is one object that names its own version, so that
 * a line cut out of a stream can be read alone. No object holds a key twice, whatever keys a
 * watched process sent.
 */
#include "out/json_parts.h"

#include "out/stream.h"
#include "out/utf8.h"
#include "out/wall.h"

#define JSON_VERSION 1

#define RFC3339_BYTES 30 /* 2006-01-02T15:04:05.000000000Z */
#define TM_YEAR_BASE  1900

static char *put_fixed(char *at, uint32_t number, int digits)
{
	for (int i = digits - 1; i >= 0; i--) {
		at[i] = (char)('0' + number % 10);
		number /= 10;
	}
	return at + digits;
}

static void put_rfc3339(struct json_writer *json, const struct wall_time *wall)
{
	char text[RFC3339_BYTES + 1];
	char *at = put_fixed(text, (uint32_t)(wall->tm.tm_year + TM_YEAR_BASE), 4);

	*at++ = '-';
	at = put_fixed(at, (uint32_t)wall->tm.tm_mon + 1, 2);
	*at++ = '-';
	at = put_fixed(at, (uint32_t)wall->tm.tm_mday, 2);
	*at++ = 'T';
	at = put_fixed(at, (uint32_t)wall->tm.tm_hour, 2);
	*at++ = ':';
	at = put_fixed(at, (uint32_t)wall->tm.tm_min, 2);
	*at++ = ':';
	at = put_fixed(at, (uint32_t)wall->tm.tm_sec, 2);
	*at++ = '.';
	at = put_fixed(at, wall->ns, 9);
	*at++ = 'Z';
	*at = '\0';
	json_put_text(json, "time", text);
}

void json_line_begin(struct json_writer *json, const char *type, const struct out_options *options,
	uint64_t boot_ns)
{
	struct wall_time wall = wall_time_at(boot_ns, options->wall_offset_ns, false);

	errno = 0;
	json_object_begin(json);
	json_put_u64(json, "v", JSON_VERSION);
	json_put_text(json, "type", type);
	put_rfc3339(json, &wall);
	json_put_u64(json, "boot_ns", boot_ns);
}

int json_line_end(struct json_writer *json)
{
	json_object_end(json);
	stream_char(json->out, '\n');
	return stream_result(json->out);
}

void json_put_routine(struct json_writer *json, const struct routine_name *routine)
{
	json_put_known_text(json, "routine", routine->text);
	json_put_text(json, "source", name_source_name(routine->source));
	json_put_bool(json, "heuristic", routine->heuristic);
	json_put_known_text(json, "routine_full", routine->full);
	json_put_known_text(json, "build_id", routine->build_id);
}

void json_put_origin(struct json_writer *json, const struct origin *origin)
{
	json_put_known_u64(json, "creator_tid", origin->creator_tid);
	json_put_known_text(json, "creator_routine", origin->creator_routine);
	json_put_known_text(json, "call_site", origin->call_site);
	json_put_known_text(json, "file", origin->file);
	json_put_known_u64(json, "line", origin->line);
	if (!origin->frame_count)
		return;
	json_key(json, "origin_stack");
	json_array_begin(json);
	for (size_t i = 0; i < origin->frame_count; i++)
		json_text(json, origin->frames[i]);
	json_array_end(json);
}

void json_put_confinement(struct json_writer *json, const struct confinement *confinement)
{
	json_put_known_text(json, "cgroup", confinement->cgroup);
	json_put_known_text(json, "container", confinement->container);
}

/* Is there a later item whose key reads the same once it is escaped? */
static bool is_superseded(const struct data_item *items, size_t count, size_t index)
{
	for (size_t i = index + 1; i < count; i++) {
		if (utf8_equal_replaced(items[index].key, items[i].key))
			return true;
	}
	return false;
}

void json_put_data(struct json_writer *json, const struct data_item *items, size_t count)
{
	if (count == 0)
		return;

	json_key(json, "data");
	json_object_begin(json);
	for (size_t i = 0; i < count; i++) {
		if (is_superseded(items, count, i))
			continue;
		json_key(json, items[i].key);
		if (items[i].text)
			json_text(json, items[i].text);
		else
			json_i64(json, items[i].number);
	}
	json_object_end(json);
}

void json_put_drops(struct json_writer *json, const struct drop_count *drops, size_t count)
{
	json_key(json, "drops");
	json_object_begin(json);
	for (size_t i = 0; i < count; i++)
		json_put_u64(json, drops[i].name, drops[i].count);
	json_object_end(json);
}
