/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * reader_libdw.c - source lines and call frame information by libdw.
 *
 * Runs in the process of reader_child.c only (and in unit tests). Files are read, not mapped
 * (ELF_C_READ): a mapping would end in SIGBUS when the file is cut short. An address is looked
 * up in the table of ranges where the compiler wrote one, else unit by unit. The row of the
 * line table for an address inside of inlined code is that of the inlined code: the innermost.
 * Where that is a standard library's, the call that was inlined is looked at, and so on outwards.
 * Expressions of call frame information are not evaluated, but for the few forms that
 * compilers write; a register that is found in another way is not known.
 */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <limits.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "target/reader.h"

#define OPEN_MAX	      16
#define DEBUG_BYTES_MAX	      (512ull << 20)
#define INLINED_MAX	      64
#define SCOPES_MAX	      256 /* one within the other */
#define REGISTER_OPERANDS_MAX 3	  /* as dwarf_frame_register wants */

struct open_file {
	struct module_key key;
	int fd; /* -1: a free place */
	uint64_t used;
	Elf *elf;
	bool dwarf_tried, reader_refused, frames_tried;
	Dwarf *dwarf;
	Dwarf_CFI *frames; /* .eh_frame */
};

struct reader_cache {
	uint64_t clock;
	struct open_file files[OPEN_MAX];
};

struct reader_cache *reader_cache_new(void)
{
	struct reader_cache *cache = calloc(1, sizeof(*cache));

	elf_version(EV_CURRENT);
	for (size_t i = 0; cache && i < OPEN_MAX; i++)
		cache->files[i].fd = -1;
	return cache;
}

static void file_close(struct open_file *file)
{
	if (file->fd < 0)
		return;
	if (file->frames)
		dwarf_cfi_end(file->frames);
	dwarf_end(file->dwarf);
	elf_end(file->elf);
	close(file->fd);
	*file = (struct open_file){.fd = -1};
}

void reader_cache_free(struct reader_cache *cache)
{
	for (size_t i = 0; cache && i < OPEN_MAX; i++)
		file_close(&cache->files[i]);
	free(cache);
}

static bool same_key(const struct module_key *a, const struct module_key *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       a->mtime.tv_sec == b->mtime.tv_sec && a->mtime.tv_nsec == b->mtime.tv_nsec;
}

/* The open file, opened now where it was not; the least recently used one gives place. */
static struct open_file *file_get(struct reader_cache *cache, const struct module_key *key, int fd)
{
	struct open_file *oldest = &cache->files[0];

	cache->clock++;
	for (size_t i = 0; i < OPEN_MAX; i++) {
		struct open_file *file = &cache->files[i];

		if (file->fd >= 0 && same_key(&file->key, key)) {
			file->used = cache->clock;
			close(fd);
			return file;
		}
		if (file->used < oldest->used)
			oldest = file;
	}
	file_close(oldest);
	*oldest = (struct open_file){.key = *key, .fd = fd, .used = cache->clock};
	oldest->elf = elf_begin(fd, ELF_C_READ, NULL);
	return oldest;
}

/* How large the debug sections are; libdw reads all of them at once. */
static uint64_t debug_bytes(Elf *elf)
{
	uint64_t total = 0;
	Elf_Scn *section = NULL;
	size_t names;

	if (elf_getshdrstrndx(elf, &names))
		return 0;
	while ((section = elf_nextscn(elf, section))) {
		const Elf64_Shdr *header = elf64_getshdr(section);
		const char *name = header ? elf_strptr(elf, names, header->sh_name) : NULL;

		if (!name || header->sh_type == SHT_NOBITS ||
			(strncmp(name, ".debug_", 7) && strncmp(name, ".zdebug_", 8)))
			continue;
		if (header->sh_size > UINT64_MAX - total)
			return UINT64_MAX;
		total += header->sh_size;
	}
	return total;
}

static Dwarf *file_dwarf(struct open_file *file)
{
	uint64_t bytes;

	if (file->dwarf_tried || !file->elf)
		return file->dwarf;
	file->dwarf_tried = true;
	bytes = debug_bytes(file->elf);
	if (bytes && bytes <= DEBUG_BYTES_MAX)
		file->dwarf = dwarf_begin_elf(file->elf, DWARF_C_READ, NULL);
	file->reader_refused = bytes && !file->dwarf;
	return file->dwarf;
}

/* ---- lines ---- */

/* The unit whose code covers the address. */
static bool unit_at(Dwarf *dwarf, uint64_t vaddr, Dwarf_Die *out)
{
	Dwarf_CU *unit = NULL;
	uint8_t type;

	/* Units may be missing in the table of ranges, not be false in it. */
	if (dwarf_addrdie(dwarf, vaddr, out))
		return true;
	while (!dwarf_get_units(dwarf, unit, &unit, NULL, &type, out, NULL))
		if ((type == DW_UT_compile || type == DW_UT_skeleton) &&
			dwarf_haspc(out, vaddr) > 0)
			return true;
	return false;
}

/* The file and line of a call that was inlined. NULL: not told. */
static const char *inlined_call(Dwarf_Die *unit, Dwarf_Die *die, int *line)
{
	Dwarf_Attribute attribute;
	Dwarf_Word number;
	Dwarf_Files *files;
	size_t count;

	if (dwarf_formudata(dwarf_attr(die, DW_AT_call_line, &attribute), &number) || !number ||
		number > INT_MAX)
		return NULL;
	*line = (int)number;
	if (dwarf_formudata(dwarf_attr(die, DW_AT_call_file, &attribute), &number) ||
		dwarf_getsrcfiles(unit, &files, &count) || number >= count)
		return NULL;
	return dwarf_filesrc(files, number, NULL, NULL);
}

/* Inlined calls at an address, from the outermost on; those beyond the room are left out. */
struct inlined_calls {
	uint64_t vaddr;
	Dwarf_Die calls[INLINED_MAX];
	size_t count;
};

static bool find_inlined(Dwarf_Die *parent, unsigned int depth, struct inlined_calls *out);

/* false: what covers the address is not in there. dwarf_getscopes does not look into namespaces,
 * where Rust has its functions. */
static bool look_inside(Dwarf_Die *die, unsigned int depth, struct inlined_calls *out)
{
	switch (dwarf_tag(die)) {
	case DW_TAG_namespace:
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_enumeration_type:
	case DW_TAG_union_type:
		return find_inlined(die, depth + 1, out);
	case DW_TAG_inlined_subroutine:
	case DW_TAG_subprogram:
	case DW_TAG_lexical_block:
		if (dwarf_haspc(die, out->vaddr) <= 0)
			return false;
		if (dwarf_tag(die) == DW_TAG_inlined_subroutine && out->count < INLINED_MAX)
			out->calls[out->count++] = *die;
		find_inlined(die, depth + 1, out);
		return true;
	default:
		return false;
	}
}

static bool find_inlined(Dwarf_Die *parent, unsigned int depth, struct inlined_calls *out)
{
	Dwarf_Die child;

	if (depth > SCOPES_MAX || dwarf_child(parent, &child))
		return false;
	do {
		if (look_inside(&child, depth, out))
			return true;
	} while (!dwarf_siblingof(&child, &child));
	return false;
}

/* The innermost inlined call at this address that no standard library's file makes. NULL: there
 * is none. */
static const char *authors_call(Dwarf_Die *unit, uint64_t vaddr, int *line)
{
	struct inlined_calls inlined = {.vaddr = vaddr};

	find_inlined(unit, 0, &inlined);
	while (inlined.count) {
		const char *path = inlined_call(unit, &inlined.calls[--inlined.count], line);

		if (path && !reader_is_library(path))
			return path;
	}
	return NULL;
}

static int find_line(struct open_file *file, uint64_t vaddr, struct source_line *out)
{
	Dwarf *dwarf = file_dwarf(file);
	const char *path, *outer;
	int line = 0, outer_line;
	Dwarf_Line *row;
	Dwarf_Die unit;

	if (file->reader_refused)
		return -EBADMSG;
	if (!dwarf || !unit_at(dwarf, vaddr, &unit))
		return -ENOENT;
	row = dwarf_getsrc_die(&unit, vaddr);
	path = row ? dwarf_linesrc(row, NULL, NULL) : NULL;
	/* Line 0 is code that no line of the source stands for. */
	if (!path || dwarf_lineno(row, &line) || line <= 0)
		return -ENOENT;
	outer = reader_is_library(path) ? authors_call(&unit, vaddr, &outer_line) : NULL;
	if (outer) {
		path = outer;
		line = outer_line;
	}
	if (strlen(path) >= sizeof(out->file))
		return -ENOENT;
	out->line = line;
	strcpy(out->file, path);
	return 0;
}

/* ---- frames ---- */

static bool is_base_register(const Dwarf_Op *op, struct frame_rule *rule)
{
	uint64_t number, offset;

	if (op->atom == DW_OP_bregx) {
		number = op->number;
		offset = op->number2;
	} else if (op->atom >= DW_OP_breg0 && op->atom <= DW_OP_breg31) {
		number = op->atom - DW_OP_breg0;
		offset = op->number;
	} else {
		return false;
	}
	rule->other = number;
	rule->offset = (int32_t)offset;
	return number < DWARF_REGISTERS && (int64_t)offset == rule->offset;
}

static int take_cfa(Dwarf_Frame *frame, struct frame_rule *rule)
{
	Dwarf_Op *ops;
	size_t count;

	if (dwarf_frame_cfa(frame, &ops, &count) || !count || !is_base_register(&ops[0], rule))
		return -ENOENT;
	rule->kind = RULE_REGISTER;
	/* Where a function aligns its stack, the CFA is kept in memory. */
	if (count == 2 && ops[1].atom == DW_OP_deref)
		rule->kind = RULE_AT_REGISTER;
	else if (count > 1)
		return -ENOENT;
	return 0;
}

/* Ops of dwarf_frame_register: a location, or a value when DW_OP_stack_value ends them. */
static struct frame_rule rule_of(const Dwarf_Op *ops, size_t count)
{
	struct frame_rule rule = {.kind = RULE_UNKNOWN};
	int64_t offset = 0;
	size_t at = 1;

	if (count == 1 && ops[0].atom == DW_OP_regx && ops[0].number < DWARF_REGISTERS)
		return (struct frame_rule){.kind = RULE_REGISTER, .other = ops[0].number};
	if (ops[0].atom != DW_OP_call_frame_cfa)
		return rule;
	if (count == 2 && is_base_register(&ops[1], &rule)) {
		rule.kind = RULE_AT_REGISTER;
		return rule;
	}
	if (at < count && ops[at].atom == DW_OP_plus_uconst)
		offset = (int64_t)ops[at++].number;
	if (offset != (int32_t)offset)
		return (struct frame_rule){.kind = RULE_UNKNOWN};
	rule = (struct frame_rule){.offset = (int32_t)offset};
	if (at == count)
		rule.kind = RULE_AT_CFA;
	else if (at + 1 == count && ops[at].atom == DW_OP_stack_value)
		rule.kind = RULE_CFA;
	return rule;
}

static struct frame_rule take_rule(Dwarf_Frame *frame, int number)
{
	Dwarf_Op memory[REGISTER_OPERANDS_MAX], *ops;
	size_t count;

	if (dwarf_frame_register(frame, number, memory, &ops, &count))
		return (struct frame_rule){.kind = RULE_UNKNOWN};
	if (!count)
		return (struct frame_rule){.kind = ops ? RULE_UNDEFINED : RULE_SAME};
	return rule_of(ops, count);
}

static int take_row(Dwarf_CFI *frames, uint64_t vaddr, struct frame_row *out)
{
	Dwarf_Frame *frame;
	int err;

	if (!frames || dwarf_cfi_addrframe(frames, vaddr, &frame))
		return -ENOENT;
	err = take_cfa(frame, &out->cfa);
	for (int i = 0; !err && i < DWARF_REGISTERS; i++)
		out->registers[i] = take_rule(frame, i);
	free(frame);
	return err;
}

static int find_row(struct open_file *file, uint64_t vaddr, struct frame_row *out)
{
	Dwarf *dwarf;

	if (!file->frames_tried && file->elf)
		file->frames = dwarf_getcfi_elf(file->elf);
	file->frames_tried = true;
	if (!take_row(file->frames, vaddr, out))
		return 0;
	dwarf = file_dwarf(file);
	return take_row(dwarf ? dwarf_getcfi(dwarf) : NULL, vaddr, out);
}

void reader_cache_answer(struct reader_cache *cache, const struct reader_question *question, int fd,
	struct reader_answer *out)
{
	struct open_file *file = file_get(cache, &question->key, fd);

	*out = (struct reader_answer){.kind = question->kind, .err = -ENOENT};
	if (question->kind == READER_ASK_LINE)
		out->err = find_line(file, question->vaddr, &out->line);
	else if (question->kind == READER_ASK_FRAME)
		out->err = find_row(file, question->vaddr, &out->row);
}
