/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libc_layout.c - is this file a libc, where is its pthread_create, how is its struct pthread
 * laid out.
 *
 * A libc is a file that defines pthread_create and is either marked by glibc's own table for
 * debuggers (nptl_db) or needs no other library (musl, static programs). Thread sanitizers and
 * other interceptors define pthread_create too, but need a libc: refused.
 */
#include "target/module_internal.h"

#include <errno.h>

#define FIELD_BITS_POINTER   64
#define FIELD_BITS_TID	     32
#define FIELD_OFFSET_MAX     (64u << 10)
#define BITS_IN_BYTE	     8
#define SYMBOL_START_ROUTINE "_thread_db_pthread_start_routine"
#define SYMBOL_TID	     "_thread_db_pthread_tid"
#define SYMBOL_STATIC_GLIBC  "__libc_setup_tls" /* in each static program of glibc, no other */

/* DB_STRUCT_FIELD of glibc's nptl_db. */
struct field_descriptor {
	uint32_t bits, count, offset;
};

/* Offset of one field of that many bits; 0 when the table does not say what it should. */
static uint32_t field_offset(struct module *module, const char *symbol, uint32_t bits)
{
	struct field_descriptor field;
	uint64_t vaddr, bytes;

	if (module_symbol(module, symbol, &vaddr, &bytes) || bytes != sizeof(field) ||
		module_read(module, vaddr, &field, sizeof(field)))
		return 0;
	if (field.bits != bits || field.count > 1 || field.offset >= FIELD_OFFSET_MAX ||
		field.offset % (bits / BITS_IN_BYTE))
		return 0;
	return field.offset;
}

int libc_layout_of(struct module *module, struct libc_layout *out)
{
	struct libc_layout layout = {0};
	uint64_t create, unused;
	const Elf64_Phdr *load;
	bool has_table;

	if (module_function_symbol(module, "pthread_create", &create))
		return -ENOENT;
	load = elf_file_load_of_vaddr(&module->file, create);
	if (!load || !(load->p_flags & PF_X))
		return -ENOENT;
	has_table = !module_symbol(module, SYMBOL_START_ROUTINE, &unused, &unused);
	if (!has_table && !elf_file_dynamic(&module->file, DT_NEEDED, &unused))
		return -ENOENT;
	layout.pthread_create_offset = load->p_offset + (create - load->p_vaddr);
	layout.glibc = has_table || !module_symbol(module, SYMBOL_STATIC_GLIBC, &unused, &unused);
	layout.start_routine_offset =
		field_offset(module, SYMBOL_START_ROUTINE, FIELD_BITS_POINTER);
	layout.tid_offset = field_offset(module, SYMBOL_TID, FIELD_BITS_TID);
	*out = layout;
	return 0;
}
