/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * usdt.c - finds the probe sites of provider "threadwatch" in .note.stapsdt.
 *
 * Input: the notes as sdt.h writes them: {pc, base, semaphore} and three strings. A site is
 * kept when its probe and its arguments are those of the frozen table and its address lies in
 * executable bytes of the file. All else of our provider is counted as rejected; notes of
 * other providers are none of our business. Sections above NOTES_BYTES_MAX are read up to it.
 */
#include "target/module_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

#define NOTES_BYTES_MAX	  (16u << 20)
#define NOTE_TYPE_STAPSDT 3
#define NOTE_OWNER	  "stapsdt"
#define PROVIDER	  "threadwatch"

struct probe {
	char name[12];
	uint32_t probe;
	size_t args;
};

static const struct probe probes[] = {
	{"begin", WIRE_PROBE_BEGIN, 3},
	{"end", WIRE_PROBE_END, 1},
	{"data_int", WIRE_PROBE_DATA_INT, 2},
	{"data_str", WIRE_PROBE_DATA_STR, 2},
	{"spawn", WIRE_PROBE_SPAWN, 1},
};

/* The fixed start of a note's description. */
struct note_addresses {
	uint64_t pc, base, semaphore;
};

struct search {
	struct module *module;
	uint64_t base; /* where .stapsdt.base is linked; 0: there is none */
	struct usdt_site *sites;
	size_t count, capacity, rejected, over_limit;
	int err;
};

/* The string at *at, which then moves behind it. NULL when it has no end. */
static const char *take_string(const uint8_t **at, const uint8_t *end)
{
	const char *text = (const char *)*at;
	size_t bytes = strnlen(text, end - *at);

	if (bytes == (size_t)(end - *at))
		return NULL;
	*at += bytes + 1;
	return text;
}

static bool parse_args(const char *text, const struct probe *probe, struct wire_site *site)
{
	struct wire_arg extra;

	for (size_t i = 0; i < probe->args; i++) {
		if (usdt_parse_arg(&text, &site->args[i]) != 1)
			return false;
	}
	return usdt_parse_arg(&text, &extra) == 0;
}

/* prelink moves code without rewriting the notes; the base section tells by how much. */
static bool locate(const struct search *search, const struct note_addresses *note, uint64_t *offset)
{
	uint64_t vaddr = note->pc;
	const Elf64_Phdr *load;

	if (search->base && note->base)
		vaddr += search->base - note->base;
	load = elf_file_load_of_vaddr(&search->module->file, vaddr);
	if (!load || !(load->p_flags & PF_X))
		return false;
	*offset = load->p_offset + (vaddr - load->p_vaddr);
	return *offset < search->module->file.source.size;
}

static const struct probe *find_probe(const char *name)
{
	for (size_t i = 0; name && i < sizeof(probes) / sizeof(probes[0]); i++) {
		if (!strcmp(probes[i].name, name))
			return &probes[i];
	}
	return NULL;
}

static bool append(struct search *search, const struct usdt_site *site)
{
	struct usdt_site *more =
		array_grow(search->sites, &search->capacity, search->count + 1, sizeof(*more));

	if (!more) {
		search->err = -ENOMEM;
		return false;
	}
	search->sites = more;
	search->sites[search->count++] = *site;
	return true;
}

static void take_description(struct search *search, const uint8_t *at, const uint8_t *end)
{
	struct note_addresses addresses;
	struct usdt_site site = {0};
	const char *provider, *args;
	const struct probe *probe;

	if ((size_t)(end - at) < sizeof(addresses))
		return;
	memcpy(&addresses, at, sizeof(addresses));
	at += sizeof(addresses);
	provider = take_string(&at, end);
	if (!provider || strcmp(provider, PROVIDER))
		return;
	probe = find_probe(take_string(&at, end));
	args = probe ? take_string(&at, end) : NULL;
	if (!args || !parse_args(args, probe, &site.site) ||
		!locate(search, &addresses, &site.file_offset)) {
		search->rejected++;
		return;
	}
	if (search->count == USDT_SITES_MAX) {
		search->over_limit++;
		return;
	}
	site.site.probe = probe->probe;
	append(search, &site);
}

/* Sizes are 32 bits each and the buffer is bounded, so that these sums cannot wrap. */
static size_t align4(size_t bytes)
{
	return (bytes + 3) & ~(size_t)3;
}

static void walk_notes(struct search *search, const uint8_t *notes, size_t bytes)
{
	for (size_t at = 0; !search->err && at < bytes && bytes - at >= sizeof(Elf64_Nhdr);) {
		Elf64_Nhdr note;
		size_t name_at = at + sizeof(note), desc_at;

		memcpy(&note, notes + at, sizeof(note));
		desc_at = name_at + align4(note.n_namesz);
		if (desc_at > bytes || note.n_descsz > bytes - desc_at)
			return;
		if (note.n_type == NOTE_TYPE_STAPSDT && note.n_namesz == sizeof(NOTE_OWNER) &&
			!memcmp(notes + name_at, NOTE_OWNER, sizeof(NOTE_OWNER)))
			take_description(search, notes + desc_at, notes + desc_at + note.n_descsz);
		at = desc_at + align4(note.n_descsz);
	}
}

static void search_section(struct search *search, const Elf64_Shdr *section)
{
	const struct elf_source *source = &search->module->file.source;
	uint64_t left = section->sh_offset < source->size ? source->size - section->sh_offset : 0;
	uint64_t bytes = section->sh_size < left ? section->sh_size : left;
	uint8_t *notes;

	if (bytes > NOTES_BYTES_MAX)
		bytes = NOTES_BYTES_MAX;
	if (!bytes)
		return;
	notes = malloc(bytes);
	if (!notes) {
		search->err = -ENOMEM;
		return;
	}
	if (!elf_source_read(source, section->sh_offset, notes, bytes))
		walk_notes(search, notes, bytes);
	free(notes);
}

int usdt_find_sites(struct module *module, struct usdt_site **sites, size_t *count,
	size_t *rejected, size_t *over_limit)
{
	const struct elf_file *file = &module->file;
	const Elf64_Shdr *base = elf_file_section(file, NULL, SHT_PROGBITS, ".stapsdt.base");
	const Elf64_Shdr *section = elf_file_section(file, NULL, SHT_NOTE, ".note.stapsdt");
	struct search search = {.module = module, .base = base ? base->sh_addr : 0};

	/* A linker merges them into one section; a file with thousands is not worth the time. */
	if (section)
		search_section(&search, section);
	if (search.err) {
		free(search.sites);
		return search.err;
	}
	*sites = search.sites;
	*count = search.count;
	*rejected = search.rejected;
	*over_limit = search.over_limit;
	return 0;
}
