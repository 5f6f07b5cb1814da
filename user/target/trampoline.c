/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * trampoline.c - the start functions of run-time systems in a file.
 *
 * Where the start function is a local symbol and the file was stripped of those, the exported
 * function that hands it to pthread_create tells: by the one address of code that it loads into
 * the register of that argument. Refuses what is not exactly one.
 */
#include "target/target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "target/module_internal.h"

#define CODE_BYTES_MAX	  1024u
#define CALLEE_BYTES	  256u
#define CALL_REL32	  0xe8
#define JMP_REL32	  0xe9 /* a call that is the last */
#define CALL_BYTES	  5u
#define CALL_DISTANCE_MAX 16u /* of an argument's load from its call */
#define LEA_BYTES	  7u
#define STRINGS_BYTES_MAX (64u << 20)
#define RUST_NAME_BYTES	  256u /* of a name that is looked through: there may be millions */

/* The start function's own symbol; those that are hashed have it as a part. */
struct named {
	uint32_t kind;
	const char *symbol;
};

static const struct named named[] = {
	{WIRE_TRAMPOLINE_STD_THREAD, "execute_native_thread_routine"},
	{WIRE_TRAMPOLINE_PYTHON, "pythread_wrapper"},
	{WIRE_TRAMPOLINE_FUNCTION, "gomp_thread_start"},
	{WIRE_TRAMPOLINE_FUNCTION, "g_thread_proxy"},
};

/* Registers of arguments: pthread_create has its start function in the third; what hands it on to
 * pthread_create may have it elsewhere. */
#define ARGUMENT_FIRST	(1u << 0)
#define ARGUMENT_SECOND (1u << 1)
#define ARGUMENT_THIRD	(1u << 2)
#define ARGUMENTS	3

/* An exported function that passes the start function on. */
struct passer {
	uint32_t kind;
	const char *symbol;
	unsigned int arguments;
	bool by_callee; /* it may be in a local function that this one calls */
};

static const struct passer passers[] = {
	{WIRE_TRAMPOLINE_STD_THREAD,
		"_ZNSt6thread15_M_start_threadESt10unique_ptrINS_6_StateESt14default_deleteIS1_EE"
		"PFvvE",
		ARGUMENT_THIRD, false},
	{WIRE_TRAMPOLINE_PYTHON, "PyThread_start_joinable_thread", ARGUMENT_THIRD, true},
	{WIRE_TRAMPOLINE_PYTHON, "PyThread_start_new_thread", ARGUMENT_THIRD, true},
	{WIRE_TRAMPOLINE_FUNCTION, "g_thread_new",
		ARGUMENT_FIRST | ARGUMENT_SECOND | ARGUMENT_THIRD, false},
	{WIRE_TRAMPOLINE_FUNCTION, "g_thread_try_new",
		ARGUMENT_FIRST | ARGUMENT_SECOND | ARGUMENT_THIRD, false},
};

struct sites {
	struct trampoline_site *out;
	size_t room, count;
};

static void add(struct sites *sites, uint64_t file_offset, uint32_t kind)
{
	for (size_t i = 0; i < sites->count; i++)
		if (sites->out[i].file_offset == file_offset)
			return;
	if (sites->count < sites->room)
		sites->out[sites->count++] =
			(struct trampoline_site){.file_offset = file_offset, .kind = kind};
}

/* The file offset of code; 0 when that address holds none. */
static uint64_t code_offset(struct module *module, uint64_t vaddr)
{
	const Elf64_Phdr *load = elf_file_load_of_vaddr(&module->file, vaddr);

	return load && load->p_flags & PF_X ? load->p_offset + (vaddr - load->p_vaddr) : 0;
}

/* `lea d(%rip),%rdi|%rsi|%rdx`, or `mov $imm32,%edi|%esi|%edx` in a program that is not moved. */
static bool loads_address(struct module *module, const uint8_t *code, size_t bytes, uint64_t next,
	unsigned int arguments, uint64_t *vaddr)
{
	static const uint8_t lea[ARGUMENTS][3] = {
		{0x48, 0x8d, 0x3d}, {0x48, 0x8d, 0x35}, {0x48, 0x8d, 0x15}};
	static const uint8_t mov[ARGUMENTS] = {0xbf, 0xbe, 0xba};
	int32_t value;

	for (unsigned int i = 0; i < ARGUMENTS; i++) {
		if (!(arguments & (1u << i)))
			continue;
		if (bytes >= LEA_BYTES && !memcmp(code, lea[i], sizeof(lea[i]))) {
			memcpy(&value, code + sizeof(lea[i]), sizeof(value));
			*vaddr = next + LEA_BYTES + (uint64_t)(int64_t)value;
			return true;
		}
		if (module->file.header.e_type == ET_EXEC && bytes > sizeof(value) &&
			code[0] == mov[i]) {
			memcpy(&value, code + 1, sizeof(value));
			*vaddr = (uint32_t)value;
			return true;
		}
	}
	return false;
}

/* A piece of code, and the one address of other code that is loaded in it. */
struct scan {
	struct module *module;
	uint64_t vaddr;
	size_t bytes;
	size_t own_bytes; /* of the function itself, as far as that is known */
	uint8_t code[CODE_BYTES_MAX];
	uint64_t found;
	bool ambiguous;
};

/* At most so many bytes of a function; its segment may end before. */
static bool read_code(struct scan *scan, uint64_t vaddr, uint64_t bytes)
{
	const Elf64_Phdr *load = elf_file_load_of_vaddr(&scan->module->file, vaddr);
	uint64_t left = load ? load->p_filesz - (vaddr - load->p_vaddr) : 0;

	bytes = bytes < left ? bytes : left;
	scan->vaddr = vaddr;
	scan->bytes = bytes < sizeof(scan->code) ? bytes : sizeof(scan->code);
	return code_offset(scan->module, vaddr) &&
	       !module_read(scan->module, vaddr, scan->code, scan->bytes);
}

static void note(struct scan *scan, uint64_t vaddr)
{
	if (!code_offset(scan->module, vaddr) || vaddr - scan->vaddr < scan->own_bytes)
		return;
	scan->ambiguous |= scan->found && scan->found != vaddr;
	scan->found = vaddr;
}

static bool calls_soon(const struct scan *scan, size_t at)
{
	for (size_t i = at; i < at + CALL_DISTANCE_MAX && i < scan->bytes; i++)
		if (scan->code[i] == CALL_REL32 || scan->code[i] == JMP_REL32)
			return true;
	return false;
}

static void scan_code(struct scan *scan, unsigned int arguments, bool before_calls)
{
	uint64_t vaddr;

	for (size_t at = 0; at < scan->bytes; at++)
		if (loads_address(scan->module, scan->code + at, scan->bytes - at, scan->vaddr + at,
			    arguments, &vaddr) &&
			(!before_calls || calls_soon(scan, at)))
			note(scan, vaddr);
}

/* The same in the functions that this one calls, of which no size is known. */
static void scan_callees(struct scan *scan, unsigned int arguments)
{
	struct scan callee = {.module = scan->module};
	int32_t distance;

	for (size_t at = 0; at + CALL_BYTES <= scan->bytes; at++) {
		if (scan->code[at] != CALL_REL32)
			continue;
		memcpy(&distance, scan->code + at + 1, sizeof(distance));
		if (read_code(&callee, scan->vaddr + at + CALL_BYTES + (uint64_t)(int64_t)distance,
			    CALLEE_BYTES))
			scan_code(&callee, arguments, true);
	}
	scan->found = callee.found;
	scan->ambiguous = callee.ambiguous;
}

/* File offset of the start function that this function hands on, or 0. */
static uint64_t passed_function(struct module *module, const struct passer *passer)
{
	struct scan scan = {.module = module};
	uint64_t vaddr, bytes;

	if (module_symbol(module, passer->symbol, &vaddr, &bytes) ||
		!read_code(&scan, vaddr, bytes))
		return 0;
	scan.own_bytes = scan.bytes;
	scan_code(&scan, passer->arguments, false);
	if (!scan.found && passer->by_callee)
		scan_callees(&scan, passer->arguments);
	return scan.found && !scan.ambiguous ? code_offset(module, scan.found) : 0;
}

/* Within its first bytes: in a hostile file all symbols may share one text without an end. */
static bool has_part(const char *name, const char *part)
{
	return memmem(name, strnlen(name, RUST_NAME_BYTES), part, strlen(part)) != NULL;
}

/* Rust's, mangled in either way: std::sys::...::Thread::new::thread_start. */
static bool is_rust_start(const char *name)
{
	static const char legacy[] = "_ZN3std3sys", v0[] = "_RNvNvM";

	if (!strncmp(name, legacy, sizeof(legacy) - 1))
		return has_part(name, "6Thread3new12thread_start17h");
	return !strncmp(name, v0, sizeof(v0) - 1) && has_part(name, "_3std3sys") &&
	       has_part(name, "6Thread3new12thread_start");
}

static bool is_start(const char *name, uint32_t *kind)
{
	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
		if (strcmp(name, named[i].symbol))
			continue;
		*kind = named[i].kind;
		return true;
	}
	if (!is_rust_start(name))
		return false;
	*kind = WIRE_TRAMPOLINE_RUST;
	return true;
}

struct search {
	struct module *module;
	struct sites *sites;
	const char *strings; /* ends in NUL */
	size_t bytes;
};

static bool look_at_symbol(const Elf64_Sym *symbol, void *context)
{
	struct search *search = context;
	uint64_t offset;
	uint32_t kind;

	if (ELF64_ST_TYPE(symbol->st_info) != STT_FUNC || symbol->st_shndx == SHN_UNDEF ||
		symbol->st_name >= search->bytes ||
		!is_start(search->strings + symbol->st_name, &kind))
		return true;
	offset = code_offset(search->module, symbol->st_value);
	if (offset)
		add(search->sites, offset, kind);
	return search->sites->count < search->sites->room;
}

/* The one pass over .symtab, names and all: hashes in names keep from looking them up. */
static void add_named(struct module *module, struct sites *sites)
{
	const struct elf_file *file = &module->file;
	const Elf64_Shdr *table = elf_file_section(file, NULL, SHT_SYMTAB, NULL);
	const Elf64_Shdr *strings = table ? elf_file_strings(file, table) : NULL;
	struct search search = {.module = module, .sites = sites};
	char *text;

	if (!strings || !strings->sh_size || strings->sh_size > STRINGS_BYTES_MAX)
		return;
	text = malloc(strings->sh_size);
	if (text && !elf_source_read(&file->source, strings->sh_offset, text, strings->sh_size)) {
		text[strings->sh_size - 1] = '\0';
		search.strings = text;
		search.bytes = strings->sh_size;
		elf_file_each_symbol(file, table, look_at_symbol, &search);
	}
	free(text);
}

static void find_all(struct module *module, struct sites *sites)
{
	uint64_t vaddr, bytes;

	/* Nothing but its own threads starts in libgomp; a static program has more than it. */
	if (!elf_file_dynamic(&module->file, DT_SONAME, &bytes) &&
		!module_symbol(module, "GOMP_parallel", &vaddr, &bytes)) {
		add(sites, TRAMPOLINE_ANYWHERE, WIRE_TRAMPOLINE_FUNCTION);
		return;
	}
	add_named(module, sites);
	for (size_t i = 0; i < sizeof(passers) / sizeof(passers[0]); i++) {
		uint64_t offset = passed_function(module, &passers[i]);

		if (offset)
			add(sites, offset, passers[i].kind);
	}
}

size_t trampolines_of(struct module *module, struct trampoline_site *out, size_t room)
{
	struct sites sites = {.out = module->trampolines, .room = TRAMPOLINES_MAX};

	if (!module->trampolines_known) {
		module->trampolines_known = true;
		find_all(module, &sites);
		module->trampoline_count = sites.count;
	}
	room = room < module->trampoline_count ? room : module->trampoline_count;
	memcpy(out, module->trampolines, room * sizeof(*out));
	return room;
}
