/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * json_writer.h - streams one JSON value to stdio, without memory and without a tree.
 *
 * The caller opens and closes in pairs; commas and quotes are the writer's. Text is escaped
 * always, keys too. json_put_* write a key with its value; the `known` ones write nothing when
 * the value says "not known" (0, NULL, ""), as the contracts ask.
 */
#ifndef TW_OUT_JSON_WRITER_H
#define TW_OUT_JSON_WRITER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json_writer {
	FILE *out;
	bool needs_comma;
};

void json_object_begin(struct json_writer *json);
void json_object_end(struct json_writer *json);
void json_array_begin(struct json_writer *json);
void json_array_end(struct json_writer *json);
void json_key(struct json_writer *json, const char *key);

void json_text(struct json_writer *json, const char *text);
void json_u64(struct json_writer *json, uint64_t number);
void json_i64(struct json_writer *json, int64_t number);
void json_bool(struct json_writer *json, bool value);

void json_put_text(struct json_writer *json, const char *key, const char *text);
void json_put_u64(struct json_writer *json, const char *key, uint64_t number);
void json_put_bool(struct json_writer *json, const char *key, bool value);
void json_put_known_text(struct json_writer *json, const char *key, const char *text);
void json_put_known_u64(struct json_writer *json, const char *key, uint64_t number);

#endif
