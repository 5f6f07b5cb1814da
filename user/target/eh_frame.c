/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * eh_frame.c - the entries of .eh_frame: see eh_frame.h. The format: Linux Standard Base, 10.6.
 */
#include "target/eh_frame.h"

#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>

#include "target/eh_bytes.h"

#define RETURN_ADDRESS	16	   /* its register's number on x86-64 */
#define EXTENDED_LENGTH 0xffffffff /* a 64-bit entry, which nobody writes here */
#define SHT_UNWIND	0x70000001 /* SHT_X86_64_UNWIND, as some linkers have it */

/* A pointer of the section in the encodings that linkers of x86-64 leave there. */
static bool take_pointer(
	const struct eh_frame *frame, struct eh_bytes *bytes, uint8_t encoding, uint64_t *out)
{
	uint64_t here = frame->vaddr + (uint64_t)(bytes->at - frame->section);
	int32_t narrow = 0;

	if ((encoding & 0x0f) == DW_EH_PE_sdata4) {
		if (!take(bytes, &narrow, sizeof(narrow)))
			return false;
		*out = (uint64_t)(int64_t)narrow;
	} else if ((encoding & 0x0f) == DW_EH_PE_udata4) {
		if (!take(bytes, &narrow, sizeof(narrow)))
			return false;
		*out = (uint32_t)narrow;
	} else if ((encoding & 0x0f) != DW_EH_PE_absptr && (encoding & 0x0f) != DW_EH_PE_udata8 &&
		   (encoding & 0x0f) != DW_EH_PE_sdata8) {
		return false;
	} else if (!take(bytes, out, sizeof(*out))) {
		return false;
	}
	if ((encoding & 0xf0) == DW_EH_PE_pcrel)
		*out += here;
	return (encoding & 0xf0) == DW_EH_PE_pcrel || (encoding & 0xf0) == 0;
}

struct common_entry {
	uint64_t code_unit;
	int64_t data_unit;
	uint8_t pointers; /* DW_EH_PE_* of addresses of code */
	bool sized;	  /* augmentation data say how long they are */
	struct eh_bytes instructions;
};

/* The letters behind 'z' say what the augmentation data hold. */
static bool read_augmentation(const struct eh_frame *frame, struct eh_bytes data,
	const char *letters, struct common_entry *out)
{
	uint64_t ignored;
	uint8_t encoding;

	for (; *letters; letters++) {
		switch (*letters) {
		case 'R':
			if (!take(&data, &out->pointers, sizeof(out->pointers)))
				return false;
			break;
		case 'L':
			if (!skip(&data, 1))
				return false;
			break;
		case 'P':
			if (!take(&data, &encoding, sizeof(encoding)) ||
				!take_pointer(
					frame, &data, encoding & ~DW_EH_PE_indirect, &ignored))
				return false;
			break;
		default: /* 'S': interrupted code, not a call; others are not known */
			return false;
		}
	}
	return true;
}

static bool read_common(
	const struct eh_frame *frame, struct eh_bytes entry, struct common_entry *out)
{
	const char *augmentation;
	uint64_t length, return_register;
	uint8_t version, narrow;
	struct eh_bytes data;

	*out = (struct common_entry){.pointers = DW_EH_PE_absptr};
	if (!take(&entry, &version, sizeof(version)) || (version != 1 && version != 3))
		return false;
	augmentation = (const char *)entry.at;
	if (!memchr(entry.at, '\0', (size_t)(entry.end - entry.at)))
		return false;
	entry.at += strlen(augmentation) + 1;
	if (!take_unsigned(&entry, &out->code_unit) || !take_signed(&entry, &out->data_unit))
		return false;
	if (version == 1) {
		if (!take(&entry, &narrow, sizeof(narrow)))
			return false;
		return_register = narrow;
	} else if (!take_unsigned(&entry, &return_register)) {
		return false;
	}
	if (return_register != RETURN_ADDRESS)
		return false;
	if (*augmentation) {
		if (*augmentation != 'z' || !take_unsigned(&entry, &length))
			return false;
		data = entry;
		if (!skip(&entry, length))
			return false;
		data.end = entry.at;
		out->sized = true;
		if (!read_augmentation(frame, data, augmentation + 1, out))
			return false;
	}
	out->instructions = entry;
	return true;
}

/* The entry at this offset, without its length. */
static bool entry_at(const struct eh_frame *frame, uint64_t offset, struct eh_bytes *out)
{
	struct eh_bytes bytes = {
		.at = frame->section + offset, .end = frame->section + frame->bytes};
	uint32_t length;

	if (offset > frame->bytes || !take(&bytes, &length, sizeof(length)) || !length ||
		length == EXTENDED_LENGTH || (size_t)(bytes.end - bytes.at) < length)
		return false;
	*out = (struct eh_bytes){.at = bytes.at, .end = bytes.at + length};
	return true;
}

/* `entry` begins with the distance back to the common entry. */
static bool read_function(
	const struct eh_frame *frame, struct eh_bytes entry, struct eh_function *out)
{
	uint64_t here = (uint64_t)(entry.at - frame->section), length;
	struct common_entry common;
	struct eh_bytes other;
	uint32_t back, id;

	if (!take(&entry, &back, sizeof(back)) || back > here ||
		!entry_at(frame, here - back, &other) || !take(&other, &id, sizeof(id)) || id ||
		!read_common(frame, other, &common) ||
		!take_pointer(frame, &entry, common.pointers, &out->start) ||
		!take_pointer(frame, &entry, common.pointers & 0x0f, &out->bytes) ||
		(common.sized && (!take_unsigned(&entry, &length) || !skip(&entry, length))))
		return false;
	out->code_unit = common.code_unit;
	out->data_unit = common.data_unit;
	out->common = common.instructions;
	out->own = entry;
	return out->bytes && out->bytes <= UINT64_MAX - out->start;
}

void eh_frame_each(const struct eh_frame *frame,
	bool (*visit)(const struct eh_function *function, void *context), void *context)
{
	struct eh_bytes entry;
	uint64_t offset = 0;

	while (entry_at(frame, offset, &entry)) {
		struct eh_function function;
		uint32_t id;

		offset = (uint64_t)(entry.end - frame->section);
		if ((size_t)(entry.end - entry.at) < sizeof(id))
			return;
		memcpy(&id, entry.at, sizeof(id));
		if (id && read_function(frame, entry, &function) && !visit(&function, context))
			return;
	}
}

int eh_frame_open(const struct elf_file *file, struct eh_frame *out)
{
	const Elf64_Shdr *header = elf_file_section(file, NULL, SHT_PROGBITS, ".eh_frame");
	uint8_t *section;

	if (!header)
		header = elf_file_section(file, NULL, SHT_UNWIND, ".eh_frame");
	if (!header || !header->sh_size || header->sh_size > EH_FRAME_BYTES_MAX)
		return -ENOENT;
	section = malloc(header->sh_size);
	if (!section)
		return -ENOMEM;
	if (elf_source_read(&file->source, header->sh_offset, section, header->sh_size)) {
		free(section);
		return -EIO;
	}
	*out = (struct eh_frame){
		.section = section, .bytes = header->sh_size, .vaddr = header->sh_addr};
	return 0;
}

void eh_frame_close(struct eh_frame *frame)
{
	free(frame->section);
	*frame = (struct eh_frame){0};
}
