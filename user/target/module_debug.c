/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * module_debug.c - see module_debug.h.
 *
 * Input: the file itself; where it has no line table, the debug file of its build id. Answers
 * are kept, those that say "not there" too, up to ENTRIES_MAX of each sort. A file on which
 * libdw failed is not asked about again.
 */
#include "target/module_debug.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define ENTRIES_MAX    16384
#define CALL_BYTES_MAX 7

struct line_entry {
	uint64_t vaddr; /* first: compare_vaddr */
	uint32_t line;	/* 0: none */
	char file[];
};

struct frame_entry {
	uint64_t vaddr; /* first: compare_vaddr */
	bool found;
	struct frame_row row;
};

/* A tsearch tree of entries that begin with their address. */
struct answers {
	void *tree;
	size_t count;
	bool refused;
};

struct module_debug {
	struct answers lines, frames;
};

static int compare_vaddr(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static const void *find(const struct answers *answers, uint64_t vaddr)
{
	void *found = tfind(&vaddr, &answers->tree, compare_vaddr);

	return found ? *(void **)found : NULL;
}

/* Takes over the entry. */
static void keep(struct answers *answers, void *entry)
{
	if (answers->count >= ENTRIES_MAX) {
		tdestroy(answers->tree, free);
		answers->tree = NULL;
		answers->count = 0;
	}
	if (entry && tsearch(entry, &answers->tree, compare_vaddr))
		answers->count++;
	else
		free(entry);
}

void module_debug_free(struct module_debug *debug)
{
	if (!debug)
		return;
	tdestroy(debug->lines.tree, free);
	tdestroy(debug->frames.tree, free);
	free(debug);
}

/* Not shared with copies of the file: that two files have the same symbols does not tell that
 * they have the same lines. */
static struct module_debug *debug_of(struct module *module)
{
	if (!module->debug)
		module->debug = calloc(1, sizeof(*module->debug));
	return module->debug;
}

static bool has_lines(const struct elf_file *file)
{
	return elf_file_section(file, NULL, SHT_PROGBITS, ".debug_line") ||
	       elf_file_section(file, NULL, SHT_PROGBITS, ".zdebug_line");
}

/* The file that has the line table. */
static bool line_file(struct module *module, struct reader_file *out)
{
	struct stat status;

	*out = (struct reader_file){.fd = module->fd, .key = module->key};
	/* The vdso is no file. */
	if (module->fd < 0)
		return false;
	if (has_lines(&module->file))
		return module_is_current(module);
	module_open_separate(module);
	out->fd = module->symbols.separate_fd;
	if (out->fd < 0 || !has_lines(&module->symbols.separate) || fstat(out->fd, &status))
		return false;
	out->key = (struct module_key){.device = status.st_dev,
		.inode = status.st_ino,
		.mtime = status.st_mtim,
		.size = status.st_size};
	return true;
}

static int ask_line(
	struct module *module, struct answers *answers, uint64_t vaddr, struct source_line *out)
{
	struct reader *reader = module->cache ? module_cache_reader(module->cache) : NULL;
	struct reader_file file;
	int err;

	if (!reader || answers->refused || !line_file(module, &file))
		return -ENOENT;
	err = reader_line(reader, &file, vaddr, out);
	answers->refused = err == -EIO;
	return err;
}

int module_line(struct module *module, uint64_t vaddr, struct source_line *out)
{
	struct module_debug *debug = debug_of(module);
	const struct line_entry *known = debug ? find(&debug->lines, vaddr) : NULL;
	struct source_line line = {0};
	struct line_entry *entry;

	if (!debug)
		return -ENOENT;
	if (!known) {
		if (ask_line(module, &debug->lines, vaddr, &line))
			line = (struct source_line){0};
		entry = malloc(sizeof(*entry) + strlen(line.file) + 1);
		if (entry) {
			*entry = (struct line_entry){.vaddr = vaddr, .line = line.line};
			strcpy(entry->file, line.file);
		}
		keep(&debug->lines, entry);
	} else if (known->line) {
		line.line = known->line;
		strcpy(line.file, known->file);
	}
	if (!line.line)
		return -ENOENT;
	*out = line;
	return 0;
}

static int ask_frame(
	struct module *module, struct answers *answers, uint64_t vaddr, struct frame_row *out)
{
	struct reader *reader = module->cache ? module_cache_reader(module->cache) : NULL;
	struct reader_file file = {.fd = module->fd, .key = module->key};
	int err;

	if (!reader || answers->refused || module->fd < 0 || !module_is_current(module))
		return -ENOENT;
	err = reader_frame(reader, &file, vaddr, out);
	answers->refused = err == -EIO;
	return err;
}

int module_frame(struct module *module, uint64_t vaddr, struct frame_row *out)
{
	struct module_debug *debug = debug_of(module);
	const struct frame_entry *known = debug ? find(&debug->frames, vaddr) : NULL;
	struct frame_entry *entry;
	struct frame_row row;
	bool found;

	if (known) {
		if (known->found)
			*out = known->row;
		return known->found ? 0 : -ENOENT;
	}
	found = debug && !ask_frame(module, &debug->frames, vaddr, &row);
	if (!debug)
		return -ENOENT;
	entry = malloc(sizeof(*entry));
	if (entry) {
		*entry = (struct frame_entry){.vaddr = vaddr, .found = found};
		if (found)
			entry->row = row;
	}
	keep(&debug->frames, entry);
	if (found)
		*out = row;
	return found ? 0 : -ENOENT;
}

/* ---- calls ---- */

#define CALL_RELATIVE	    0xe8
#define CALL_RELATIVE_BYTES 5
#define GROUP_5		    0xff /* its operation 2 is a near call */
#define CALL_OPERATION	    2

/* Length of `ff /2` with this ModRM byte and the one behind it (Intel SDM, volume 2, 2.1.5). */
static size_t indirect_call_bytes(uint8_t modrm, uint8_t sib)
{
	unsigned int mod = modrm >> 6, rm = modrm & 7;
	size_t bytes = 2 + (mod != 3 && rm == 4);

	if (mod == 1)
		return bytes + 1;
	if (mod == 2 || (mod == 0 && (rm == 5 || (rm == 4 && (sib & 7) == 5))))
		return bytes + 4;
	return bytes;
}

bool module_is_after_call(struct module *module, uint64_t vaddr)
{
	uint8_t code[CALL_BYTES_MAX];

	if (vaddr < sizeof(code) || module_read(module, vaddr - sizeof(code), code, sizeof(code)))
		return false;
	if (code[sizeof(code) - CALL_RELATIVE_BYTES] == CALL_RELATIVE)
		return true;
	for (size_t bytes = 2; bytes <= sizeof(code); bytes++) {
		const uint8_t *at = code + sizeof(code) - bytes;

		if (at[0] == GROUP_5 && (at[1] >> 3 & 7) == CALL_OPERATION &&
			indirect_call_bytes(at[1], bytes > 2 ? at[2] : 0) == bytes)
			return true;
	}
	return false;
}
