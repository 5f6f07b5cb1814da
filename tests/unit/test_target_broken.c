/* SPDX-License-Identifier: GPL-2.0-only */
/* test_target_broken.c - ELF files that are cut, changed or shrink while they are open. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>

#include "target/target.h"
#include "target/target_internal.h"
#include "test_target_elf.h"

#define START_ROUTINE	"_thread_db_pthread_start_routine"
#define FUZZ_NOTE_BYTES 44

/* Asks everything of a file. No answer is expected but that it returns. */
static void exercise(struct module_cache *cache, int fd)
{
	struct module *module = module_open(cache, fd, "/nowhere/x");
	uint64_t value, bytes;
	struct libc_layout layout;
	struct usdt_site *sites;
	size_t count, rejected, over_limit;
	uint8_t out[64];

	if (!module)
		return;
	for (uint64_t at = 0; at < 0x60; at += 8)
		module_function_at(module, TEXT_VADDR + at, &value);
	module_function_at(module, UINT64_MAX, &value);
	module_symbol(module, "pthread_create", &value, &bytes);
	module_read(module, DATA_VADDR, out, sizeof(out));
	module_offset_to_vaddr(module, TEXT_OFFSET);
	module_vaddr_to_offset(module, TEXT_VADDR);
	module_interpreter(module);
	libc_layout_of(module, &layout);
	if (!usdt_find_sites(module, &sites, &count, &rejected, &over_limit))
		free(sites);
	module_put(module);
}

/* A file that has a little of everything. */
static void everything(struct image *image)
{
	static const struct image_symbol symbols[] = {
		{"pthread_create", TEXT_VADDR, 16, STT_FUNC, STB_GLOBAL},
		{START_ROUTINE, DATA_VADDR, 12, STT_OBJECT, STB_GLOBAL},
		{"worker", TEXT_VADDR + 16, 16, STT_FUNC, STB_LOCAL}};
	uint8_t note[FUZZ_NOTE_BYTES + 24] = {8, 0, 0, 0, 48, 0, 0, 0, 3, 0, 0, 0};
	uint64_t pc = TEXT_VADDR;
	uint8_t id[20] = {4, 0, 0, 0, 4, 0, 0, 0, 3, 0, 0, 0, 'G', 'N', 'U'};

	memcpy(note + 12, "stapsdt", 8);
	memcpy(note + 20, &pc, sizeof(pc));
	memcpy(note + FUZZ_NOTE_BYTES, "threadwatch\0end\0008@%rdi", 23);
	image_init(image);
	strcpy((char *)image->bytes + TEXT_OFFSET, "/ld.so");
	image->segments[2] =
		(Elf64_Phdr){.p_type = PT_INTERP, .p_offset = TEXT_OFFSET, .p_filesz = 7};
	image->segments[3] =
		(Elf64_Phdr){.p_type = PT_DYNAMIC, .p_offset = DATA_OFFSET, .p_filesz = 64};
	image->header.e_phnum = 4;
	image_symbols(image, SHT_DYNSYM, symbols, 3);
	image_section(image, ".note.stapsdt", SHT_NOTE, note, sizeof(note));
	image_section(image, ".note.gnu.build-id", SHT_NOTE, id, sizeof(id));
	image_section(image, ".gnu_debugdata", SHT_PROGBITS, note, sizeof(note));
	image_section(image, ".gnu_debuglink", SHT_PROGBITS, "x.debug\0sum", 12);
	image_finish(image);
}

static void survives_each_truncation(void **state)
{
	struct module_cache *cache = module_cache_new(0);
	struct image image;
	int fd;

	(void)state;
	everything(&image);
	fd = file_of(image.bytes, image.used);
	for (size_t bytes = image.used; bytes-- > 0;) {
		assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
		exercise(cache, fd);
	}
	close(fd);
	image_clear(&image);
	module_cache_free(cache);
}

static void survives_each_changed_byte(void **state)
{
	static const uint8_t values[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
	struct module_cache *cache = module_cache_new(0);
	struct image image;
	int fd;

	(void)state;
	everything(&image);
	fd = file_of(image.bytes, image.used);
	for (size_t at = 0; at < image.used; at++) {
		/* The middle is code and data, which nobody interprets. */
		if (at >= TEXT_OFFSET + 64 && at < DATA_OFFSET)
			continue;
		for (size_t i = 0; i < sizeof(values); i++) {
			assert_int_equal(pwrite(fd, &values[i], 1, (off_t)at), 1);
			exercise(cache, fd);
		}
		assert_int_equal(pwrite(fd, image.bytes + at, 1, (off_t)at), 1);
	}
	close(fd);
	image_clear(&image);
	module_cache_free(cache);
}

/* The file shrinks under us, after its headers were read. */
static void survives_truncation_while_open(void **state)
{
	struct module_cache *cache = module_cache_new(0);
	struct image image;
	struct module *module;
	uint64_t distance;
	int fd;

	(void)state;
	everything(&image);
	fd = file_of(image.bytes, image.used);
	image_clear(&image);
	module = module_open(cache, fd, "x");
	assert_non_null(module);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_null(module_function_at(module, TEXT_VADDR, &distance));
	assert_null(module_interpreter(module));
	assert_int_equal(module_read(module, DATA_VADDR, &distance, sizeof(distance)), -EIO);
	module_put(module);
	close(fd);
	module_cache_free(cache);
}

#define OVERLAPPING_BYTES (200u << 20)

/* Segments may all be of the same bytes, a thousand times over: they are not all read. */
static void counts_no_end_of_data_as_not_unique(void **state)
{
	struct module_cache *cache = module_cache_new(8);
	struct image image;
	struct module *module;
	int fd;

	(void)state;
	image_init(&image);
	image.segments[1].p_filesz = image.segments[1].p_memsz = OVERLAPPING_BYTES;
	image.segments[2] = image.segments[1];
	image.segments[2].p_vaddr += OVERLAPPING_BYTES;
	image.header.e_type = ET_EXEC;
	image.header.e_phnum = 3;
	image_finish(&image);
	fd = file_of(image.bytes, image.used);
	image_clear(&image);
	assert_int_equal(ftruncate(fd, DATA_OFFSET + OVERLAPPING_BYTES), 0);
	module = module_open(cache, fd, "x");
	assert_non_null(module);
	assert_int_equal(module_count_pointers(module, TEXT_VADDR), 2);
	assert_false(module_has_text(module, "of no file"));
	module_put(module);
	close(fd);
	module_cache_free(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(survives_each_truncation),
		cmocka_unit_test(survives_each_changed_byte),
		cmocka_unit_test(survives_truncation_while_open),
		cmocka_unit_test(counts_no_end_of_data_as_not_unique),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
