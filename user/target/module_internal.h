/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * module_internal.h - what the parts of user/target know of a module beyond target.h.
 *
 * A module owns a descriptor of its file, so that it outlives the file's name and every
 * process that maps it. Counts are plain: one thread uses a cache and all that came from it.
 */
#ifndef TW_TARGET_MODULE_INTERNAL_H
#define TW_TARGET_MODULE_INTERNAL_H

#include <time.h>

#include "target/elf_file.h"
#include "target/target.h"

/* What tells one state of a file from another. */
struct module_key {
	dev_t device;
	ino_t inode;
	struct timespec mtime;
	off_t size;
};

/* A function with a size and a name that is still in the file. 16 bytes: there are many. */
struct function {
	uint64_t start;
	uint32_t bytes; /* saturated */
	uint32_t name : 28;
	uint32_t table : 2; /* in module_symbols.tables */
	uint32_t rank : 2;  /* of its binding, the smallest first */
};

/* .dynsym and .symtab of the file, .symtab of .gnu_debugdata or of a separate debug file. */
#define MODULE_TABLES_MAX 4

struct symbol_strings {
	const struct elf_file *file;
	uint64_t offset, bytes;
};

/* Filled on first need; functions are sorted by start, which is unique. */
struct module_symbols {
	bool loaded;
	size_t table_count;
	struct symbol_strings tables[MODULE_TABLES_MAX];
	size_t function_count;
	struct function *functions;
	char **names; /* one for each function, NULL until asked for */
	struct elf_file embedded;
	uint8_t *embedded_bytes;
	struct elf_file separate;
	int separate_fd; /* -1: none */
};

struct module {
	struct module_cache *cache; /* NULL once the cache is gone */
	struct module *newer, *older;
	size_t references;
	struct module_key key;
	char *path;
	int fd;
	struct elf_file file;
	struct module_symbols symbols;
	char *interpreter; /* NULL until asked for */
	uint64_t visit;	   /* the last round of target_each_module that saw it */
};

struct module *module_get(struct module *module); /* one more reference */
/* The file still is what it was when it was opened. */
bool module_is_current(const struct module *module);
/* A number that no round of visits had before. */
uint64_t module_cache_next_visit(struct module_cache *cache);

/* Where debug files by build id are looked for, /usr/lib/debug/.build-id by default. The
 * string must outlive the cache. */
void module_cache_set_debug_folder(struct module_cache *cache, const char *folder);
const char *module_cache_debug_folder(const struct module_cache *cache);

/* module_symbol for functions only (STT_FUNC, STT_GNU_IFUNC). */
int module_function_symbol(struct module *module, const char *name, uint64_t *vaddr);
void module_symbols_free(struct module_symbols *symbols);

/* Decompresses .gnu_debugdata. The bytes (free with free()) or NULL. */
uint8_t *minidebug_read(const struct elf_file *file, size_t *bytes);

#endif
