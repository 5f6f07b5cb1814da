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

#include "target/build_id.h"
#include "target/debug_file.h"
#include "target/elf_file.h"
#include "target/perf_map.h"
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
	bool separate_tried;
	bool is_own_word; /* the separate one was found by link: it names this very file only */
};

struct module {
	struct module_cache *cache; /* NULL once the cache is gone */
	struct module *newer, *older;
	size_t references;
	struct module_key key;
	dev_t kernel_device; /* see module_set_kernel_file; as in `key` until then */
	ino_t kernel_inode;
	char *path;
	int fd;		 /* -1: in memory */
	uint8_t *memory; /* NULL: a file */
	struct elf_file file;
	struct build_id build_id;
	struct module_symbols symbols;
	struct module *twin; /* a copy of this very file, whose symbols are used; NULL: none */
	struct module_debug *debug; /* NULL until asked for */
	char *interpreter;	    /* NULL until asked for */
	struct trampoline_site trampolines[TRAMPOLINES_MAX];
	size_t trampoline_count;
	bool trampolines_known; /* looked for */
	uint64_t visit;		/* the last round of target_each_module that saw it */
};

struct module *module_get(struct module *module); /* one more reference */
/* The module that holds the code at an address of the process, and the linked virtual address
 * there; NULL when it is in none. */
struct module *target_module_at(struct target *target, uint64_t address, uint64_t *vaddr);

/* Answers for this cache's modules; NULL without memory. */
struct reader;
struct reader *module_cache_reader(struct module_cache *cache);
struct module_debug;
void module_debug_free(struct module_debug *debug); /* NULL is fine */

/* A number that no round of visits had before. */
uint64_t module_cache_next_visit(struct module_cache *cache);

/* An ELF file in memory, which is taken over. A counted reference to it or to one of the same
 * content, or NULL with errno set. */
struct module *module_open_memory(
	struct module_cache *cache, uint8_t *memory, size_t bytes, const char *path);
/* Whether the symbols of some module have been read, and its file is a copy of this one: that
 * module, not counted, else NULL. */
struct module *module_find_twin(struct module *module);

/* Looks for debug files in other places, which are taken over. */
void module_cache_set_debug_places(struct module_cache *cache, struct debug_places places);
const struct debug_places *module_cache_debug_places(const struct module_cache *cache);
struct perf_map_account *module_cache_perf_maps(struct module_cache *cache);

/* module_symbol for functions only (STT_FUNC, STT_GNU_IFUNC). */
int module_function_symbol(struct module *module, const char *name, uint64_t *vaddr);
/* Looks for the separate debug file, once; symbols.separate_fd is -1 without one. */
void module_open_separate(struct module *module);
void module_symbols_free(struct module_symbols *symbols);

/* Decompresses .gnu_debugdata. The bytes (free with free()) or NULL. */
uint8_t *minidebug_read(const struct elf_file *file, size_t *bytes);

#endif
