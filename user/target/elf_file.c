/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * elf_file.c - bounded reads of one ELF64 file; see elf_file.h.
 *
 * Sums of offsets and sizes from the file are compared by subtraction, so that none wraps.
 * Refuses what is not little-endian x86-64, and tables whose entries have another size.
 */
#include "target/elf_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK_BYTES	    (64u << 10)
#define SYMBOLS_IN_CHUNK    1024
#define BUILD_ID_NOTES_MAX  (64u << 10)
#define DYNAMIC_ENTRIES_MAX 4096

static bool lies_within(uint64_t offset, uint64_t bytes, uint64_t size)
{
	return offset <= size && bytes <= size - offset;
}

int elf_source_read(const struct elf_source *source, uint64_t offset, void *out, size_t bytes)
{
	if (!lies_within(offset, bytes, source->size))
		return -EIO;
	if (source->memory) {
		memcpy(out, source->memory + offset, bytes);
		return 0;
	}
	for (size_t done = 0; done < bytes;) {
		ssize_t n = pread(source->fd, (char *)out + done, bytes - done, offset + done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -EIO;
		done += n;
	}
	return 0;
}

/* A table of the file in memory of our own; NULL when it cannot be read. */
static void *read_table(const struct elf_source *source, uint64_t offset, size_t bytes)
{
	void *table = bytes && lies_within(offset, bytes, source->size) ? malloc(bytes) : NULL;

	if (table && elf_source_read(source, offset, table, bytes)) {
		free(table);
		return NULL;
	}
	return table;
}

static bool is_of_this_machine(const Elf64_Ehdr *header)
{
	return !memcmp(header->e_ident, ELFMAG, SELFMAG) &&
	       header->e_ident[EI_CLASS] == ELFCLASS64 && header->e_ident[EI_DATA] == ELFDATA2LSB &&
	       header->e_ident[EI_VERSION] == EV_CURRENT && header->e_machine == EM_X86_64 &&
	       (header->e_type == ET_EXEC || header->e_type == ET_DYN);
}

/* Without sections a file is still mapped and run: not an error. */
static void read_sections(struct elf_file *file)
{
	const Elf64_Ehdr *header = &file->header;
	const Elf64_Shdr *names;

	if (header->e_shentsize != sizeof(Elf64_Shdr) || header->e_shnum > ELF_SECTIONS_MAX)
		return;
	file->sections =
		read_table(&file->source, header->e_shoff, header->e_shnum * sizeof(Elf64_Shdr));
	if (!file->sections)
		return;
	file->section_count = header->e_shnum;
	if (header->e_shstrndx >= header->e_shnum)
		return;
	names = &file->sections[header->e_shstrndx];
	if (names->sh_type != SHT_STRTAB || names->sh_size > ELF_NAMES_BYTES_MAX)
		return;
	file->names = read_table(&file->source, names->sh_offset, names->sh_size);
	if (!file->names)
		return;
	file->names_bytes = names->sh_size;
	file->names[names->sh_size - 1] = '\0';
}

int elf_file_open(struct elf_source source, struct elf_file *out)
{
	struct elf_file file = {.source = source};
	const Elf64_Ehdr *header = &file.header;

	if (elf_source_read(&source, 0, &file.header, sizeof(file.header)) ||
		!is_of_this_machine(header) || header->e_phentsize != sizeof(Elf64_Phdr) ||
		!header->e_phnum || header->e_phnum > ELF_SEGMENTS_MAX)
		return -ENOEXEC;
	file.segments = read_table(&source, header->e_phoff, header->e_phnum * sizeof(Elf64_Phdr));
	if (!file.segments)
		return -ENOEXEC;
	file.segment_count = header->e_phnum;
	read_sections(&file);
	*out = file;
	return 0;
}

void elf_file_close(struct elf_file *file)
{
	free(file->segments);
	free(file->sections);
	free(file->names);
	*file = (struct elf_file){.source.fd = -1};
}

const Elf64_Shdr *elf_file_section(
	const struct elf_file *file, const Elf64_Shdr *after, uint32_t type, const char *name)
{
	for (size_t i = after ? after - file->sections + 1 : 0; i < file->section_count; i++) {
		const Elf64_Shdr *section = &file->sections[i];

		if (section->sh_type != type)
			continue;
		if (!name)
			return section;
		if (section->sh_name < file->names_bytes &&
			!strcmp(file->names + section->sh_name, name))
			return section;
	}
	return NULL;
}

const Elf64_Shdr *elf_file_strings(const struct elf_file *file, const Elf64_Shdr *symbols)
{
	const Elf64_Shdr *strings;

	if (symbols->sh_link >= file->section_count)
		return NULL;
	strings = &file->sections[symbols->sh_link];
	if (strings->sh_type != SHT_STRTAB || strings->sh_size > ELF_STRINGS_BYTES_MAX ||
		!lies_within(strings->sh_offset, strings->sh_size, file->source.size))
		return NULL;
	return strings;
}

void elf_file_each_symbol(const struct elf_file *file, const Elf64_Shdr *symbols,
	bool (*visit)(const Elf64_Sym *symbol, void *context), void *context)
{
	Elf64_Sym chunk[SYMBOLS_IN_CHUNK];
	uint64_t count = symbols->sh_size / sizeof(Elf64_Sym);

	if (symbols->sh_entsize != sizeof(Elf64_Sym) || symbols->sh_size > ELF_SYMBOLS_BYTES_MAX)
		return;
	for (uint64_t done = 0; done < count;) {
		size_t take = count - done < SYMBOLS_IN_CHUNK ? count - done : SYMBOLS_IN_CHUNK;
		uint64_t skip = done * sizeof(Elf64_Sym);

		if (skip > UINT64_MAX - symbols->sh_offset ||
			elf_source_read(&file->source, symbols->sh_offset + skip, chunk,
				take * sizeof(Elf64_Sym)))
			return;
		for (size_t i = 0; i < take; i++) {
			if (!visit(&chunk[i], context))
				return;
		}
		done += take;
	}
}

/* Adds the places of `needle` (its NUL included) within a piece of a string table. */
static size_t find_in_chunk(const char *chunk, size_t bytes, const char *needle,
	size_t needle_bytes, uint64_t base, uint64_t *offsets, size_t limit)
{
	size_t found = 0;

	for (size_t at = 0; found < limit;) {
		const char *hit = memmem(chunk + at, bytes - at, needle, needle_bytes);

		if (!hit)
			break;
		offsets[found++] = base + (hit - chunk);
		at = hit - chunk + 1;
	}
	return found;
}

size_t elf_file_find_name(const struct elf_file *file, const Elf64_Shdr *strings, const char *name,
	uint64_t *offsets, size_t limit)
{
	size_t needle_bytes = strlen(name) + 1, found = 0;
	char *chunk = malloc(CHUNK_BYTES);
	uint64_t at = 0;

	while (chunk && found < limit && strings->sh_size - at >= needle_bytes) {
		uint64_t left = strings->sh_size - at;
		size_t take = left < CHUNK_BYTES ? left : CHUNK_BYTES;

		if (elf_source_read(&file->source, strings->sh_offset + at, chunk, take))
			break;
		found += find_in_chunk(
			chunk, take, name, needle_bytes, at, offsets + found, limit - found);
		/* A name may straddle two pieces: the next begins with the end of this one. */
		at += take - (needle_bytes - 1);
	}
	free(chunk);
	return found;
}

const Elf64_Phdr *elf_file_load_of_vaddr(const struct elf_file *file, uint64_t vaddr)
{
	for (size_t i = 0; i < file->segment_count; i++) {
		const Elf64_Phdr *load = &file->segments[i];

		if (load->p_type == PT_LOAD && vaddr >= load->p_vaddr &&
			vaddr - load->p_vaddr < load->p_filesz)
			return load;
	}
	return NULL;
}

const Elf64_Phdr *elf_file_load_of_offset(const struct elf_file *file, uint64_t offset)
{
	const Elf64_Phdr *found = NULL;

	for (size_t i = 0; i < file->segment_count; i++) {
		const Elf64_Phdr *load = &file->segments[i];

		if (load->p_type != PT_LOAD || offset < load->p_offset ||
			offset - load->p_offset >= load->p_filesz)
			continue;
		if (load->p_flags & PF_X)
			return load;
		if (!found)
			found = load;
	}
	return found;
}

const Elf64_Phdr *elf_file_segment(const struct elf_file *file, uint32_t type)
{
	for (size_t i = 0; i < file->segment_count; i++) {
		if (file->segments[i].p_type == type)
			return &file->segments[i];
	}
	return NULL;
}

int elf_file_dynamic(const struct elf_file *file, int64_t tag, uint64_t *value)
{
	const Elf64_Phdr *dynamic = elf_file_segment(file, PT_DYNAMIC);
	uint64_t count = dynamic ? dynamic->p_filesz / sizeof(Elf64_Dyn) : 0;

	for (uint64_t i = 0; i < count && i < DYNAMIC_ENTRIES_MAX; i++) {
		Elf64_Dyn entry;

		if (elf_source_read(&file->source, dynamic->p_offset + i * sizeof(entry), &entry,
			    sizeof(entry)) ||
			entry.d_tag == DT_NULL)
			return -ENOENT;
		if (entry.d_tag != tag)
			continue;
		*value = entry.d_un.d_val;
		return 0;
	}
	return -ENOENT;
}

/* The id within the notes of one section, padded to 4 bytes as GNU writes them. */
static size_t find_build_id(const uint8_t *notes, size_t bytes, uint8_t *out, size_t limit)
{
	for (size_t at = 0; lies_within(at, sizeof(Elf64_Nhdr), bytes);) {
		Elf64_Nhdr note;
		size_t name_at, desc_at;

		memcpy(&note, notes + at, sizeof(note));
		name_at = at + sizeof(note);
		desc_at = name_at + (((size_t)note.n_namesz + 3) & ~(size_t)3);
		if (!lies_within(desc_at, note.n_descsz, bytes))
			return 0;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == sizeof(ELF_NOTE_GNU) &&
			!memcmp(notes + name_at, ELF_NOTE_GNU, sizeof(ELF_NOTE_GNU))) {
			if (note.n_descsz > limit)
				return 0;
			memcpy(out, notes + desc_at, note.n_descsz);
			return note.n_descsz;
		}
		at = desc_at + (((size_t)note.n_descsz + 3) & ~(size_t)3);
	}
	return 0;
}

static size_t build_id_at(
	const struct elf_file *file, uint64_t offset, uint64_t size, uint8_t *out, size_t limit)
{
	uint8_t *notes =
		size <= BUILD_ID_NOTES_MAX ? read_table(&file->source, offset, size) : NULL;
	size_t bytes = notes ? find_build_id(notes, size, out, limit) : 0;

	free(notes);
	return bytes;
}

size_t elf_file_build_id(const struct elf_file *file, uint8_t *out, size_t limit)
{
	const Elf64_Shdr *section = elf_file_section(file, NULL, SHT_NOTE, ".note.gnu.build-id");

	if (section)
		return build_id_at(file, section->sh_offset, section->sh_size, out, limit);
	/* Without sections; a debug file's segments have no content, they come last. */
	for (size_t i = 0; i < file->segment_count; i++) {
		const Elf64_Phdr *segment = &file->segments[i];
		size_t bytes = segment->p_type == PT_NOTE ? build_id_at(file, segment->p_offset,
								    segment->p_filesz, out, limit)
							  : 0;

		if (bytes)
			return bytes;
	}
	return 0;
}
