/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * target.h - what is learnt from the files and the memory of watched processes.
 *
 * Knows nothing of BPF. Everything read here is hostile: ELF files may lie, be truncated, be
 * FIFOs or devices, or change while they are read; memory may vanish. Every read is bounded,
 * nothing of a target is ever executed or dlopened, and a failure means "not known", never a
 * guess that looks true.
 *
 * Files are opened through /proc/PID/map_files (right for deleted files and other mount
 * namespaces), else /proc/PID/root/PATH, and are cached by (device, inode, mtime, size).
 */
#ifndef TW_TARGET_TARGET_H
#define TW_TARGET_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bpf/wire.h"

/* ---- files ---- */

/* One ELF file, shared and counted; never NULL inside a mapping that says it has one. */
struct module;

/* A cache of modules, bounded (the least recently used unreferenced ones leave). */
struct module_cache;
struct module_cache *module_cache_new(size_t limit); /* NULL without memory */
void module_cache_free(struct module_cache *cache);  /* NULL is fine */
/* How many processes had a /tmp/perf-PID.map that was not taken, or not as a whole: another
 * owner, no regular file, too large. */
uint64_t module_cache_perf_maps_refused(const struct module_cache *cache);

/* Takes ownership of nothing: `fd` stays the caller's. `path` is kept for display. Returns a
 * counted reference, or NULL with errno set when it is not a regular ELF64 file of this
 * machine's architecture. */
struct module *module_open(struct module_cache *cache, int fd, const char *path);
/* A mapping that the kernel told of. `path` is as the process sees it. */
struct mapped_file {
	pid_t pid; /* of our own PID namespace */
	uint64_t start, end;
	dev_t device;
	ino_t inode;
	uint32_t generation; /* of the inode number */
	const char *path;
};
/* Opens its file, also when the process is gone, as far as there is a way to it. Counted; NULL
 * with errno set: ESRCH when there was none, else as module_open. */
struct module *module_open_mapped(struct module_cache *cache, const struct mapped_file *file);
/* Its descriptor; it stays the module's. */
int module_fd(const struct module *module);
/* The file's state is still the one that was opened. */
bool module_is_current(const struct module *module);
/* Its device and inode in records of the kernel, where stat tells of an overlay's. */
void module_set_kernel_file(struct module *module, dev_t device, ino_t inode);
/* A module that the cache has already, by what stat or the kernel says of its file; counted, NULL
 * when it has none. It may be of an earlier state of the file. */
struct module *module_cached(struct module_cache *cache, dev_t device, ino_t inode);
void module_put(struct module *module); /* NULL is fine */
const char *module_path(const struct module *module);
const char *module_basename(const struct module *module);

/* Virtual address (as linked) of a file offset, or 0 when no PT_LOAD covers it; and back. */
uint64_t module_offset_to_vaddr(struct module *module, uint64_t file_offset);
uint64_t module_vaddr_to_offset(struct module *module, uint64_t vaddr);

/* The function that covers a linked virtual address, mangled, with the distance from its
 * start. NULL when no function symbol covers it. The string lives as long as the module. */
const char *module_function_at(struct module *module, uint64_t vaddr, uint64_t *distance);

/* Value (st_value) of a defined function or object symbol, any version, .dynsym first, weak
 * ones too. 0 or -ENOENT. */
int module_symbol(struct module *module, const char *name, uint64_t *vaddr, uint64_t *bytes);

/* Bytes of the file as loaded at a linked virtual address. 0 or negative errno. */
int module_read(struct module *module, uint64_t vaddr, void *out, size_t bytes);

/* PT_INTERP of the file, or NULL (static, or a library). Lives as long as the module. */
const char *module_interpreter(struct module *module);

/* A program, not a library, that Go's linker made. It says so itself, stripped or not. Its
 * threads run Go's scheduler, which this function starts (runtime.newosproc). */
bool module_is_go(struct module *module);
#define GO_THREAD_ROUTINE "runtime.mstart"

/* ---- probe sites of provider "threadwatch" (.note.stapsdt) ---- */

struct usdt_site {
	uint64_t file_offset;
	struct wire_site site;
};

#define USDT_SITES_MAX 4096 /* in one file */

/* Fills *sites (free with free()) and *count. rejected: notes of our provider that could not
 * be used (unknown probe, arguments in a form not supported, an address outside of the file);
 * over_limit: good ones beyond USDT_SITES_MAX. 0 also when there is none; negative errno
 * without memory. */
int usdt_find_sites(struct module *module, struct usdt_site **sites, size_t *count,
	size_t *rejected, size_t *over_limit);

/* Parses one argument such as "8@%rdi", "-4@$5", "8@-16(%rbp)", "4@8(%rax,%rcx,4)".
 * Advances *text. 1: parsed, 0: at the end, -EINVAL: not supported. */
int usdt_parse_arg(const char **text, struct wire_arg *out);

/* ---- libc ---- */

struct libc_layout {
	bool glibc;
	uint64_t pthread_create_offset; /* file offset of the function; 0: none */
	uint32_t start_routine_offset;	/* in glibc's struct pthread; 0: not known */
	uint32_t tid_offset;		/* likewise */
};

/* Is this file a libc (or a static program with one inside)? 0, or -ENOENT when it defines no
 * pthread_create that could be found. start_routine_offset comes from
 * _thread_db_pthread_start_routine ({bits, count, offset}); static programs that carry no
 * such symbol leave it 0. */
int libc_layout_of(struct module *module, struct libc_layout *out);

/* ---- processes ---- */

struct mapping {
	uint64_t start, end, file_offset;
	bool executable;
	struct module *module; /* NULL: not a usable ELF file; opened on first need */
	const char *path;      /* "" for anonymous memory */
};

/* One process image's address space, re-read when an address is not found in it. */
struct target;

/* Reads /proc/PID/maps. `pid` is a number of our own PID namespace. NULL with errno set. */
struct target *target_open(struct module_cache *cache, pid_t pid);
void target_free(struct target *target); /* NULL is fine */
/* Reads the maps again (after dlopen). 0 or negative errno, -ESTALE when the process has
 * executed another program since: that is another image. On failure what was known
 * stays, so that a process that just died can still be named. */
int target_refresh(struct target *target);
/* Calls visit for each executable file mapping, each distinct file once. Stops and returns
 * the first non-zero result. */
int target_each_module(struct target *target,
	int (*visit)(struct module *module, const struct mapping *mapping, void *context),
	void *context);

#define SYMBOL_FULL_BYTES   1024
#define BUILD_ID_BYTES_MAX  32
#define BUILD_ID_TEXT_BYTES (2 * BUILD_ID_BYTES_MAX + 1)

#define TARGET_READ_BYTES_MAX (64u << 10)

/* Memory of this image: of the live process, else, when that is gone, what its files say of
 * constant data (vtables, type_infos, text, code), with the dynamic loader's work done. All of
 * the bytes and 0, or negative errno with `out` in an unspecified state. */
int target_read(struct target *target, uint64_t address, void *out, size_t bytes);
/* The same for a text that ends in NUL, wherever the memory behind it ends.
 * -ENAMETOOLONG: it has no end within so many bytes. */
int target_read_text(struct target *target, uint64_t address, char *out, size_t bytes);

/* What an address is. */
struct symbol {
	char text[256];			    /* demangled and shortened, or "module+0xoffset" */
	char full[SYMBOL_FULL_BYTES];	    /* the whole name; "" when text is the whole */
	char build_id[BUILD_ID_TEXT_BYTES]; /* of the file, hex, when not resolved; "": none */
	uint64_t distance;		    /* from the function's start */
	bool resolved;			    /* text is a function's name */
	bool executable;		    /* the address lies in an executable mapping */
	/* In executable memory of no file, without a name: a compiler that runs in the process
	 * may still tell it (/tmp/perf-PID.map). */
	bool may_be_told;
};

/* Names an address; refreshes the maps once when it lies in none. 0, or -ENOENT when it lies
 * in no mapping (out->text is then ""). */
int target_symbolize(struct target *target, uint64_t address, struct symbol *out);

/* Names the function that starts at this offset of a file; not resolved when none does, then
 * text is "module+0xoffset". 0, or -ENOENT when the file has no such offset in memory. */
int module_symbolize(struct module *module, uint64_t file_offset, struct symbol *out);

/* Formats a return address as "function+0x12" (or "module+0x12"). 0 or -ENOENT. */
int target_call_site(struct target *target, uint64_t return_address, char *out, size_t bytes);

/* ---- what a trampoline was to call ---- */

/* A start function of a run-time system in a file. */
struct trampoline_site {
	uint64_t file_offset;
	uint32_t kind; /* WIRE_TRAMPOLINE_* */
};

#define TRAMPOLINE_ANYWHERE UINT64_MAX /* as file_offset: every start function of the file */
#define TRAMPOLINES_MAX	    8

/* The start functions that this file has; at most `room` of them. */
size_t trampolines_of(struct module *module, struct trampoline_site *out, size_t room);

/* A return address within a function that creates threads for its caller, and the way out. */
struct frame_site {
	uint64_t file_offset;
	struct wire_frame_rule rule;
};

#define FRAME_SITES_MAX 4096 /* in one file */

/* Fills *sites (free with free()) and *count; left_out: what was beyond the limits. 0 also when
 * there is none; negative errno without memory. */
int frame_sites_find(
	struct module *module, struct frame_site **sites, size_t *count, size_t *left_out);

/* What a start function is, by its file and, where that does not tell (programs without symbols),
 * by the C++ object or the boxed closure of Rust that it was given. WIRE_TRAMPOLINE_NONE when in
 * doubt. */
uint32_t target_trampoline(struct target *target, uint64_t start_fn, uint64_t start_arg);

/* Reads what the kernel reads at a birth, of a thread that lives. For PYTHON without `inner`.
 * 0, or -EFAULT with `out` untouched. */
int target_read_callable(
	struct target *target, uint32_t trampoline, uint64_t start_arg, struct wire_callable *out);

struct callable_name {
	char text[256];			    /* shortened for people */
	char full[SYMBOL_FULL_BYTES];	    /* the whole name; "" when text is the whole */
	char build_id[BUILD_ID_TEXT_BYTES]; /* of the file, hex, when not resolved; "": none */
	uint32_t source;		    /* WIRE_SOURCE_* */
	bool heuristic;			    /* guessed, not told */
	bool resolved;			    /* a name of the program's, not module+0xoffset */
};

/* Names what a trampoline was to call. 0, or -ENOENT with `out` untouched: there is no name that
 * is surely true. */
int target_callable_name(
	struct target *target, const struct wire_callable *callable, struct callable_name *out);

/* A Python thread that was there before us, by its pthread_self(): the argument of its start
 * function is freed memory by then. The callable has no object, only the inner address, and can
 * be named. 0, or -ENOENT: the module threading did not start it, or this Python is not known. */
int target_python_thread(struct target *target, uint64_t pthread, struct wire_callable *out);
/* Whether a callable that was just named is this thread's (by its number in our PID namespace).
 * A Python thread that ends leaves its memory to the next, often object for object: a name that
 * is read late is another's, and no name. */
bool target_python_owns(struct target *target, const struct wire_callable *callable, pid_t tid);

/* ---- where a thread was created ---- */

#define SOURCE_FILE_BYTES 1024

struct source_line {
	uint32_t line;
	char file[SOURCE_FILE_BYTES]; /* as the debug information has it, most often whole paths */
};

/* The source line of a call by its return address; of inlined code the innermost line that is not
 * in a file of the C++ or Rust standard library, where there is one. Asks libdw,
 * in a process of its own, and may wait for it (target/reader.h). 0 or -ENOENT. */
int target_source_line(struct target *target, uint64_t return_address, struct source_line *out);

/* Does this return address lie in a library function that creates threads for its caller? */
bool target_creates_for_caller(struct target *target, uint64_t return_address);

/* How many of these return addresses, from the first on, lie behind a call in mapped code. */
size_t target_check_stack(struct target *target, const uint64_t *frames, size_t count);

/* Return addresses of a copied stack by call frame information, innermost first; the first is
 * that of the call itself. Returns how many. */
size_t target_unwind(struct target *target, const struct wire_stack_copy *copy,
	uint64_t frames[static WIRE_STACK_FRAMES]);

/* Files of which the debug information was not used: too large, too slow, broken. */
uint64_t module_cache_debug_refused(const struct module_cache *cache);

/* Demangles C++ and Rust with libiberty into `out` and shortens it for people; cut with "~" at
 * its end when too long. A name that is not mangled is copied, but for suffixes that compilers
 * add to a copy of a function. */
void demangle(const char *mangled, char *out, size_t bytes);
/* The same, with nothing left out but a Rust hash. */
void demangle_full(const char *mangled, char *out, size_t bytes);

/* ---- kernel symbols ---- */

struct kallsyms;
struct kallsyms *kallsyms_open(void); /* NULL with errno set; reads /proc/kallsyms */
void kallsyms_free(struct kallsyms *symbols);
/* Name of the function at a kernel address, NULL when not known (kptr_restrict). */
const char *kallsyms_name(const struct kallsyms *symbols, uint64_t address);

#endif
