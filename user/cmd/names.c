/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * names.c - a tree of names.
 */
#include "cmd/names.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 16384

/* The texts of `named` lie behind it. */
struct name {
	uint64_t number;
	enum name_kind kind;
	struct named named;
	char texts[];
};

static int compare(const void *a, const void *b)
{
	const struct name *x = a, *y = b;

	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return (int)x->kind - (int)y->kind;
}

static size_t text_bytes(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

/* Copies a text to *at, moves *at behind it, and returns the copy. */
static const char *put_text(char **at, const char *text)
{
	char *copy = *at;
	size_t bytes = text_bytes(text);

	if (!text)
		return NULL;
	memcpy(copy, text, bytes);
	*at += bytes;
	return copy;
}

static struct name *name_new(enum name_kind kind, uint64_t number, const struct named *named)
{
	const struct routine_name *routine = &named->routine;
	struct name *name = malloc(sizeof(*name) + text_bytes(routine->text) +
				   text_bytes(routine->full) + text_bytes(routine->build_id));
	char *at;

	if (!name)
		return NULL;
	*name = (struct name){.number = number, .kind = kind, .named = *named};
	at = name->texts;
	name->named.routine.text = put_text(&at, routine->text);
	name->named.routine.full = put_text(&at, routine->full);
	name->named.routine.build_id = put_text(&at, routine->build_id);
	return name;
}

static struct name *find(const struct names *names, enum name_kind kind, uint64_t number)
{
	struct name wanted = {.number = number, .kind = kind};
	void *found = tfind(&wanted, &names->tree, compare);

	return found ? *(struct name **)found : NULL;
}

const struct named *names_find(const struct names *names, enum name_kind kind, uint64_t number)
{
	const struct name *name = find(names, kind, number);

	return name ? &name->named : NULL;
}

static void forget(struct names *names, struct name *name)
{
	if (!name)
		return;
	tdelete(name, &names->tree, compare);
	names->count--;
	free(name);
}

const struct named *names_add(
	struct names *names, enum name_kind kind, uint64_t number, const struct named *named)
{
	struct name *name = name_new(kind, number, named);

	if (!name)
		return NULL;
	if (names->count >= NAMES_MAX)
		names_clear(names);
	forget(names, find(names, kind, number));
	if (!tsearch(name, &names->tree, compare)) {
		free(name);
		return NULL;
	}
	names->count++;
	return &name->named;
}

void names_clear(struct names *names)
{
	tdestroy(names->tree, free);
	*names = (struct names){0};
}
