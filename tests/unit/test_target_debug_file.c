/* SPDX-License-Identifier: GPL-2.0-only */
/* test_target_debug_file.c - build ids, separate debug files, and symbols that copies share. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "target/module_internal.h"
#include "test_target_elf.h"

/* A file with only a build id, and a debug file that has the symbols. */
static void with_build_id(struct image *image, uint8_t last)
{
	uint8_t note[] = {
		4, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0, 'G', 'N', 'U', 0, 0xab, 0xcd, last, 0};

	image_init(image);
	image_section(image, ".note.gnu.build-id", SHT_NOTE, note, sizeof(note));
}

static void write_debug_file(const char *path, uint8_t last)
{
	static const struct image_symbol inner[] = {
		{"separate", TEXT_VADDR, 8, STT_FUNC, STB_LOCAL}};
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct image image;

	with_build_id(&image, last);
	image_symbols(&image, SHT_SYMTAB, inner, 1);
	image_finish(&image);
	assert_int_equal(write(fd, image.bytes, image.used), image.used);
	image_clear(&image);
	close(fd);
}

static struct debug_places places_of(const char *packages, const char *downloads)
{
	return (struct debug_places){.packages = packages ? strdup(packages) : NULL,
		.downloads = downloads ? strdup(downloads) : NULL};
}

/* Asks the same file with a build id for a function that only its debug file knows. */
static void expect_separate(struct module_cache *cache, bool found)
{
	struct image image;
	struct module *module;

	with_build_id(&image, 0xef);
	module = open_image(cache, &image);
	expect_function(module, TEXT_VADDR + 2, found ? "separate" : NULL, 2);
	module_put(module);
}

static void takes_a_debug_file_of_the_same_build_only(void **state)
{
	char folder[] = "/tmp/test_target_XXXXXX", ids[64], below[72], path[96];
	struct module_cache *cache = module_cache_new(0);

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(ids, sizeof(ids), "%s/.build-id", folder);
	snprintf(below, sizeof(below), "%s/ab", ids);
	snprintf(path, sizeof(path), "%s/cdef.debug", below);
	assert_int_equal(mkdir(ids, 0700), 0);
	assert_int_equal(mkdir(below, 0700), 0);
	module_cache_set_debug_places(cache, places_of(folder, NULL));
	for (uint8_t last = 0xee; last <= 0xef; last++) {
		write_debug_file(path, last);
		expect_separate(cache, last == 0xef);
	}
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	alarm(20);
	expect_separate(cache, false);
	alarm(0);
	unlink(path);
	rmdir(below);
	rmdir(ids);
	rmdir(folder);
	module_cache_free(cache);
}

static void takes_what_was_downloaded_before(void **state)
{
	char folder[] = "/tmp/test_target_XXXXXX", below[64], path[80];
	struct module_cache *cache = module_cache_new(0);

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(below, sizeof(below), "%s/abcdef", folder);
	snprintf(path, sizeof(path), "%s/debuginfo", below);
	assert_int_equal(mkdir(below, 0700), 0);
	module_cache_set_debug_places(cache, places_of(NULL, folder));
	expect_separate(cache, false);
	write_debug_file(path, 0xee);
	expect_separate(cache, false);
	write_debug_file(path, 0xef);
	expect_separate(cache, true);
	unlink(path);
	rmdir(below);
	rmdir(folder);
	module_cache_free(cache);
}

static uint32_t checksum_of(const char *path)
{
	static uint8_t bytes[1 << 20];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = read(fd, bytes, sizeof(bytes));

	close(fd);
	assert_true(got > 0);
	return lzma_crc32(bytes, (size_t)got, 0);
}

/* A file in the folder whose .gnu_debuglink names "file.debug", or what is given. */
static struct module *open_linked(
	struct module_cache *cache, const char *folder, const char *name, uint32_t checksum)
{
	uint8_t link[64] = {0};
	size_t at = (strlen(name) + 4) & ~(size_t)3;
	char path[64];
	struct image image;
	struct module *module;
	int fd;

	strcpy((char *)link, name);
	memcpy(link + at, &checksum, sizeof(checksum));
	image_init(&image);
	image_section(&image, ".gnu_debuglink", SHT_PROGBITS, link, at + sizeof(checksum));
	image_finish(&image);
	fd = file_of(image.bytes, image.used);
	image_clear(&image);
	snprintf(path, sizeof(path), "%s/file", folder);
	module = module_open(cache, fd, path);
	close(fd);
	return module;
}

static void expect_linked(struct module_cache *cache, const char *folder, const char *name,
	uint32_t checksum, bool found)
{
	struct module *module = open_linked(cache, folder, name, checksum);

	expect_function(module, TEXT_VADDR + 2, found ? "separate" : NULL, 2);
	module_put(module);
}

static void takes_a_linked_debug_file_by_its_checksum(void **state)
{
	char folder[] = "/tmp/test_target_XXXXXX", below[64], path[80];
	struct module_cache *cache = module_cache_new(0);
	uint32_t checksum;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(below, sizeof(below), "%s/.debug", folder);
	assert_int_equal(mkdir(below, 0700), 0);
	module_cache_set_debug_places(cache, places_of("/nowhere", NULL));
	for (int inside = 0; inside < 2; inside++) {
		snprintf(path, sizeof(path), "%s/file.debug", inside ? below : folder);
		write_debug_file(path, 0xef);
		checksum = checksum_of(path);
		expect_linked(cache, folder, "file.debug", checksum, true);
		expect_linked(cache, folder, "file.debug", checksum + 1, false);
		expect_linked(cache, folder, "../file.debug", checksum, false);
		expect_linked(cache, folder, "", checksum, false);
		unlink(path);
	}
	expect_linked(cache, folder, "file.debug", checksum, false);
	/* Below the folder of packages, by the file's whole path. */
	snprintf(path, sizeof(path), "%s/file.debug", below);
	write_debug_file(path, 0xef);
	module_cache_set_debug_places(cache, places_of(folder, NULL));
	expect_linked(cache, "/.debug", "file.debug", checksum, true);
	unlink(path);
	rmdir(below);
	rmdir(folder);
	module_cache_free(cache);
}

/* Who can write next to his copy of a file must not name the functions of other copies. */
static void shares_no_symbols_that_came_by_a_link(void **state)
{
	char folder[] = "/tmp/test_target_XXXXXX", path[64];
	struct module_cache *cache = module_cache_new(0);
	struct module *modules[2];
	uint8_t link[16] = "file.debug";

	(void)state;
	assert_non_null(mkdtemp(folder));
	module_cache_set_debug_places(cache, places_of("/nowhere", NULL));
	snprintf(path, sizeof(path), "%s/file.debug", folder);
	write_debug_file(path, 0xef);
	memcpy(link + 12, &(uint32_t){checksum_of(path)}, sizeof(uint32_t));
	for (size_t i = 0; i < 2; i++) {
		struct image image;
		int fd;

		with_build_id(&image, 0xef);
		image_section(&image, ".gnu_debuglink", SHT_PROGBITS, link, sizeof(link));
		image_finish(&image);
		fd = file_of(image.bytes, image.used);
		image_clear(&image);
		snprintf(path, sizeof(path), "%s/file", i ? "/elsewhere" : folder);
		modules[i] = module_open(cache, fd, path);
		close(fd);
		expect_function(modules[i], TEXT_VADDR + 2, i ? NULL : "separate", 2);
	}
	snprintf(path, sizeof(path), "%s/file.debug", folder);
	unlink(path);
	rmdir(folder);
	module_put(modules[0]);
	module_put(modules[1]);
	module_cache_free(cache);
}

/* With these symbols and a build id. */
static struct module *open_copy(
	struct module_cache *cache, const struct image_symbol *symbols, size_t count)
{
	struct image image;

	with_build_id(&image, 0xef);
	image_symbols(&image, SHT_SYMTAB, symbols, count);
	return open_image(cache, &image);
}

static void shares_the_symbols_of_copies_only(void **state)
{
	static const struct image_symbol names[] = {{"one", TEXT_VADDR, 8, STT_FUNC, STB_GLOBAL}},
					 others[] = {{"two", TEXT_VADDR, 8, STT_FUNC, STB_GLOBAL}};
	struct module_cache *cache = module_cache_new(0);
	struct module *first = open_copy(cache, names, 1), *copy = open_copy(cache, names, 1),
		      *liar = open_copy(cache, others, 1), *third;
	uint64_t distance;

	(void)state;
	assert_ptr_not_equal(first, copy);
	expect_function(first, TEXT_VADDR, "one", 0);
	expect_function(liar, TEXT_VADDR, "two", 0); /* whatever id it claims */
	assert_ptr_equal(module_function_at(first, TEXT_VADDR, &distance),
		module_function_at(copy, TEXT_VADDR, &distance));
	assert_ptr_equal(copy->twin, first);
	assert_null(liar->twin);
	module_put(first); /* still needed */
	third = open_copy(cache, names, 1);
	expect_function(third, TEXT_VADDR, "one", 0);
	assert_ptr_equal(third->twin, first);
	module_put(copy);
	module_put(liar);
	module_cache_free(cache);
	expect_function(third, TEXT_VADDR, "one", 0);
	module_put(third);
}

static void reads_a_build_id_without_sections(void **state)
{
	static const uint8_t note[] = {
		4, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0, 'G', 'N', 'U', 0, 0xab, 0xcd, 0xef, 0};
	struct module_cache *cache = module_cache_new(0);
	char text[BUILD_ID_TEXT_BYTES];
	struct image image;
	struct module *module;

	(void)state;
	image_init(&image);
	memcpy(image.bytes + TEXT_OFFSET, note, sizeof(note));
	image.segments[2] =
		(Elf64_Phdr){.p_type = PT_NOTE, .p_offset = TEXT_OFFSET, .p_filesz = sizeof(note)};
	image.header.e_phnum = 3;
	module = open_image(cache, &image);
	build_id_text(&module->build_id, text);
	assert_string_equal(text, "abcdef");
	module_put(module);
	module_cache_free(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_a_debug_file_of_the_same_build_only),
		cmocka_unit_test(takes_what_was_downloaded_before),
		cmocka_unit_test(takes_a_linked_debug_file_by_its_checksum),
		cmocka_unit_test(shares_the_symbols_of_copies_only),
		cmocka_unit_test(shares_no_symbols_that_came_by_a_link),
		cmocka_unit_test(reads_a_build_id_without_sections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
