/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * maps.c - parses /proc/PID/maps; see maps.h.
 *
 * Input is text of any content, not NUL-terminated. Paths are moved to the front of that very
 * text while it is read (a path never moves to the right), so that a process with 60,000
 * mappings costs one buffer. Refuses to unescape: the kernel writes a newline in a path as
 * "\012" but leaves a backslash alone, so that the text cannot be told.
 */
#include "target/maps.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#define ENTRIES_FIRST	   64
#define PERMISSIONS_BYTES  4
#define PERMISSION_EXECUTE 2 /* "rwxp" */
#define HEX_DIGITS_MAX	   16
#define DECIMAL_DIGITS_MAX 20
#define DELETED_SUFFIX	   " (deleted)"

struct cursor {
	const char *at, *end;
};

static int digit_of(char c, unsigned int base)
{
	if (isdigit((unsigned char)c))
		return c - '0';
	return base == 16 && c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A number followed by `after`, both of which are consumed. */
static bool take_number(
	struct cursor *cursor, unsigned int base, unsigned int digits, char after, uint64_t *out)
{
	const char *at = cursor->at;
	uint64_t value = 0;

	for (; at < cursor->end && digit_of(*at, base) >= 0; at++) {
		if ((size_t)(at - cursor->at) == digits)
			return false;
		value = value * base + (unsigned int)digit_of(*at, base);
	}
	if (at == cursor->at || at == cursor->end || *at != after)
		return false;
	*out = value;
	cursor->at = at + 1;
	return true;
}

static bool take_permissions(struct cursor *cursor, bool *executable)
{
	if (cursor->end - cursor->at <= PERMISSIONS_BYTES || cursor->at[PERMISSIONS_BYTES] != ' ')
		return false;
	*executable = cursor->at[PERMISSION_EXECUTE] == 'x';
	cursor->at += PERMISSIONS_BYTES + 1;
	return true;
}

/* "start-end perms offset major:minor inode   path"; the rest of the cursor is the path. */
static bool parse_line(struct cursor *line, struct maps_entry *out)
{
	struct maps_entry entry = {0};
	uint64_t major, minor;

	if (!take_number(line, 16, HEX_DIGITS_MAX, '-', &entry.mapping.start) ||
		!take_number(line, 16, HEX_DIGITS_MAX, ' ', &entry.mapping.end) ||
		!take_permissions(line, &entry.mapping.executable) ||
		!take_number(line, 16, HEX_DIGITS_MAX, ' ', &entry.mapping.file_offset) ||
		!take_number(line, 16, HEX_DIGITS_MAX / 2, ':', &major) ||
		!take_number(line, 16, HEX_DIGITS_MAX / 2, ' ', &minor))
		return false;
	if (!take_number(line, 10, DECIMAL_DIGITS_MAX, ' ', &entry.inode)) {
		/* Kernels differ in whether a space follows the inode of anonymous memory. */
		if (line->end - line->at != 1 || *line->at != '0')
			return false;
		line->at = line->end;
	}
	while (line->at < line->end && *line->at == ' ')
		line->at++;
	entry.device = makedev((unsigned int)major, (unsigned int)minor);
	*out = entry;
	return entry.mapping.start < entry.mapping.end;
}

/* Lines of one file follow each other: they share one copy of its path. */
struct path_store {
	char *text;
	size_t used;
	size_t last; /* offset of the last path; valid when used > 0 */
};

static size_t store_path(struct path_store *store, const struct cursor *path)
{
	size_t bytes = path->end - path->at;

	if (store->used && strlen(store->text + store->last) == bytes &&
		!memcmp(store->text + store->last, path->at, bytes))
		return store->last;
	store->last = store->used;
	memmove(store->text + store->used, path->at, bytes);
	store->text[store->used + bytes] = '\0';
	store->used += bytes + 1;
	return store->last;
}

struct builder {
	struct maps_entry *entries;
	size_t *paths; /* offsets, as the store may still move */
	size_t count, capacity;
};

static void builder_clear(struct builder *builder)
{
	free(builder->entries);
	free(builder->paths);
}

static bool append(struct builder *builder, const struct maps_entry *entry, size_t path)
{
	if (builder->count == builder->capacity) {
		size_t capacity = builder->capacity ? builder->capacity * 2 : ENTRIES_FIRST;
		struct maps_entry *entries =
			reallocarray(builder->entries, capacity, sizeof(*entries));
		size_t *paths;

		if (!entries)
			return false;
		builder->entries = entries;
		paths = reallocarray(builder->paths, capacity, sizeof(*paths));
		if (!paths)
			return false;
		builder->paths = paths;
		builder->capacity = capacity;
	}
	builder->entries[builder->count] = *entry;
	builder->paths[builder->count++] = path;
	return true;
}

/* Reads all lines; a last one without its newline was cut and is left out. */
static bool parse_lines(char *text, size_t bytes, struct path_store *store, struct builder *builder)
{
	const char *end = text + bytes, *newline;
	uint64_t lowest = 0;

	for (const char *at = text; at < end; at = newline + 1) {
		struct cursor line = {at, NULL};
		struct maps_entry entry;

		newline = memchr(at, '\n', end - at);
		if (!newline)
			break;
		line.end = newline;
		if (memchr(at, '\0', newline - at) || !parse_line(&line, &entry) ||
			entry.mapping.start < lowest)
			continue;
		lowest = entry.mapping.end;
		if (!append(builder, &entry, store_path(store, &line)))
			return false;
	}
	return true;
}

int maps_parse(char *text, size_t bytes, struct maps *out)
{
	struct path_store store = {.text = text};
	struct builder builder = {0};
	char *paths;

	if (!parse_lines(text, bytes, &store, &builder)) {
		builder_clear(&builder);
		return -ENOMEM;
	}
	paths = malloc(store.used ? store.used : 1);
	if (!paths) {
		builder_clear(&builder);
		return -ENOMEM;
	}
	memcpy(paths, text, store.used);
	for (size_t i = 0; i < builder.count; i++)
		builder.entries[i].mapping.path = paths + builder.paths[i];
	free(builder.paths);
	*out = (struct maps){.count = builder.count, .entries = builder.entries, .paths = paths};
	return 0;
}

void maps_clear(struct maps *maps)
{
	for (size_t i = 0; i < maps->count; i++)
		module_put(maps->entries[i].mapping.module);
	free(maps->entries);
	free(maps->paths);
	*maps = (struct maps){0};
}

struct maps_entry *maps_find(const struct maps *maps, uint64_t address)
{
	size_t low = 0, high = maps->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct maps_entry *entry = &maps->entries[middle];

		if (address < entry->mapping.start)
			high = middle;
		else if (address >= entry->mapping.end)
			low = middle + 1;
		else
			return entry;
	}
	return NULL;
}

void maps_clean_path(const char *path, char *out, size_t bytes)
{
	size_t length = strlen(path), suffix = sizeof(DELETED_SUFFIX) - 1;

	if (length > suffix && !strcmp(path + length - suffix, DELETED_SUFFIX))
		length -= suffix;
	snprintf(out, bytes, "%.*s", (int)(length < bytes ? length : bytes - 1), path);
}
