/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * module.c - one ELF file, shared and counted, and the cache that finds it again.
 *
 * The cache holds every module once, most recently opened first. Copies of one file share one
 * table of symbols: the first of them refers to none, the others to it. Modules that nobody refers
 * to stay until more than `limit` are held; those that are referred to are never dropped.
 * Refuses what is not a regular file, and files above MODULE_BYTES_MAX.
 */
#include "target/module_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "target/reader.h"

#define MODULE_BYTES_MAX (16ll << 30)

struct module_cache {
	struct module *newest, *oldest;
	size_t count, limit;
	uint64_t visits;
	struct debug_places debug_places;
	struct perf_map_account perf_maps;
	struct reader *reader; /* NULL until asked for */
};

struct module_cache *module_cache_new(size_t limit)
{
	struct module_cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return NULL;
	cache->limit = limit;
	if (debug_places_default(&cache->debug_places)) {
		free(cache);
		return NULL;
	}
	return cache;
}

void module_cache_set_debug_places(struct module_cache *cache, struct debug_places places)
{
	debug_places_clear(&cache->debug_places);
	cache->debug_places = places;
}

const struct debug_places *module_cache_debug_places(const struct module_cache *cache)
{
	return &cache->debug_places;
}

struct perf_map_account *module_cache_perf_maps(struct module_cache *cache)
{
	return &cache->perf_maps;
}

uint64_t module_cache_perf_maps_refused(const struct module_cache *cache)
{
	return cache->perf_maps.refused;
}

struct reader *module_cache_reader(struct module_cache *cache)
{
	if (!cache->reader)
		cache->reader = reader_new();
	return cache->reader;
}

uint64_t module_cache_debug_refused(const struct module_cache *cache)
{
	return cache->reader ? reader_refused(cache->reader) : 0;
}

static void unlink_module(struct module *module)
{
	struct module_cache *cache = module->cache;

	*(module->newer ? &module->newer->older : &cache->newest) = module->older;
	*(module->older ? &module->older->newer : &cache->oldest) = module->newer;
	module->newer = module->older = NULL;
	cache->count--;
}

static void link_newest(struct module_cache *cache, struct module *module)
{
	module->older = cache->newest;
	*(cache->newest ? &cache->newest->newer : &cache->oldest) = module;
	cache->newest = module;
	cache->count++;
}

static void module_free(struct module *module)
{
	struct module *twin;

	if (!module)
		return;
	/* A twin has none of its own. In a cache it is dropped when its turn comes. */
	twin = module->twin;
	if (twin && !--twin->references && !twin->cache)
		module_free(twin);
	module_symbols_free(&module->symbols);
	module_debug_free(module->debug);
	elf_file_close(&module->file);
	if (module->fd >= 0)
		close(module->fd);
	free(module->memory);
	free(module->interpreter);
	free(module->path);
	free(module);
}

static void evict(struct module_cache *cache)
{
	struct module *newer;

	for (struct module *at = cache->oldest; at && cache->count > cache->limit; at = newer) {
		newer = at->newer;
		if (at->references)
			continue;
		unlink_module(at);
		module_free(at);
	}
}

void module_cache_free(struct module_cache *cache)
{
	struct module *older;

	if (!cache)
		return;
	for (struct module *at = cache->newest; at; at = older) {
		older = at->older;
		unlink_module(at);
		at->cache = NULL;
		if (!at->references)
			module_free(at);
	}
	debug_places_clear(&cache->debug_places);
	reader_free(cache->reader);
	free(cache);
}

uint64_t module_cache_next_visit(struct module_cache *cache)
{
	return ++cache->visits;
}

static struct module_key key_of(const struct stat *status)
{
	return (struct module_key){
		.device = status->st_dev,
		.inode = status->st_ino,
		.mtime = status->st_mtim,
		.size = status->st_size,
	};
}

static bool same_key(const struct module_key *a, const struct module_key *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       a->mtime.tv_sec == b->mtime.tv_sec && a->mtime.tv_nsec == b->mtime.tv_nsec;
}

static struct module *find(const struct module_cache *cache, const struct module_key *key)
{
	for (struct module *at = cache->newest; at; at = at->older) {
		if (same_key(&at->key, key))
			return at;
	}
	return NULL;
}

/* Of the file of `fd`, or of `memory` when that is set. NULL with errno set, and `memory` is the
 * caller's still. */
static struct module *module_new(
	int fd, uint8_t *memory, const char *path, const struct module_key *key)
{
	struct module *module = calloc(1, sizeof(*module));
	int err;

	if (!module)
		return NULL;
	module->key = *key;
	module->kernel_device = key->device;
	module->kernel_inode = key->inode;
	module->symbols.separate_fd = -1;
	module->path = strdup(path);
	module->fd = memory ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if ((module->fd < 0 && !memory) || !module->path) {
		err = module->path ? -errno : -ENOMEM;
	} else {
		struct elf_source source = {.fd = module->fd, .memory = memory, .size = key->size};

		err = elf_file_open(source, &module->file);
	}
	if (!err) {
		build_id_of(&module->file, &module->build_id);
		module->memory = memory;
		return module;
	}
	module_free(module);
	errno = -err;
	return NULL;
}

static struct module *enter(struct module_cache *cache, struct module *module)
{
	module->cache = cache;
	link_newest(cache, module);
	module->references++;
	evict(cache);
	return module;
}

struct module *module_open(struct module_cache *cache, int fd, const char *path)
{
	struct module_key key;
	struct module *module;
	struct stat status;

	if (fstat(fd, &status))
		return NULL;
	if (!S_ISREG(status.st_mode) || status.st_size > MODULE_BYTES_MAX) {
		errno = S_ISREG(status.st_mode) ? EFBIG : EINVAL;
		return NULL;
	}
	key = key_of(&status);
	module = find(cache, &key);
	if (module)
		unlink_module(module);
	else
		module = module_new(fd, NULL, path, &key);
	return module ? enter(cache, module) : NULL;
}

struct module *module_open_memory(
	struct module_cache *cache, uint8_t *memory, size_t bytes, const char *path)
{
	const struct module_key key = {.size = (off_t)bytes};
	struct module *module;

	for (module = cache->newest; module; module = module->older) {
		if (module->memory && module->key.size == key.size &&
			!memcmp(module->memory, memory, bytes))
			break;
	}
	if (module) {
		unlink_module(module);
		free(memory);
		return enter(cache, module);
	}
	module = module_new(-1, memory, path, &key);
	if (module)
		return enter(cache, module);
	free(memory);
	return NULL;
}

struct module *module_find_twin(struct module *module)
{
	const struct module_cache *cache = module->cache;

	for (struct module *at = cache ? cache->newest : NULL; at; at = at->older) {
		if (at != module && at->symbols.loaded && !at->twin && !at->symbols.is_own_word &&
			build_id_equal(&at->build_id, &module->build_id) && module_is_current(at) &&
			module_is_current(module) && build_id_is_copy(&at->file, &module->file))
			return at;
	}
	return NULL;
}

struct module *module_cached(struct module_cache *cache, dev_t device, ino_t inode)
{
	for (struct module *at = cache->newest; at; at = at->older)
		if ((at->key.device == device && at->key.inode == inode) ||
			(at->kernel_device == device && at->kernel_inode == inode))
			return module_is_current(at) ? module_get(at) : NULL;
	return NULL;
}

int module_fd(const struct module *module)
{
	return module->fd;
}

void module_set_kernel_file(struct module *module, dev_t device, ino_t inode)
{
	module->kernel_device = device;
	module->kernel_inode = inode;
}

struct module *module_get(struct module *module)
{
	module->references++;
	return module;
}

void module_put(struct module *module)
{
	if (!module || --module->references)
		return;
	if (module->cache)
		evict(module->cache);
	else
		module_free(module);
}

bool module_is_current(const struct module *module)
{
	struct module_key key;
	struct stat status;

	if (module->memory)
		return true;
	if (fstat(module->fd, &status))
		return false;
	key = key_of(&status);
	return same_key(&key, &module->key);
}

const char *module_path(const struct module *module)
{
	return module->path;
}

const char *module_basename(const struct module *module)
{
	return basename(module->path);
}

uint64_t module_offset_to_vaddr(struct module *module, uint64_t file_offset)
{
	const Elf64_Phdr *load = elf_file_load_of_offset(&module->file, file_offset);

	return load ? load->p_vaddr + (file_offset - load->p_offset) : 0;
}

uint64_t module_vaddr_to_offset(struct module *module, uint64_t vaddr)
{
	const Elf64_Phdr *load = elf_file_load_of_vaddr(&module->file, vaddr);

	return load ? load->p_offset + (vaddr - load->p_vaddr) : 0;
}

int module_read(struct module *module, uint64_t vaddr, void *out, size_t bytes)
{
	const Elf64_Phdr *load = elf_file_load_of_vaddr(&module->file, vaddr);
	uint64_t skip;

	if (!load)
		return -EFAULT;
	skip = vaddr - load->p_vaddr;
	if (bytes > load->p_filesz - skip || skip > UINT64_MAX - load->p_offset)
		return -EFAULT;
	return elf_source_read(&module->file.source, load->p_offset + skip, out, bytes);
}

const char *module_interpreter(struct module *module)
{
	const Elf64_Phdr *segment = elf_file_segment(&module->file, PT_INTERP);
	char text[PATH_MAX];

	if (module->interpreter)
		return module->interpreter;
	if (!segment || !segment->p_filesz || segment->p_filesz > sizeof(text))
		return NULL;
	if (elf_source_read(&module->file.source, segment->p_offset, text, segment->p_filesz) ||
		text[segment->p_filesz - 1])
		return NULL;
	module->interpreter = strdup(text);
	return module->interpreter;
}
