/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * go.c - tells programs of the Go tool chain by the sections that Go's linker adds.
 *
 * Input: the section names and the type of the file. Libraries made by Go (-buildmode=c-shared)
 * are refused: the program that loads one makes threads of its own.
 */
#include "target/module_internal.h"

#define BUILD_ID_SECTION   ".note.go.buildid" /* always */
#define BUILD_INFO_SECTION ".go.buildinfo"    /* since Go 1.13 */

bool module_is_go(struct module *module)
{
	const struct elf_file *file = &module->file;

	if (file->header.e_type != ET_EXEC && !module_interpreter(module))
		return false;
	return elf_file_section(file, NULL, SHT_NOTE, BUILD_ID_SECTION) ||
	       elf_file_section(file, NULL, SHT_PROGBITS, BUILD_INFO_SECTION);
}
