/* SPDX-License-Identifier: GPL-2.0-only */
/* test_target_demangle.c - names for people, from compilers and from those who mean harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "target/shorten.h"
#include "target/target.h"

#define OUT_BYTES  256
#define DEADLINE_S 60

struct name {
	const char *mangled, *expected;
};

static const struct name names[] = {
	/* not mangled */
	{"", ""},
	{"worker", "worker"},
	{"main._omp_fn.0", "main._omp_fn.0"},
	{"_start", "_start"},
	{"_Restart", "_Restart"},
	{"_Z", "_Z"},
	{"_Zgarbage", "_Zgarbage"},
	{"a<b", "a<b"},
	/* C++ */
	{"_ZN3app4workEi", "app::work"},
	{"_ZN12_GLOBAL__N_13runEv", "(anonymous namespace)::run"},
	{"_ZZ4mainENKUlvE_clEv", "main::{lambda()#1}"},
	{"_ZZ4mainENUlPvE_4_FUNES_", "main::{lambda(void*)#1}"},
	{"_ZZ4mainEN3$_08__invokeEPv", "main::$_0"},
	{"_ZZ4mainENK3$_0clEv", "main::$_0"},
	{"_ZN3FooclEv", "Foo::operator()"},
	{"_Z3fooIiEvT_", "foo<int>"},
	{"_ZN4PoolI3JobE3runEv", "Pool<Job>::run"},
	{"_ZN4PoolISt6vectorINSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEESaIS6_EEE3runEv",
		"Pool<...>::run"},
	{"_Z3runISt6vectorINSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEESaIS6_EEEvT_",
		"run<...>"},
	{"_ZN1AltERKS_", "A::operator<"},
	{"_ZN1AptEv", "A::operator->"},
	{"_ZN1ApmEv", "A::operator->*"},
	{"_ZlsRSoRK3Foo", "operator<<"},
	{"_ZltI3FooEbT_S1_", "operator< <Foo>"},
	{"_ZltISt6vectorINSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEESaIS6_EEEbT_S8_",
		"operator< <...>"},
	{"_ZZN3app4workEiENKUlvE_clEv", "app::work::{lambda()#1}"},
	{"_ZZNK3app6Worker3runEiENKUlvE_clEv", "app::Worker::run::{lambda()#1}"},
	{"_ZZZ4mainENKUlvE_clEvENKUlvE_clEv", "main::{lambda()#1}::{lambda()#1}"},
	{"_ZZ4mainENKUlT_E_clIiEEDaS_", "main::{lambda(auto:1)#1}"},
	{"_ZZ4mainENKUlSt6vectorIiSaIiEES1_PKcE_clES1_S1_S3_", "main::{lambda(...)#1}"},
	{"_ZZN3app4workB5cxx11EvEN5Local3runEPv", "app::work::Local::run"},
	{"_ZZN3FooclEiENKUlvE_clEv", "Foo::operator()::{lambda()#1}"},
	{"_ZZN1AltERKS_ENKUlvE_clEv", "A::operator<::{lambda()#1}"},
	{"_ZN3FooD0Ev", "Foo::~Foo"},
	{"_ZN1AcvPFvvEEv", "A::operator void (*)()"},
	{"_Z3barIXadL_Z3foovEEEvv", "bar<&(foo())>"},
	{"_ZThn8_N1B1fEv", "non-virtual thunk to B::f"},
	/* copies go by the name of the function, pieces do not */
	{"worker.constprop.0", "worker"},
	{"worker.isra.0.constprop.12", "worker"},
	{"worker.lto_priv.3", "worker"},
	{"worker.part.0", "worker.part.0"},
	{"worker.constprop.0.cold", "worker.cold"},
	{"_Z6workerPv.constprop.0", "worker"},
	{"_Z6workerPv.part.0.cold", "worker.part.0.cold"},
	{"_Z3runv._omp_fn.0", "run._omp_fn.0"},
	{".cold", ".cold"},
	{".part.0", ".part.0"},
	{"a.partition", "a.partition"},
	{"_ZN1AcvSt6vectorIiSaIiEEEv", "A::operator std::vector<int, std::allocator<int> >"},
	/* Rust: the older form with its hash, and v0 */
	{"_ZN2rs1m10W$LT$T$GT$3run17h9539fb95ce45b7c4E", "rs::m::W<T>::run"},
	{"_ZN2rs4main28_$u7b$$u7b$closure$u7d$$u7d$17hbb75eac6d2d7fd6aE", "rs::main::{{closure}}"},
	{"_RNvMNtCsbFYJioi4cCO_2rs1mINtB2_1WhE3runB4_", "<rs::m::W<u8>>::run"},
	{"_RNCNvCsbFYJioi4cCO_2rs4main0B3_", "rs::main::{closure#0}"},
	{"_RNCNvCsbFYJioi4cCO_2rs4main0B3_.llvm.1234", "rs::main::{closure#0}"},
	{"_ZN2rs4main28_$u7b$$u7b$closure$u7d$$u7d$17hbb75eac6d2d7fd6aE.llvm.1234",
		"rs::main::{{closure}}"},
	{"_ZN4core3ops8function6FnOnce40call_once$u7b$$u7b$vtable.shim$u7d$$u7d$"
	 "17h6dcb4b7ffb3a3f9bE",
		"core::ops::function::FnOnce::call_once{{vtable.shim}}"},
};

static const struct name whole_names[] = {
	{"worker", "worker"},
	{"worker.constprop.0", "worker.constprop.0"},
	{"_ZN3app4workEi", "app::work(int)"},
	{"_Z3fooIiET_S0_", "int foo<int>(int)"},
	{"_ZZ4mainENKUlvE_clEv", "main::{lambda()#1}::operator()() const"},
	{"_Z6workerPv.part.0", "worker(void*) [clone .part.0]"},
	{"_ZN4PoolISt6vectorINSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEESaIS6_EEE3runEv",
		"Pool<std::vector<std::__cxx11::basic_string<char, std::char_traits<char>, "
		"std::allocator<char> >, std::allocator<std::__cxx11::basic_string<char, "
		"std::char_traits<char>, std::allocator<char> > > > >::run()"},
	{"_ZN2rs1m10W$LT$T$GT$3run17h9539fb95ce45b7c4E", "rs::m::W<T>::run"},
};

static void makes_names_for_people(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char out[OUT_BYTES];

		demangle(names[i].mangled, out, sizeof(out));
		assert_string_equal(out, names[i].expected);
	}
}

static void tells_the_whole_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(whole_names) / sizeof(whole_names[0]); i++) {
		char out[SYMBOL_FULL_BYTES];

		demangle_full(whole_names[i].mangled, out, sizeof(out));
		assert_string_equal(out, whole_names[i].expected);
	}
}

/* What no demangler says: brackets that do not match, in any order. */
static void shortens_any_text(void **state)
{
	static const char *const parts[] = {"<", ">", "(", ")", "{lambda(", "}", "::operator()",
		"operator<", "$_1", "[abi:", "]", "a", " const", "::", "->", "{", "::_FUN"};
	unsigned int random = 1;

	(void)state;
	for (unsigned int round = 0; round < 20000; round++) {
		char name[256] = "", out[64];
		struct sink sink = {.out = out, .size = sizeof(out)};

		for (unsigned int i = 0; i < 12; i++) {
			random = random * 1103515245 + 12345;
			strcat(name, parts[(random >> 16) % (sizeof(parts) / sizeof(parts[0]))]);
		}
		shorten(name, &sink);
		sink_finish(&sink);
		assert_in_range(strlen(out), 0, sizeof(out) - 1);
		shorten_suffixes(name, &sink);
		assert_in_range(shorten_base_length(name), 0, strlen(name));
	}
}

static void is_not_held_up_by_brackets(void **state)
{
	static const char *const parts[] = {"a(", "a<", "{lambda(", "a(a<", "[abi:", "{lambda()#1}",
		"operator<", "{lambda()}::operator()<", "a()", "a<>"};
	static char name[16384];

	(void)state;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		size_t used = 0, bytes = strlen(parts[i]);
		char out[OUT_BYTES];
		struct sink sink = {.out = out, .size = sizeof(out)};

		while (used + bytes < sizeof(name)) {
			memcpy(name + used, parts[i], bytes);
			used += bytes;
		}
		name[used] = '\0';
		shorten(name, &sink);
		sink_finish(&sink);
		assert_in_range(strlen(out), 1, sizeof(out) - 1);
	}
}

static void cuts_what_is_too_long(void **state)
{
	char out[8], one[1] = {'x'}, utf8[4];

	(void)state;
	demangle("exactly", out, sizeof(out));
	assert_string_equal(out, "exactly");
	demangle("too long", out, sizeof(out));
	assert_string_equal(out, "too lo~");
	demangle("_ZN3app4workEi", out, sizeof(out));
	assert_string_equal(out, "app::w~");
	demangle("a", one, sizeof(one));
	assert_string_equal(one, "");
	demangle("a\xc3\xa9\xc3\xa9", utf8, sizeof(utf8));
	assert_string_equal(utf8, "a~");
	demangle("", NULL, 0);
}

static const char *substitution(unsigned int number, char *out)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

	if (number > 36)
		sprintf(out, "S%c%c_", digits[(number - 1) / 36], digits[(number - 1) % 36]);
	else
		sprintf(out, number ? "S%c_" : "S_", digits[(number ? number : 1) - 1]);
	return out;
}

/* f<a<int,int>, a<first,first>, a<second,second>, ...>: each level doubles the text. */
static size_t write_doubling(char *out, unsigned int levels, char *last)
{
	size_t used = (size_t)sprintf(out, "1aIiiE");
	unsigned int number = 2;

	for (unsigned int i = 0; i < levels; i++, number++) {
		substitution(number, last);
		used += (size_t)sprintf(out + used, "S0_I%s%sE", last, last);
	}
	substitution(number, last);
	return used;
}

static void is_not_held_up_by_text_that_doubles(void **state)
{
	char name[2048], body[1024], last[8], out[OUT_BYTES];

	(void)state;
	write_doubling(body, 60, last);
	sprintf(name, "_Z1fI%sEvT_", body);
	demangle(name, out, sizeof(out));
	assert_string_equal(out, "f<...>~");
	/* The same where the expansion of a pack walks it in silence. */
	sprintf(name, "_ZZ1gIiEv%sEN1hIDp%sEE", body, last);
	demangle(name, out, sizeof(out));
	assert_memory_equal(out, name, OUT_BYTES - 2);
	assert_string_equal(out + OUT_BYTES - 2, "~");
}

static void is_not_held_up_by_lifetimes(void **state)
{
	char out[OUT_BYTES];

	(void)state;
	demangle("_RNvMIC1aFGzzzzzzzzz_EuEu1f", out, sizeof(out));
	assert_string_equal(out, "_RNvMIC1aFGzzzzzzzzz_EuEu1f");
	demangle("_RNvMIC1aDGzzzzzzzzz_EL_Eu1f", out, sizeof(out));
	assert_string_equal(out, "_RNvMIC1aDGzzzzzzzzz_EL_Eu1f");
}

static void is_not_held_up_by_depth(void **state)
{
	static char name[200000];
	char out[OUT_BYTES];

	(void)state;
	memset(name, 'P', sizeof(name) - 1);
	memcpy(name, "_Z1f", 4);
	demangle(name, out, sizeof(out));
	assert_int_equal(strlen(out), OUT_BYTES - 1);
	memset(name, 'S', sizeof(name) - 1);
	memcpy(name, "_RINvC1a1f", 10);
	demangle(name, out, sizeof(out));
	assert_int_equal(strlen(out), OUT_BYTES - 1);
}

/* Each change of each byte: any text may come out, but it ends within its bounds. */
static void stands_any_byte(void **state)
{
	static const char bytes[] = "_SDFGIEZNRB0T<>(){}\x80\xff";

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		for (size_t at = 0; at < strlen(names[i].mangled); at++) {
			for (size_t b = 0; b < sizeof(bytes); b++) {
				char name[OUT_BYTES], out[64];

				strcpy(name, names[i].mangled);
				name[at] = bytes[b];
				demangle(name, out, sizeof(out));
				assert_in_range(strlen(out), 0, sizeof(out) - 1);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(makes_names_for_people),
		cmocka_unit_test(tells_the_whole_name),
		cmocka_unit_test(shortens_any_text),
		cmocka_unit_test(is_not_held_up_by_brackets),
		cmocka_unit_test(cuts_what_is_too_long),
		cmocka_unit_test(is_not_held_up_by_text_that_doubles),
		cmocka_unit_test(is_not_held_up_by_lifetimes),
		cmocka_unit_test(is_not_held_up_by_depth),
		cmocka_unit_test(stands_any_byte),
	};

	alarm(DEADLINE_S); /* a demangler that hangs is a failure */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
