/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * creating.c - see creating.h.
 *
 * C++: templates of namespace std, made in the program for std::thread, std::jthread and what
 * is behind std::async: their constructors, what containers and smart pointers call to
 * construct one in place. Optimised programs have few of them left as functions of their own,
 * others all (13 frames for std::async). Rust: spawn in its forms, with both manglings.
 */
#include "target/creating.h"

#include <string.h>

#include "target/target.h"

#define RUST_NAME_BYTES 1024

#define START_THREAD "_ZNSt6thread15_M_start_thread"

const char *const creating_exported[CREATING_EXPORTED_COUNT] = {
	START_THREAD "ESt10unique_ptrINS_6_StateESt14default_deleteIS1_EEPFvvE",
	START_THREAD "ESt10shared_ptrINS_10_Impl_baseEEPFvvE",
	START_THREAD "ESt10shared_ptrINS_10_Impl_baseEE",
};

/* Returns what follows, or NULL. */
static const char *after(const char *text, const char *prefix)
{
	size_t bytes = strlen(prefix);

	return strncmp(text, prefix, bytes) ? NULL : text + bytes;
}

static bool begins_with_one_of(const char *text, const char *const *prefixes)
{
	for (; *prefixes; prefixes++)
		if (after(text, *prefixes))
			return true;
	return false;
}

/* ---- C++ ---- */

/* As a template's first argument: the class itself, none within it. */
static const char *const elements[] = {
	"St6thread",
	"St7jthread",
	"St10_List_nodeISt6threadE",
	"St10_List_nodeISt7jthreadE",
	"NSt13__future_base17_Async_state_implI",
	NULL,
};

/* All that has such an argument. */
static const char *const templates[] = {
	"_ZNSt6vectorI",
	"_ZNSt5dequeI",
	"_ZNSt7__cxx114listI",
	"_ZNSt4listI",
	"_ZNSt8optionalI",
	"_ZNSt10shared_ptrI",
	"_ZNSt12__shared_ptrI",
	"_ZNSt23_Sp_counted_ptr_inplaceI",
	"_ZNSt14__shared_countILN9__gnu_cxx12_Lock_policyE2EEC1I",
	"_ZNSt14__shared_countILN9__gnu_cxx12_Lock_policyE2EEC2I",
	"_ZNSt16allocator_traitsISaI",
	"_ZNSt16allocator_traitsISaIvEE9constructI",
	"_ZN9__gnu_cxx13new_allocatorI",
	"_ZN9__gnu_cxx13new_allocatorIvE9constructI",
	"_ZNSt15__new_allocatorI",
	"_ZNSt15__new_allocatorIvE9constructI",
	"_ZSt10_ConstructI",
	"_ZSt12construct_atI",
	"_ZSt11make_uniqueI",
	"_ZSt11make_sharedI",
	"_ZSt15allocate_sharedI",
	NULL,
};

static const char *const functions[] = {
	START_THREAD,
	"_ZNSt6threadC1I",
	"_ZNSt6threadC2I",
	"_ZNSt7jthreadC1I",
	"_ZNSt7jthreadC2I",
	"_ZNSt7jthread9_S_createI",
	"_ZNSt13__future_base17_Async_state_implI",
	"_ZSt5asyncI",
	NULL,
};

/* Members of these classes that run the thread's function or end its objects: what they call is
 * the author's. */
static bool runs_or_ends(const char *symbol)
{
	static const char *const ends[] = {
		"6_M_runEv", "10_M_disposeEv", "10_M_destroyEv", "D0Ev", "D1Ev", "D2Ev"};
	const char *suffix = strchr(symbol, '.'); /* of a copy that the compiler made */
	size_t length = suffix ? (size_t)(suffix - symbol) : strlen(symbol);

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		size_t bytes = strlen(ends[i]);

		if (length >= bytes && !memcmp(symbol + length - bytes, ends[i], bytes))
			return true;
	}
	return false;
}

static bool creates_cpp(const char *symbol)
{
	if (begins_with_one_of(symbol, functions))
		return !runs_or_ends(symbol);
	for (size_t i = 0; templates[i]; i++) {
		const char *argument = after(symbol, templates[i]);

		if (argument && begins_with_one_of(argument, elements))
			return !runs_or_ends(symbol);
	}
	return false;
}

/* ---- Rust ---- */

/* A function that is no closure, and no function within one: those are what the thread runs. */
static bool is_rust_candidate(const char *symbol, bool *v0)
{
	*v0 = after(symbol, "_RINv") || after(symbol, "_RNvM");
	if (*v0 && !strstr(symbol, "_3std6thread") && !strstr(symbol, "_3std3sys"))
		return false;
	if (!*v0 && !after(symbol, "_ZN3std6thread") && !after(symbol, "_ZN3std3sys"))
		return false;
	return strstr(symbol, "spawn") || strstr(symbol, "6Thread3new");
}

/* `std::thread::spawn`, `<std::thread::Builder>::spawn_unchecked_::<F, T>` and the like; which
 * modules are in between has changed. */
static bool creates_rust(const char *symbol)
{
	static const char *const spawns[] = {
		"spawn", "spawn_unchecked", "spawn_unchecked_", "spawn_scoped"};
	char name[RUST_NAME_BYTES], *path = name, *last, *end;
	bool v0;

	if (!is_rust_candidate(symbol, &v0))
		return false;
	demangle_full(symbol, name, sizeof(name));
	end = v0 ? strstr(name, "::<") : NULL;
	if (end)
		*end = '\0';
	path += *path == '<';
	last = strrchr(path, ':');
	if (!last)
		return false;
	if (after(path, "std::sys::"))
		return strstr(path, "::Thread") && !strcmp(last + 1, "new");
	for (size_t i = 0; i < sizeof(spawns) / sizeof(*spawns); i++)
		if (!strcmp(last + 1, spawns[i]))
			return after(path, "std::thread::");
	return false;
}

bool creates_for_caller(const char *symbol)
{
	return symbol[0] == '_' && (creates_cpp(symbol) || creates_rust(symbol));
}
