/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * callable.bpf.h - what a thread that starts in a run-time system was really created for.
 *
 * Every std::thread of a program begins in one function of libstdc++, every Rust thread in one
 * of std, and so on (wire.h, WIRE_TRAMPOLINE_*). User space tells which functions these are, by
 * their place in a file, when it looks at that file; `starts` remembers per image, so that a
 * birth costs one look-up. What the argument points to is then read while it is sure to be
 * there: by the creator, before the new thread runs, or from a sleepable iterator later.
 *
 * Of these words the kernel only makes a number that tells callables apart: from a vtable and
 * from every word of the object that is an address of code. Words that are not part of the
 * callable (a callback among the arguments, stale bytes behind the object) may give one
 * callable two numbers, which user space names alike; different callables never share one.
 */
#ifndef TW_CALLABLE_BPF_H
#define TW_CALLABLE_BPF_H

#include "bpf/state.bpf.h"

#define STARTS_MAX	16384
#define TRAMPOLINES_MAX 16384

#define ERR_NO_MAPPING (-2) /* -ENOENT of bpf_find_vma; any other: the mappings were busy */
#define BUSY_RETRIES   16   /* another thread holds them for about as long as these take */

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, STARTS_MAX);
	__type(key, struct wire_start);
	__type(value, __u32); /* WIRE_TRAMPOLINE_* */
} starts SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, TRAMPOLINES_MAX);
	__type(key, struct wire_place);
	__type(value, __u32); /* WIRE_TRAMPOLINE_* */
} trampolines SEC(".maps") __weak;

/* ---- places in files ---- */

#define PAGE_SHIFT 12
#define VM_EXEC	   0x4

struct mapping_at {
	struct task_struct *task; /* of find_mapping */
	long err;		  /* likewise */
	__u64 address;
	struct wire_place place;
};

static long note_mapping(struct task_struct *task, struct vm_area_struct *vma, void *context)
{
	struct inode *inode = BPF_CORE_READ(vma, vm_file, f_inode);
	struct mapping_at *at = context;

	if (!inode)
		return 0;
	at->place.offset = at->address - BPF_CORE_READ(vma, vm_start) +
			   (BPF_CORE_READ(vma, vm_pgoff) << PAGE_SHIFT);
	at->place.inode = BPF_CORE_READ(inode, i_ino);
	at->place.device = BPF_CORE_READ(inode, i_sb, s_dev);
	return 0;
}

static long look_once(__u32 index, void *context)
{
	struct mapping_at *at = context;

	at->err = bpf_find_vma(at->task, at->address, note_mapping, at, 0);
	return !at->err || at->err == ERR_NO_MAPPING;
}

/* false: nothing is mapped there, or the mappings stay busy. Loops by bpf_loop, here and below:
 * the verifier walks a loop written out once a round, and loading takes half a second more. */
static __always_inline bool find_mapping(struct task_struct *task, struct mapping_at *at)
{
	at->task = task;
	bpf_loop(BUSY_RETRIES, look_once, at, 0);
	return !at->err;
}

/* What sort of mapping an address is in. Less than mapping_at: programs on uprobes have little
 * stack left where this is asked. */
struct mapping_sort {
	__u64 flags;
	__u64 is_file;
};

static long note_sort(struct task_struct *task, struct vm_area_struct *vma, void *context)
{
	struct mapping_sort *sort = context;

	sort->flags = BPF_CORE_READ(vma, vm_flags);
	sort->is_file = BPF_CORE_READ(vma, vm_file) != NULL;
	return 0;
}

/* Is this an address of code? Yes too when the mappings were busy: a number more does no harm,
 * one too few would. */
static __noinline bool is_code(struct task_struct *task, __u64 word)
{
	struct mapping_sort sort = {};
	long err;

	if (word < (1 << PAGE_SHIFT) || word >> 47)
		return false;
	if (word >= BPF_CORE_READ(task, mm, start_code) && word < BPF_CORE_READ(task, mm, end_code))
		return true;
	err = bpf_find_vma(task, word, note_sort, &sort, 0);
	if (!err)
		return sort.flags & VM_EXEC;
	return err != ERR_NO_MAPPING;
}

/* ---- reading user memory ---- */

/* An iterator may sleep and reads another task's memory; elsewhere the current task's is read. */
static __always_inline long read_user(
	void *to, __u32 bytes, __u64 from, struct task_struct *task, bool sleepable)
{
	return sleepable ? bpf_copy_from_user_task(to, bytes, (void *)from, task, 0)
			 : bpf_probe_read_user(to, bytes, (void *)from);
}

/* ---- C++ types ---- */

#define TYPE_INFO_BEFORE 8   /* a vtable's functions follow the pointer to its type_info */
#define TYPE_NAME_IN	 8   /* type_info: vtable, name */
#define LOCAL_TYPE	 '*' /* before the name of a type that no other file can have */

/* "NSt13__future_base": what std::async and std::packaged_task share with their futures. */
#define FUTURE_WORD_0 0x665f5f333174534eull
#define FUTURE_WORD_1 0x61625f6572757475ull
/* "NSt6thread11_State_impl": what std::thread gives to its start function. */
#define STATE_WORD_0 0x657268743674534eull
#define STATE_WORD_1 0x6174535f31316461ull

static __always_inline bool is_file_data(struct task_struct *task, __u64 word)
{
	struct mapping_sort sort = {};

	return !bpf_find_vma(task, word, note_sort, &sort, 0) && sort.is_file &&
	       !(sort.flags & VM_EXEC);
}

#define TYPE_NONE    0 /* no C++ object, or of another type */
#define TYPE_MATCHES 1
#define TYPE_UNKNOWN 2 /* it could not be read */

/* Does the name of the type with this vtable begin with these two words? */
static __always_inline int type_begins(
	__u64 vtable, __u64 word_0, __u64 word_1, struct task_struct *task, bool sleepable)
{
	__u64 type_info = 0, text = 0, name[2] = {};
	char first = 0;

	if (!is_file_data(task, vtable))
		return TYPE_NONE;
	if (read_user(&type_info, sizeof(type_info), vtable - TYPE_INFO_BEFORE, task, sleepable) ||
		read_user(&text, sizeof(text), type_info + TYPE_NAME_IN, task, sleepable) ||
		read_user(&first, sizeof(first), text, task, sleepable) ||
		read_user(name, sizeof(name), text + (first == LOCAL_TYPE), task, sleepable))
		return TYPE_UNKNOWN;
	return name[0] == word_0 && name[1] == word_1 ? TYPE_MATCHES : TYPE_NONE;
}

/* ---- is it a trampoline? ---- */

/* By its place in a file. false: its mappings were busy, nothing is known. */
static __noinline bool trampoline_at(struct task_struct *task, __u64 start_fn, __u32 *out)
{
	struct mapping_at at = {.address = start_fn};
	__u32 *kind;

	if (!find_mapping(task, &at))
		return false;
	kind = bpf_map_lookup_elem(&trampolines, &at.place);
	if (!kind) {
		at.place.offset = WIRE_PLACE_ANYWHERE;
		kind = bpf_map_lookup_elem(&trampolines, &at.place);
	}
	*out = kind ? *kind : WIRE_TRAMPOLINE_NONE;
	return true;
}

/* A static program without symbols has libstdc++'s start function somewhere: what it is given
 * tells. Where that cannot be read user space will say. */
static __always_inline bool starts_std_thread(
	__u64 start_arg, struct task_struct *task, bool sleepable)
{
	__u64 vtable = 0;

	return !read_user(&vtable, sizeof(vtable), start_arg, task, sleepable) &&
	       type_begins(vtable, STATE_WORD_0, STATE_WORD_1, task, sleepable) == TYPE_MATCHES;
}

static __always_inline __u32 trampoline_of(
	const struct wire_thread *thread, struct task_struct *task, bool sleepable)
{
	struct wire_start key = {.process = thread->process, .start_fn = thread->start_fn};
	__u32 *known = bpf_map_lookup_elem(&starts, &key);
	__u32 kind = WIRE_TRAMPOLINE_NONE;

	if (known)
		return *known;
	if (!trampoline_at(task, thread->start_fn, &kind))
		return kind; /* the next birth looks again */
	if (kind == WIRE_TRAMPOLINE_NONE && starts_std_thread(thread->start_arg, task, sleepable))
		kind = WIRE_TRAMPOLINE_STD_THREAD;
	bpf_map_update_elem(&starts, &key, &kind, BPF_ANY);
	return kind;
}

/* ---- the object behind the argument ---- */

#define HASH_FACTOR 0x9e3779b97f4a7c15ull /* 2^64 / golden ratio: spreads the bits */

static __always_inline __u64 mix(__u64 number, __u64 word)
{
	number = (number ^ word) * HASH_FACTOR;
	return number ^ (number >> 32);
}

struct mixing {
	struct task_struct *task;
	const __u64 *words;
	__u64 number;
};

static long mix_one(__u32 index, void *context)
{
	struct mixing *mixing = context;
	__u64 word = mixing->words[(index + 1) & (WIRE_INNER_WORDS - 1)];

	if (is_code(mixing->task, word))
		mixing->number = mix(mixing->number, word);
	return 0;
}

/* Of count words the first, a vtable, is left out. words has room for WIRE_INNER_WORDS, as far as
 * the verifier is concerned. */
static __always_inline __u64 mix_code(
	struct task_struct *task, __u64 number, const __u64 *words, __u32 count)
{
	struct mixing mixing = {.task = task, .words = words, .number = number};

	bpf_loop(count - 1, mix_one, &mixing, 0);
	return mixing.number;
}

/* malloc keeps the size of a block in the word before it, the low bits are flags. A block that
 * is not malloc's, or not of glibc, gives what room there is. */
#define CHUNK_FLAGS  7
#define CHUNK_MIN    32
#define CHUNK_MAX    4096
#define CHUNK_HEAD   8
#define OBJECT_BYTES (WIRE_OBJECT_WORDS * 8)

static __always_inline __u32 object_words(__u64 object, struct task_struct *task, bool sleepable)
{
	__u64 chunk = 0;

	read_user(&chunk, sizeof(chunk), object - CHUNK_HEAD, task, sleepable);
	chunk &= ~(__u64)CHUNK_FLAGS;
	if (chunk < CHUNK_MIN || chunk > CHUNK_MAX || chunk - CHUNK_HEAD >= OBJECT_BYTES)
		return WIRE_OBJECT_WORDS;
	return (chunk - CHUNK_HEAD) / 8;
}

/* object[1] is the last argument, or the shared state. */
static __always_inline __u64 read_std_thread(
	struct wire_callable *callable, struct task_struct *task, bool sleepable)
{
	__u32 words = object_words(callable->object_address, task, sleepable);
	__u64 number;

	for (__u32 i = 0; i < WIRE_OBJECT_WORDS; i++)
		if (i >= words)
			callable->object[i] = 0;
	callable->object_count = words;
	number = mix(callable->trampoline, callable->object[0]);
	number = mix_code(task, number, callable->object, WIRE_OBJECT_WORDS);
	callable->inner_address = callable->object[1];
	if (read_user(callable->inner, sizeof(callable->inner), callable->inner_address, task,
		    sleepable))
		return number;
	callable->inner_count = WIRE_INNER_WORDS;
	/* Also when its type could not be read: see is_code. */
	if (type_begins(callable->inner[0], FUTURE_WORD_0, FUTURE_WORD_1, task, sleepable) !=
		TYPE_NONE)
		number = mix_code(task, number, callable->inner, WIRE_INNER_WORDS);
	return number;
}

#define RUST_VTABLE_WORDS 4 /* drop, size, align, call */

static __always_inline __u64 read_rust(
	struct wire_callable *callable, struct task_struct *task, bool sleepable)
{
	/* {data, vtable}; newer ones have a word before it. Vtables are constants of a file. */
	callable->inner_address = callable->object[1];
	if (!is_file_data(task, callable->object[1]) && is_file_data(task, callable->object[2]))
		callable->inner_address = callable->object[2];
	if (!read_user(callable->inner, RUST_VTABLE_WORDS * 8, callable->inner_address, task,
		    sleepable))
		callable->inner_count = RUST_VTABLE_WORDS;
	return mix(callable->trampoline, callable->inner_address);
}

#define PYTHON_FUNC_WORD 1 /* of bootstate, CPython 3.9 to 3.14 */
#define PYTHON_SELF_WORD 3 /* of a bound method: refcount, type, function, self */

/* The argument is {thread_run, bootstate}; both are gone soon after the thread began. */
static __always_inline bool read_python(
	struct wire_callable *callable, struct task_struct *task, bool sleepable)
{
	__u64 self = 0;

	callable->object_address = callable->object[1];
	if (read_user(callable->object, sizeof(callable->object), callable->object_address, task,
		    sleepable) ||
		read_user(&self, sizeof(self),
			callable->object[PYTHON_FUNC_WORD] + PYTHON_SELF_WORD * 8, task, sleepable))
		return false;
	callable->inner_address = self;
	if (!read_user(callable->inner, sizeof(callable->inner), self, task, sleepable))
		callable->inner_count = WIRE_INNER_WORDS;
	return true;
}

/*
 * Sees through a trampoline: fills the callable and the thread's number for it. An iterator
 * comes too late for an argument that the thread has let go of (Python's): user space finds the
 * thread in another way.
 */
static __always_inline void callable_read(struct wire_thread *thread,
	struct wire_callable *callable, struct task_struct *task, bool sleepable)
{
	__builtin_memset(callable, 0, sizeof(*callable));
	callable->trampoline = thread->trampoline;
	callable->object_address = thread->start_arg;
	if (read_user(callable->object, sizeof(callable->object), callable->object_address, task,
		    sleepable))
		return count(WIRE_COUNTER_CALLABLE_UNREADABLE);
	callable->object_count = WIRE_OBJECT_WORDS;
	switch (callable->trampoline) {
	case WIRE_TRAMPOLINE_STD_THREAD:
		thread->callable = read_std_thread(callable, task, sleepable);
		break;
	case WIRE_TRAMPOLINE_RUST:
		thread->callable = read_rust(callable, task, sleepable);
		break;
	case WIRE_TRAMPOLINE_FUNCTION:
		thread->callable = mix(callable->trampoline, callable->object[0]);
		break;
	case WIRE_TRAMPOLINE_PYTHON:
		/* A Thread object's address is soon another's: the number is the thread's. */
		if (sleepable || read_python(callable, task, sleepable))
			thread->callable = mix(thread->start_ns, thread->tid);
		break;
	}
}

/* The source of a birth name that is an address. */
static __always_inline void source_from_start(struct wire_thread *thread)
{
	if (!thread->start_fn)
		return;
	/* Each Python thread is an object of its own: not a routine that could be counted by. */
	thread->source = thread->callable && thread->trampoline != WIRE_TRAMPOLINE_PYTHON
				 ? WIRE_SOURCE_TYPE
				 : WIRE_SOURCE_SYMBOL;
}

#endif
