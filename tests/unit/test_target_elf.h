/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_target_elf.h - builds small ELF files in memory, true and false ones, for the tests of
 * user/target. Layout: headers, TEXT_* as an executable PT_LOAD, DATA_* as a writable one,
 * then sections in the order of their adding. Grows without check up to IMAGE_BYTES_MAX.
 */
#ifndef TW_TEST_TARGET_ELF_H
#define TW_TEST_TARGET_ELF_H

#include <assert.h>
#include <elf.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "target/target.h"

#define TEXT_OFFSET	   0x200u
#define TEXT_VADDR	   0x401200u
#define TEXT_BYTES	   0x200u
#define DATA_OFFSET	   0x400u
#define DATA_VADDR	   0x602400u
#define DATA_BYTES	   0x200u
#define SECTIONS_OFFSET	   0x600u
#define IMAGE_BYTES_MAX	   (24u << 20)
#define IMAGE_SECTIONS_MAX 16
#define IMAGE_SEGMENTS_MAX 4

struct image {
	uint8_t *bytes;
	size_t used;
	Elf64_Ehdr header;
	Elf64_Phdr segments[IMAGE_SEGMENTS_MAX];
	Elf64_Shdr sections[IMAGE_SECTIONS_MAX];
	char names[512];
	size_t names_used;
};

static inline void image_init(struct image *image)
{
	*image = (struct image){.bytes = calloc(1, IMAGE_BYTES_MAX), .used = SECTIONS_OFFSET};
	assert(image->bytes);
	image->header = (Elf64_Ehdr){
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			EV_CURRENT},
		.e_type = ET_DYN,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(Elf64_Ehdr),
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 2,
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = 1,
	};
	image->segments[0] = (Elf64_Phdr){.p_type = PT_LOAD,
		.p_flags = PF_R | PF_X,
		.p_offset = TEXT_OFFSET,
		.p_vaddr = TEXT_VADDR,
		.p_filesz = TEXT_BYTES,
		.p_memsz = TEXT_BYTES};
	image->segments[1] = (Elf64_Phdr){.p_type = PT_LOAD,
		.p_flags = PF_R | PF_W,
		.p_offset = DATA_OFFSET,
		.p_vaddr = DATA_VADDR,
		.p_filesz = DATA_BYTES,
		.p_memsz = 2 * DATA_BYTES};
	image->names_used = 1;
}

static inline void image_clear(struct image *image)
{
	free(image->bytes);
}

/* Returns the new section's number. */
static inline unsigned int image_section(
	struct image *image, const char *name, uint32_t type, const void *data, size_t bytes)
{
	unsigned int number = image->header.e_shnum++;

	assert(number < IMAGE_SECTIONS_MAX - 1 && image->used + bytes + 8 < IMAGE_BYTES_MAX);
	image->sections[number] = (Elf64_Shdr){.sh_name = (uint32_t)image->names_used,
		.sh_type = type,
		.sh_offset = image->used,
		.sh_size = bytes};
	strcpy(image->names + image->names_used, name);
	image->names_used += strlen(name) + 1;
	if (bytes)
		memcpy(image->bytes + image->used, data, bytes);
	image->used += (bytes + 7) & ~(size_t)7;
	return number;
}

struct image_symbol {
	const char *name;
	uint64_t value, bytes;
	unsigned char type, binding;
};

/* A symbol table with its strings; `type` is SHT_DYNSYM or SHT_SYMTAB. */
static inline void image_symbols(
	struct image *image, uint32_t type, const struct image_symbol *symbols, size_t count)
{
	Elf64_Sym *table = calloc(count + 1, sizeof(*table));
	char strings[1024] = "";
	size_t used = 1;
	unsigned int number;

	for (size_t i = 0; i < count; i++) {
		table[i + 1] = (Elf64_Sym){.st_name = (uint32_t)used,
			.st_info = ELF64_ST_INFO(symbols[i].binding, symbols[i].type),
			.st_shndx = symbols[i].value ? 1 : SHN_UNDEF,
			.st_value = symbols[i].value,
			.st_size = symbols[i].bytes};
		assert(used + strlen(symbols[i].name) < sizeof(strings));
		strcpy(strings + used, symbols[i].name);
		used += strlen(symbols[i].name) + 1;
	}
	number = image_section(image, "symbols", type, table, (count + 1) * sizeof(*table));
	image->sections[number].sh_entsize = sizeof(*table);
	image->sections[number].sh_link =
		image_section(image, "strings", SHT_STRTAB, strings, used);
	free(table);
}

/* Writes the headers. The bytes are then image->bytes[0..image->used). */
static inline void image_finish(struct image *image)
{
	unsigned int names =
		image_section(image, ".shstrtab", SHT_STRTAB, image->names, sizeof(image->names));

	/* The table's own name came after its copy was made. */
	memcpy(image->bytes + image->sections[names].sh_offset, image->names, sizeof(image->names));
	image->header.e_shstrndx = (uint16_t)names;
	image->header.e_shoff = image->used;
	memcpy(image->bytes + image->used, image->sections,
		image->header.e_shnum * sizeof(Elf64_Shdr));
	image->used += image->header.e_shnum * sizeof(Elf64_Shdr);
	memcpy(image->bytes, &image->header, sizeof(image->header));
	memcpy(image->bytes + image->header.e_phoff, image->segments, sizeof(image->segments));
}

/* A file without a name that holds these bytes. */
static inline int file_of(const void *bytes, size_t count)
{
	int fd = memfd_create("image", MFD_CLOEXEC);

	assert(fd >= 0);
	assert(write(fd, bytes, count) == (ssize_t)count);
	return fd;
}

/* A file of the image, opened; the image is gone then. */
static inline struct module *open_image(struct module_cache *cache, struct image *image)
{
	struct module *module;
	int fd;

	image_finish(image);
	fd = file_of(image->bytes, image->used);
	image_clear(image);
	module = module_open(cache, fd, "/somewhere/file");
	close(fd);
	return module;
}

static inline struct module *open_path(struct module_cache *cache, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct module *module = fd < 0 ? NULL : module_open(cache, fd, path);

	if (fd >= 0)
		close(fd);
	return module;
}

/* Which function covers the address; NULL: none. The test includes cmocka. */
static inline void expect_function(
	struct module *module, uint64_t vaddr, const char *name, uint64_t distance)
{
	uint64_t actual = 12345;
	const char *found = module_function_at(module, vaddr, &actual);

	if (!name) {
		assert_null(found);
		assert_int_equal(actual, 12345);
		return;
	}
	assert_non_null(found);
	assert_string_equal(found, name);
	assert_int_equal(actual, distance);
}

#endif
