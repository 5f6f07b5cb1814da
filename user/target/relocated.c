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
#define ENTRIES_IN_CHUNK     512
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

static int apply_rela(struct module *module, const Elf64_Rela *rela, struct window *window)
{
	uint64_t value;

	switch (ELF64_R_TYPE(rela->r_info)) {
	case R_X86_64_RELATIVE:
		value = 0;
		break;
	case R_X86_64_64:
		if (symbol_value(module, ELF64_R_SYM(rela->r_info), &value))
			return -EFAULT;
		break;
	default:
		return -EFAULT;
	}
	put_word(window, rela->r_offset, window->bias + value + (uint64_t)rela->r_addend);
	return 0;
}

static int apply_relas(struct module *module, struct window *window)
{
	uint64_t table, bytes, count;
	Elf64_Rela chunk[ENTRIES_IN_CHUNK];

	if (elf_file_dynamic(&module->file, DT_RELA, &table) ||
		elf_file_dynamic(&module->file, DT_RELASZ, &bytes))
		return 0;
	if (bytes > TABLE_BYTES_MAX)
		return -EFAULT;
	count = bytes / sizeof(*chunk);
	for (uint64_t done = 0; done < count;) {
		size_t take = count - done < ENTRIES_IN_CHUNK ? count - done : ENTRIES_IN_CHUNK;

		if (module_read(
			    module, table + done * sizeof(*chunk), chunk, take * sizeof(*chunk)))
			return -EFAULT;
		for (size_t i = 0; i < take; i++) {
			if (touches(window, chunk[i].r_offset) &&
				apply_rela(module, &chunk[i], window))
				return -EFAULT;
		}
		done += take;
	}
	return 0;
}

/* The word holds its value as linked. */
static int apply_relative(struct module *module, uint64_t at, struct window *window)
{
	uint64_t value;

	if (!touches(window, at))
		return 0;
	if (module_read(module, at, &value, sizeof(value)))
		return -EFAULT;
	put_word(window, at, value + window->bias);
	return 0;
}

/* An even entry is the address of a word, an odd one a bitmap of the 63 words that follow. */
static int apply_relr_entry(
	struct module *module, uint64_t entry, uint64_t *next, struct window *window)
{
	if (!(entry & 1)) {
		*next = entry + WORD_BYTES;
		return apply_relative(module, entry, window);
	}
	for (uint64_t i = 0; i < RELR_WORDS_OF_BITMAP; i++) {
		if ((entry >> (i + 1)) & 1 &&
			apply_relative(module, *next + i * WORD_BYTES, window))
			return -EFAULT;
	}
	*next += RELR_WORDS_OF_BITMAP * WORD_BYTES;
	return 0;
}

static int apply_relrs(struct module *module, struct window *window)
{
	uint64_t table, bytes, count, next = 0, chunk[ENTRIES_IN_CHUNK];

	if (elf_file_dynamic(&module->file, DT_RELR, &table) ||
		elf_file_dynamic(&module->file, DT_RELRSZ, &bytes))
		return 0;
	if (bytes > TABLE_BYTES_MAX)
		return -EFAULT;
	count = bytes / sizeof(*chunk);
	for (uint64_t done = 0; done < count;) {
		size_t take = count - done < ENTRIES_IN_CHUNK ? count - done : ENTRIES_IN_CHUNK;

		if (module_read(
			    module, table + done * sizeof(*chunk), chunk, take * sizeof(*chunk)))
			return -EFAULT;
		for (size_t i = 0; i < take; i++) {
			if (apply_relr_entry(module, chunk[i], &next, window))
				return -EFAULT;
		}
		done += take;
	}
	return 0;
}

int module_read_relocated(
	struct module *module, uint64_t bias, uint64_t vaddr, void *out, size_t bytes)
{
	struct window window = {.vaddr = vaddr, .bytes = bytes, .out = out, .bias = bias};
	int err;

	if (bytes > UINT64_MAX - vaddr || !is_constant(&module->file, vaddr, bytes) ||
		!module_is_current(module))
		return -EFAULT;
	err = module_read(module, vaddr, out, bytes);
	if (!err)
		err = apply_relas(module, &window);
	return err ? err : apply_relrs(module, &window);
}
