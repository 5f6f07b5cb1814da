/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * python_object.h - reads CPython objects in the memory of a process. Private to user/target.
 *
 * Every object is checked to have the type that is expected of it before a field of it is
 * believed; every count is bounded. Functions return 0; -ENOENT: that is surely not there;
 * -EFAULT: it cannot be read or is not what it should be, so nothing is known. The process runs
 * meanwhile: what they tell may be torn, so callers read all of it twice.
 */
#ifndef TW_TARGET_PYTHON_OBJECT_H
#define TW_TARGET_PYTHON_OBJECT_H

#include "target/python_layout.h"

#define PYTHON_LINE_BYTES 1024u /* of one page: all of it can be read, or none */
#define PYTHON_LINES	  64u

/* Memory that was read already: names share most of what they need. */
struct python_line {
	uint64_t address;
	bool read;
	uint8_t bytes[PYTHON_LINE_BYTES];
};

struct python {
	struct target *target;
	struct python_layout *layout; /* the target's */
	struct python_line lines[PYTHON_LINES];
};

/* False when the process has no Python that is known. */
bool python_open(struct target *target, struct python *out);
/* What is read from now on is what is there from now on. */
void python_forget(struct python *python);

/* What the flags of a type say of its instances, and of itself. */
#define PYTHON_IS_HEAP_TYPE (1ull << 9)	 /* the type is an object of PyHeapTypeObject */
#define PYTHON_IS_TYPE	    (1ull << 31) /* an instance is a type */

int python_read(struct python *python, uint64_t address, void *out, size_t bytes);
int python_word(struct python *python, uint64_t address, uint64_t *out);
int python_type_of(struct python *python, uint64_t object, uint64_t *type);
bool python_is(struct python *python, uint64_t object, enum python_type type);
/* Whether it is a class; metaclasses make classes too. */
bool python_is_class(struct python *python, uint64_t object);

#define PYTHON_TEXT_BYTES_MAX 1024

/* A str as UTF-8, cut with "~" when too long. A lone surrogate and NUL become U+FFFD.
 * bytes: at most PYTHON_TEXT_BYTES_MAX. */
int python_text(struct python *python, uint64_t object, char *out, size_t bytes);
/* The value of a key that is an ASCII str. */
int python_dict_get(struct python *python, uint64_t dict, const char *key, uint64_t *value);
/* The value of a key that is an int: an address, which has two digits. */
int python_dict_get_address(struct python *python, uint64_t dict, uint64_t key, uint64_t *value);
/* A key's value in an array of values beside a key table that several dictionaries share. */
int python_values_get(
	struct python *python, uint64_t keys, uint64_t values, const char *key, uint64_t *value);
/* An attribute of the instance itself, not of its class. */
int python_attribute(struct python *python, uint64_t object, const char *key, uint64_t *value);

#define PYTHON_NAME_BYTES 512

struct python_class_name {
	char module[PYTHON_NAME_BYTES]; /* "": none */
	char name[PYTHON_NAME_BYTES];	/* __qualname__ */
};

int python_class_name(struct python *python, uint64_t class, struct python_class_name *out);

#endif
