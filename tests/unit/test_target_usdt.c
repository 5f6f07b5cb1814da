/* SPDX-License-Identifier: GPL-2.0-only */
/* test_target_usdt.c - probe sites in .note.stapsdt, honest and hostile notes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "target/target.h"
#include "test_target_elf.h"

#define NOTES_BYTES_MAX (20u << 20)
#define BASE_LINKED	0x402000u

struct notes {
	uint8_t *bytes;
	size_t used;
};

static struct notes notes_new(void)
{
	struct notes notes = {.bytes = calloc(1, NOTES_BYTES_MAX)};

	assert_non_null(notes.bytes);
	return notes;
}

static void add_raw(
	struct notes *notes, uint64_t pc, uint64_t base, const char *strings, size_t bytes)
{
	uint64_t addresses[3] = {pc, base, 0};
	Elf64_Nhdr note = {8, (uint32_t)(sizeof(addresses) + bytes), 3};

	memcpy(notes->bytes + notes->used, &note, sizeof(note));
	memcpy(notes->bytes + notes->used + 12, "stapsdt", 8);
	memcpy(notes->bytes + notes->used + 20, addresses, sizeof(addresses));
	memcpy(notes->bytes + notes->used + 44, strings, bytes);
	notes->used += (44 + bytes + 3) & ~(size_t)3;
}

static void add(struct notes *notes, uint64_t pc, uint64_t base, const char *provider,
	const char *name, const char *args)
{
	char text[256];
	int bytes = snprintf(text, sizeof(text), "%s%c%s%c%s%c", provider, 0, name, 0, args, 0);

	add_raw(notes, pc, base, text, (size_t)bytes);
}

struct result {
	struct usdt_site *sites;
	size_t count, rejected, over_limit;
};

/* Puts the notes into a file and searches it. `base`: where .stapsdt.base is; 0: absent. */
static struct result search(struct notes *notes, uint64_t base)
{
	struct module_cache *cache = module_cache_new(4);
	struct result result = {NULL, 99, 99, 99};
	struct image image;
	struct module *module;
	int fd;

	image_init(&image);
	image_section(&image, ".note.stapsdt", SHT_NOTE, notes->bytes, notes->used);
	if (base)
		image.sections[image_section(&image, ".stapsdt.base", SHT_PROGBITS, "", 1)]
			.sh_addr = base;
	image_finish(&image);
	fd = file_of(image.bytes, image.used);
	image_clear(&image);
	module = module_open(cache, fd, "file");
	assert_non_null(module);
	close(fd);
	assert_int_equal(usdt_find_sites(module, &result.sites, &result.count, &result.rejected,
				 &result.over_limit),
		0);
	module_put(module);
	module_cache_free(cache);
	free(notes->bytes);
	return result;
}

static void finds_each_probe(void **state)
{
	struct notes notes = notes_new();
	struct result result;

	(void)state;
	add(&notes, TEXT_VADDR + 0x10, 0, "threadwatch", "begin", "8@%rdi 8@$500 8@-8(%rbp)");
	add(&notes, TEXT_VADDR + 0x20, 0, "threadwatch", "end", "8@%rax");
	add(&notes, TEXT_VADDR + 0x30, 0, "libc", "begin", "8@%rdi");
	add(&notes, TEXT_VADDR + 0x30, 0, "threadwatch", "data_int", "8@%rdi -8@%rsi");
	add(&notes, TEXT_VADDR + 0x40, 0, "threadwatch", "data_str", "8@%rdi 8@%rsi");
	add(&notes, TEXT_VADDR + 0x50, 0, "threadwatch", "spawn", "8@%rdi");
	result = search(&notes, 0);
	assert_int_equal(result.count, 5);
	assert_int_equal(result.rejected, 0);
	for (uint32_t i = 0; i < 5; i++) {
		assert_int_equal(result.sites[i].site.probe, WIRE_PROBE_BEGIN + i);
		assert_int_equal(result.sites[i].file_offset, TEXT_OFFSET + 0x10 * (i + 1));
	}
	assert_int_equal(result.sites[0].site.args[0].reg_offset, 112);
	assert_int_equal(result.sites[0].site.args[1].value, 500);
	assert_int_equal(result.sites[0].site.args[2].value, -8);
	assert_int_equal(result.sites[1].site.args[1].kind, WIRE_ARG_NONE);
	free(result.sites);
}

static void follows_moved_code(void **state)
{
	struct notes notes = notes_new();
	struct result result;

	(void)state;
	/* The notes were written when all of it was 0x1000 lower, the third when higher. */
	add(&notes, TEXT_VADDR + 4 - 0x1000, BASE_LINKED - 0x1000, "threadwatch", "end", "8@%rax");
	add(&notes, TEXT_VADDR + 5, BASE_LINKED, "threadwatch", "end", "8@%rax");
	add(&notes, TEXT_VADDR + 6 + 0x1000, BASE_LINKED + 0x1000, "threadwatch", "end", "8@%rax");
	result = search(&notes, BASE_LINKED);
	assert_int_equal(result.count, 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(result.sites[i].file_offset, TEXT_OFFSET + 4 + i);
	free(result.sites);
}

static void rejects_what_is_not_in_the_table(void **state)
{
	struct notes notes = notes_new();
	struct result result;

	(void)state;
	add(&notes, TEXT_VADDR, 0, "threadwatch", "unknown", "8@%rdi");
	add(&notes, TEXT_VADDR, 0, "threadwatch", "begin", "8@%rdi 8@$5");
	add(&notes, TEXT_VADDR, 0, "threadwatch", "end", "8@%rdi 8@%rsi");
	add(&notes, TEXT_VADDR, 0, "threadwatch", "end", "");
	add(&notes, TEXT_VADDR, 0, "threadwatch", "end", "8@name(%rip)");
	add(&notes, DATA_VADDR, 0, "threadwatch", "end", "8@%rdi");
	add(&notes, TEXT_VADDR + TEXT_BYTES, 0, "threadwatch", "end", "8@%rdi");
	add(&notes, 0, 0, "threadwatch", "end", "8@%rdi");
	add(&notes, UINT64_MAX, 1, "threadwatch", "end", "8@%rdi");
	add_raw(&notes, TEXT_VADDR, 0, "threadwatch\0end\0008@%rdi", 22); /* no end */
	add_raw(&notes, TEXT_VADDR, 0, "threadwatch\0end", 15);
	add_raw(&notes, TEXT_VADDR, 0, "threadwatch", 12);
	add(&notes, TEXT_VADDR, 0, "threadwatch", "end", "8@%rdi");
	result = search(&notes, 0);
	assert_int_equal(result.count, 1);
	assert_int_equal(result.rejected, 12);
	free(result.sites);
}

static void ignores_notes_of_others(void **state)
{
	struct notes notes = notes_new();
	struct result result;

	(void)state;
	add(&notes, TEXT_VADDR, 0, "threadwatch2", "end", "8@%rdi");
	add(&notes, TEXT_VADDR, 0, "", "end", "8@%rdi");
	add_raw(&notes, TEXT_VADDR, 0, "threadwatch", 11); /* no end: no provider */
	add_raw(&notes, TEXT_VADDR, 0, "", 0);
	result = search(&notes, 0);
	assert_int_equal(result.count, 0);
	assert_int_equal(result.rejected, 0);
	free(result.sites);
}

static void stops_at_a_limit_of_sites(void **state)
{
	struct notes notes = notes_new();
	struct result result;
	const size_t all = 100000;

	(void)state;
	for (size_t i = 0; i < all; i++)
		add(&notes, TEXT_VADDR, 0, "threadwatch", "end", "8@%rdi");
	result = search(&notes, 0);
	assert_int_equal(result.count, USDT_SITES_MAX);
	assert_int_equal(result.rejected, 0);
	assert_int_equal(result.over_limit, all - USDT_SITES_MAX);
	free(result.sites);
}

/* Sizes that lie end the walk; what came before them stays. */
static void survives_sizes_that_lie(void **state)
{
	static const uint32_t lies[] = {
		1, 7, 0x7fffffff, 0x80000000, 0xfffffff4, 0xfffffffd, 0xffffffff};

	(void)state;
	for (size_t field = 0; field < 2; field++) {
		for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
			struct notes notes = notes_new();
			struct result result;
			size_t second;

			add(&notes, TEXT_VADDR, 0, "threadwatch", "end", "8@%rdi");
			second = notes.used;
			add(&notes, TEXT_VADDR, 0, "threadwatch", "end", "8@%rdi");
			memcpy(notes.bytes + second + field * sizeof(uint32_t), &lies[i],
				sizeof(lies[i]));
			result = search(&notes, 0);
			assert_int_equal(result.count, 1);
			free(result.sites);
		}
	}
}

static void keeps_nothing_of_a_cut_note(void **state)
{
	const size_t padding = 1, whole = 68;

	(void)state;
	for (size_t cut = 0; cut <= whole; cut++) {
		struct notes notes = notes_new();
		struct result result;

		add(&notes, TEXT_VADDR, 0, "threadwatch", "end", "8@%rdi");
		assert_int_equal(notes.used, whole);
		notes.used -= cut;
		result = search(&notes, 0);
		assert_int_equal(result.count, cut <= padding ? 1 : 0);
		free(result.sites);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_each_probe),
		cmocka_unit_test(follows_moved_code),
		cmocka_unit_test(rejects_what_is_not_in_the_table),
		cmocka_unit_test(ignores_notes_of_others),
		cmocka_unit_test(stops_at_a_limit_of_sites),
		cmocka_unit_test(survives_sizes_that_lie),
		cmocka_unit_test(keeps_nothing_of_a_cut_note),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
