/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * python_dict.c - looks up keys in dictionaries of CPython; see python_object.h.
 *
 * Goes through the entries, since the hash of a str is another in every process. Refuses to go
 * further than any class, thread object or table of modules needs: a hostile process shall not
 * make us read for long.
 */
#include "target/python_object.h"

#include <errno.h>
#include <string.h>

#define ENTRIES_MAX	8192u
#define ENTRIES_AT_ONCE 32u
#define ENTRY_WORDS_MAX 3u
#define SHARED_KEYS_MAX 30u /* SHARED_KEYS_MAX_SIZE; 3.9 and 3.10 have no such bound */
#define LOG2_SIZE_MAX	32u
#define LOG2_WORD	3u
#define KEY_BYTES	32
#define INT_DIGIT_BITS	30
#define WORD		8u

/* PyDictKeysObject of 3.9 and 3.10. */
struct keys_by_size {
	int64_t references, size;
	uint64_t lookup;
	int64_t usable, count;
};

/* And since 3.11. */
struct keys_by_kind {
	int64_t references;
	uint8_t log2_size, log2_index_bytes, kind, unused;
	uint32_t version;
	int64_t usable, count;
};

#define KIND_GENERAL 0
#define KIND_UNICODE 1
#define KIND_SPLIT   2

/* The entries of a key table. */
struct keys {
	uint64_t address;
	uint64_t count;
	uint32_t words; /* of an entry: {hash, key, value} or {key, value} */
	bool split;	/* its entries have no values (3.9 and 3.10 do not say) */
};

/* DK_IXSIZE of 3.9. */
static uint32_t index_bytes(int64_t size)
{
	if (size <= UINT8_MAX)
		return sizeof(uint8_t);
	if (size <= UINT16_MAX)
		return sizeof(uint16_t);
	return size <= UINT32_MAX ? sizeof(uint32_t) : sizeof(uint64_t);
}

static int keys_by_size(struct python *python, uint64_t address, struct keys *out)
{
	struct keys_by_size head;

	if (python_read(python, address, &head, sizeof(head)) || head.size <= 0 ||
		head.size > 1ll << LOG2_SIZE_MAX || head.count < 0 || head.count > head.size)
		return -EFAULT;
	*out = (struct keys){
		.address = address + sizeof(head) + head.size * index_bytes(head.size),
		.count = (uint64_t)head.count,
		.words = ENTRY_WORDS_MAX,
	};
	return 0;
}

static int keys_by_kind(struct python *python, uint64_t address, struct keys *out)
{
	struct keys_by_kind head;

	if (python_read(python, address, &head, sizeof(head)) || head.log2_size > LOG2_SIZE_MAX ||
		head.log2_index_bytes > LOG2_SIZE_MAX + LOG2_WORD ||
		head.log2_index_bytes < head.log2_size || head.kind > KIND_SPLIT ||
		head.count < 0 || head.count > 1ll << head.log2_size ||
		(head.kind == KIND_SPLIT && head.count > SHARED_KEYS_MAX))
		return -EFAULT;
	*out = (struct keys){
		.address = address + sizeof(head) + (1ull << head.log2_index_bytes),
		.count = (uint64_t)head.count,
		.words = head.kind == KIND_GENERAL ? ENTRY_WORDS_MAX : ENTRY_WORDS_MAX - 1,
		.split = head.kind == KIND_SPLIT,
	};
	return 0;
}

static int keys_at(struct python *python, uint64_t address, struct keys *out)
{
	if (!address)
		return -EFAULT;
	return python->layout->offsets->keys_by_kind ? keys_by_kind(python, address, out)
						     : keys_by_size(python, address, out);
}

/* What is sought in a table: a str, or an int that is its own hash. */
struct sought {
	const char *text; /* NULL: an int */
	uint64_t number;
};

/* 1: it is this key; 0: it is another; -EFAULT. */
static int is_key(struct python *python, uint64_t hash, uint64_t key, const struct sought *sought)
{
	char text[KEY_BYTES];
	uint64_t count;
	uint32_t digits[2];

	if (!sought->text) {
		/* Below 2^61 - 1 an int is its own hash. */
		if (hash != sought->number || !python_is(python, key, PYTHON_INT))
			return 0;
		if (python_read(python, key + PYTHON_INT_DIGITS, digits, sizeof(digits)))
			return -EFAULT;
		return (digits[0] | (uint64_t)digits[1] << INT_DIGIT_BITS) == sought->number;
	}
	if (python_word(python, key + PYTHON_COUNT, &count))
		return -EFAULT;
	/* Most keys differ in their length already. */
	return count == strlen(sought->text) && !python_text(python, key, text, sizeof(text)) &&
	       !strcmp(text, sought->text);
}

/* The index of a key in its table, and the value beside it. */
static int find_key(struct python *python, const struct keys *keys, const struct sought *sought,
	uint32_t *index, uint64_t *value)
{
	uint64_t entries[ENTRIES_AT_ONCE * ENTRY_WORDS_MAX];
	uint32_t most = keys->count < ENTRIES_MAX ? (uint32_t)keys->count : ENTRIES_MAX;

	for (uint32_t first = 0; first < most; first += ENTRIES_AT_ONCE) {
		uint32_t take = most - first < ENTRIES_AT_ONCE ? most - first : ENTRIES_AT_ONCE;

		if (target_read(python->target,
			    keys->address + (uint64_t)first * keys->words * WORD, entries,
			    (size_t)take * keys->words * WORD))
			return -EFAULT;
		for (uint32_t i = 0; i < take; i++) {
			const uint64_t *entry = &entries[i * keys->words];
			/* A deleted key is NULL. */
			int is = entry[keys->words - 2]
					 ? is_key(python, entry[0], entry[keys->words - 2], sought)
					 : 0;

			if (is < 0)
				return is;
			if (!is)
				continue;
			*index = first + i;
			*value = entry[keys->words - 1];
			return 0;
		}
	}
	return keys->count > most ? -EFAULT : -ENOENT;
}

int python_values_get(struct python *python, uint64_t keys_address, uint64_t values,
	const char *key, uint64_t *value)
{
	const struct sought sought = {.text = key};
	struct keys keys;
	uint64_t found;
	uint32_t index;
	int err = keys_at(python, keys_address, &keys);

	if (!err && python->layout->offsets->keys_by_kind && !keys.split)
		err = -EFAULT;
	if (!err)
		err = find_key(python, &keys, &sought, &index, &found);
	if (!err)
		err = python_word(python, values + (uint64_t)index * WORD, &found);
	if (err)
		return err;
	if (!found)
		return -ENOENT;
	*value = found;
	return 0;
}

static int get(struct python *python, uint64_t dict, const struct sought *sought, uint64_t *value)
{
	uint64_t keys_address, values, found;
	struct keys keys;
	uint32_t index;
	int err;

	if (!python_is(python, dict, PYTHON_DICT) ||
		python_word(python, dict + PYTHON_DICT_KEYS, &keys_address) ||
		python_word(python, dict + PYTHON_DICT_VALUES, &values))
		return -EFAULT;
	if (values)
		return sought->text ? python_values_get(python, keys_address,
					      values + python->layout->offsets->values_skip,
					      sought->text, value)
				    : -ENOENT;
	err = keys_at(python, keys_address, &keys);
	if (!err)
		err = keys.split ? -EFAULT : find_key(python, &keys, sought, &index, &found);
	if (err)
		return err;
	if (!found)
		return -ENOENT;
	*value = found;
	return 0;
}

int python_dict_get(struct python *python, uint64_t dict, const char *key, uint64_t *value)
{
	return get(python, dict, &(struct sought){.text = key}, value);
}

int python_dict_get_address(struct python *python, uint64_t dict, uint64_t key, uint64_t *value)
{
	/* A table whose keys are all str has none, and no room for hashes. */
	return get(python, dict, &(struct sought){.number = key}, value);
}
