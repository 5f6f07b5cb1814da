/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * module_debug.h - source lines and frame rows of a module, kept once found. Private to
 * user/target.
 */
#ifndef TW_TARGET_MODULE_DEBUG_H
#define TW_TARGET_MODULE_DEBUG_H

#include "target/reader.h"

/* By linked virtual address. 0 or -ENOENT. */
int module_line(struct module *module, uint64_t vaddr, struct source_line *out);
int module_frame(struct module *module, uint64_t vaddr, struct frame_row *out);
/* Is the instruction that ends at this address a call? */
bool module_is_after_call(struct module *module, uint64_t vaddr);

#endif
