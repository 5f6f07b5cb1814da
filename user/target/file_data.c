/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * file_data.c - what the data of a file hold: pointers to one place in it, a text.
 *
 * Input: .rela.dyn, or the words of the segments that hold data: those of a file that is not
 * moved hold addresses, and so do those that .relr.dyn moves. A word that only looks like the
 * address counts too; the answer is used to refuse what is not unique, so that what cannot be read,
 * or is more than DATA_BYTES_MAX, counts as not unique. Segments may be many and overlap.
 */
#include "target/target_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "target/module_internal.h"

#define CHUNK_BYTES	(64u << 10)
#define DATA_BYTES_MAX	(256u << 20)
#define POINTERS_ENOUGH 2u

struct word_search {
	uint64_t wanted;
	size_t found;
};

static int count_relative(const void *entry, void *context)
{
	const Elf64_Rela *rela = entry;
	struct word_search *search = context;

	search->found += ELF64_R_TYPE(rela->r_info) == R_X86_64_RELATIVE &&
			 (uint64_t)rela->r_addend == search->wanted;
	return search->found >= POINTERS_ENOUGH;
}

/* Calls visit with the bytes of a segment, in pieces of which each begins with the last `overlap`
 * bytes of the one before. 1: it returned true; 0: it never did; -EFAULT. */
static int each_piece_of(struct module *module, const Elf64_Phdr *load, size_t overlap,
	uint8_t *piece,
	bool (*visit)(const uint8_t *piece, size_t bytes, uint64_t vaddr, void *context),
	void *context)
{
	for (uint64_t at = 0; at < load->p_filesz;) {
		uint64_t left = load->p_filesz - at;
		size_t take = left < CHUNK_BYTES ? left : CHUNK_BYTES;

		if (module_read(module, load->p_vaddr + at, piece, take))
			return -EFAULT;
		if (visit(piece, take, load->p_vaddr + at, context))
			return 1;
		at += take == left ? take : take - overlap;
	}
	return 0;
}

/* The same for all segments that are not code. -EFBIG: there is too much. */
static int each_piece(struct module *module, size_t overlap,
	bool (*visit)(const uint8_t *piece, size_t bytes, uint64_t vaddr, void *context),
	void *context)
{
	uint8_t *piece = malloc(CHUNK_BYTES);
	uint64_t room = DATA_BYTES_MAX;
	int result = piece ? 0 : -ENOMEM;

	for (size_t i = 0; i < module->file.segment_count && !result; i++) {
		const Elf64_Phdr *load = &module->file.segments[i];

		if (load->p_type != PT_LOAD || load->p_flags & PF_X)
			continue;
		if (load->p_filesz > room)
			result = -EFBIG;
		else
			result = each_piece_of(module, load, overlap, piece, visit, context);
		room -= result ? 0 : load->p_filesz;
	}
	free(piece);
	return result;
}

static bool count_words(const uint8_t *piece, size_t bytes, uint64_t vaddr, void *context)
{
	struct word_search *search = context;
	uint64_t word;

	for (size_t at = -vaddr % sizeof(word); at + sizeof(word) <= bytes; at += sizeof(word)) {
		memcpy(&word, piece + at, sizeof(word));
		search->found += word == search->wanted;
	}
	return search->found >= POINTERS_ENOUGH;
}

size_t module_count_pointers(struct module *module, uint64_t vaddr)
{
	const struct elf_file *file = &module->file;
	struct word_search search = {.wanted = vaddr};
	uint64_t relr;
	int err;

	/* Linkers may write the value in place too: one of the two is counted. */
	if (file->header.e_type == ET_DYN && elf_file_dynamic(file, DT_RELR, &relr))
		err = module_each_entry(
			module, DT_RELA, DT_RELASZ, sizeof(Elf64_Rela), count_relative, &search);
	else
		err = each_piece(module, 0, count_words, &search);
	return err < 0 || search.found > POINTERS_ENOUGH ? POINTERS_ENOUGH : search.found;
}

static bool find_text(const uint8_t *piece, size_t bytes, uint64_t vaddr, void *context)
{
	const char *text = context;

	(void)vaddr;
	return memmem(piece, bytes, text, strlen(text)) != NULL;
}

bool module_has_text(struct module *module, const char *text)
{
	return each_piece(module, strlen(text) - 1, find_text, (void *)text) > 0;
}
