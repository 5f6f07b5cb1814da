/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kallsyms.c - names of kernel functions.
 *
 * Input: /proc/kallsyms, "address type name [module]". Addresses are all 0 for those who may
 * not know them (kptr_restrict): then no name is known. The file has no sizes: a function is
 * taken to reach to the next symbol, and nothing is known behind the last.
 */
#include "target/kallsyms.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SYMBOLS_MAX	  (4u << 20)
#define NAMES_BYTES_MAX	  (256u << 20)
#define SYMBOLS_FIRST	  4096
#define NAMES_BYTES_FIRST (64u << 10)

struct kernel_symbol {
	uint64_t address;
	uint32_t name; /* offset in names */
	bool function;
};

struct kallsyms {
	struct kernel_symbol *symbols;
	char *names;
	size_t count, capacity;
	size_t names_used, names_capacity;
};

/* Makes room for one more symbol with a name of so many bytes. */
static int reserve(struct kallsyms *all, size_t name_bytes)
{
	if (all->count == all->capacity) {
		size_t capacity = all->capacity ? all->capacity * 2 : SYMBOLS_FIRST;
		void *more = capacity > SYMBOLS_MAX
				     ? NULL
				     : reallocarray(all->symbols, capacity, sizeof(*all->symbols));

		if (!more)
			return -ENOMEM;
		all->symbols = more;
		all->capacity = capacity;
	}
	while (all->names_capacity - all->names_used < name_bytes) {
		size_t capacity = all->names_capacity ? all->names_capacity * 2 : NAMES_BYTES_FIRST;
		void *more = capacity > NAMES_BYTES_MAX ? NULL : realloc(all->names, capacity);

		if (!more)
			return -ENOMEM;
		all->names = more;
		all->names_capacity = capacity;
	}
	return 0;
}

/* Lines of another form, and those without an address, are skipped. */
static int take_line(struct kallsyms *all, const char *line)
{
	uint64_t address;
	size_t length;
	char *at;

	if (!isxdigit((unsigned char)line[0]))
		return 0;
	address = strtoull(line, &at, 16);
	if (!address || at[0] != ' ' || !at[1] || at[2] != ' ')
		return 0;
	length = strcspn(at + 3, "\t \n");
	if (!length)
		return 0;
	if (reserve(all, length + 1))
		return -ENOMEM;
	all->symbols[all->count++] = (struct kernel_symbol){
		.address = address,
		.name = (uint32_t)all->names_used,
		.function = strchr("tTwW", at[1]) != NULL,
	};
	memcpy(all->names + all->names_used, at + 3, length);
	all->names[all->names_used + length] = '\0';
	all->names_used += length + 1;
	return 0;
}

/* Functions first among those at one address, so that they are found. */
static int compare(const void *left, const void *right)
{
	const struct kernel_symbol *a = left, *b = right;

	if (a->address != b->address)
		return a->address < b->address ? -1 : 1;
	if (a->function != b->function)
		return a->function ? -1 : 1;
	return a->name < b->name ? -1 : a->name > b->name;
}

struct kallsyms *kallsyms_read(FILE *in)
{
	struct kallsyms *all = calloc(1, sizeof(*all));
	size_t capacity = 0;
	char *line = NULL;
	int err = all ? 0 : -ENOMEM;

	while (!err && getline(&line, &capacity, in) > 0)
		err = take_line(all, line);
	free(line);
	if (!err && ferror(in))
		err = -EIO;
	if (err) {
		kallsyms_free(all);
		errno = -err;
		return NULL;
	}
	if (all->count)
		qsort(all->symbols, all->count, sizeof(*all->symbols), compare);
	return all;
}

struct kallsyms *kallsyms_open(void)
{
	FILE *in = fopen("/proc/kallsyms", "re");
	struct kallsyms *all = in ? kallsyms_read(in) : NULL;
	int err = errno;

	if (in)
		fclose(in);
	errno = err;
	return all;
}

void kallsyms_free(struct kallsyms *symbols)
{
	if (!symbols)
		return;
	free(symbols->symbols);
	free(symbols->names);
	free(symbols);
}

const char *kallsyms_name(const struct kallsyms *symbols, uint64_t address)
{
	size_t low = 0, high = symbols->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (symbols->symbols[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || low == symbols->count)
		return NULL;
	/* Back to the first of those at the same address. */
	for (low--; low && symbols->symbols[low - 1].address == symbols->symbols[low].address;)
		low--;
	return symbols->symbols[low].function ? symbols->names + symbols->symbols[low].name : NULL;
}
