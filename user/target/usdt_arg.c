/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * usdt_arg.c - one argument of a probe site, as the assembler wrote it into the note.
 *
 * Input: "SIZE@OPERAND" in AT&T syntax: a constant, a register, or memory at
 * displacement(base,index,scale). Refuses what the kernel side could not fetch exactly:
 * symbols, %rip-relative and segment addresses, the high byte registers, vector registers,
 * 32-bit address registers. Nothing is written on refusal.
 */
#include "target/target.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define REGISTER_NAME_BYTES 6
#define SIZES_OF_REGISTER   4

/* A general register under its names of 64, 32, 16 and 8 bits. */
struct register_names {
	uint16_t offset; /* in the kernel's struct pt_regs */
	char names[SIZES_OF_REGISTER][REGISTER_NAME_BYTES];
};

static const struct register_names registers[] = {
	{0, {"r15", "r15d", "r15w", "r15b"}},
	{8, {"r14", "r14d", "r14w", "r14b"}},
	{16, {"r13", "r13d", "r13w", "r13b"}},
	{24, {"r12", "r12d", "r12w", "r12b"}},
	{32, {"rbp", "ebp", "bp", "bpl"}},
	{40, {"rbx", "ebx", "bx", "bl"}},
	{48, {"r11", "r11d", "r11w", "r11b"}},
	{56, {"r10", "r10d", "r10w", "r10b"}},
	{64, {"r9", "r9d", "r9w", "r9b"}},
	{72, {"r8", "r8d", "r8w", "r8b"}},
	{80, {"rax", "eax", "ax", "al"}},
	{88, {"rcx", "ecx", "cx", "cl"}},
	{96, {"rdx", "edx", "dx", "dl"}},
	{104, {"rsi", "esi", "si", "sil"}},
	{112, {"rdi", "edi", "di", "dil"}},
	{152, {"rsp", "esp", "sp", "spl"}},
};

static bool skip(const char **at, char wanted)
{
	if (**at != wanted)
		return false;
	++*at;
	return true;
}

/* Decimal or 0x..., with an optional '-'. Wraps at 64 bits like the assembler, never more. */
static bool parse_number(const char **at, __s64 *out)
{
	bool negative = **at == '-';
	const char *digits = *at + negative;
	unsigned long long value;
	char *end;

	/* A leading 0 would be octal to the assembler; compilers never write it. */
	if (!isdigit((unsigned char)digits[0]) ||
		(digits[0] == '0' && isdigit((unsigned char)digits[1])))
		return false;
	errno = 0;
	value = strtoull(digits, &end, digits[0] == '0' && digits[1] == 'x' ? 16 : 10);
	if (errno || end == digits)
		return false;
	*out = (__s64)(negative ? 0 - value : value);
	*at = end;
	return true;
}

/* "%name". `sizes`: how many of a register's names are accepted, the 64-bit one first. */
static bool parse_register(const char **at, size_t sizes, uint16_t *offset)
{
	const char *name = *at + 1;
	size_t length = 0;

	if (**at != '%')
		return false;
	while (isalnum((unsigned char)name[length]))
		length++;
	for (size_t i = 0; i < sizeof(registers) / sizeof(registers[0]); i++) {
		for (size_t size = 0; size < sizes; size++) {
			const char *known = registers[i].names[size];

			if (strlen(known) != length || memcmp(known, name, length))
				continue;
			*offset = registers[i].offset;
			*at = name + length;
			return true;
		}
	}
	return false;
}

static bool parse_scale(const char **at, uint8_t *scale)
{
	__s64 value;

	if (!parse_number(at, &value) || (value != 1 && value != 2 && value != 4 && value != 8))
		return false;
	*scale = (uint8_t)value;
	return true;
}

/* [displacement] "(" [base] ["," index ["," scale]] ")" with a base or an index. */
static bool parse_memory(const char **at, struct wire_arg *arg)
{
	arg->kind = WIRE_ARG_MEMORY;
	if (**at != '(' && !parse_number(at, &arg->value))
		return false;
	if (!skip(at, '('))
		return false;
	if (**at == '%' && !parse_register(at, 1, &arg->reg_offset))
		return false;
	if (skip(at, ',')) {
		if (!parse_register(at, 1, &arg->index_offset))
			return false;
		arg->scale = 1;
		if (skip(at, ',') && !parse_scale(at, &arg->scale))
			return false;
	}
	return skip(at, ')') &&
	       (arg->reg_offset != WIRE_NO_REG || arg->index_offset != WIRE_NO_REG);
}

static bool parse_size(const char **at, int8_t *size)
{
	__s64 value, bytes;

	if (!parse_number(at, &value) || value < -8 || value > 8 || !skip(at, '@'))
		return false;
	bytes = value < 0 ? -value : value;
	if (bytes != 1 && bytes != 2 && bytes != 4 && bytes != 8)
		return false;
	*size = (int8_t)value;
	return true;
}

/* A constant as a variable of this size would hold it. */
static int64_t fit(int64_t value, int8_t size)
{
	unsigned int unused = 64 - 8 * (unsigned int)(size < 0 ? -size : size);
	uint64_t high = (uint64_t)value << unused;

	return size < 0 ? (int64_t)high >> unused : (int64_t)(high >> unused);
}

static bool parse_operand(const char **at, struct wire_arg *arg)
{
	if (skip(at, '$')) {
		arg->kind = WIRE_ARG_CONST;
		if (!parse_number(at, &arg->value))
			return false;
		arg->value = fit(arg->value, arg->size);
		return true;
	}
	if (**at == '%') {
		arg->kind = WIRE_ARG_REG;
		return parse_register(at, SIZES_OF_REGISTER, &arg->reg_offset);
	}
	return parse_memory(at, arg);
}

int usdt_parse_arg(const char **text, struct wire_arg *out)
{
	struct wire_arg arg = {.reg_offset = WIRE_NO_REG, .index_offset = WIRE_NO_REG};
	const char *at = *text;

	while (*at == ' ')
		at++;
	if (!*at) {
		*text = at;
		return 0;
	}
	if (!parse_size(&at, &arg.size) || !parse_operand(&at, &arg) || (*at && *at != ' '))
		return -EINVAL;
	*text = at;
	*out = arg;
	return 1;
}
