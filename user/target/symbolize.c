/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * symbolize.c - addresses of an image as names.
 *
 * Input: the mapping at the address, the symbols of its file, perf maps for code without one.
 * Refuses to guess: an address that no function covers is told as file and offset.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "target/maps.h"
#include "target/module_internal.h"
#include "target/sink.h"
#include "target/target_internal.h"
#include "target/vdso.h"

#define MEMFD_PREFIX	  "/memfd:"
#define LABEL_BYTES	  256
#define OFFSET_TEXT_BYTES 20 /* "+0x", 16 digits, NUL */

/* What an address is, before it is made text. */
struct place {
	const char *function; /* NULL: not known */
	bool is_plain;	      /* `function` is never mangled: a compiler at run time told it */
	uint64_t distance;    /* from the function, else from the start of `label` */
	const struct module *module; /* not counted; NULL: no file */
	bool executable, may_be_told;
	char label[LABEL_BYTES]; /* the file, or what the kernel calls the mapping */
};

static void label_of(const struct mapping *mapping, char *out, size_t bytes)
{
	const char *path = mapping->path[0] ? mapping->path : "[anon]";

	maps_clean_path(path[0] == '/' ? basename(path) : path, out, bytes);
}

/* Code that no file holds: made at run time. Some put it into shared memory, to map it twice. */
static bool is_made_at_run_time(const struct maps_entry *entry)
{
	const char *path = entry->mapping.path;

	return entry->mapping.executable && !vdso_is(&entry->mapping) &&
	       (!entry->inode || !strncmp(path, MEMFD_PREFIX, strlen(MEMFD_PREFIX)));
}

static void locate_made(struct target *target, uint64_t address, struct place *out)
{
	uint64_t distance;

	out->function = target_made_function(target, address, &distance);
	out->is_plain = out->function;
	out->may_be_told = !out->function;
	if (out->function)
		out->distance = distance;
}

/* 0, or -ENOENT when no mapping covers the address. */
static int locate(struct target *target, uint64_t address, struct place *out)
{
	struct maps_entry *entry = target_entry_at(target, address);
	struct module *module;
	uint64_t offset, vaddr;

	if (!entry)
		return -ENOENT;
	*out = (struct place){.executable = entry->mapping.executable};
	label_of(&entry->mapping, out->label, sizeof(out->label));
	offset = address - entry->mapping.start + entry->mapping.file_offset;
	out->distance = offset;
	out->module = module = target_entry_module(target, entry);
	if (!module && is_made_at_run_time(entry))
		locate_made(target, address, out);
	vaddr = module ? module_offset_to_vaddr(module, offset) : 0;
	if (!vaddr)
		return 0;
	out->function = module_function_at(module, vaddr, &out->distance);
	if (!out->function)
		out->distance = vaddr;
	return 0;
}

static void name_function(const char *function, bool is_plain, struct symbol *out)
{
	out->resolved = true;
	if (is_plain) {
		sink_copy(function, out->text, sizeof(out->text));
		sink_copy(function, out->full, sizeof(out->full));
	} else {
		demangle(function, out->text, sizeof(out->text));
		demangle_full(function, out->full, sizeof(out->full));
	}
	if (!strcmp(out->text, out->full))
		out->full[0] = '\0';
}

/* "name+0x12"; a name that is too long is cut, never the offset. */
static void format_offset(const char *name, uint64_t offset, char *out, size_t bytes)
{
	char text[OFFSET_TEXT_BYTES];
	int length = snprintf(text, sizeof(text), "+0x%" PRIx64, offset);
	size_t room = bytes > (size_t)length ? bytes - length : 0, name_length = strlen(name);
	bool cut = room && name_length >= room;

	if (room < 2) {
		snprintf(out, bytes, "%s", text);
		return;
	}
	snprintf(out, bytes, "%.*s%s%s", (int)(cut ? room - 2 : name_length), name, cut ? "~" : "",
		text);
}

int target_symbolize(struct target *target, uint64_t address, struct symbol *out)
{
	struct place place;

	*out = (struct symbol){0};
	if (locate(target, address, &place))
		return -ENOENT;
	out->executable = place.executable;
	out->may_be_told = place.may_be_told;
	if (!place.function) {
		format_offset(place.label, place.distance, out->text, sizeof(out->text));
		if (place.module)
			build_id_text(&place.module->build_id, out->build_id);
		return 0;
	}
	out->distance = place.distance;
	name_function(place.function, place.is_plain, out);
	return 0;
}

int target_call_site(struct target *target, uint64_t return_address, char *out, size_t bytes)
{
	struct symbol symbol = {0};
	struct place place;

	/* The call is the instruction before; it may be the last of its function. */
	if (!return_address || locate(target, return_address - 1, &place))
		return -ENOENT;
	if (place.function)
		name_function(place.function, place.is_plain, &symbol);
	format_offset(place.function ? symbol.text : place.label, place.distance + 1, out, bytes);
	return 0;
}

int module_symbolize(struct module *module, uint64_t file_offset, struct symbol *out)
{
	uint64_t vaddr = module_offset_to_vaddr(module, file_offset), distance;
	const char *function = vaddr ? module_function_at(module, vaddr, &distance) : NULL;

	if (!vaddr)
		return -ENOENT;
	*out = (struct symbol){.executable = true};
	if (function && !distance) {
		name_function(function, false, out);
		return 0;
	}
	format_offset(module_basename(module), vaddr, out->text, sizeof(out->text));
	build_id_text(&module->build_id, out->build_id);
	return 0;
}
