/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rtti.c - the type and the size of C++ objects; see rtti.h.
 *
 * Refuses to follow what is not aligned as the ABI has it.
 */
#include "target/rtti.h"

#include <errno.h>
#include <string.h>

#define WORD_BYTES	    8u
#define DELETING_DESTRUCTOR 1u /* behind the address that objects hold; 0 is the complete one */
#define CODE_BYTES	    256u
#define FUNCTION_ALIGN	    16u
#define MOV_ESI_IMM32	    0xbe
#define CALL_REL32	    0xe8
#define JMP_REL32	    0xe9
#define RET		    0xc3
#define REL32_BYTES	    5u
#define CALL_DISTANCE_MAX   16u /* between size and call come a move and the epilogue */
#define RET_DISTANCE_MAX    12u /* the epilogue */
#define OBJECT_BYTES_MAX    (64u << 10)

int rtti_type_name(struct target *target, uint64_t vtable, char *out, size_t bytes)
{
	uint64_t type, name;
	int err;

	if (!vtable || vtable % WORD_BYTES)
		return -EINVAL;
	err = target_read(target, vtable - WORD_BYTES, &type, sizeof(type));
	if (err)
		return err;
	if (!type || type % WORD_BYTES)
		return -EINVAL;
	err = target_read(target, type + WORD_BYTES, &name, sizeof(name));
	if (!err)
		err = target_read_text(target, name, out, bytes);
	if (err)
		return err;
	/* "*" says: compare by address, the type is local to a file. */
	if (out[0] == '*')
		memmove(out, out + 1, strlen(out));
	return out[0] ? 0 : -EINVAL;
}

/* As much of a function as can be read, of at least its first half. */
static size_t read_code(struct target *target, uint64_t address, uint8_t *out, size_t bytes)
{
	for (size_t take = bytes; take >= WORD_BYTES; take /= 2)
		if (!target_read(target, address, out, take))
			return take;
	return 0;
}

static size_t find_byte(const uint8_t *code, size_t from, size_t end, uint8_t wanted)
{
	while (from < end && code[from] != wanted)
		from++;
	return from;
}

/* mov $size,%esi and then a call with nothing but the epilogue behind it, or a jump in its
 * place: members are destroyed, and their memory freed, before that. */
static bool is_last_call(const uint8_t *code, size_t bytes, size_t at, uint32_t *size)
{
	size_t from = at + 1 + sizeof(*size), end, call;

	if (code[at] != MOV_ESI_IMM32 || from >= bytes)
		return false;
	memcpy(size, code + at + 1, sizeof(*size));
	if (*size < 2 * WORD_BYTES || *size > OBJECT_BYTES_MAX || *size % WORD_BYTES)
		return false;
	end = from + CALL_DISTANCE_MAX < bytes ? from + CALL_DISTANCE_MAX : bytes;
	if (find_byte(code, from, end, JMP_REL32) < end)
		return true;
	call = find_byte(code, from, end, CALL_REL32) + REL32_BYTES;
	if (call >= end + REL32_BYTES)
		return false;
	end = call + RET_DISTANCE_MAX < bytes ? call + RET_DISTANCE_MAX : bytes;
	return find_byte(code, call, end, RET) < end;
}

/* A return or a jump with padding, or another function's first byte, behind it. */
static bool ends_function(const uint8_t *code, size_t bytes, size_t at, uint64_t address)
{
	size_t next = at + (code[at] == RET ? 1 : REL32_BYTES);

	if ((code[at] != RET && code[at] != JMP_REL32) || next >= bytes)
		return false;
	return (address + next) % FUNCTION_ALIGN == 0 || code[next] == 0x90 || code[next] == 0xcc ||
	       code[next] == 0x66 || code[next] == 0x0f;
}

uint64_t rtti_object_size(struct target *target, uint64_t vtable)
{
	uint64_t destructor;
	uint8_t code[CODE_BYTES];
	size_t bytes;

	if (target_read(target, vtable + DELETING_DESTRUCTOR * WORD_BYTES, &destructor,
		    sizeof(destructor)))
		return 0;
	bytes = read_code(target, destructor, code, sizeof(code));
	for (size_t at = 0; at < bytes && !ends_function(code, bytes, at, destructor); at++) {
		uint32_t size;

		if (is_last_call(code, bytes, at, &size))
			return size;
	}
	return 0;
}
