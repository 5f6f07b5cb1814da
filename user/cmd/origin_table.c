/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * origin_table.c - see origin_table.h. Any number of threads share one stack.
 */
#include "cmd/origin_table.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES_MAX  16384 /* sites and stacks of all images */
#define LINE_BYTES   16
#define PLACE_STRIDE 31u /* spreads processes over the places of their stacks */
#define SWEEP_NS     1000000000ull

struct image {
	struct wire_process id;
	void *sites, *stacks; /* tsearch trees */
	size_t entries;
	struct image *next;
};

struct place {
	const struct image *image; /* NULL: empty */
	int32_t id;
	const struct stack *stack;
};

struct origin_table {
	void *images;	      /* tsearch tree of struct image */
	struct image *newest; /* all of them, linked */
	size_t entries;
	uint64_t swept_ns;
	struct place *places; /* NULL until needed */
	size_t place_count;
};

struct origin_table *origin_table_new(size_t places)
{
	struct origin_table *table = calloc(1, sizeof(*table));

	if (table)
		table->place_count = places;
	return table;
}

static int compare_images(const void *a, const void *b)
{
	return memcmp(&((const struct image *)a)->id, &((const struct image *)b)->id,
		sizeof(struct wire_process));
}

static void image_free(struct image *image)
{
	tdestroy(image->sites, free);
	tdestroy(image->stacks, free);
	free(image);
}

static void forget_places(struct origin_table *table, const struct image *image)
{
	for (size_t i = 0; table->places && i < table->place_count; i++)
		if (table->places[i].image == image)
			table->places[i].image = NULL;
}

/* `link` leads to the image. */
static void forget(struct origin_table *table, struct image **link)
{
	struct image *image = *link;

	*link = image->next;
	tdelete(image, &table->images, compare_images);
	if (image->stacks)
		forget_places(table, image);
	table->entries -= image->entries;
	image_free(image);
}

void origin_table_free(struct origin_table *table)
{
	if (!table)
		return;
	while (table->newest)
		forget(table, &table->newest);
	free(table->places);
	free(table);
}

void origin_table_sweep(
	struct origin_table *table, const struct processes *processes, uint64_t now_ns)
{
	bool all = table->entries > ENTRIES_MAX;
	struct image **link = &table->newest;

	if (!all && now_ns < table->swept_ns + SWEEP_NS)
		return;
	table->swept_ns = now_ns;
	while (*link) {
		if (all || !processes_has_image(processes, &(*link)->id))
			forget(table, link);
		else
			link = &(*link)->next;
	}
}

static struct image *image_find(struct origin_table *table, const struct wire_process *id)
{
	struct image wanted = {.id = *id};
	void *found = tfind(&wanted, &table->images, compare_images);

	return found ? *(struct image **)found : NULL;
}

static struct image *image_get(struct origin_table *table, const struct wire_process *id)
{
	struct image *image = image_find(table, id);

	if (image)
		return image;
	image = calloc(1, sizeof(*image));
	if (!image)
		return NULL;
	image->id = *id;
	if (!tsearch(image, &table->images, compare_images)) {
		free(image);
		return NULL;
	}
	image->next = table->newest;
	table->newest = image;
	return image;
}

/* Takes over the entry. false without memory. */
static bool keep(struct origin_table *table, struct image *image, void **tree, void *entry,
	int (*compare)(const void *, const void *))
{
	if (!entry || !tsearch(entry, tree, compare)) {
		free(entry);
		return false;
	}
	image->entries++;
	table->entries++;
	return true;
}

/* ---- sites ---- */

static int compare_sites(const void *a, const void *b)
{
	const struct site *x = a, *y = b;

	return x->address < y->address ? -1 : x->address > y->address;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static struct site *site_new(uint64_t address, const char *call, const struct source_line *source)
{
	const char *base = base_name(source->file);
	size_t call_bytes = strlen(call) + 1, file_bytes = strlen(source->file) + 1;
	size_t frame_bytes = call_bytes + strlen(base) + LINE_BYTES;
	struct site *site = malloc(sizeof(*site) + call_bytes + file_bytes + frame_bytes);
	char *file, *frame;

	if (!site)
		return NULL;
	file = site->call + call_bytes;
	frame = file + file_bytes;
	memcpy(site->call, call, call_bytes);
	memcpy(file, source->file, file_bytes);
	if (source->line)
		snprintf(frame, frame_bytes, "%s (%s:%u)", call, base, source->line);
	else
		memcpy(frame, call, call_bytes);
	site->address = address;
	site->line = source->line;
	site->file = file;
	site->frame = frame;
	return site;
}

const struct site *origin_site_find(
	struct origin_table *table, const struct wire_process *id, uint64_t address)
{
	struct image *image = image_find(table, id);
	struct site wanted = {.address = address};
	void *found = image ? tfind(&wanted, &image->sites, compare_sites) : NULL;

	return found ? *(struct site **)found : NULL;
}

const struct site *origin_site_add(struct origin_table *table, const struct wire_process *id,
	uint64_t address, const char *call, const struct source_line *source)
{
	struct image *image = image_get(table, id);
	struct site *site = image ? site_new(address, call, source) : NULL;

	return image && keep(table, image, &image->sites, site, compare_sites) ? site : NULL;
}

/* ---- stacks ---- */

static int compare_stacks(const void *a, const void *b)
{
	const struct stack *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? -1 : 1;
	return memcmp(x->frames, y->frames, x->count * sizeof(*x->frames));
}

static struct stack *stack_new(const uint64_t *frames, size_t count)
{
	struct stack *stack = malloc(sizeof(*stack) + count * sizeof(*frames));

	if (!stack)
		return NULL;
	stack->count = count;
	memcpy(stack->frames, frames, count * sizeof(*frames));
	return stack;
}

/* The one stack of these frames, made now or earlier. */
static const struct stack *share(
	struct origin_table *table, struct image *image, const uint64_t *frames, size_t count)
{
	struct stack *stack = stack_new(frames, count);
	void *found = stack ? tfind(stack, &image->stacks, compare_stacks) : NULL;

	if (found) {
		free(stack);
		return *(struct stack **)found;
	}
	return keep(table, image, &image->stacks, stack, compare_stacks) ? stack : NULL;
}

static struct place *place_of(
	struct origin_table *table, const struct wire_process *image, int32_t id)
{
	uint32_t index = ((uint32_t)id + image->tgid * PLACE_STRIDE) & (table->place_count - 1);

	if (!table->places)
		table->places = calloc(table->place_count, sizeof(*table->places));
	return table->places ? &table->places[index] : NULL;
}

const struct stack *origin_stack_find(
	struct origin_table *table, const struct wire_process *image, int32_t id)
{
	struct place *place = place_of(table, image, id);

	return place && place->image && place->id == id &&
			       !memcmp(&place->image->id, image, sizeof(*image))
		       ? place->stack
		       : NULL;
}

const struct stack *origin_stack_add(struct origin_table *table, const struct wire_process *id,
	int32_t number, const uint64_t *frames, size_t count)
{
	struct place *place = place_of(table, id, number);
	struct image *image = place ? image_get(table, id) : NULL;
	const struct stack *stack = image ? share(table, image, frames, count) : NULL;

	if (stack)
		*place = (struct place){.image = image, .id = number, .stack = stack};
	return stack;
}
