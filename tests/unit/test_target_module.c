/* SPDX-License-Identifier: GPL-2.0-only */
/* test_target_module.c - ELF files: the cache, symbols by address and by name, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <lzma.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "target/module_internal.h"
#include "target/regular_file.h"
#include "test_target_elf.h"

#define MUSL	      "/lib/ld-musl-x86_64.so.1"
#define START_ROUTINE "_thread_db_pthread_start_routine"
#define BOMB_BYTES    (65u << 20)

static const struct image_symbol functions[] = {
	{"outer", TEXT_VADDR, 0x40, STT_FUNC, STB_LOCAL},
	{"inner", TEXT_VADDR + 0x10, 0x8, STT_FUNC, STB_LOCAL},
	{"shorter", TEXT_VADDR + 0x48, 2, STT_FUNC, STB_GLOBAL},
	{"longer", TEXT_VADDR + 0x48, 8, STT_FUNC, STB_LOCAL},
	{"sizeless", TEXT_VADDR + 0x50, 0, STT_FUNC, STB_GLOBAL},
	{"local_alias", TEXT_VADDR + 0x60, 0x10, STT_FUNC, STB_LOCAL},
	{"weak_alias", TEXT_VADDR + 0x60, 0x10, STT_FUNC, STB_WEAK},
	{"alias", TEXT_VADDR + 0x60, 0x10, STT_FUNC, STB_GLOBAL},
	{"chosen", TEXT_VADDR + 0x70, 0x10, STT_GNU_IFUNC, STB_GLOBAL},
	{"object", TEXT_VADDR + 0x80, 0x10, STT_OBJECT, STB_GLOBAL},
	{"label", TEXT_VADDR + 0x90, 0x10, STT_NOTYPE, STB_GLOBAL},
	{"endless", TEXT_VADDR + 0xa0, UINT64_MAX, STT_FUNC, STB_LOCAL},
	{"", TEXT_VADDR + 0xa8, 8, STT_FUNC, STB_LOCAL},
	{"undefined", 0, 8, STT_FUNC, STB_GLOBAL},
};

static void names_only_what_a_function_covers(void **state)
{
	struct module_cache *cache = module_cache_new(4);
	struct image image;
	struct module *module;

	(void)state;
	image_init(&image);
	image_symbols(&image, SHT_SYMTAB, functions, sizeof(functions) / sizeof(functions[0]));
	module = open_image(cache, &image);
	expect_function(module, TEXT_VADDR - 1, NULL, 0);
	expect_function(module, TEXT_VADDR, "outer", 0);
	expect_function(module, TEXT_VADDR + 0xf, "outer", 0xf);
	expect_function(module, TEXT_VADDR + 0x17, "inner", 0x7);
	expect_function(module, TEXT_VADDR + 0x18, "outer", 0x18);
	expect_function(module, TEXT_VADDR + 0x3f, "outer", 0x3f);
	expect_function(module, TEXT_VADDR + 0x40, NULL, 0);
	expect_function(module, TEXT_VADDR + 0x4c, "longer", 4);
	expect_function(module, TEXT_VADDR + 0x50, "sizeless", 0);
	expect_function(module, TEXT_VADDR + 0x51, NULL, 0);
	expect_function(module, TEXT_VADDR + 0x61, "alias", 1);
	expect_function(module, TEXT_VADDR + 0x70, "chosen", 0);
	expect_function(module, TEXT_VADDR + 0x80, NULL, 0);
	expect_function(module, TEXT_VADDR + 0x90, NULL, 0);
	expect_function(module, TEXT_VADDR + 0xb0, "endless", 0x10);
	expect_function(module, 0, NULL, 0);
	assert_string_equal(module_path(module), "/somewhere/file");
	assert_string_equal(module_basename(module), "file");
	module_put(module);
	module_cache_free(cache);
}

static void looks_symbols_up_by_name(void **state)
{
	static const struct image_symbol dynamic[] = {
		{"xalias", TEXT_VADDR + 0x10, 4, STT_FUNC, STB_WEAK},
		{"both", TEXT_VADDR + 0x20, 4, STT_FUNC, STB_GLOBAL},
	};
	static const struct image_symbol all[] = {
		{"both", TEXT_VADDR + 0x30, 8, STT_FUNC, STB_GLOBAL},
		{"alias", TEXT_VADDR + 0x40, 4, STT_OBJECT, STB_LOCAL},
		{"undefined", 0, 4, STT_FUNC, STB_GLOBAL},
		{"label", TEXT_VADDR + 0x60, 4, STT_NOTYPE, STB_GLOBAL},
	};
	struct module_cache *cache = module_cache_new(4);
	uint64_t vaddr = 7, bytes = 7;
	struct image image;
	struct module *module;

	(void)state;
	image_init(&image);
	image_symbols(&image, SHT_DYNSYM, dynamic, 2);
	image_symbols(&image, SHT_SYMTAB, all, 4);
	module = open_image(cache, &image);
	assert_int_equal(module_symbol(module, "none", &vaddr, &bytes), -ENOENT);
	assert_int_equal(module_symbol(module, "undefined", &vaddr, &bytes), -ENOENT);
	assert_int_equal(module_symbol(module, "label", &vaddr, &bytes), -ENOENT);
	assert_int_equal(module_symbol(module, "", &vaddr, &bytes), -ENOENT);
	assert_true(vaddr == 7 && bytes == 7);
	assert_int_equal(module_symbol(module, "both", &vaddr, &bytes), 0);
	assert_true(vaddr == TEXT_VADDR + 0x20 && bytes == 4);
	assert_int_equal(module_symbol(module, "alias", &vaddr, &bytes), 0);
	assert_int_equal(vaddr, TEXT_VADDR + 0x40);
	assert_int_equal(module_function_symbol(module, "alias", &vaddr), -ENOENT);
	assert_int_equal(module_symbol(module, "xalias", &vaddr, &bytes), 0);
	assert_int_equal(vaddr, TEXT_VADDR + 0x10);
	module_put(module);
	module_cache_free(cache);
}

/* Names longer than what is read at once, some across its borders. */
static void finds_names_across_pieces_of_a_big_table(void **state)
{
	const size_t count = 40000, bytes = 16;
	struct module_cache *cache = module_cache_new(4);
	char *strings = calloc(count, bytes);
	Elf64_Sym *table = calloc(count, sizeof(*table));
	struct image image;
	struct module *module;
	unsigned int number;

	(void)state;
	for (size_t i = 1; i < count; i++) {
		/* 15 characters and a NUL, shifted by one: pieces end within names. */
		sprintf(strings + bytes * (i - 1) + 1, "name_%010zu", i);
		table[i] = (Elf64_Sym){.st_name = (uint32_t)(bytes * (i - 1) + 1),
			.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
			.st_shndx = 1,
			.st_value = TEXT_VADDR + i,
			.st_size = 1};
	}
	image_init(&image);
	number = image_section(&image, "table", SHT_DYNSYM, table, count * sizeof(*table));
	image.sections[number].sh_entsize = sizeof(*table);
	image.sections[number].sh_link =
		image_section(&image, "strings", SHT_STRTAB, strings, count * bytes);
	module = open_image(cache, &image);
	/* The names around each end of a piece of 64 KiB. */
	for (size_t i = 1; i < count; i += i % 4096 == 3 ? 4090 : 1) {
		uint64_t vaddr, size;
		char name[32];

		sprintf(name, "name_%010zu", i);
		assert_int_equal(module_symbol(module, name, &vaddr, &size), 0);
		assert_int_equal(vaddr, TEXT_VADDR + i);
		expect_function(module, TEXT_VADDR + i, name, 0);
	}
	module_put(module);
	module_cache_free(cache);
	free(strings);
	free(table);
}

static void translates_addresses_and_reads(void **state)
{
	struct module_cache *cache = module_cache_new(4);
	struct image image;
	struct module *module;
	char out[8];

	(void)state;
	image_init(&image);
	memcpy(image.bytes + DATA_OFFSET + 8, "content", 8);
	strcpy((char *)image.bytes + TEXT_OFFSET, "/lib/interpreter");
	image.segments[2] =
		(Elf64_Phdr){.p_type = PT_INTERP, .p_offset = TEXT_OFFSET, .p_filesz = 17};
	image.header.e_phnum = 3;
	module = open_image(cache, &image);
	assert_int_equal(module_offset_to_vaddr(module, TEXT_OFFSET + 5), TEXT_VADDR + 5);
	assert_int_equal(module_vaddr_to_offset(module, TEXT_VADDR + 5), TEXT_OFFSET + 5);
	assert_int_equal(module_vaddr_to_offset(module, DATA_VADDR), DATA_OFFSET);
	assert_int_equal(module_vaddr_to_offset(module, DATA_VADDR + DATA_BYTES), 0);
	assert_int_equal(module_offset_to_vaddr(module, SECTIONS_OFFSET), 0);
	assert_int_equal(module_read(module, DATA_VADDR + 8, out, 8), 0);
	assert_string_equal(out, "content");
	assert_int_equal(module_read(module, DATA_VADDR + DATA_BYTES - 7, out, 8), -EFAULT);
	assert_int_equal(module_read(module, DATA_VADDR - 1, out, 8), -EFAULT);
	assert_int_equal(module_read(module, DATA_VADDR, out, SIZE_MAX), -EFAULT);
	assert_string_equal(module_interpreter(module), "/lib/interpreter");
	assert_ptr_equal(module_interpreter(module), module_interpreter(module));
	module_put(module);
	module_cache_free(cache);
}

static void refuses_other_machines_and_other_files(void **state)
{
	static const struct {
		size_t offset;
		uint8_t value;
	} changes[] = {{0, 0}, {EI_CLASS, ELFCLASS32}, {EI_DATA, ELFDATA2MSB}, {EI_VERSION, 9},
		{offsetof(Elf64_Ehdr, e_machine), EM_386}, {offsetof(Elf64_Ehdr, e_type), ET_CORE},
		{offsetof(Elf64_Ehdr, e_type), ET_REL}, {offsetof(Elf64_Ehdr, e_phnum), 0},
		{offsetof(Elf64_Ehdr, e_phentsize), 32}, {offsetof(Elf64_Ehdr, e_phoff) + 7, 0xff}};
	struct module_cache *cache = module_cache_new(4);

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct image image;
		int fd;

		image_init(&image);
		image_finish(&image);
		image.bytes[changes[i].offset] = changes[i].value;
		fd = file_of(image.bytes, image.used);
		image_clear(&image);
		assert_null(module_open(cache, fd, "x"));
		assert_int_equal(errno, ENOEXEC);
		close(fd);
	}
	assert_null(open_path(cache, "/proc/self/maps"));
	assert_null(module_open(cache, -1, "x"));
	assert_int_equal(errno, EBADF);
	module_cache_free(cache);
}

/* Without a writer a FIFO blocks who opens it to read: the alarm ends a test that does. */
static void refuses_what_is_no_regular_file(void **state)
{
	char folder[] = "/tmp/test_target_XXXXXX", fifo[64];
	struct module_cache *cache = module_cache_new(4);
	int sockets[2], fd;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(fifo, sizeof(fifo), "%s/fifo", folder);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	alarm(20);
	assert_int_equal(regular_file_open(AT_FDCWD, fifo, NULL), -EINVAL);
	assert_int_equal(regular_file_open(AT_FDCWD, "/dev/null", NULL), -EINVAL);
	assert_int_equal(regular_file_open(AT_FDCWD, folder, NULL), -EINVAL);
	assert_int_equal(regular_file_open(AT_FDCWD, "/nowhere", NULL), -ENOENT);
	fd = open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_null(module_open(cache, fd, fifo));
	assert_int_equal(errno, EINVAL);
	close(fd);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	assert_null(module_open(cache, sockets[0], "socket"));
	assert_null(open_path(cache, "/dev/zero"));
	alarm(0);
	close(sockets[0]);
	close(sockets[1]);
	unlink(fifo);
	rmdir(folder);
	module_cache_free(cache);
}

static void stays_below_a_root(void **state)
{
	char folder[] = "/tmp/test_target_XXXXXX", path[64];
	int root, fd;

	(void)state;
	assert_non_null(mkdtemp(folder));
	root = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	snprintf(path, sizeof(path), "%s/link", folder);
	assert_int_equal(symlink("/proc/self/exe", path), 0);
	assert_int_equal(regular_file_open_in_root(root, "/link", NULL), -ENOENT);
	assert_int_equal(regular_file_open_in_root(root, "/../../proc/self/exe", NULL), -ENOENT);
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	close(fd);
	fd = regular_file_open_in_root(root, "/link", NULL);
	assert_true(fd >= 0);
	close(fd);
	close(root);
	unlink(path);
	rmdir(folder);
}

static int open_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void shares_a_file_and_forgets_the_oldest(void **state)
{
	struct module_cache *cache = module_cache_new(2);
	int before = open_descriptors(), fds[4];
	struct module *first, *again, *others[3];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct image image;

		image_init(&image);
		image_finish(&image);
		fds[i] = file_of(image.bytes, image.used);
		image_clear(&image);
	}
	first = module_open(cache, fds[0], "a");
	again = module_open(cache, fds[0], "b");
	assert_ptr_equal(first, again);
	module_put(again);
	for (size_t i = 0; i < 3; i++)
		others[i] = module_open(cache, fds[i + 1], "c");
	assert_int_equal(open_descriptors(), before + 4 + 4); /* in use: none may leave */
	module_put(others[0]);
	assert_int_equal(open_descriptors(), before + 4 + 3);
	module_put(others[1]);
	module_put(others[2]);
	assert_int_equal(open_descriptors(), before + 4 + 2); /* the limit */
	again = module_open(cache, fds[0], "d");
	assert_ptr_equal(first, again);
	module_put(again);
	module_put(first);
	assert_int_equal(open_descriptors(), before + 4 + 2); /* kept, though unused */
	module_put(NULL);
	first = module_open(cache, fds[0], "e");
	module_cache_free(cache);
	assert_string_equal(module_path(first), "a"); /* a reference outlives the cache */
	module_put(first);
	for (size_t i = 0; i < 4; i++)
		close(fds[i]);
	assert_int_equal(open_descriptors(), before);
	module_cache_free(NULL);
}

static void tells_a_changed_file_from_the_old(void **state)
{
	static const struct image_symbol one[] = {{"one", TEXT_VADDR, 8, STT_FUNC, STB_GLOBAL},
		{"two", TEXT_VADDR + 8, 8, STT_FUNC, STB_GLOBAL}};
	struct module_cache *cache = module_cache_new(4);
	struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
	struct module *module, *changed;
	struct image image;
	int fd;

	(void)state;
	image_init(&image);
	image_symbols(&image, SHT_SYMTAB, one, 2);
	image_finish(&image);
	fd = file_of(image.bytes, image.used);
	image_clear(&image);
	module = module_open(cache, fd, "x");
	expect_function(module, TEXT_VADDR, "one", 0);
	assert_true(module_is_current(module));
	assert_int_equal(futimens(fd, times), 0);
	assert_false(module_is_current(module));
	expect_function(module, TEXT_VADDR, "one", 0); /* it was read before */
	expect_function(module, TEXT_VADDR + 8, NULL, 0);
	changed = module_open(cache, fd, "x");
	assert_ptr_not_equal(changed, module);
	expect_function(changed, TEXT_VADDR + 8, "two", 0);
	module_put(changed);
	module_put(module);
	close(fd);
	module_cache_free(cache);
}

static size_t pack(const void *bytes, size_t count, uint8_t *out, size_t limit)
{
	size_t used = 0;

	assert_int_equal(
		lzma_easy_buffer_encode(0, LZMA_CHECK_CRC32, NULL, bytes, count, out, &used, limit),
		LZMA_OK);
	return used;
}

/* An image with these xz bytes as .gnu_debugdata. */
static struct module *open_packed(struct module_cache *cache, const uint8_t *packed, size_t bytes)
{
	struct image image;

	image_init(&image);
	image_section(&image, ".gnu_debugdata", SHT_PROGBITS, packed, bytes);
	return open_image(cache, &image);
}

static void unpacks_embedded_symbols_within_bounds(void **state)
{
	static const struct image_symbol inner[] = {
		{"embedded", TEXT_VADDR, 8, STT_FUNC, STB_LOCAL}};
	struct module_cache *cache = module_cache_new(4);
	uint8_t *packed = malloc(1 << 20), *zeros = calloc(1, BOMB_BYTES);
	struct image image;
	struct module *module;
	size_t bytes;

	(void)state;
	image_init(&image);
	image_symbols(&image, SHT_SYMTAB, inner, 1);
	image_finish(&image);
	bytes = pack(image.bytes, image.used, packed, 1 << 20);
	memcpy(zeros, image.bytes, image.used); /* a good file, but for its size */
	image_clear(&image);
	module = open_packed(cache, packed, bytes);
	expect_function(module, TEXT_VADDR + 1, "embedded", 1);
	module_put(module);
	for (size_t cut = 0; cut < bytes; cut += 7) {
		module = open_packed(cache, packed, cut);
		expect_function(module, TEXT_VADDR, NULL, 0);
		module_put(module);
	}
	bytes = pack(zeros, BOMB_BYTES, packed, 1 << 20);
	module = open_packed(cache, packed, bytes);
	expect_function(module, TEXT_VADDR, NULL, 0);
	module_put(module);
	free(packed);
	free(zeros);
	module_cache_free(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_only_what_a_function_covers),
		cmocka_unit_test(looks_symbols_up_by_name),
		cmocka_unit_test(finds_names_across_pieces_of_a_big_table),
		cmocka_unit_test(translates_addresses_and_reads),
		cmocka_unit_test(refuses_other_machines_and_other_files),
		cmocka_unit_test(refuses_what_is_no_regular_file),
		cmocka_unit_test(stays_below_a_root),
		cmocka_unit_test(shares_a_file_and_forgets_the_oldest),
		cmocka_unit_test(tells_a_changed_file_from_the_old),
		cmocka_unit_test(unpacks_embedded_symbols_within_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
