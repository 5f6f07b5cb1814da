/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * build_id.h - which build a file is of, and files that are copies of each other. Private to
 * user/target.
 */
#ifndef TW_TARGET_BUILD_ID_H
#define TW_TARGET_BUILD_ID_H

#include "target/elf_file.h"
#include "target/target.h"

struct build_id {
	size_t count; /* 0: the file has none */
	uint8_t bytes[BUILD_ID_BYTES_MAX];
};

void build_id_of(const struct elf_file *file, struct build_id *out);
bool build_id_equal(const struct build_id *a, const struct build_id *b); /* false for none */
void build_id_text(const struct build_id *id, char out[BUILD_ID_TEXT_BYTES]);

/* Whether all that symbols are read from is the same in both: nobody may name the functions of
 * a file by claiming its build id. */
bool build_id_is_copy(const struct elf_file *a, const struct elf_file *b);

#endif
