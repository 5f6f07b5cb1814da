/* SPDX-License-Identifier: MIT */
/*
 * threadwatch.h - says what the threads of a program do, so that threadwatch can show it.
 *
 * One file, no library to link. C99 and C++11 up, gcc and clang.
 *
 *	#include "threadwatch.h"
 *
 *	static void resize(struct image *image)
 *	{
 *		TW_ROUTINE("resize-image", TW_TIMEBOX_MS(500));
 *		TW_DATA("image_id", image->id);
 *		TW_DATA("format", image->format);
 *		...
 *	}                                        // the span ends here, on each way out
 *
 *	TW_SPAWN("thumbnail-worker");            // the name of the thread created next
 *	pthread_create(&thread, NULL, worker, queue);
 *
 * THE MENU
 *	TW_ROUTINE(name)                     a span, from here to the end of this scope
 *	TW_ROUTINE(name, TW_TIMEBOX_MS(n))   the same; to be reported when it lasts longer than n ms
 *	TW_DATA(key, value)                  a pair shown with the innermost span of this thread;
 *	                                     value is a string (const char *) or any integer
 *	TW_BEGIN(name)                       a span where a scope does not fit; the innermost one
 *	TW_BEGIN(name, TW_TIMEBOX_MS(n))     is ended by TW_END, in this function or in another
 *	TW_END()
 *	TW_SPAWN(name)                       names the next thread that this thread creates
 *	TW_DISABLE                           define it to compile all of this to nothing
 * TW_ROUTINE is a declaration, the others are expressions of type void. All can be used in
 * static, inline and template functions, and in several libraries of one program.
 *
 * COST WHEN NOBODY WATCHES
 * Two 1-byte nops a macro, the moves that put its arguments into registers, and a load of one
 * byte, or two, of each string. No call, no branch for a literal, no lock, no memory, no
 * start-up. While somebody watches, about half a microsecond a macro. The compiler may not move
 * memory accesses across a macro.
 *
 * SAFETY
 * Threads: the macros share no state. N.B. spans belong to the thread that began them; one that
 *	is ended elsewhere (a coroutine or a fibre that moved) is not.
 * Signals: may be used in handlers; a span begun there must end there.
 * fork: the child goes on in the spans that are open, as instances of its own that begin at
 *	the fork; vfork and posix_spawn: they stay the parent's.
 * longjmp, pthread_exit: a TW_ROUTINE that is jumped over is closed by the next end of a scope
 *	around it, at the latest by the end of the thread. C++ exceptions end it at once.
 * TW_SPAWN: when the creation fails the name waits for the next one; give it anew each time.
 *
 * ARGUMENTS
 * Each is evaluated exactly once, with TW_DISABLE too. Strings are read while the macro runs
 * and may be freed or changed right after it. NULL for a string is harmless and shows nothing.
 * Longer than this is cut, more than this is counted but not shown:
 *	names 63 bytes, keys 23, strings 55; 4 pairs a span; spans nested 8 deep.
 *
 * THE PROBES
 * Each macro is a USDT probe (SystemTap notes, version 3; no semaphore) of provider
 * `threadwatch`. This table is frozen: other tools may attach to it.
 *	begin(const char *name, uint64_t timebox_ns, const void *token)   timebox 0: none
 *	end(const void *token)
 *	data_int(const char *key, int64_t value)
 *	data_str(const char *key, const char *value)
 *	spawn(const char *name)
 * token pairs an end with its begin and ends all spans within; NULL in an end means the
 * innermost span. Each argument is 8 bytes in a register.
 * N.B. `strip` keeps the probes, `strip -R .note.stapsdt` does not. A function with a probe is
 * not dropped by the linker's --gc-sections.
 *
 * Only x86-64 ELF has probes so far; elsewhere it is as with TW_DISABLE.
 */
#ifndef THREADWATCH_H
#define THREADWATCH_H

#include <stddef.h>
#include <stdint.h>

#define TW_ROUTINE(...)	    TW_IMPL_ROUTINE(__VA_ARGS__, TW_TIMEBOX_MS(0), 0)
#define TW_BEGIN(...)	    TW_IMPL_BEGIN(__VA_ARGS__, TW_TIMEBOX_MS(0), 0)
#define TW_END()	    TW_IMPL_CALL(end)()
#define TW_SPAWN(name)	    TW_IMPL_CALL(spawn)(TW_IMPL_TEXT(name))
#define TW_DATA(key, value) TW_IMPL_DATA(key, value)
#define TW_TIMEBOX_MS(n)    TW_IMPL_CALL(timebox_ms)(TW_IMPL_INTEGER(n))

/* -------------------------------------------------------------------------------------------
 * Implementation. Nothing below is for use from outside; all of it may change.
 */

#if defined(__x86_64__) && !defined(__ILP32__) && defined(__ELF__) && !defined(TW_DISABLE)
#define TW_IMPL_PROBES 1
#else
#define TW_IMPL_PROBES 0
#endif

/* What bpf/wire.h keeps of each, without the NUL. */
#define TW_IMPL_NAME_BYTES  63
#define TW_IMPL_KEY_BYTES   23
#define TW_IMPL_VALUE_BYTES 55

/*
 * Always inlined, never emitted on its own: so there is no call even at -O0, and nothing to
 * clash when objects with and without TW_DISABLE meet in one program. In C not static, which
 * ISO C forbids within an inline function that has external linkage.
 */
#ifdef __cplusplus
#define TW_IMPL_INLINE inline __attribute__((__always_inline__))
#if TW_IMPL_PROBES
#define TW_IMPL_NAMESPACE tw_impl_probes
#else
#define TW_IMPL_NAMESPACE tw_impl_nothing
#endif
#define TW_IMPL_CALL(verb)	  ::TW_IMPL_NAMESPACE::tw_impl_##verb
#define TW_IMPL_CAST(type, value) static_cast<type>(value)
#define TW_IMPL_NULL		  nullptr
#else
#define TW_IMPL_INLINE		  extern __inline__ __attribute__((__gnu_inline__, __always_inline__))
#define TW_IMPL_CALL(verb)	  tw_impl_##verb
#define TW_IMPL_CAST(type, value) ((type)(value))
#define TW_IMPL_NULL		  ((void *)0)
#endif

/* Any integer; refuses pointers and floating point. */
#define TW_IMPL_INTEGER(n)     TW_IMPL_CAST(int64_t, (n) | 0)
#define TW_IMPL_JOIN(a, b)     TW_IMPL_JOIN_NOW(a, b)
#define TW_IMPL_JOIN_NOW(a, b) a##b
/* A string with the index of a byte that is known to be there beside the first; 0: none. */
#define TW_IMPL_TEXT(text) (text), TW_IMPL_LENGTH(text)

#if TW_IMPL_PROBES

/* Without it gcc takes each line for an instruction and thinks twice about inlining. */
#if !defined(__clang__) && __GNUC__ >= 9
#define TW_IMPL_ASM __asm__ __inline__ __volatile__
#else
#define TW_IMPL_ASM __asm__ __volatile__
#endif

/*
 * The probed instruction is a 1-byte nop: Linux 6.18 rewrites a longer one to a call, and a
 * call overwrites the red zone of a leaf function. The second nop is there because libbpf 1.7
 * moves a probe on to the next instruction when that is a longer nop, such as compilers put
 * there to align a loop.
 *
 * The note's section joins the group of the function that it is in ("?"), so that the linker
 * keeps or drops both. `.stapsdt.base` tells debuggers how far prelink moved the program.
 */
#define TW_IMPL_SITE(probe, args, ...)                                                        \
	TW_IMPL_ASM("770:\tnop\n"                                                             \
		    "\tnop\n"                                                                 \
		    "\t.pushsection .note.stapsdt,\"?\",\"note\"\n"                           \
		    "\t.balign 4\n"                                                           \
		    "\t.4byte 772f-771f\n"                                                    \
		    "\t.4byte 775f-774f\n"                                                    \
		    "\t.4byte 3\n"                                                            \
		    "771:\t.asciz \"stapsdt\"\n"                                              \
		    "772:\t.balign 4\n"                                                       \
		    "774:\t.8byte 770b\n"                                                     \
		    "\t.8byte _.stapsdt.base\n"                                               \
		    "\t.8byte 0\n"                                                            \
		    "\t.asciz \"threadwatch\"\n"                                              \
		    "\t.asciz \"" probe "\"\n"                                                \
		    "\t.asciz \"" args "\"\n"                                                 \
		    "775:\t.balign 4\n"                                                       \
		    "\t.popsection\n"                                                         \
		    "\t.ifndef _.stapsdt.base\n"                                              \
		    "\t.pushsection .stapsdt.base,\"aG\",\"progbits\",.stapsdt.base,comdat\n" \
		    "\t.weak _.stapsdt.base\n"                                                \
		    "\t.hidden _.stapsdt.base\n"                                              \
		    "_.stapsdt.base:\t.space 1\n"                                             \
		    "\t.size _.stapsdt.base,1\n"                                              \
		    "\t.popsection\n"                                                         \
		    "\t.endif\n"                                                              \
		    :                                                                         \
		    : __VA_ARGS__                                                             \
		    : "memory")

/* Registers only: a memory operand could lie in the red zone or be relative to the program
 * counter. Written the AT&T way also under -masm=intel. */
#define TW_IMPL_UNSIGNED(operand) "8@{%q" operand "|%%%q" operand "}"
#define TW_IMPL_SIGNED(operand)	  "-8@{%q" operand "|%%%q" operand "}"

#define TW_IMPL_SITE_BEGIN(name, timebox_ns, token)                                        \
	TW_IMPL_SITE("begin",                                                              \
		TW_IMPL_UNSIGNED("0") " " TW_IMPL_UNSIGNED("1") " " TW_IMPL_UNSIGNED("2"), \
		"r"(name), "r"(timebox_ns), "r"(token))
#define TW_IMPL_SITE_END(token) TW_IMPL_SITE("end", TW_IMPL_UNSIGNED("0"), "r"(token))
#define TW_IMPL_SITE_DATA_INT(key, value) \
	TW_IMPL_SITE(                     \
		"data_int", TW_IMPL_UNSIGNED("0") " " TW_IMPL_SIGNED("1"), "r"(key), "r"(value))
#define TW_IMPL_SITE_DATA_STR(key, value) \
	TW_IMPL_SITE(                     \
		"data_str", TW_IMPL_UNSIGNED("0") " " TW_IMPL_UNSIGNED("1"), "r"(key), "r"(value))
#define TW_IMPL_SITE_SPAWN(name) TW_IMPL_SITE("spawn", TW_IMPL_UNSIGNED("0"), "r"(name))

#else

#define TW_IMPL_SITE_BEGIN(name, timebox_ns, token) \
	((void)(name), (void)(timebox_ns), (void)(token))
#define TW_IMPL_SITE_END(token)		  ((void)(token))
#define TW_IMPL_SITE_DATA_INT(key, value) ((void)(key), (void)(value))
#define TW_IMPL_SITE_DATA_STR(key, value) ((void)(key), (void)(value))
#define TW_IMPL_SITE_SPAWN(name)	  ((void)(name))

#endif

#ifdef __cplusplus
namespace TW_IMPL_NAMESPACE
{
#endif

/* A type of its own, so that a bare number is refused where a timebox belongs. */
struct tw_impl_timebox {
	uint64_t ns;
};

TW_IMPL_INLINE struct tw_impl_timebox tw_impl_timebox_ms(int64_t ms)
{
	const int64_t ns_per_ms = 1000000;
	struct tw_impl_timebox timebox;

	if (ms <= 0)
		timebox.ns = 0;
	else if (ms > INT64_MAX / ns_per_ms)
		timebox.ns = UINT64_MAX;
	else
		timebox.ns = TW_IMPL_CAST(uint64_t, ms * ns_per_ms);
	return timebox;
}

/*
 * Makes a string resident: the kernel may be unable to bring a page in while it handles a
 * probe. A literal's page may never have been touched, nor the next page when it reaches into
 * that. Of other strings only the first byte is known to be there.
 */
TW_IMPL_INLINE void tw_impl_touch(const char *text, size_t length, size_t limit)
{
#if TW_IMPL_PROBES
	const volatile char *bytes = text;

	if (!bytes)
		return;
	(void)bytes[0];
	if (length > 0)
		(void)bytes[length < limit ? length : limit];
#else
	(void)text;
	(void)length;
	(void)limit;
#endif
}

TW_IMPL_INLINE void tw_impl_begin(const char *name, size_t length, struct tw_impl_timebox timebox)
{
	tw_impl_touch(name, length, TW_IMPL_NAME_BYTES);
	TW_IMPL_SITE_BEGIN(name, timebox.ns, TW_IMPL_NULL);
}

TW_IMPL_INLINE void tw_impl_end(void)
{
	TW_IMPL_SITE_END(TW_IMPL_NULL);
}

TW_IMPL_INLINE void tw_impl_spawn(const char *name, size_t length)
{
	tw_impl_touch(name, length, TW_IMPL_NAME_BYTES);
	TW_IMPL_SITE_SPAWN(name);
}

TW_IMPL_INLINE void tw_impl_data_int(const char *key, size_t key_length, int64_t value)
{
	tw_impl_touch(key, key_length, TW_IMPL_KEY_BYTES);
	TW_IMPL_SITE_DATA_INT(key, value);
}

TW_IMPL_INLINE void tw_impl_data_str(
	const char *key, size_t key_length, const char *value, size_t value_length)
{
	tw_impl_touch(key, key_length, TW_IMPL_KEY_BYTES);
	tw_impl_touch(value, value_length, TW_IMPL_VALUE_BYTES);
	TW_IMPL_SITE_DATA_STR(key, value);
}

/* The guard of a TW_ROUTINE. Its address is the token: nothing else has it while it lives. */
#ifdef __cplusplus

class tw_impl_scope
{
      public:
	TW_IMPL_INLINE tw_impl_scope(const char *name, size_t length, tw_impl_timebox timebox)
	{
		tw_impl_touch(name, length, TW_IMPL_NAME_BYTES);
		TW_IMPL_SITE_BEGIN(name, timebox.ns, this);
	}
	TW_IMPL_INLINE ~tw_impl_scope()
	{
		TW_IMPL_SITE_END(this);
	}
	tw_impl_scope(const tw_impl_scope &) = delete;
	tw_impl_scope &operator=(const tw_impl_scope &) = delete;
};

/* Only ever measured: the bytes of a constant array, 1 for all else. */
template <size_t Bytes> char (&tw_impl_extent(const char (&text)[Bytes]))[Bytes];
template <size_t Bytes> char (&tw_impl_extent(char (&text)[Bytes]))[1];
char (&tw_impl_extent(...))[1];

template <class Integer>
TW_IMPL_INLINE auto tw_impl_data(const char *key, size_t key_length, Integer value, size_t)
	-> decltype(static_cast<void>(value | 0))
{
	tw_impl_data_int(key, key_length, TW_IMPL_INTEGER(value));
}

TW_IMPL_INLINE void tw_impl_data(
	const char *key, size_t key_length, const char *value, size_t value_length)
{
	tw_impl_data_str(key, key_length, value, value_length);
}

} // namespace TW_IMPL_NAMESPACE

#define TW_IMPL_LENGTH(text)	 (sizeof(TW_IMPL_CALL(extent)(text)) - 1)
#define TW_IMPL_DATA(key, value) TW_IMPL_CALL(data)(TW_IMPL_TEXT(key), TW_IMPL_TEXT(value))
#define TW_IMPL_GUARD(guard, name, timebox) \
	const TW_IMPL_CALL(scope) guard(TW_IMPL_TEXT(name), timebox)

#else

struct tw_impl_scope {
	char address;
};

TW_IMPL_INLINE struct tw_impl_scope tw_impl_scope_begin(struct tw_impl_scope *token,
	const char *name, size_t length, struct tw_impl_timebox timebox)
{
	struct tw_impl_scope scope;

	scope.address = 0;
	tw_impl_touch(name, length, TW_IMPL_NAME_BYTES);
	TW_IMPL_SITE_BEGIN(name, timebox.ns, token);
	return scope;
}

TW_IMPL_INLINE void tw_impl_scope_end(struct tw_impl_scope *token)
{
	TW_IMPL_SITE_END(token);
}

/*
 * The length of a literal, or the room of a constant array; 0 for all else. Not by strlen: gcc
 * concludes from a strlen that the string is not NULL, even when its result is not used.
 */
#define TW_IMPL_LENGTH(text)                                                                \
	(TW_IMPL_IS_CONSTANT(text) && !TW_IMPL_IS(__typeof__(text), __typeof__(&(text)[0])) \
			? sizeof(__typeof__(text)) - 1                                      \
			: 0)
#define TW_IMPL_IS_CONSTANT(text) \
	(__builtin_constant_p(text) || TW_IMPL_IS(__typeof__(&(text)[0]), const char *))
#define TW_IMPL_IS(type, other) __builtin_types_compatible_p(type, other)

/*
 * Selects by the type of `value`, evaluating it only in the arm that is taken. The compiler
 * checks all arms, so each is made valid for both kinds of value. C99 gets _Generic as an
 * extension.
 */
#define TW_IMPL_BY_TYPE(value, string, integer) \
	__extension__ _Generic((value), char * : string, const char * : string, default : integer)
#define TW_IMPL_DATA(key, value) \
	TW_IMPL_BY_TYPE(value, TW_IMPL_DATA_STR(key, value), TW_IMPL_DATA_INT(key, value))
#define TW_IMPL_DATA_STR(key, value)                                          \
	tw_impl_data_str(TW_IMPL_TEXT(key), (const char *)(uintptr_t)(value), \
		TW_IMPL_LENGTH(TW_IMPL_BY_TYPE(value, (value), "")))
#define TW_IMPL_DATA_INT(key, value) \
	tw_impl_data_int(TW_IMPL_TEXT(key), TW_IMPL_INTEGER(TW_IMPL_BY_TYPE(value, 0, (value))))
#define TW_IMPL_GUARD(guard, name, timebox)                                                      \
	struct tw_impl_scope guard __attribute__((__cleanup__(tw_impl_scope_end), __unused__)) = \
		tw_impl_scope_begin(&guard, TW_IMPL_TEXT(name), timebox)

#endif

#define TW_IMPL_ROUTINE(name, timebox, ...) \
	TW_IMPL_GUARD(TW_IMPL_JOIN(tw_impl_scope_, __LINE__), name, timebox)
#define TW_IMPL_BEGIN(name, timebox, ...) TW_IMPL_CALL(begin)(TW_IMPL_TEXT(name), timebox)

#endif
