/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * build_id.c - build ids as text, and the comparison of copies; see build_id.h.
 *
 * Input: two open ELF files. Refuses to believe a build id alone: it is a note that anybody can
 * write, and the names of one program would then be those that another one made up.
 */
#include "target/build_id.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMPARE_BYTES (64u << 10)

void build_id_of(const struct elf_file *file, struct build_id *out)
{
	out->count = elf_file_build_id(file, out->bytes, sizeof(out->bytes));
}

bool build_id_equal(const struct build_id *a, const struct build_id *b)
{
	return a->count && a->count == b->count && !memcmp(a->bytes, b->bytes, a->count);
}

void build_id_text(const struct build_id *id, char out[BUILD_ID_TEXT_BYTES])
{
	out[0] = '\0';
	for (size_t i = 0; i < id->count; i++)
		sprintf(out + 2 * i, "%02x", id->bytes[i]);
}

static bool same_bytes(const struct elf_file *a, const struct elf_file *b, uint64_t offset,
	uint64_t bytes, uint8_t *buffer)
{
	while (bytes) {
		size_t take = bytes < COMPARE_BYTES ? bytes : COMPARE_BYTES;

		if (elf_source_read(&a->source, offset, buffer, take) ||
			elf_source_read(&b->source, offset, buffer + COMPARE_BYTES, take) ||
			memcmp(buffer, buffer + COMPARE_BYTES, take) != 0)
			return false;
		offset += take;
		bytes -= take;
	}
	return true;
}

static bool holds_symbols(const struct elf_file *file, const Elf64_Shdr *section)
{
	static const char *const names[] = {".gnu_debugdata", ".gnu_debuglink"};

	if (section->sh_type == SHT_DYNSYM || section->sh_type == SHT_SYMTAB ||
		section->sh_type == SHT_STRTAB)
		return true;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (section->sh_name < file->names_bytes &&
			!strcmp(file->names + section->sh_name, names[i]))
			return true;
	}
	return false;
}

/* The tables of both, which are in memory. */
static bool same_layout(const struct elf_file *a, const struct elf_file *b)
{
	return a->source.size == b->source.size && a->segment_count == b->segment_count &&
	       a->section_count == b->section_count && a->names_bytes == b->names_bytes &&
	       a->section_count && a->names_bytes &&
	       !memcmp(a->segments, b->segments, a->segment_count * sizeof(*a->segments)) &&
	       !memcmp(a->sections, b->sections, a->section_count * sizeof(*a->sections)) &&
	       !memcmp(a->names, b->names, a->names_bytes);
}

bool build_id_is_copy(const struct elf_file *a, const struct elf_file *b)
{
	uint8_t *buffer = same_layout(a, b) ? malloc(2 * COMPARE_BYTES) : NULL;
	bool same = buffer != NULL;

	for (size_t i = 0; same && i < a->section_count; i++) {
		const Elf64_Shdr *section = &a->sections[i];

		if (holds_symbols(a, section))
			same = same_bytes(a, b, section->sh_offset, section->sh_size, buffer);
	}
	free(buffer);
	return same;
}
