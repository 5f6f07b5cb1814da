/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_target_creating.c - which library functions a call site is looked for behind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "target/creating.h"
#include "target/reader.h"

/* From symbol tables of GCC 12, Clang 14, rustc 1.63 and later ones. */
static void test_creates(void **state)
{
	static const char *const symbols[] = {
		"_ZNSt6thread15_M_start_threadESt10unique_ptrINS_6_StateESt14default_deleteIS1_"
		"EEPFvvE",
		"_ZNSt6threadC2IRFviEJiEvEEOT_DpOT0_",
		"_ZNSt6threadC2IRFviEJiEvEEOT_DpOT0_.constprop.0",
		"_ZNSt7jthreadC1IZ2u2vEUlvE_JEvEEOT_DpOT0_",
		"_ZNSt7jthread9_S_createIZ2u2vEUlvE_JEEESt6threadRSt11stop_sourceOT_DpOT0_",
		"_ZSt5asyncIRFviEJiEESt6futureINSt15__invoke_resultINSt5decayIT_E4typeEJDpNS4_IT0_"
		"E4typeEEE4typeEESt6launchOS5_DpOS8_",
		"_ZNSt6vectorISt6threadSaIS0_EE17_M_realloc_insertIJRFviEiEEEvN9__gnu_cxx17__"
		"normal_iteratorIPS0_S2_EEDpOT_",
		"_ZNSt13__future_base17_Async_state_implINSt6thread8_InvokerISt5tupleIJPFviEiEEEEvE"
		"C2IRFviEJiEEEOT_DpOT0_",
		"_ZSt11make_sharedINSt13__future_base17_Async_state_implINSt6thread8_InvokerISt5"
		"tupleIJPFviEiEEEEvEEJRFviEiEE",
		"_ZN3std6thread5spawn17h4eee37f3d99e8a61E",
		"_ZN3std6thread9lifecycle15spawn_unchecked17hab4c7f1ec95e63aeE",
		"_ZN3std6thread6scoped5Scope5spawn17h56f9692f128962a1E",
		"_ZN3std3sys4unix6thread6Thread3new17h2db48e096bdff35cE",
		"_RINvNtNtCsjrHSEGnQ3l9_3std6thread9lifecycle15spawn_uncheckedNCNvCs6GmmlP4bgsG_"
		"1r1b0uEB10_",
		"_RINvMNtNtCsjrHSEGnQ3l9_3std6thread7builderNtB3_7Builder5spawnNCNvCs6GmmlP4bgsG_"
		"1r1b0uEB11_",
		"_RNvMs0_NtNtNtCsjrHSEGnQ3l9_3std3sys6thread4unixNtB5_6Thread3new",
	};
	(void)state;

	for (size_t i = 0; i < sizeof(symbols) / sizeof(*symbols); i++)
		if (!creates_for_caller(symbols[i]))
			fail_msg("%s", symbols[i]);
}

/* What the author wrote may be inlined in these, or they are the author's. */
static void test_does_not_create(void **state)
{
	static const char *const symbols[] = {
		"",
		"_",
		"main",
		"_ZN3app5startEv",
		"_ZNSt6thread4joinEv",
		"_ZNSt6thread11_State_implINS_8_InvokerISt5tupleIJZ2u2vEUlvE_EEEEE6_M_runEv",
		"_ZNSt13__future_base17_Async_state_implINSt6thread8_InvokerISt5tupleIJPFviEiEEEEvE"
		"6_M_runEv",
		"_ZNSt13__future_base17_Async_state_implINSt6thread8_InvokerISt5tupleIJPFviEiEEEEvE"
		"D2Ev",
		"_ZNSt23_Sp_counted_ptr_inplaceISt6threadSaIvELN9__gnu_cxx12_Lock_policyE2EE10_M_"
		"disposeEv",
		"_ZNSt6vectorIN3app6WorkerESaIS1_EE12emplace_backIJiEEERS1_DpOT_",
		"_ZSt8for_eachIPiZ4mainEUliE_ET0_T_S4_S3_",
		"_ZSt8generateIPSt6threadZ4mainEUlvE_EvT_S3_T0_",
		"_ZNSt6vectorINSt6thread2idESaIS1_EE12emplace_backIJS1_EEERS1_DpOT_",
		"_ZN3std6thread9lifecycle15spawn_unchecked28_$u7b$$u7b$closure$u7d$$u7d$"
		"17h0990facef9d3a914E",
		"_ZN3std6thread6scoped5scope17h56f9692f128962a1E",
		"_ZN3app6thread5spawn17h4eee37f3d99e8a61E",
		"_RNCINvNtNtCsjrHSEGnQ3l9_3std6thread9lifecycle15spawn_uncheckedNvCs6GmmlP4bgsG_"
		"1r4workuE0B10_",
		"_RINvNtCs6GmmlP4bgsG_3app6thread5spawnNvCs6GmmlP4bgsG_3app4workEB4_",
		"_RNvMs_NtNtCsjrHSEGnQ3l9_3std6thread9spawnhookNtB4_15ChildSpawnHooks3run",
	};
	(void)state;

	for (size_t i = 0; i < sizeof(symbols) / sizeof(*symbols); i++)
		if (creates_for_caller(symbols[i]))
			fail_msg("%s", symbols[i]);
}

static void test_library_files(void **state)
{
	(void)state;
	assert_true(reader_is_library("/usr/include/c++/12/bits/std_thread.h"));
	assert_true(reader_is_library("/usr/lib/gcc/x86_64-linux-gnu/12/include/xmmintrin.h"));
	assert_true(reader_is_library("/opt/gcc/include/c++/13.2.0/thread"));
	assert_true(reader_is_library("/usr/bin/../lib/gcc/x86_64-linux-gnu/12/../../../../include/"
				      "c++/12/bits/std_thread.h"));
	assert_true(reader_is_library("/rustc/59807616e1fa/library/std/src/thread/mod.rs"));
	assert_true(reader_is_library("/usr/src/rustc-1.63.0/library/std/src/thread/mod.rs"));
	assert_true(reader_is_library("library/std/src/thread/mod.rs"));
	assert_false(reader_is_library("main.cpp"));
	assert_false(reader_is_library(""));
	assert_false(reader_is_library("/home/me/c++/main.cpp"));
	assert_false(reader_is_library("/usr/src/rustc-1.63.0/vendor/rayon/lib.rs"));
	assert_false(reader_is_library("/home/me/library/std.rs"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_creates),
		cmocka_unit_test(test_does_not_create),
		cmocka_unit_test(test_library_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
