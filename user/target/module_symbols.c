/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * module_symbols.c - function at an address, symbol by name.
 *
 * Input: .dynsym and .symtab of the file; where it was stripped, also .gnu_debugdata and a
 * separate debug file (debug_file.c), or a copy of the file that was read before. Only addresses,
 * sizes and places of names are kept; a name is read when it is asked for, and only while the
 * file is unchanged. Invariant: a function that is returned covers the address by its size;
 * one without a size covers its first byte only.
 */
#include "target/module_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "target/regular_file.h"

#define FUNCTIONS_MAX	(4u << 20)
#define NAME_BYTES_MAX	(16u << 10)
#define NESTED_MAX	64 /* functions looked at that begin inside the one sought */
#define NAME_PLACES_MAX 16

struct collector {
	struct module_symbols *symbols;
	uint64_t strings_bytes;
	size_t capacity;
	unsigned int table;
};

static bool is_function(const Elf64_Sym *symbol)
{
	unsigned int type = ELF64_ST_TYPE(symbol->st_info);

	return (type == STT_FUNC || type == STT_GNU_IFUNC) && symbol->st_shndx != SHN_UNDEF;
}

static bool is_object(const Elf64_Sym *symbol)
{
	return ELF64_ST_TYPE(symbol->st_info) == STT_OBJECT && symbol->st_shndx != SHN_UNDEF;
}

/* Which of several names of one function people know it by. */
static unsigned int binding_rank(const Elf64_Sym *symbol)
{
	switch (ELF64_ST_BIND(symbol->st_info)) {
	case STB_GLOBAL:
		return 0;
	case STB_WEAK:
		return 1;
	default:
		return 2;
	}
}

static bool collect(const Elf64_Sym *symbol, void *context)
{
	struct collector *collector = context;
	struct module_symbols *symbols = collector->symbols;
	struct function *more;

	if (!is_function(symbol) || !symbol->st_name || symbol->st_name >= collector->strings_bytes)
		return true;
	if (symbols->function_count == FUNCTIONS_MAX)
		return false;
	more = array_grow(symbols->functions, &collector->capacity, symbols->function_count + 1,
		sizeof(*more));
	if (!more)
		return false;
	symbols->functions = more;
	symbols->functions[symbols->function_count++] = (struct function){
		.start = symbol->st_value,
		.bytes = symbol->st_size > UINT32_MAX ? UINT32_MAX : (uint32_t)symbol->st_size,
		.name = symbol->st_name,
		.table = collector->table,
		.rank = binding_rank(symbol),
	};
	return true;
}

/* Adds the functions of one symbol table. Returns whether the file has such a table. */
static bool collect_table(
	struct collector *collector, const struct elf_file *file, uint32_t section_type)
{
	const Elf64_Shdr *table = elf_file_section(file, NULL, section_type, NULL);
	const Elf64_Shdr *strings = table ? elf_file_strings(file, table) : NULL;
	struct module_symbols *symbols = collector->symbols;

	if (!strings || symbols->table_count == MODULE_TABLES_MAX)
		return false;
	collector->table = symbols->table_count;
	collector->strings_bytes = strings->sh_size;
	symbols->tables[symbols->table_count++] = (struct symbol_strings){
		.file = file,
		.offset = strings->sh_offset,
		.bytes = strings->sh_size,
	};
	elf_file_each_symbol(file, table, collect, collector);
	return true;
}

static int compare_functions(const void *left, const void *right)
{
	const struct function *a = left, *b = right;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	if (a->bytes != b->bytes)
		return a->bytes > b->bytes ? -1 : 1;
	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	if (a->table != b->table)
		return a->table < b->table ? -1 : 1;
	return a->name < b->name ? -1 : a->name > b->name;
}

/* Sorts, and keeps of those that begin together the one that covers most. */
static void sort_functions(struct module_symbols *symbols)
{
	struct function *functions = symbols->functions;
	size_t kept = 0;

	if (!symbols->function_count)
		return;
	qsort(functions, symbols->function_count, sizeof(*functions), compare_functions);
	for (size_t i = 0; i < symbols->function_count; i++) {
		if (!kept || functions[kept - 1].start != functions[i].start)
			functions[kept++] = functions[i];
	}
	symbols->function_count = kept;
}

static void open_embedded(struct module *module)
{
	struct module_symbols *symbols = &module->symbols;
	struct elf_source source = {.fd = -1};
	size_t bytes;

	symbols->embedded_bytes = minidebug_read(&module->file, &bytes);
	if (!symbols->embedded_bytes)
		return;
	source.memory = symbols->embedded_bytes;
	source.size = bytes;
	if (elf_file_open(source, &symbols->embedded)) {
		free(symbols->embedded_bytes);
		symbols->embedded_bytes = NULL;
	}
}

void module_open_separate(struct module *module)
{
	struct module_symbols *symbols = &module->symbols;
	const struct debug_places *places;
	const struct debug_subject subject = {
		.file = &module->file, .id = &module->build_id, .path = module->path};
	int fd;

	if (symbols->separate_tried || !module->cache)
		return;
	symbols->separate_tried = true;
	places = module_cache_debug_places(module->cache);
	fd = debug_file_of_build(places, subject.id, &symbols->separate);
	if (fd < 0) {
		fd = debug_file_of_link(places, &subject, &symbols->separate);
		symbols->is_own_word = fd >= 0;
	}
	symbols->separate_fd = fd < 0 ? -1 : fd;
}

static void load_functions(struct module *module)
{
	struct module_symbols *symbols = &module->symbols;
	struct collector collector = {.symbols = symbols};

	symbols->loaded = true;
	collect_table(&collector, &module->file, SHT_DYNSYM);
	if (!collect_table(&collector, &module->file, SHT_SYMTAB)) {
		open_embedded(module);
		module_open_separate(module);
		if (symbols->embedded_bytes)
			collect_table(&collector, &symbols->embedded, SHT_SYMTAB);
		if (symbols->separate_fd >= 0)
			collect_table(&collector, &symbols->separate, SHT_SYMTAB);
	}
	sort_functions(symbols);
	symbols->names = calloc(symbols->function_count, sizeof(*symbols->names));
	if (!symbols->names)
		symbols->function_count = 0;
}

/* The module whose table holds the functions of this one. */
static struct module *with_functions(struct module *module)
{
	if (!module->twin && !module->symbols.loaded) {
		module->twin = module_find_twin(module);
		if (module->twin)
			module_get(module->twin);
		else
			load_functions(module);
	}
	return module->twin ? module->twin : module;
}

/* The function's name, read once; NULL when it cannot be read any more. */
static const char *function_name(struct module *module, size_t index)
{
	struct module_symbols *symbols = &module->symbols;
	const struct function *function = &symbols->functions[index];
	const struct symbol_strings *strings = &symbols->tables[function->table];
	uint64_t left = strings->bytes - function->name;
	size_t bytes = left < NAME_BYTES_MAX ? left : NAME_BYTES_MAX;
	char text[NAME_BYTES_MAX];

	if (symbols->names[index])
		return symbols->names[index];
	if (!module_is_current(module) ||
		elf_source_read(
			&strings->file->source, strings->offset + function->name, text, bytes) ||
		!text[0] || strnlen(text, bytes) == bytes)
		return NULL;
	symbols->names[index] = strdup(text);
	return symbols->names[index];
}

/* How many functions begin at or below an address. */
static size_t count_up_to(const struct module_symbols *symbols, uint64_t vaddr)
{
	size_t low = 0, high = symbols->function_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (symbols->functions[middle].start <= vaddr)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const char *module_function_at(struct module *module, uint64_t vaddr, uint64_t *distance)
{
	struct module *owner = with_functions(module);
	struct module_symbols *symbols = &owner->symbols;
	size_t end, first;

	end = count_up_to(symbols, vaddr);
	first = end > NESTED_MAX ? end - NESTED_MAX : 0;
	for (size_t i = end; i-- > first;) {
		const struct function *function = &symbols->functions[i];
		uint64_t into = vaddr - function->start;
		const char *name;

		if (into && into >= function->bytes)
			continue;
		name = function_name(owner, i);
		if (name)
			*distance = into;
		return name;
	}
	return NULL;
}

struct lookup {
	bool (*wanted)(const Elf64_Sym *symbol);
	uint64_t places[NAME_PLACES_MAX];
	size_t place_count;
	bool found;
	uint64_t value, bytes;
};

static bool match(const Elf64_Sym *symbol, void *context)
{
	struct lookup *lookup = context;

	if (!lookup->wanted(symbol))
		return true;
	for (size_t i = 0; i < lookup->place_count; i++) {
		if (symbol->st_name != lookup->places[i])
			continue;
		lookup->found = true;
		lookup->value = symbol->st_value;
		lookup->bytes = symbol->st_size;
		return false;
	}
	return true;
}

/* Looks for the places of the name first: a string table is never held in memory. */
static bool find_by_name(
	const struct elf_file *file, uint32_t section_type, const char *name, struct lookup *lookup)
{
	const Elf64_Shdr *table = elf_file_section(file, NULL, section_type, NULL);
	const Elf64_Shdr *strings = table ? elf_file_strings(file, table) : NULL;

	if (!strings)
		return false;
	lookup->place_count =
		elf_file_find_name(file, strings, name, lookup->places, NAME_PLACES_MAX);
	if (lookup->place_count)
		elf_file_each_symbol(file, table, match, lookup);
	return lookup->found;
}

static bool is_function_or_object(const Elf64_Sym *symbol)
{
	return is_function(symbol) || is_object(symbol);
}

int module_symbol(struct module *module, const char *name, uint64_t *vaddr, uint64_t *bytes)
{
	struct lookup lookup = {.wanted = is_function_or_object};

	if (!find_by_name(&module->file, SHT_DYNSYM, name, &lookup) &&
		!find_by_name(&module->file, SHT_SYMTAB, name, &lookup))
		return -ENOENT;
	*vaddr = lookup.value;
	*bytes = lookup.bytes;
	return 0;
}

int module_function_symbol(struct module *module, const char *name, uint64_t *vaddr)
{
	struct lookup lookup = {.wanted = is_function};

	if (!find_by_name(&module->file, SHT_DYNSYM, name, &lookup) &&
		!find_by_name(&module->file, SHT_SYMTAB, name, &lookup))
		return -ENOENT;
	*vaddr = lookup.value;
	return 0;
}

void module_symbols_free(struct module_symbols *symbols)
{
	for (size_t i = 0; symbols->names && i < symbols->function_count; i++)
		free(symbols->names[i]);
	free(symbols->names);
	free(symbols->functions);
	elf_file_close(&symbols->embedded);
	free(symbols->embedded_bytes);
	elf_file_close(&symbols->separate);
	if (symbols->separate_fd >= 0)
		close(symbols->separate_fd);
}
