/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * file_data.c - what the data of a file hold: pointers to one place in it, a text.
 *
 * Input: .rela.dyn, or the words of the segments that hold data: those of a file that is not
 * moved hold addresses, and so do those that .relr.dyn moves. A word that only looks like the
 * address counts too; the answer is used to refuse what is not unique. Reads at most DATA_BYTES_MAX
 * of a segment.
 */
#include "target/target_internal.h"

#include <stdlib.h>
#include <string.h>

#include "target/module_internal.h"

#define CHUNK_BYTES	(64u << 10)
#define DATA_BYTES_MAX	(256u << 20)
#define POINTERS_ENOUGH 2u

static size_t count_relative(struct module *module, uint64_t vaddr, uint8_t *chunk)
{
	const size_t in_chunk = CHUNK_BYTES / sizeof(Elf64_Rela);
	uint64_t table, bytes;
	size_t found = 0;

	if (elf_file_dynamic(&module->file, DT_RELA, &table) ||
		elf_file_dynamic(&module->file, DT_RELASZ, &bytes) || bytes > DATA_BYTES_MAX)
		return 0;
	for (uint64_t left = bytes / sizeof(Elf64_Rela); left && found < POINTERS_ENOUGH;) {
		const Elf64_Rela *relas = (const Elf64_Rela *)chunk;
		size_t take = left < in_chunk ? left : in_chunk;

		if (module_read(module, table, chunk, take * sizeof(Elf64_Rela)))
			return POINTERS_ENOUGH;
		for (size_t i = 0; i < take; i++)
			found += ELF64_R_TYPE(relas[i].r_info) == R_X86_64_RELATIVE &&
				 (uint64_t)relas[i].r_addend == vaddr;
		table += take * sizeof(Elf64_Rela);
		left -= take;
	}
	return found;
}

/* Calls visit with the bytes of all segments that are not code, in pieces of which each begins
 * with the last `overlap` bytes of the one before; stops when it returns true. */
static bool each_piece(struct module *module, size_t overlap,
	bool (*visit)(const uint8_t *piece, size_t bytes, uint64_t vaddr, void *context),
	void *context)
{
	uint8_t *piece = malloc(CHUNK_BYTES);
	bool done = false;

	for (size_t i = 0; piece && i < module->file.segment_count && !done; i++) {
		const Elf64_Phdr *load = &module->file.segments[i];

		if (load->p_type != PT_LOAD || load->p_flags & PF_X ||
			load->p_filesz > DATA_BYTES_MAX)
			continue;
		for (uint64_t at = 0; at < load->p_filesz && !done;) {
			uint64_t left = load->p_filesz - at;
			size_t take = left < CHUNK_BYTES ? left : CHUNK_BYTES;

			if (module_read(module, load->p_vaddr + at, piece, take))
				break;
			done = visit(piece, take, load->p_vaddr + at, context);
			at += take == left ? take : take - overlap;
		}
	}
	free(piece);
	return done;
}

struct word_search {
	uint64_t wanted;
	size_t found;
};

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
	uint8_t *chunk = malloc(CHUNK_BYTES);
	struct word_search search = {.wanted = vaddr};
	uint64_t relr;
	size_t found;

	if (!chunk)
		return POINTERS_ENOUGH;
	/* Linkers may write the value in place too: one of the two is counted. */
	if (file->header.e_type == ET_DYN && elf_file_dynamic(file, DT_RELR, &relr)) {
		found = count_relative(module, vaddr, chunk);
		free(chunk);
		return found < POINTERS_ENOUGH ? found : POINTERS_ENOUGH;
	}
	free(chunk);
	each_piece(module, 0, count_words, &search);
	return search.found < POINTERS_ENOUGH ? search.found : POINTERS_ENOUGH;
}

static bool find_text(const uint8_t *piece, size_t bytes, uint64_t vaddr, void *context)
{
	const char *text = context;

	(void)vaddr;
	return memmem(piece, bytes, text, strlen(text)) != NULL;
}

bool module_has_text(struct module *module, const char *text)
{
	return each_piece(module, strlen(text) - 1, find_text, (void *)text);
}
