/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * module.c - one ELF file, shared and counted, and the cache that finds it again.
 *
 * The cache holds every module once, most recently opened first. Modules that nobody refers
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

#define DEBUG_FOLDER	 "/usr/lib/debug/.build-id"
#define MODULE_BYTES_MAX (16ll << 30)

struct module_cache {
	struct module *newest, *oldest;
	size_t count, limit;
	uint64_t visits;
	const char *debug_folder;
};

struct module_cache *module_cache_new(size_t limit)
{
	struct module_cache *cache = calloc(1, sizeof(*cache));

	if (cache) {
		cache->limit = limit;
		cache->debug_folder = DEBUG_FOLDER;
	}
	return cache;
}

void module_cache_set_debug_folder(struct module_cache *cache, const char *folder)
{
	cache->debug_folder = folder;
}

const char *module_cache_debug_folder(const struct module_cache *cache)
{
	return cache->debug_folder;
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
	if (!module)
		return;
	module_symbols_free(&module->symbols);
	elf_file_close(&module->file);
	if (module->fd >= 0)
		close(module->fd);
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

/* NULL with errno set. */
static struct module *module_new(int fd, const char *path, const struct module_key *key)
{
	struct module *module = calloc(1, sizeof(*module));
	int err;

	if (!module)
		return NULL;
	module->key = *key;
	module->symbols.separate_fd = -1;
	module->path = strdup(path);
	module->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (module->fd < 0 || !module->path) {
		err = module->path ? -errno : -ENOMEM;
	} else {
		struct elf_source source = {.fd = module->fd, .size = key->size};

		err = elf_file_open(source, &module->file);
	}
	if (!err)
		return module;
	module_free(module);
	errno = -err;
	return NULL;
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
	if (module) {
		unlink_module(module);
	} else {
		module = module_new(fd, path, &key);
		if (!module)
			return NULL;
		module->cache = cache;
	}
	link_newest(cache, module);
	module->references++;
	evict(cache);
	return module;
}

struct module *module_cached(struct module_cache *cache, dev_t device, ino_t inode)
{
	for (struct module *at = cache->newest; at; at = at->older)
		if (at->key.device == device && at->key.inode == inode)
			return module_is_current(at) ? module_get(at) : NULL;
	return NULL;
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
