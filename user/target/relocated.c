/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * relocated.c - constant data of a file as a process saw it, when the process is gone.
 *
 * Input: PT_DYNAMIC and the relocations of the file (.rela.dyn, .relr.dyn). A vtable is all
 * relocations: in the file there are zeros. Refuses what may have been written since it was
 * loaded, and words whose value another file decides.
 */
#include "target/target_internal.h"

#include <errno.h>
#include <string.h>

#include "target/module_internal.h"

#define WORD_BYTES	     8u
#define TABLE_BYTES_MAX	     (64u << 20)
#define CHUNK_BYTES	     (12u << 10) /* whole entries of 8 and of 24 bytes */
#define RELR_WORDS_OF_BITMAP 63u

/* The bytes that are being read, as linked. */
struct window {
	uint64_t vaddr;
	size_t bytes;
	uint8_t *out;
	uint64_t bias;
};

static bool is_constant(const struct elf_file *file, uint64_t vaddr, size_t bytes)
{
	const Elf64_Phdr *load = elf_file_load_of_vaddr(file, vaddr);
	const Elf64_Phdr *relro = elf_file_segment(file, PT_GNU_RELRO);

	if (load && !(load->p_flags & PF_W))
		return true;
	return relro && vaddr >= relro->p_vaddr && vaddr - relro->p_vaddr <= relro->p_memsz &&
	       bytes <= relro->p_memsz - (vaddr - relro->p_vaddr);
}

int module_each_entry(struct module *module, int64_t table_tag, int64_t bytes_tag,
	size_t entry_bytes, int (*visit)(const void *entry, void *context), void *context)
{
	uint8_t chunk[CHUNK_BYTES] __attribute__((aligned(WORD_BYTES)));
	uint64_t table, left;
	int err = 0;

	if (elf_file_dynamic(&module->file, table_tag, &table) ||
		elf_file_dynamic(&module->file, bytes_tag, &left))
		return 0;
	if (left > TABLE_BYTES_MAX)
		return -EFAULT;
	left -= left % entry_bytes;
	while (left && !err) {
		size_t take = left < sizeof(chunk) ? left : sizeof(chunk);

		if (module_read(module, table, chunk, take))
			return -EFAULT;
		for (size_t at = 0; at < take && !err; at += entry_bytes)
			err = visit(chunk + at, context);
		table += take;
		left -= take;
	}
	return err;
}

static bool touches(const struct window *window, uint64_t word)
{
	return word < window->vaddr + window->bytes && word + WORD_BYTES > window->vaddr;
}

/* Writes that part of a word which lies in the window. */
static void put_word(struct window *window, uint64_t at, uint64_t value)
{
	const uint8_t *bytes = (const uint8_t *)&value;

	for (size_t i = 0; i < WORD_BYTES; i++) {
		if (at + i - window->vaddr < window->bytes)
			window->out[at + i - window->vaddr] = bytes[i];
	}
}

/* Value of a symbol that this very file defines. */
static int symbol_value(struct module *module, uint64_t index, uint64_t *value)
{
	Elf64_Sym symbol;
	uint64_t table;

	if (elf_file_dynamic(&module->file, DT_SYMTAB, &table) ||
		index > TABLE_BYTES_MAX / sizeof(symbol) ||
		module_read(module, table + index * sizeof(symbol), &symbol, sizeof(symbol)))
		return -EFAULT;
	if (symbol.st_shndx == SHN_UNDEF || symbol.st_shndx >= SHN_LORESERVE ||
		ELF64_ST_TYPE(symbol.st_info) == STT_GNU_IFUNC)
		return -EFAULT;
	*value = symbol.st_value;
	return 0;
}

/* The bytes that are being read, and what the relocations so far have told of the next. */
struct patch {
	struct module *module;
	struct window *window;
	uint64_t next; /* of RELR: the word behind the last one */
};

static int apply_rela(const void *entry, void *context)
{
	const Elf64_Rela *rela = entry;
	const struct patch *patch = context;
	uint64_t value;

	if (!touches(patch->window, rela->r_offset))
		return 0;
	switch (ELF64_R_TYPE(rela->r_info)) {
	case R_X86_64_RELATIVE:
		value = 0;
		break;
	case R_X86_64_64:
		if (symbol_value(patch->module, ELF64_R_SYM(rela->r_info), &value))
			return -EFAULT;
		break;
	default:
		return -EFAULT;
	}
	put_word(patch->window, rela->r_offset,
		patch->window->bias + value + (uint64_t)rela->r_addend);
	return 0;
}

/* The word holds its value as linked. */
static int apply_relative(const struct patch *patch, uint64_t at)
{
	uint64_t value;

	if (!touches(patch->window, at))
		return 0;
	if (module_read(patch->module, at, &value, sizeof(value)))
		return -EFAULT;
	put_word(patch->window, at, value + patch->window->bias);
	return 0;
}

/* An even entry is the address of a word, an odd one a bitmap of the 63 words that follow. */
static int apply_relr(const void *entry, void *context)
{
	struct patch *patch = context;
	uint64_t bits = *(const uint64_t *)entry;

	if (!(bits & 1)) {
		patch->next = bits + WORD_BYTES;
		return apply_relative(patch, bits);
	}
	for (uint64_t i = 0; i < RELR_WORDS_OF_BITMAP; i++) {
		if ((bits >> (i + 1)) & 1 && apply_relative(patch, patch->next + i * WORD_BYTES))
			return -EFAULT;
	}
	patch->next += RELR_WORDS_OF_BITMAP * WORD_BYTES;
	return 0;
}

int module_read_relocated(
	struct module *module, uint64_t bias, uint64_t vaddr, void *out, size_t bytes)
{
	struct window window = {.vaddr = vaddr, .bytes = bytes, .out = out, .bias = bias};
	struct patch patch = {.module = module, .window = &window};
	int err;

	if (bytes > UINT64_MAX - vaddr || !is_constant(&module->file, vaddr, bytes) ||
		!module_is_current(module))
		return -EFAULT;
	err = module_read(module, vaddr, out, bytes);
	if (!err)
		err = module_each_entry(
			module, DT_RELA, DT_RELASZ, sizeof(Elf64_Rela), apply_rela, &patch);
	return err ? err
		   : module_each_entry(module, DT_RELR, DT_RELRSZ, WORD_BYTES, apply_relr, &patch);
}
