/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * frame_sites.c - return addresses in functions that create threads for their caller, and how
 * the caller's frame is found at each.
 *
 * Functions are found by their symbols: libstdc++'s one by its exported name, those that were
 * made in a program by its symbol table (creating.h). Every byte in them that may begin a call
 * counts: a rule for an address that is none is never looked up. Refuses files without a call
 * frame section and, of the rest, what is in a form that a rule cannot say.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "target/creating.h"
#include "target/eh_frame.h"
#include "target/module_internal.h"

#define FUNCTIONS_MAX	  16384
#define CODE_BYTES_MAX	  (64u << 10) /* of one function */
#define STRINGS_BYTES_MAX (64u << 20)
#define CALL_RELATIVE	  0xe8
#define CALL_BYTES	  5u
#define CALL_INDIRECT_0	  0xff /* through a word at a distance from here: -fno-plt */
#define CALL_INDIRECT_1	  0x15
#define INDIRECT_BYTES	  6u
#define CALL_REGISTER	  0xd0 /* behind CALL_INDIRECT_0, eight of them */
#define REGISTER_MASK	  0xf8
#define REGISTER_BYTES	  2u

struct search {
	struct module *module;
	const char *strings; /* ends in NUL */
	size_t strings_bytes;
	uint64_t *starts; /* of functions, linked addresses */
	size_t start_count;
	struct frame_site *sites;
	size_t site_count, site_room;
	size_t left_out;
	uint8_t *code; /* CODE_BYTES_MAX */
};

/* ---- functions ---- */

static void add_start(struct search *search, uint64_t vaddr)
{
	if (search->start_count < FUNCTIONS_MAX)
		search->starts[search->start_count++] = vaddr;
	else
		search->left_out++;
}

static bool look_at_symbol(const Elf64_Sym *symbol, void *context)
{
	struct search *search = context;

	if (ELF64_ST_TYPE(symbol->st_info) == STT_FUNC && symbol->st_shndx != SHN_UNDEF &&
		symbol->st_name < search->strings_bytes &&
		creates_for_caller(search->strings + symbol->st_name))
		add_start(search, symbol->st_value);
	return true;
}

static void add_named(struct search *search)
{
	const struct elf_file *file = &search->module->file;
	const Elf64_Shdr *table = elf_file_section(file, NULL, SHT_SYMTAB, NULL);
	const Elf64_Shdr *strings = table ? elf_file_strings(file, table) : NULL;
	char *text;

	if (!strings || !strings->sh_size || strings->sh_size > STRINGS_BYTES_MAX)
		return;
	text = malloc(strings->sh_size);
	if (text && !elf_source_read(&file->source, strings->sh_offset, text, strings->sh_size)) {
		text[strings->sh_size - 1] = '\0';
		search->strings = text;
		search->strings_bytes = strings->sh_size;
		elf_file_each_symbol(file, table, look_at_symbol, search);
		search->strings = NULL;
	}
	free(text);
}

static void add_exported(struct search *search)
{
	uint64_t vaddr, bytes;

	for (size_t i = 0; i < CREATING_EXPORTED_COUNT; i++)
		if (!module_symbol(search->module, creating_exported[i], &vaddr, &bytes))
			add_start(search, vaddr);
}

/* Does the file start threads through a run-time system, or is it that of C++? Saves the others
 * (nearly all) the reading of their symbols. */
static bool has_any(struct module *module)
{
	const Elf64_Shdr *dynamic = elf_file_section(&module->file, NULL, SHT_DYNSYM, NULL);
	const Elf64_Shdr *strings = dynamic ? elf_file_strings(&module->file, dynamic) : NULL;
	struct trampoline_site sites[TRAMPOLINES_MAX];
	size_t count = trampolines_of(module, sites, TRAMPOLINES_MAX);
	uint64_t offset;

	for (size_t i = 0; i < count; i++)
		if (sites[i].kind == WIRE_TRAMPOLINE_STD_THREAD ||
			sites[i].kind == WIRE_TRAMPOLINE_RUST)
			return true;
	for (size_t i = 0; strings && i < CREATING_EXPORTED_COUNT; i++)
		if (elf_file_find_name(&module->file, strings, creating_exported[i], &offset, 1))
			return true;
	return false;
}

/* ---- calls ---- */

static int compare_addresses(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Bytes of the call that may begin here; 0: none does. */
static size_t call_at(struct search *search, const uint8_t *code, size_t left, uint64_t vaddr)
{
	const Elf64_Phdr *load;
	int32_t distance;

	if (left >= INDIRECT_BYTES && code[0] == CALL_INDIRECT_0 && code[1] == CALL_INDIRECT_1)
		return INDIRECT_BYTES;
	if (left >= REGISTER_BYTES && code[0] == CALL_INDIRECT_0 &&
		(code[1] & REGISTER_MASK) == CALL_REGISTER)
		return REGISTER_BYTES;
	if (left < CALL_BYTES || code[0] != CALL_RELATIVE)
		return 0;
	memcpy(&distance, code + 1, sizeof(distance));
	load = elf_file_load_of_vaddr(
		&search->module->file, vaddr + CALL_BYTES + (uint64_t)(int64_t)distance);
	return load && load->p_flags & PF_X ? CALL_BYTES : 0;
}

static void add_site(struct search *search, uint64_t vaddr, const struct wire_frame_rule *rule)
{
	const Elf64_Phdr *load = elf_file_load_of_vaddr(&search->module->file, vaddr);
	struct frame_site *grown;

	if (!load || !(load->p_flags & PF_X))
		return;
	grown = search->site_count < FRAME_SITES_MAX
			? array_grow(search->sites, &search->site_room, search->site_count + 1,
				  sizeof(*search->sites))
			: NULL;
	if (!grown) {
		search->left_out++;
		return;
	}
	search->sites = grown;
	search->sites[search->site_count++] = (struct frame_site){
		.file_offset = load->p_offset + (vaddr - load->p_vaddr), .rule = *rule};
}

static bool look_at_function(const struct eh_function *function, void *context)
{
	struct search *search = context;
	size_t bytes = function->bytes < CODE_BYTES_MAX ? function->bytes : CODE_BYTES_MAX;

	if (!bsearch(&function->start, search->starts, search->start_count, sizeof(*search->starts),
		    compare_addresses))
		return true;
	if (module_read(search->module, function->start, search->code, bytes))
		return true;
	for (size_t at = 0; at < bytes; at++) {
		uint64_t vaddr = function->start + at;
		size_t length = call_at(search, search->code + at, bytes - at, vaddr);
		struct wire_frame_rule rule;

		/* The rule is that of the call: one that does not return may be the last
		 * instruction of its row. */
		if (length && !eh_function_rule(function, vaddr, &rule))
			add_site(search, vaddr + length, &rule);
	}
	return true;
}

/* ---- all ---- */

static int find_sites(struct search *search)
{
	struct eh_frame frame;
	int err;

	add_exported(search);
	add_named(search);
	if (!search->start_count)
		return 0;
	qsort(search->starts, search->start_count, sizeof(*search->starts), compare_addresses);
	err = eh_frame_open(&search->module->file, &frame);
	if (err)
		return err == -ENOMEM ? err : 0;
	eh_frame_each(&frame, look_at_function, search);
	eh_frame_close(&frame);
	return 0;
}

int frame_sites_find(
	struct module *module, struct frame_site **sites, size_t *count, size_t *left_out)
{
	struct search search = {.module = module};
	int err = 0;

	if (has_any(module)) {
		search.starts = malloc(FUNCTIONS_MAX * sizeof(*search.starts));
		search.code = malloc(CODE_BYTES_MAX);
		err = search.starts && search.code ? find_sites(&search) : -ENOMEM;
		free(search.starts);
		free(search.code);
	}
	if (err) {
		free(search.sites);
		return err;
	}
	*sites = search.sites;
	*count = search.site_count;
	*left_out = search.left_out;
	return 0;
}
