/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * reader.h - questions to libdw about files of watched processes. Private to user/target.
 *
 * libdw trusts what it reads: a hostile file can crash it, keep it busy or fill the memory. It
 * therefore runs in a process of its own (reader_child.c), which sections are read into, never
 * mapped; which cannot open files, has no rights and little memory; and which is ended when an
 * answer takes it READER_ANSWER_MS of CPU time, or READER_WAIT_MS, on a busy machine or stuck. Its
 * answers are checked here as hostile ones. The process is started by the first question; it costs
 * nothing where none is asked.
 */
#ifndef TW_TARGET_READER_H
#define TW_TARGET_READER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "target/module_internal.h"
#include "target/target.h"

#define READER_ANSWER_MS  1000
#define READER_WAIT_MS	  3000
#define DWARF_REGISTERS	  17 /* x86-64: rax rdx rcx rbx rsi rdi rbp rsp r8..r15, return address */
#define DWARF_REGISTER_SP 7
#define DWARF_REGISTER_RA 16

/* How a register of the caller is found; `offset` and `other` as the name says. */
enum rule_kind {
	RULE_UNKNOWN, /* in a way that is not understood here */
	RULE_UNDEFINED,
	RULE_SAME,
	RULE_AT_CFA,	  /* in memory at CFA + offset */
	RULE_CFA,	  /* CFA + offset itself */
	RULE_AT_REGISTER, /* in memory at other + offset */
	RULE_REGISTER,	  /* in register `other` */
};

struct frame_rule {
	uint8_t kind; /* enum rule_kind */
	uint8_t other;
	int32_t offset;
};

/* One row of call frame information. The CFA is register `cfa.other` + cfa.offset
 * (RULE_REGISTER), or what memory holds there (RULE_AT_REGISTER). */
struct frame_row {
	struct frame_rule cfa;
	struct frame_rule registers[DWARF_REGISTERS];
};

/* A file, and what tells it and its state from others. */
struct reader_file {
	int fd;
	struct module_key key;
};

struct reader;
struct reader *reader_new(void);	 /* NULL without memory */
void reader_free(struct reader *reader); /* NULL is fine */

/* How many files libdw failed on. */
uint64_t reader_refused(const struct reader *reader);

/* Source line of a linked virtual address; or the row that describes its frame. 0; -ENOENT: the
 * file does not tell; -EIO: libdw failed on this file, which must not be asked about again. */
int reader_line(struct reader *reader, const struct reader_file *file, uint64_t vaddr,
	struct source_line *out);
int reader_frame(struct reader *reader, const struct reader_file *file, uint64_t vaddr,
	struct frame_row *out);

/* ---- between the two processes: one datagram each, the file's descriptor with the question ----
 */

#define READER_ASK_LINE	 1u
#define READER_ASK_FRAME 2u

struct reader_question {
	uint32_t kind;
	uint32_t pad;
	uint64_t vaddr;
	struct module_key key;
};

struct reader_answer {
	int32_t err; /* 0, -ENOENT, or -EBADMSG: broken or too large */
	uint32_t kind;
	struct source_line line;
	struct frame_row row;
};

/* The other process: answers until the socket is closed. */
_Noreturn void reader_child(int socket);

/* Is this source file one of the C or C++ libraries' headers, or of Rust's own library? */
bool reader_is_library(const char *path);

/* ---- reader_libdw.c: what the other process does with one question ---- */

struct reader_cache; /* of open files */
struct reader_cache *reader_cache_new(void);
void reader_cache_free(struct reader_cache *cache); /* NULL is fine */
/* Takes over the descriptor. */
void reader_cache_answer(struct reader_cache *cache, const struct reader_question *question, int fd,
	struct reader_answer *out);

#endif
