/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * elf_file.h - bounded reads of one ELF64 file, on disk or in memory.
 *
 * Private to user/target. The file is never mapped: a watched process may truncate it at any
 * moment, and a mapping would then end us with SIGBUS. Each table is read once into our own
 * memory and checked there, so that nothing changes between the check and the use. A section
 * or a string that lies outside of the file, or above the bounds below, is as good as absent.
 */
#ifndef TW_TARGET_ELF_FILE_H
#define TW_TARGET_ELF_FILE_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The kernel refuses program headers above 64 KiB (load_elf_phdrs). */
#define ELF_SEGMENTS_MAX      1170
#define ELF_SECTIONS_MAX      16384
#define ELF_NAMES_BYTES_MAX   (1u << 20)
#define ELF_SYMBOLS_BYTES_MAX (128u << 20)
#define ELF_STRINGS_BYTES_MAX (256u << 20) /* a string's offset fits 28 bits */

/* Where the bytes are: in memory when `memory` is set, else in the file of `fd`. */
struct elf_source {
	int fd;
	const uint8_t *memory;
	uint64_t size;
};

/* Owns its tables, not its source. */
struct elf_file {
	struct elf_source source;
	Elf64_Ehdr header;
	Elf64_Phdr *segments;
	size_t segment_count;
	Elf64_Shdr *sections; /* NULL when there are none that can be used */
	size_t section_count;
	char *names; /* of sections; NUL-terminated */
	size_t names_bytes;
};

/* All of the bytes, or a negative errno with `out` in an unspecified state. */
int elf_source_read(const struct elf_source *source, uint64_t offset, void *out, size_t bytes);

/* 0, or -ENOEXEC when it is no executable or library of this machine, -EIO, -ENOMEM. */
int elf_file_open(struct elf_source source, struct elf_file *out);
void elf_file_close(struct elf_file *file); /* a zeroed one is fine */

/* The next section after `after` (NULL: the first) of this type and name (NULL: any). */
const Elf64_Shdr *elf_file_section(
	const struct elf_file *file, const Elf64_Shdr *after, uint32_t type, const char *name);

/* The string table of a symbol table, or NULL. */
const Elf64_Shdr *elf_file_strings(const struct elf_file *file, const Elf64_Shdr *symbols);

/* Calls visit for each symbol until it returns false. Stops silently where the file does. */
void elf_file_each_symbol(const struct elf_file *file, const Elf64_Shdr *symbols,
	bool (*visit)(const Elf64_Sym *symbol, void *context), void *context);

/* Offsets in a string table at which exactly `name` can be read; at most `limit`. */
size_t elf_file_find_name(const struct elf_file *file, const Elf64_Shdr *strings, const char *name,
	uint64_t *offsets, size_t limit);

/* The PT_LOAD whose bytes in the file cover a virtual address, or NULL. */
const Elf64_Phdr *elf_file_load_of_vaddr(const struct elf_file *file, uint64_t vaddr);
/* The same for an offset in the file; executable ones first, for pages that two share. */
const Elf64_Phdr *elf_file_load_of_offset(const struct elf_file *file, uint64_t offset);
const Elf64_Phdr *elf_file_segment(const struct elf_file *file, uint32_t type);

/* Value of the first entry with this tag in PT_DYNAMIC. 0, or -ENOENT. */
int elf_file_dynamic(const struct elf_file *file, int64_t tag, uint64_t *value);

/* The build id, by its section or else by the segments of notes; 0 when there is none or it has
 * more than `limit` bytes. */
size_t elf_file_build_id(const struct elf_file *file, uint8_t *out, size_t limit);

#endif
