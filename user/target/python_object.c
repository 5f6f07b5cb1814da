/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * python_object.c - types, attributes and dictionaries of CPython objects; see python_object.h.
 *
 * Refuses dictionaries and key tables above bounds that no class or thread object comes near:
 * a hostile process shall not make us read for long.
 */
#include "target/python_object.h"

#include <errno.h>
#include <string.h>

#define ENTRIES_MAX	2048u
#define ENTRIES_AT_ONCE 32u
#define ENTRY_WORDS_MAX 3u
#define SHARED_KEYS_MAX 30u /* SHARED_KEYS_MAX_SIZE; 3.9 and 3.10 have no such bound */
#define LOG2_SIZE_MAX	32u
#define KEY_BYTES	32
#define INLINE_BYTES	16u /* a class with inline values has nothing else */
#define WORD		8u

#define HAS_INLINE_VALUES (1ull << 2) /* Py_TPFLAGS_INLINE_VALUES */
#define HAS_MANAGED_DICT  (1ull << 4) /* Py_TPFLAGS_MANAGED_DICT */

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
	uint32_t count;
	uint32_t words; /* of an entry: {hash, key, value} or {key, value} */
	bool split;	/* its entries have no values (3.9 and 3.10 do not say) */
};

int python_word(const struct python *python, uint64_t address, uint64_t *out)
{
	uint64_t value;

	if (target_read(python->target, address, &value, sizeof(value)))
		return -EFAULT;
	*out = value;
	return 0;
}

int python_type_of(const struct python *python, uint64_t object, uint64_t *type)
{
	return object ? python_word(python, object + PYTHON_OBJECT_TYPE, type) : -EFAULT;
}

bool python_is(const struct python *python, uint64_t object, enum python_type type)
{
	uint64_t is;

	return !python_type_of(python, object, &is) && is == python->layout->types[type];
}

bool python_is_class(const struct python *python, uint64_t object)
{
	uint64_t meta, metameta, flags;

	if (python_type_of(python, object, &meta))
		return false;
	if (meta == python->layout->types[PYTHON_TYPE])
		return true;
	/* A metaclass, which is a class made by type itself in all but contrived programs. */
	return !python_type_of(python, meta, &metameta) &&
	       metameta == python->layout->types[PYTHON_TYPE] &&
	       !python_word(python, meta + PYTHON_TYPE_FLAGS, &flags) && flags & PYTHON_IS_TYPE;
}

static uint32_t index_bytes(int64_t size)
{
	if (size <= INT8_MAX + 1)
		return sizeof(int8_t);
	if (size <= INT16_MAX + 1)
		return sizeof(int16_t);
	return size <= INT32_MAX + 1ll ? sizeof(int32_t) : sizeof(int64_t);
}

static int keys_by_size(const struct python *python, uint64_t address, struct keys *out)
{
	struct keys_by_size head;

	if (target_read(python->target, address, &head, sizeof(head)) || head.size <= 0 ||
		head.size > 1ll << LOG2_SIZE_MAX || head.count < 0 || head.count > head.size ||
		head.count > ENTRIES_MAX)
		return -EFAULT;
	*out = (struct keys){
		.address = address + sizeof(head) + head.size * index_bytes(head.size),
		.count = (uint32_t)head.count,
		.words = ENTRY_WORDS_MAX,
	};
	return 0;
}

static int keys_by_kind(const struct python *python, uint64_t address, struct keys *out)
{
	struct keys_by_kind head;

	if (target_read(python->target, address, &head, sizeof(head)) ||
		head.log2_size > LOG2_SIZE_MAX || head.log2_index_bytes > LOG2_SIZE_MAX + 3 ||
		head.log2_index_bytes < head.log2_size || head.kind > KIND_SPLIT ||
		head.count < 0 || head.count > 1ll << head.log2_size || head.count > ENTRIES_MAX ||
		(head.kind == KIND_SPLIT && head.count > SHARED_KEYS_MAX))
		return -EFAULT;
	*out = (struct keys){
		.address = address + sizeof(head) + (1ull << head.log2_index_bytes),
		.count = (uint32_t)head.count,
		.words = head.kind == KIND_GENERAL ? ENTRY_WORDS_MAX : ENTRY_WORDS_MAX - 1,
		.split = head.kind == KIND_SPLIT,
	};
	return 0;
}

static int keys_at(const struct python *python, uint64_t address, struct keys *out)
{
	if (!address)
		return -EFAULT;
	return python->layout->offsets->keys_by_kind ? keys_by_kind(python, address, out)
						     : keys_by_size(python, address, out);
}

/* The index of a key in its table, and the value beside it. */
static int find_key(const struct python *python, const struct keys *keys, const char *key,
	uint32_t *index, uint64_t *value)
{
	uint64_t entries[ENTRIES_AT_ONCE * ENTRY_WORDS_MAX];
	size_t length = strlen(key);
	char text[KEY_BYTES];

	for (uint32_t first = 0; first < keys->count; first += ENTRIES_AT_ONCE) {
		uint32_t left = keys->count - first;
		uint32_t take = left < ENTRIES_AT_ONCE ? left : ENTRIES_AT_ONCE;

		if (target_read(python->target,
			    keys->address + (uint64_t)first * keys->words * WORD, entries,
			    (size_t)take * keys->words * WORD))
			return -EFAULT;
		for (uint32_t i = 0; i < take; i++) {
			const uint64_t *entry = &entries[i * keys->words];
			uint64_t name = entry[keys->words - 2], count;

			if (!name) /* deleted */
				continue;
			if (python_word(python, name + PYTHON_COUNT, &count))
				return -EFAULT;
			/* Most keys differ in their length already. */
			if (count != length || python_text(python, name, text, sizeof(text)) ||
				strcmp(text, key) != 0)
				continue;
			*index = first + i;
			*value = entry[keys->words - 1];
			return 0;
		}
	}
	return -ENOENT;
}

/* A key's value in an array of values beside a shared key table. */
static int find_value(const struct python *python, uint64_t keys_address, uint64_t values,
	const char *key, uint64_t *value)
{
	struct keys keys;
	uint64_t found;
	uint32_t index;
	int err = keys_at(python, keys_address, &keys);

	if (!err && python->layout->offsets->keys_by_kind && !keys.split)
		err = -EFAULT;
	if (!err)
		err = find_key(python, &keys, key, &index, &found);
	if (!err)
		err = python_word(python, values + (uint64_t)index * WORD, &found);
	if (err)
		return err;
	if (!found)
		return -ENOENT;
	*value = found;
	return 0;
}

int python_dict_get(const struct python *python, uint64_t dict, const char *key, uint64_t *value)
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
		return find_value(python, keys_address,
			values + python->layout->offsets->values_skip, key, value);
	err = keys_at(python, keys_address, &keys);
	if (!err)
		err = keys.split ? -EFAULT : find_key(python, &keys, key, &index, &found);
	if (err)
		return err;
	if (!found)
		return -ENOENT;
	*value = found;
	return 0;
}

/* An attribute among values that have no dict; their keys are the class'. */
static int inline_value(const struct python *python, uint64_t class, uint64_t values,
	const char *key, uint64_t *value)
{
	uint64_t keys;

	if (python_word(python, class + python->layout->offsets->heap_keys, &keys))
		return -EFAULT;
	return find_value(python, keys, values, key, value);
}

/* 3.13: the values lie behind the object's head. They serve the dict too, while it has no other. */
static int inline_attribute(const struct python *python, uint64_t object, uint64_t class,
	const char *key, uint64_t *value)
{
	struct {
		uint8_t capacity, size, embedded, valid;
		uint32_t unused;
	} head;
	uint64_t bytes;

	_Static_assert(sizeof(head) == WORD, "the head of PyDictValues is one word");
	if (python_word(python, class + PYTHON_TYPE_BYTES, &bytes) || bytes != INLINE_BYTES ||
		target_read(python->target, object + bytes, &head, sizeof(head)) || !head.valid)
		return -EFAULT;
	return inline_value(python, class, object + bytes + sizeof(head), key, value);
}

/* A class whose instances have their dict in front of the object. */
static int managed_attribute(const struct python *python, uint64_t object, uint64_t class,
	uint64_t flags, const char *key, uint64_t *value)
{
	uint64_t dict, values = 0;

	if (!(flags & PYTHON_IS_HEAP_TYPE) || python_word(python, object - 3 * WORD, &dict))
		return -EFAULT;
	switch (python->layout->offsets->instance) {
	case PYTHON_VALUES_BEFORE:
		if (python_word(python, object - 4 * WORD, &values))
			return -EFAULT;
		break;
	case PYTHON_VALUES_TAGGED:
		values = dict & 1 ? dict + 1 : 0;
		break;
	case PYTHON_VALUES_INLINE:
		if (!dict && flags & HAS_INLINE_VALUES)
			return inline_attribute(python, object, class, key, value);
		break;
	case PYTHON_DICT_POINTER:
		return -EFAULT;
	}
	if (values)
		return inline_value(python, class, values, key, value);
	/* Without one, no attribute was ever set. */
	return dict ? python_dict_get(python, dict, key, value) : -ENOENT;
}

int python_attribute(const struct python *python, uint64_t object, const char *key, uint64_t *value)
{
	uint64_t class, flags, dict;
	int64_t offset;

	if (python_type_of(python, object, &class) || !python_is_class(python, class) ||
		python_word(python, class + PYTHON_TYPE_FLAGS, &flags))
		return -EFAULT;
	/* Before 3.11 the bit means something else. */
	if (python->layout->offsets->instance != PYTHON_DICT_POINTER && flags & HAS_MANAGED_DICT)
		return managed_attribute(python, object, class, flags, key, value);
	/* Negative: of an object of variable size, which no thread is. */
	if (target_read(python->target, class + PYTHON_TYPE_DICT_OFFSET, &offset, sizeof(offset)) ||
		offset < 0 || (offset && python_word(python, object + offset, &dict)))
		return -EFAULT;
	return offset && dict ? python_dict_get(python, dict, key, value) : -ENOENT;
}
