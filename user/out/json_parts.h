/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * json_parts.h - the pieces that several kinds of lines of docs/json.md share.
 */
#ifndef TW_OUT_JSON_PARTS_H
#define TW_OUT_JSON_PARTS_H

#include "out/json_writer.h"
#include "out/out.h"

/* Begins a line: {"v","type","time","boot_ns". */
void json_line_begin(struct json_writer *json, const char *type, const struct out_options *options,
	uint64_t boot_ns);
/* Ends a line. 0 or the stream's negative errno. */
int json_line_end(struct json_writer *json);

/* "routine", "source", "heuristic"; where known "routine_full", "build_id". */
void json_put_routine(struct json_writer *json, const struct routine_name *routine);
/* "creator_tid", "creator_routine", "call_site", "file", "line", "origin_stack"; each where known.
 */
void json_put_origin(struct json_writer *json, const struct origin *origin);
/* "cgroup", "container", where known. */
void json_put_confinement(struct json_writer *json, const struct confinement *confinement);
/* "data" as an object, absent without items. Of items with one key the last one counts. */
void json_put_data(struct json_writer *json, const struct data_item *items, size_t count);
/* "drops" as an object, {} when there are none. */
void json_put_drops(struct json_writer *json, const struct drop_count *drops, size_t count);

#endif
