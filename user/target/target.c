/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * target.c - one process image's address space: its mappings and their files.
 *
 * Input: the maps of the process and the files that they name. A file is opened when the
 * first address in it is asked for, and stays open over refreshes while its mapping remains.
 * The visitor of target_each_module must not refresh or free the target that it visits.
 */
#include "target/target.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "target/maps.h"
#include "target/module_internal.h"
#include "target/process_dir.h"
#include "target/python_layout.h"
#include "target/target_internal.h"
#include "target/vdso.h"

#define PAGE_BYTES 4096u

struct target {
	struct module_cache *cache;
	struct process_dir dir;
	struct maps maps;
	struct timespec read_at;
	struct perf_map *perf_map; /* NULL until asked for */
	int memory;		   /* /proc/PID/mem; negative: none, or not tried yet */
	bool memory_tried;
	struct python_layout python;
	bool python_tried, python_found;
};

/* Reads the maps anew into `out`. */
static int read_maps(struct target *target, struct maps *out)
{
	struct timespec read_at;
	size_t bytes;
	char *text;
	int err = process_dir_read_maps(&target->dir, &text, &bytes, &read_at);

	if (err)
		return err;
	err = maps_parse(text, bytes, out);
	free(text);
	if (!err)
		target->read_at = read_at;
	return err;
}

struct target *target_open(struct module_cache *cache, pid_t pid)
{
	struct target *target = calloc(1, sizeof(*target));
	int err;

	if (!target)
		return NULL;
	target->cache = cache;
	target->dir = (struct process_dir){.leader = -1, .task = -1};
	target->memory = -1;
	err = process_dir_open(pid, &target->dir);
	if (!err)
		err = read_maps(target, &target->maps);
	if (!err)
		return target;
	target_free(target);
	errno = -err;
	return NULL;
}

void target_free(struct target *target)
{
	if (!target)
		return;
	perf_map_free(target->perf_map);
	maps_clear(&target->maps);
	process_dir_close(&target->dir);
	if (target->memory >= 0)
		close(target->memory);
	free(target);
}

/* Hands the open file of an old mapping to all mappings of the same file. Each file once: a process
 * may have 65,000 mappings of two in turn. */
static void carry_over(struct module_cache *cache, const struct maps *from, struct maps *to)
{
	uint64_t round = module_cache_next_visit(cache);

	for (size_t i = 0; i < from->count; i++) {
		const struct maps_entry *old = &from->entries[i];
		struct module *module = old->mapping.module;

		if (!module || module->visit == round || !old->inode)
			continue;
		module->visit = round;
		if (!module_is_current(module))
			continue;
		for (size_t j = 0; j < to->count; j++) {
			struct maps_entry *entry = &to->entries[j];

			if (!entry->mapping.module && entry->mapping.executable &&
				entry->inode == old->inode && entry->device == old->device)
				entry->mapping.module = module_get(module);
		}
	}
}

int target_refresh(struct target *target)
{
	struct maps maps;
	int err = read_maps(target, &maps);

	if (err)
		return err;
	if (vdso_start(&maps) != vdso_start(&target->maps)) {
		maps_clear(&maps);
		return -ESTALE;
	}
	carry_over(target->cache, &target->maps, &maps);
	maps_clear(&target->maps);
	target->maps = maps;
	/* The library of one may have been loaded since; one that was found stays. */
	target->python_tried = target->python_found;
	return 0;
}

int target_memory(struct target *target)
{
	if (target->memory_tried)
		return target->memory;
	target->memory_tried = true;
	target->memory = process_dir_open_memory(&target->dir);
	/* The image that was opened is the one whose maps these are, if they still are. */
	if (target->memory >= 0 && target_refresh(target)) {
		close(target->memory);
		target->memory = -ESTALE;
	}
	return target->memory;
}

int target_ns_tid(const struct target *target, pid_t tid, pid_t *out)
{
	return process_dir_ns_tid(&target->dir, tid, out);
}

struct python_layout *target_python(struct target *target)
{
	if (!target->python_tried) {
		target->python_found = !python_layout_of(target, &target->python);
		target->python_tried = true;
	}
	return target->python_found ? &target->python : NULL;
}

struct module *target_entry_module(struct target *target, struct maps_entry *entry)
{
	char path[PATH_MAX];
	int fd;

	if (entry->mapping.module || entry->tried)
		return entry->mapping.module;
	entry->tried = true;
	if (vdso_is(&entry->mapping))
		entry->mapping.module = vdso_open(target->cache, &target->dir, &entry->mapping);
	if (!entry->mapping.executable || !entry->inode)
		return entry->mapping.module;
	fd = process_dir_open_file(&target->dir, entry, &target->read_at);
	if (fd < 0)
		return NULL;
	maps_clean_path(entry->mapping.path, path, sizeof(path));
	entry->mapping.module = module_open(target->cache, fd, path);
	close(fd);
	return entry->mapping.module;
}

struct maps_entry *target_entry_at(struct target *target, uint64_t address)
{
	struct maps_entry *entry = maps_find(&target->maps, address);

	return entry || target_refresh(target) ? entry : maps_find(&target->maps, address);
}

struct module *target_module_at(struct target *target, uint64_t address, uint64_t *vaddr)
{
	struct maps_entry *entry = target_entry_at(target, address);
	struct module *module = entry ? target_entry_module(target, entry) : NULL;

	*vaddr = module ? module_offset_to_vaddr(module,
				  address - entry->mapping.start + entry->mapping.file_offset)
			: 0;
	return *vaddr ? module : NULL;
}

const char *target_made_function(struct target *target, uint64_t address, uint64_t *distance)
{
	if (!target->perf_map)
		target->perf_map = perf_map_new(module_cache_perf_maps(target->cache));
	return target->perf_map ? perf_map_find(target->perf_map, &target->dir, address, distance)
				: NULL;
}

/* Adds to a linked address what makes it one of this copy of the file. false when the mapping
 * begins in no segment of code. */
static bool bias_of(const struct module *module, const struct mapping *code, uint64_t *bias)
{
	for (size_t i = 0; i < module->file.segment_count; i++) {
		const Elf64_Phdr *load = &module->file.segments[i];
		uint64_t skipped = load->p_offset % PAGE_BYTES;

		if (load->p_type != PT_LOAD || !(load->p_flags & PF_X) ||
			code->file_offset < load->p_offset - skipped ||
			code->file_offset - (load->p_offset - skipped) >= load->p_filesz + skipped)
			continue;
		*bias = code->start - code->file_offset + load->p_offset - load->p_vaddr;
		return true;
	}
	return false;
}

/* Whether the mapping belongs to the copy of the file that has this bias. */
static bool place_in(
	const struct maps_entry *entry, uint64_t address, uint64_t bias, struct target_place *out)
{
	uint64_t vaddr = address - bias;
	const Elf64_Phdr *load = elf_file_load_of_vaddr(&out->module->file, vaddr);

	if (!load || entry->mapping.file_offset + (address - entry->mapping.start) !=
			     load->p_offset + (vaddr - load->p_vaddr))
		return false;
	out->vaddr = vaddr;
	out->bias = bias;
	return true;
}

int target_place_of(struct target *target, uint64_t address, struct target_place *out)
{
	const struct maps_entry *entry = maps_find(&target->maps, address);

	if (!entry || !entry->inode)
		return -ENOENT;
	for (size_t i = 0; i < target->maps.count; i++) {
		struct maps_entry *code = &target->maps.entries[i];
		struct target_place place = {.executable = entry->mapping.executable};
		uint64_t bias;

		if (!code->mapping.executable || code->inode != entry->inode ||
			code->device != entry->device)
			continue;
		place.module = target_entry_module(target, code);
		if (!place.module || !bias_of(place.module, &code->mapping, &bias) ||
			!place_in(entry, address, bias, &place))
			continue;
		*out = place;
		return 0;
	}
	return -ENOENT;
}

int target_each_module(struct target *target,
	int (*visit)(struct module *module, const struct mapping *mapping, void *context),
	void *context)
{
	const struct mapping **first = calloc(target->maps.count + 1, sizeof(struct mapping *));
	uint64_t round = module_cache_next_visit(target->cache);
	size_t count = 0;
	int result = 0;

	if (!first)
		return -ENOMEM;
	for (size_t i = 0; i < target->maps.count; i++) {
		struct maps_entry *entry = &target->maps.entries[i];
		struct module *module = entry->inode ? target_entry_module(target, entry) : NULL;

		if (!module || module->visit == round)
			continue;
		module->visit = round;
		first[count++] = &entry->mapping;
	}
	for (size_t i = 0; i < count && !result; i++)
		result = visit(first[i]->module, first[i], context);
	free(first);
	return result;
}
