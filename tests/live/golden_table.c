/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * golden_table.c - the rows of golden.h.
 *
 * A call site is in the program itself, where that asks for a thread, not in the library that
 * makes one for it; but for libraries that are not seen through (C11, OpenMP, Python), and programs
 * without symbols, in which no library's functions can be told from their own.
 */
#include "golden.h"

/* One row, one variant. */
/* clang-format off */

#define SYMBOL(name)		{.routine = (name), .source = "symbol"}
#define GUESS(name)		{.routine = (name), .source = "symbol", .heuristic = true}
#define TYPE(name)		{.routine = (name), .source = "type"}
#define SPAWN(name)		{.routine = (name), .source = "spawn"}
#define COMM(name)		{.routine = (name), .source = "comm"}
#define ADDRESS(file, function)	{.routine = (function), .source = "symbol", .stripped = (file)}
#define SAME			{.source = NULL}
#define ARGS(...)		{__VA_ARGS__}
#define END			{.variant = NULL}

/* The program; what is said of its thread when its birth was seen, with the call site (nothing
 * is said of the offset in it); what is said when it was there before; more of golden_row. */
#define ROW(text, args, name, site, before, ...) \
	{.variant = (text), .argv = args, .born = name, .call_site = (site), .there = before, \
	__VA_ARGS__}

const struct golden_row golden_c[] = {
	/* glibc, its own control block tells, at birth and later */
	ROW("C pthread glibc PIE gcc -O0", ARGS("@/c-gcc-O0", "pthread"), SYMBOL("worker"), "start_pthread", SAME),
	ROW("C pthread glibc PIE gcc -O2", ARGS("@/c-gcc-O2", "pthread"), SYMBOL("worker"), "start_pthread", SAME),
	ROW("C pthread glibc PIE gcc -O2 -flto", ARGS("@/c-gcc-O2-lto", "pthread"), SYMBOL("worker"), "start_pthread", SAME),
	ROW("C pthread glibc PIE gcc -O2 stripped", ARGS("@/c-gcc-O2-stripped", "pthread"), ADDRESS("c-gcc-O2-stripped", "worker"), "c-gcc-O2-stripped", SAME),
	ROW("C pthread glibc PIE clang -O0", ARGS("@/c-clang-O0", "pthread"), SYMBOL("worker"), "start_pthread", SAME),
	ROW("C pthread glibc PIE clang -O2", ARGS("@/c-clang-O2", "pthread"), SYMBOL("worker"), "start_pthread", SAME),
	ROW("C pthread glibc PIE clang -O2 stripped", ARGS("@/c-clang-O2-stripped", "pthread"), ADDRESS("c-clang-O2-stripped", "worker"), "c-clang-O2-stripped", SAME),
	ROW("C pthread glibc no-pie gcc -O2", ARGS("@/c-gcc-O2-nopie", "pthread"), SYMBOL("worker"), "start_pthread", SAME),
	ROW("C pthread glibc no-pie gcc -O2 stripped", ARGS("@/c-gcc-O2-nopie-stripped", "pthread"), ADDRESS("c-gcc-O2-nopie-stripped", "worker"), "c-gcc-O2-nopie-stripped", SAME),
	ROW("C pthread glibc no-pie clang -O2", ARGS("@/c-clang-O2-nopie", "pthread"), SYMBOL("worker"), "start_pthread", SAME),
	ROW("C pthread glibc no-pie clang -O2 stripped", ARGS("@/c-clang-O2-nopie-stripped", "pthread"), ADDRESS("c-clang-O2-nopie-stripped", "worker"), "c-clang-O2-nopie-stripped", SAME),
	ROW("C pthread glibc static gcc -O2", ARGS("@/c-gcc-O2-static", "pthread"), SYMBOL("worker"), "start_pthread", SAME),
	ROW("C pthread glibc static clang -O2", ARGS("@/c-clang-O2-static", "pthread"), SYMBOL("worker"), "start_pthread", SAME),
	ROW("C pthread glibc static-pie gcc -O2", ARGS("@/c-gcc-O2-staticpie", "pthread"), SYMBOL("worker"), "start_pthread", SAME),
	/* without symbols there is no pthread_create to probe: no call site */
	ROW("C pthread glibc static gcc -O2 stripped", ARGS("@/c-gcc-O2-static-stripped", "pthread"), ADDRESS("c-gcc-O2-static-stripped", "worker"), NULL, SAME),
	ROW("C pthread glibc static clang -O2 stripped", ARGS("@/c-clang-O2-static-stripped", "pthread"), ADDRESS("c-clang-O2-static-stripped", "worker"), NULL, SAME),
	ROW("C pthread glibc static-pie gcc -O2 stripped", ARGS("@/c-gcc-O2-staticpie-stripped", "pthread"), ADDRESS("c-gcc-O2-staticpie-stripped", "worker"), NULL, SAME),

	/* other ways to make one */
	ROW("C detached pthread glibc PIE gcc -O2", ARGS("@/c-gcc-O2", "detached"), SYMBOL("worker"), "start_detached", SAME),
	ROW("C detached pthread glibc static gcc -O2", ARGS("@/c-gcc-O2-static", "detached"), SYMBOL("worker"), "start_detached", SAME),
	ROW("C pthread exported glibc -rdynamic gcc -O2", ARGS("@/c-gcc-O2-rdynamic", "exported"), SYMBOL("exported_worker"), "start_exported", SAME),
	ROW("C pthread exported glibc -rdynamic gcc -O2 stripped", ARGS("@/c-gcc-O2-rdynamic-stripped", "exported"), SYMBOL("exported_worker"), "c-gcc-O2-rdynamic-stripped", SAME),
	ROW("C11 thrd_create glibc PIE gcc -O2", ARGS("@/c-gcc-O2", "c11"), SYMBOL("c11_worker"), "thrd_create", SAME),
	ROW("C11 thrd_create glibc PIE clang -O0", ARGS("@/c-clang-O0", "c11"), SYMBOL("c11_worker"), "thrd_create", SAME),
	ROW("C11 thrd_create glibc PIE gcc -O2 stripped", ARGS("@/c-gcc-O2-stripped", "c11"), ADDRESS("c-gcc-O2-stripped", "c11_worker"), "thrd_create", SAME),
	ROW("C11 thrd_create glibc static gcc -O2", ARGS("@/c-gcc-O2-static", "c11"), SYMBOL("c11_worker"), "__thrd_create", SAME),
	ROW("C pthread in a library gcc -O2", ARGS("@/c-gcc-O2-library", "library"), SYMBOL("library_worker"), "library_start", SAME),
	ROW("C pthread in a library gcc -O2 stripped", ARGS("@/c-gcc-O2-library-bare", "library"), ADDRESS("libgolden.so-stripped", "library_worker"), "library_start", SAME),

	/* a raw clone is shown as what it is */
	ROW("C raw clone glibc PIE gcc -O2", ARGS("@/c-gcc-O2", "clone"), COMM("c-gcc-O2"), NULL, SAME),
	ROW("C raw clone glibc static gcc -O2 stripped", ARGS("@/c-gcc-O2-static-stripped", "clone"), COMM("c-gcc-O2-static"), NULL, SAME),

	/* musl keeps it on the thread's stack */
	ROW("C pthread musl PIE gcc -O0", ARGS("@/c-musl-O0", "pthread"), SYMBOL("worker"), "start_pthread", SAME),
	ROW("C pthread musl PIE gcc -O2", ARGS("@/c-musl-O2", "pthread"), SYMBOL("worker"), "start_pthread", SAME),
	ROW("C pthread musl PIE gcc -O2 stripped", ARGS("@/c-musl-O2-stripped", "pthread"), ADDRESS("c-musl-O2-stripped", "worker"), "c-musl-O2-stripped", SAME),
	ROW("C pthread musl static gcc -O2", ARGS("@/c-musl-O2-static", "pthread"), SYMBOL("worker"), "start_pthread", SAME),
	ROW("C pthread musl static gcc -O2 stripped", ARGS("@/c-musl-O2-static-stripped", "pthread"), ADDRESS("c-musl-O2-static-stripped", "worker"), NULL, SAME),
	ROW("C detached pthread musl static gcc -O2", ARGS("@/c-musl-O2-static", "detached"), SYMBOL("worker"), "start_detached", SAME),
	ROW("C11 thrd_create musl PIE gcc -O2", ARGS("@/c-musl-O2", "c11"), SYMBOL("c11_worker"), "thrd_create", SAME),
	ROW("C11 thrd_create musl static gcc -O2", ARGS("@/c-musl-O2-static", "c11"), SYMBOL("c11_worker"), "thrd_create", SAME),
	ROW("C raw clone musl static gcc -O2", ARGS("@/c-musl-O2-static", "clone"), COMM("c-musl-O2-stati"), NULL, SAME),
	END,
};

/* Goroutines are no threads: Go's threads all run its scheduler. */
const struct golden_row golden_go[] = {
	ROW("Go with cgo", ARGS("@/go-cgo"), SYMBOL("threadentry"), "_cgo_try_pthread_create", SAME, .many = true),
	ROW("Go with cgo, stripped", ARGS("@/go-cgo-stripped"), ADDRESS("go-cgo-stripped", "threadentry"), "_cgo_try_pthread_create", SAME, .many = true),
	ROW("Go without cgo", ARGS("@/go-pure"), GUESS("runtime.mstart"), NULL, SAME, .many = true),
	ROW("Go without cgo, -s -w", ARGS("@/go-pure-small"), GUESS("runtime.mstart"), NULL, SAME, .many = true),
	END,
};

static const char *const java_system[] = {"ThreadJavaMain", "VM *", "GC Thread#*", "G1 *", "C1 *", "C2 *",
	"Sweeper thread", "Service Thread", "Monitor Deflati", "Notification Th", "Signal Dispatch",
	"Reference Handl", "Finalizer", "Common-Cleaner", NULL};

/* The virtual machine renames its thread to what Java calls it. */
const struct golden_row golden_java[] = {
	ROW("Java named", ARGS("/usr/bin/java", "-cp", "@/", "JavaThreads", "named"), COMM("order-intake"), "os::create_thread", SAME, .system = java_system, .renamed = true),
	ROW("Java unnamed", ARGS("/usr/bin/java", "-cp", "@/", "JavaThreads", "unnamed"), COMM("Thread-0"), "os::create_thread", SAME, .system = java_system, .renamed = true),
	ROW("Java executor", ARGS("/usr/bin/java", "-cp", "@/", "JavaThreads", "executor"), COMM("pool-1-thread-1"), "os::create_thread", SAME, .system = java_system, .renamed = true),
	END,
};

#define CPP(text, program, form, name, site) \
	{.variant = "C++ " text, .argv = {"@/" program, (form)}, .born = name, \
	.call_site = (site), .ready = "\"thread\""}
/* The lambda of that number in callables.cpp's table of forms. */
#define FORM_LAMBDA(number) "app::forms::{lambda(...)#" #number "}"

/*
 * All begin in one function of libstdc++: the rest is in its argument. What a std::function holds
 * on the heap is a guess; "$_0" is what clang calls a lambda in a function of its own file.
 */
const struct golden_row golden_cpp[] = {
	CPP("std::thread function gcc -O2", "cpp-gcc-O2", "function", SYMBOL("app::plain"), "main"),
	CPP("std::thread function(int) gcc -O2", "cpp-gcc-O2", "function_int", SYMBOL("app::with_int"), FORM_LAMBDA(2)),
	CPP("std::thread function of five gcc -O2", "cpp-gcc-O2", "function_mixed", SYMBOL("app::with_mixed"), FORM_LAMBDA(3)),
	CPP("std::thread function of classes gcc -O2", "cpp-gcc-O2", "function_string", SYMBOL("app::with_string"), FORM_LAMBDA(4)),
	CPP("std::thread function of a struct gcc -O2", "cpp-gcc-O2", "function_blob", SYMBOL("app::with_blob"), FORM_LAMBDA(5)),
	CPP("std::thread function with a callback gcc -O2", "cpp-gcc-O2", "function_callback", SYMBOL("app::with_callback"), FORM_LAMBDA(6)),
	CPP("std::thread function template gcc -O2", "cpp-gcc-O2", "function_template", SYMBOL("app::generic<int>"), FORM_LAMBDA(8)),
	CPP("std::thread std::ref(function) gcc -O2", "cpp-gcc-O2", "function_reference", SYMBOL("app::plain"), FORM_LAMBDA(9)),
	CPP("std::thread lambda gcc -O2", "cpp-gcc-O2", "lambda", TYPE("app::start_lambda::{lambda()#1}"), "app::start_lambda"),
	CPP("std::thread lambda(string) gcc -O2", "cpp-gcc-O2", "lambda_argument", TYPE("app::start_lambda_argument::{lambda(...)#1}"), "app::start_lambda_argument"),
	CPP("std::thread functor gcc -O2", "cpp-gcc-O2", "functor", TYPE("app::Functor"), FORM_LAMBDA(10)),
	CPP("std::thread std::ref(functor) gcc -O2", "cpp-gcc-O2", "functor_reference", TYPE("app::Functor"), FORM_LAMBDA(11)),
	CPP("std::thread class template gcc -O2", "cpp-gcc-O2", "functor_template", TYPE("app::Pool<int>"), FORM_LAMBDA(12)),
	CPP("std::thread member gcc -O2", "cpp-gcc-O2", "member", SYMBOL("app::Worker::run"), FORM_LAMBDA(13)),
	CPP("std::thread const member gcc -O2", "cpp-gcc-O2", "member_const", SYMBOL("app::Worker::run_const"), FORM_LAMBDA(14)),
	CPP("std::thread member by shared_ptr gcc -O2", "cpp-gcc-O2", "member_shared", SYMBOL("app::Worker::run"), FORM_LAMBDA(16)),
	CPP("std::thread member by value gcc -O2", "cpp-gcc-O2", "member_value", SYMBOL("app::Worker::run"), FORM_LAMBDA(17)),
	CPP("std::thread virtual member gcc -O2", "cpp-gcc-O2", "virtual", SYMBOL("app::Special::serve"), FORM_LAMBDA(18)),
	CPP("std::thread virtual member by shared_ptr gcc -O2", "cpp-gcc-O2", "virtual_shared", SYMBOL("app::Special::serve"), FORM_LAMBDA(19)),
	CPP("std::thread virtual member of a struct gcc -O2", "cpp-gcc-O2", "virtual_blob", SYMBOL("app::Special::serve_with"), FORM_LAMBDA(20)),
	CPP("std::bind function gcc -O2", "cpp-gcc-O2", "bind", SYMBOL("app::with_int"), FORM_LAMBDA(21)),
	CPP("std::bind member gcc -O2", "cpp-gcc-O2", "bind_member", SYMBOL("app::Worker::run_const"), "app::start_bind_member"),
	CPP("std::bind virtual member gcc -O2", "cpp-gcc-O2", "bind_virtual", SYMBOL("app::Special::serve"), FORM_LAMBDA(22)),
	CPP("std::bind_front function gcc -O2", "cpp-gcc-O2", "bind_front", SYMBOL("app::with_int"), FORM_LAMBDA(27)),
	CPP("std::function of a function gcc -O2", "cpp-gcc-O2", "std_function", SYMBOL("app::plain"), FORM_LAMBDA(23)),
	CPP("std::function of a lambda gcc -O2", "cpp-gcc-O2", "std_function_lambda", TYPE("app::start_function_lambda::{lambda()#1}"), "app::start_function_lambda"),
	CPP("std::function of std::bind gcc -O2", "cpp-gcc-O2", "std_function_bind", GUESS("app::with_int"), FORM_LAMBDA(24)),
	CPP("std::async function gcc -O2", "cpp-gcc-O2", "async", SYMBOL("app::plain"), "app::start_async_plain"),
	CPP("std::async function of five gcc -O2", "cpp-gcc-O2", "async_mixed", SYMBOL("app::with_mixed"), "app::start_async_mixed"),
	CPP("std::async lambda gcc -O2", "cpp-gcc-O2", "async_lambda", TYPE("app::start_async_lambda::{lambda(int)#1}"), "app::start_async_lambda"),
	CPP("std::async member gcc -O2", "cpp-gcc-O2", "async_member", SYMBOL("app::Worker::run"), "app::start_async_member"),
	CPP("std::async virtual member gcc -O2", "cpp-gcc-O2", "async_virtual", SYMBOL("app::Special::serve"), "app::start_async_virtual"),
	CPP("std::packaged_task function gcc -O2", "cpp-gcc-O2", "packaged_task", SYMBOL("app::plain"), "app::start_task_plain"),
	CPP("std::packaged_task function with a result gcc -O2", "cpp-gcc-O2", "packaged_task_result", SYMBOL("app::result"), "app::start_task_result"),
	CPP("std::packaged_task lambda gcc -O2", "cpp-gcc-O2", "packaged_task_lambda", TYPE("app::start_task_lambda::{lambda()#1}"), "app::start_task_lambda"),
	CPP("std::jthread function gcc -O2", "cpp-gcc-O2", "jthread_plain", SYMBOL("app::with_int"), FORM_LAMBDA(26)),
	CPP("std::jthread function with a stop_token gcc -O2", "cpp-gcc-O2", "jthread", SYMBOL("app::with_token"), FORM_LAMBDA(25)),
	CPP("std::thread function gcc -O0", "cpp-gcc-O0", "function", SYMBOL("app::plain"), FORM_LAMBDA(1)),
	CPP("std::thread lambda gcc -O0", "cpp-gcc-O0", "lambda", TYPE("app::start_lambda::{lambda()#1}"), "app::start_lambda"),
	CPP("std::thread member gcc -O0", "cpp-gcc-O0", "member", SYMBOL("app::Worker::run"), FORM_LAMBDA(13)),
	CPP("std::thread virtual member gcc -O0", "cpp-gcc-O0", "virtual", SYMBOL("app::Special::serve"), FORM_LAMBDA(18)),
	CPP("std::async lambda gcc -O0", "cpp-gcc-O0", "async_lambda", TYPE("app::start_async_lambda::{lambda(int)#1}"), "app::start_async_lambda"),
	CPP("std::thread function of classes gcc -O0", "cpp-gcc-O0", "function_string", SYMBOL("app::with_string"), FORM_LAMBDA(4)),
	CPP("std::thread function no-pie gcc -O2", "cpp-gcc-O2-nopie", "function", SYMBOL("app::plain"), "main"),
	CPP("std::thread lambda no-pie gcc -O2", "cpp-gcc-O2-nopie", "lambda", TYPE("app::start_lambda::{lambda()#1}"), "app::start_lambda"),
	CPP("std::thread virtual member no-pie gcc -O2", "cpp-gcc-O2-nopie", "virtual", SYMBOL("app::Special::serve"), FORM_LAMBDA(18)),
	CPP("std::thread function clang -O0", "cpp-clang-O0", "function", SYMBOL("app::plain"), "app::$_5"),
	CPP("std::thread lambda clang -O0", "cpp-clang-O0", "lambda", TYPE("app::start_lambda::$_0"), "app::start_lambda"),
	CPP("std::thread member clang -O0", "cpp-clang-O0", "member", SYMBOL("app::Worker::run"), "app::$_17"),
	CPP("std::thread virtual member clang -O0", "cpp-clang-O0", "virtual", SYMBOL("app::Special::serve"), "app::$_22"),
	CPP("std::thread function clang -O2", "cpp-clang-O2", "function", SYMBOL("app::plain"), "main"),
	CPP("std::thread lambda clang -O2", "cpp-clang-O2", "lambda", TYPE("app::start_lambda::$_0"), "app::start_lambda"),
	CPP("std::thread virtual member clang -O2", "cpp-clang-O2", "virtual", SYMBOL("app::Special::serve"), "app::$_22"),
	CPP("std::async lambda clang -O2", "cpp-clang-O2", "async_lambda", TYPE("app::start_async_lambda::$_3"), "app::start_async_lambda"),
	CPP("std::thread functor clang -O2", "cpp-clang-O2", "functor", TYPE("app::Functor"), "app::$_14"),
	CPP("std::thread function static gcc -O2", "cpp-gcc-O2-static", "function", SYMBOL("app::plain"), "main"),
	CPP("std::thread lambda static gcc -O2", "cpp-gcc-O2-static", "lambda", TYPE("app::start_lambda::{lambda()#1}"), "app::start_lambda"),
	CPP("std::thread virtual member static gcc -O2", "cpp-gcc-O2-static", "virtual", SYMBOL("app::Special::serve"), FORM_LAMBDA(18)),
	CPP("std::jthread function static gcc -O2", "cpp-gcc-O2-static", "jthread", SYMBOL("app::with_token"), FORM_LAMBDA(25)),
	CPP("std::thread function gcc -O2 stripped", "cpp-gcc-O2-stripped", "function", ADDRESS("cpp-gcc-O2-stripped", "_ZN3appL5plainEv"), "cpp-gcc-O2-stripped"),
	CPP("std::thread lambda gcc -O2 stripped", "cpp-gcc-O2-stripped", "lambda", TYPE("app::start_lambda::{lambda()#1}"), "cpp-gcc-O2-stripped"),
	CPP("std::thread member gcc -O2 stripped", "cpp-gcc-O2-stripped", "member", ADDRESS("cpp-gcc-O2-stripped", "_ZN3app6Worker3runEv"), "cpp-gcc-O2-stripped"),
	CPP("std::thread virtual member gcc -O2 stripped", "cpp-gcc-O2-stripped", "virtual", ADDRESS("cpp-gcc-O2-stripped", "_ZN3app7Special5serveEv"), "cpp-gcc-O2-stripped"),
	CPP("std::async lambda gcc -O2 stripped", "cpp-gcc-O2-stripped", "async_lambda", TYPE("app::start_async_lambda::{lambda(int)#1}"), "cpp-gcc-O2-stripped"),
	CPP("std::thread functor gcc -O2 stripped", "cpp-gcc-O2-stripped", "functor", TYPE("app::Functor"), "cpp-gcc-O2-stripped"),
	CPP("std::jthread function gcc -O2 stripped", "cpp-gcc-O2-stripped", "jthread", ADDRESS("cpp-gcc-O2-stripped", "_ZN3appL10with_tokenESt10stop_tokeni"), "cpp-gcc-O2-stripped"),
	CPP("std::thread function clang -O2 stripped", "cpp-clang-O2-stripped", "function", ADDRESS("cpp-clang-O2-stripped", "_ZN3appL5plainEv"), "cpp-clang-O2-stripped"),
	CPP("std::thread lambda clang -O2 stripped", "cpp-clang-O2-stripped", "lambda", TYPE("app::start_lambda::$_0"), "cpp-clang-O2-stripped"),
	CPP("std::thread function no-pie gcc -O2 stripped", "cpp-gcc-O2-nopie-stripped", "function", ADDRESS("cpp-gcc-O2-nopie-stripped", "_ZN3appL5plainEv"), "cpp-gcc-O2-nopie-stripped"),
	CPP("std::thread lambda no-pie gcc -O2 stripped", "cpp-gcc-O2-nopie-stripped", "lambda", TYPE("app::start_lambda::{lambda()#1}"), "cpp-gcc-O2-nopie-stripped"),
	CPP("std::thread function static gcc -O2 stripped", "cpp-gcc-O2-static-stripped", "function", ADDRESS("cpp-gcc-O2-static-stripped", "_ZN3appL5plainEv"), NULL),
	CPP("std::thread lambda static gcc -O2 stripped", "cpp-gcc-O2-static-stripped", "lambda", TYPE("app::start_lambda::{lambda()#1}"), NULL),
	CPP("std::thread functor static gcc -O2 stripped", "cpp-gcc-O2-static-stripped", "functor", TYPE("app::Functor"), NULL),
	END,
};

#define RUST(text, program, form, name, site, ...) \
	{.variant = "Rust " text, .argv = {"@/" program, (form)}, .born = name, \
	.call_site = (site), .ready = "\"thread\"", __VA_ARGS__}
/* The closure of thread::scope is inlined in what catches its panics. */
#define RUST_CAUGHT(closure) \
	"<core::panic::unwind_safe::AssertUnwindSafe<" closure "> as core::ops::function::FnOnce<()>>::call_once"

/*
 * Likewise. What a pointer or a box leads to is a guess. In the older mangling only the code that
 * drops a closure tells its type, and is merged with that of others, optimised or not: a guess, or
 * where two types share it no name.
 */
const struct golden_row golden_rust[] = {
	RUST("function v0 -O", "rust-v0-O2", "function", SYMBOL("rust_threads::pool::work"), "rust_threads::start_function"),
	RUST("closure v0 -O", "rust-v0-O2", "closure", SYMBOL("rust_threads::start_closure::{closure#0}"), "rust_threads::start_closure"),
	RUST("closure with captures v0 -O", "rust-v0-O2", "capturing", SYMBOL("rust_threads::start_capturing::{closure#0}"), "rust_threads::start_capturing"),
	RUST("closure that moves v0 -O", "rust-v0-O2", "job", SYMBOL("rust_threads::start_job::{closure#0}"), "rust_threads::start_job"),
	RUST("Builder::name v0 -O", "rust-v0-O2", "named", SYMBOL("rust_threads::start_named::{closure#0}"), "rust_threads::start_named"),
	RUST("fn pointer v0 -O", "rust-v0-O2", "pointer", GUESS("rust_threads::pool::work"), "rust_threads::start_pointer"),
	RUST("Box<dyn FnOnce> v0 -O", "rust-v0-O2", "boxed", GUESS("rust_threads::start_boxed::{closure#0}"), "rust_threads::start_boxed"),
	RUST("closure of a generic v0 -O", "rust-v0-O2", "generic", SYMBOL("rust_threads::start_generic<i32>::{closure#0}"), "<rust_threads::FORMS::{closure#0} as core::ops::function::FnOnce<()>>::call_once"),
	RUST("scoped v0 -O", "rust-v0-O2", "scoped", SYMBOL("rust_threads::start_scoped::{closure#0}::{closure#0}"), RUST_CAUGHT("...")),
	RUST("function v0", "rust-v0-O0", "function", SYMBOL("rust_threads::pool::work"), "rust_threads::start_function"),
	RUST("closure v0", "rust-v0-O0", "closure", SYMBOL("rust_threads::start_closure::{closure#0}"), "rust_threads::start_closure"),
	RUST("Box<dyn FnOnce> v0", "rust-v0-O0", "boxed", GUESS("rust_threads::start_boxed::{closure#0}"), "rust_threads::start_boxed"),
	RUST("function legacy -O", "rust-legacy-O2", "function", ADDRESS("rust-legacy-O2", NULL), "rust_threads::start_function"),
	RUST("closure legacy -O", "rust-legacy-O2", "closure", ADDRESS("rust-legacy-O2", NULL), "rust_threads::start_closure"),
	RUST("Builder::name legacy -O", "rust-legacy-O2", "named", COMM("given-name"), "rust_threads::start_named", .renamed = true),
	RUST("closure of a generic legacy -O", "rust-legacy-O2", "generic", GUESS("rust_threads::start_generic<i32>::{{closure}}"), "core::ops::function::FnOnce::call_once"),
	RUST("scoped legacy -O", "rust-legacy-O2", "scoped", ADDRESS("rust-legacy-O2", NULL), RUST_CAUGHT("F")),
	RUST("function legacy", "rust-legacy-O0", "function", GUESS("rust_threads::pool::work"), "rust_threads::start_function"),
	RUST("closure legacy", "rust-legacy-O0", "closure", GUESS("rust_threads::start_closure::{{closure}}"), "rust_threads::start_closure"),
	RUST("function v0 -O stripped", "rust-v0-O2-stripped", "function", ADDRESS("rust-v0-O2-stripped", NULL), "rust-v0-O2-stripped"),
	RUST("closure v0 -O stripped", "rust-v0-O2-stripped", "closure", ADDRESS("rust-v0-O2-stripped", NULL), "rust-v0-O2-stripped"),
	RUST("function legacy -O stripped", "rust-legacy-O2-stripped", "function", ADDRESS("rust-legacy-O2-stripped", NULL), "rust-legacy-O2-stripped"),
	RUST("closure legacy -O stripped", "rust-legacy-O2-stripped", "closure", ADDRESS("rust-legacy-O2-stripped", NULL), "rust-legacy-O2-stripped"),
	END,
};

#define OMP(text, program, form, ...) \
	{.variant = "OpenMP " text, .argv = {"@/" program, (form)}, .born = __VA_ARGS__, \
	.call_site = "libgomp.so.1.0.0", .there = ADDRESS("libgomp.so.1.0.0", NULL), \
	.ready = "\"thread\""}

/* What a thread was first to do is on its creator's stack, and gone once the region is left. */
const struct golden_row golden_openmp[] = {
	OMP("parallel gcc -O2", "omp-gcc-O2", "parallel", SYMBOL("parallel._omp_fn.0")),
	OMP("parallel gcc -O0", "omp-gcc-O0", "parallel", SYMBOL("parallel._omp_fn.0")),
	OMP("parallel for gcc -O2", "omp-gcc-O2", "loop", SYMBOL("loop._omp_fn.0")),
	OMP("parallel gcc -O2 stripped", "omp-gcc-O2-stripped", "parallel", {.routine = "parallel._omp_fn.0", .source = "symbol", .heuristic = true, .stripped = "omp-gcc-O2-stripped"}),
	END,
};

#define PYTHON(text, form, name, ...) \
	{.variant = "Python " text, .argv = {"/usr/bin/python3", "@/threads.py", (form)}, \
	.born = name, .call_site = "PyThread_start_new_thread", .ready = "ready", \
	__VA_ARGS__}

/* Names that the program gave are the thread's; else what it was to call. A thread without a
 * Thread object can be told only at its birth. */
const struct golden_row golden_python[] = {
	PYTHON("function", "function", SYMBOL("worker")),
	PYTHON("daemon", "daemon", SYMBOL("worker")),
	PYTHON("given a name", "named", SPAWN("egress-test")),
	PYTHON("given a name like Python's own", "default-name", SYMBOL("worker")),
	PYTHON("given a name in Latin-1", "latin1", SPAWN("K\u00e4se-1")),
	PYTHON("given a name in UCS-2", "ucs2", SPAWN("\u0142\u0105cze-\u65e5\u672c")),
	PYTHON("method", "method", SYMBOL("Service.loop")),
	PYTHON("inherited method", "inherited", SYMBOL("Service.loop")),
	PYTHON("class method", "classmethod", SYMBOL("Service.serve")),
	PYTHON("static method", "staticmethod", SYMBOL("Service.tick")),
	PYTHON("lambda", "lambda", SYMBOL("<lambda>")),
	PYTHON("closure", "closure", SYMBOL("outer.<locals>.inner")),
	PYTHON("functools.partial", "partial", SYMBOL("worker")),
	PYTHON("method of the library", "library", SYMBOL("Event.wait")),
	PYTHON("built-in function", "builtin", SYMBOL("sleep")),
	PYTHON("object that can be called", "object", TYPE("Handler")),
	PYTHON("subclass of Thread with run()", "subclass", TYPE("Reader.run")),
	PYTHON("subclass of Thread given a name", "subclass-named", SPAWN("reader-7")),
	PYTHON("subclass of Thread without run()", "plain-subclass", SYMBOL("worker")),
	PYTHON("run() replaced in the object", "wrapped", GUESS("worker")),
	PYTHON("Timer", "timer", SYMBOL("worker")),
	PYTHON("_thread.start_new_thread", "raw", SYMBOL("worker"), .there = TYPE("thread (Python)")),
	PYTHON("ThreadPoolExecutor", "pool", SPAWN("ThreadPoolExecutor-0_0")),
	END,
};
