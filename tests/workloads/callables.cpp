// SPDX-License-Identifier: GPL-2.0-only
//
// callables.cpp - one std::thread of each form in which C++ can say what it is to call.
//
// callables FORM starts one thread of that form, tells {"form":FORM,"expected":NAME,...} and waits
// until stdin ends; callables --list tells all forms. `expected` is what the thread's author
// would call it; a "type" is the name of a class or a lambda, a "symbol" that of a function.
//
#include <algorithm>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "truth.h"

namespace app
{
// Tells who it is, once in the whole program, and stays.
static void stay(const char *routine)
{
	truth_thread(routine);
	for (;;)
		pause();
}

static void plain()
{
	stay("app::plain");
}

static void with_int(int)
{
	stay("app::with_int");
}

static void with_mixed(char, int, double, const char *, bool)
{
	stay("app::with_mixed");
}

static void with_string(std::string, std::vector<std::string>)
{
	stay("app::with_string");
}

// Of a size that no name tells.
struct Blob {
	char bytes[20];
};

static void with_blob(Blob, int)
{
	stay("app::with_blob");
}

static void with_callback(void (*)(), Blob)
{
	stay("app::with_callback");
}

[[maybe_unused]] static void with_stop(std::shared_ptr<int>)
{
	stay("app::with_stop");
}

static int result(int value)
{
	stay("app::result");
	return value;
}

template <typename T> static void generic(T)
{
	stay("app::generic<int>");
}

struct Worker {
	long state[3] = {};

	virtual ~Worker() = default;
	void run()
	{
		stay("app::Worker::run");
	}
	void run_const(int) const
	{
		stay("app::Worker::run_const");
	}
	virtual void serve()
	{
		stay("app::Worker::serve");
	}
	virtual void serve_with(int, Blob)
	{
		stay("app::Worker::serve_with");
	}
};

struct Special : Worker {
	void serve() override
	{
		stay("app::Special::serve");
	}
	void serve_with(int, Blob) override
	{
		stay("app::Special::serve_with");
	}
};

struct Functor {
	int value;
	void operator()()
	{
		stay("app::Functor");
	}
};

template <typename T> struct Pool {
	void operator()(T)
	{
		stay("app::Pool<int>");
	}
};

using Holder = std::vector<std::thread>;
using Start = void (*)(Holder &);

// What is referred to must outlive the thread, which is never joined.
static Special special;
static Worker worker;
static Functor functor{1};

static void start_async_plain(Holder &)
{
	static auto future = std::async(std::launch::async, plain);
}

static void start_async_lambda(Holder &)
{
	static auto future = std::async(
		std::launch::async, [](int) { stay("lambda"); }, 1);
}

static void start_async_mixed(Holder &)
{
	static auto future = std::async(std::launch::async, with_mixed, 'c', 1, 2.0, "text", true);
}

static void start_async_member(Holder &)
{
	static auto future = std::async(std::launch::async, &Worker::run, &worker);
}

static void start_async_virtual(Holder &)
{
	static auto future = std::async(std::launch::async, &Worker::serve, &special);
}

static void start_task_plain(Holder &threads)
{
	std::packaged_task<void()> task(plain);

	threads.emplace_back(std::move(task));
}

static void start_task_result(Holder &threads)
{
	std::packaged_task<int(int)> task(result);

	threads.emplace_back(std::move(task), 7);
}

static void start_task_lambda(Holder &threads)
{
	std::packaged_task<void()> task([] { stay("lambda"); });

	threads.emplace_back(std::move(task));
}

static void start_lambda(Holder &threads)
{
	int captured = truth_tid();

	threads.emplace_back([captured] { stay(captured ? "lambda" : ""); });
}

static void start_lambda_argument(Holder &threads)
{
	threads.emplace_back([](const std::string &) { stay("lambda"); }, std::string("text"));
}

static void start_bind_member(Holder &threads)
{
	threads.emplace_back(std::bind(&Worker::run_const, &worker, std::placeholders::_1), 3);
}

static void start_function_lambda(Holder &threads)
{
	std::string captured(100, 'x');
	std::function<void()> function([captured] { stay(captured.empty() ? "" : "lambda"); });

	threads.emplace_back(function);
}

#if __cplusplus >= 202002L
static std::jthread &stopping()
{
	static std::jthread thread;

	return thread;
}

static void with_token(std::stop_token, int)
{
	stay("app::with_token");
}
#endif

struct Form {
	const char *name;
	const char *expected; // "lambda": what the compiler calls the one in that starter
	const char *source;
	Start start;
};

static const Form forms[] = {
	{"function", "app::plain", "symbol", [](Holder &t) { t.emplace_back(plain); }},
	{"function_int", "app::with_int", "symbol", [](Holder &t) { t.emplace_back(with_int, 5); }},
	{"function_mixed", "app::with_mixed", "symbol",
		[](Holder &t) { t.emplace_back(with_mixed, 'c', 1, 2.0, "text", true); }},
	{"function_string", "app::with_string", "symbol",
		[](Holder &t) {
			t.emplace_back(
				with_string, std::string("text"), std::vector<std::string>{"text"});
		}},
	{"function_blob", "app::with_blob", "symbol",
		[](Holder &t) { t.emplace_back(with_blob, Blob{}, 5); }},
	{"function_callback", "app::with_callback", "symbol",
		[](Holder &t) { t.emplace_back(with_callback, plain, Blob{}); }},
	{"function_shared", "app::with_stop", "symbol",
		[](Holder &t) { t.emplace_back(with_stop, std::make_shared<int>(1)); }},
	{"function_template", "app::generic<int>", "symbol",
		[](Holder &t) { t.emplace_back(generic<int>, 5); }},
	{"function_reference", "app::plain", "symbol",
		[](Holder &t) { t.emplace_back(std::ref(plain)); }},
	{"lambda", "lambda", "type", start_lambda},
	{"lambda_argument", "lambda", "type", start_lambda_argument},
	{"functor", "app::Functor", "type", [](Holder &t) { t.emplace_back(Functor{1}); }},
	{"functor_reference", "app::Functor", "type",
		[](Holder &t) { t.emplace_back(std::ref(functor)); }},
	{"functor_template", "app::Pool<int>", "type",
		[](Holder &t) { t.emplace_back(Pool<int>(), 1); }},
	{"member", "app::Worker::run", "symbol",
		[](Holder &t) { t.emplace_back(&Worker::run, &worker); }},
	{"member_const", "app::Worker::run_const", "symbol",
		[](Holder &t) { t.emplace_back(&Worker::run_const, &worker, 1); }},
	{"member_reference", "app::Worker::run", "symbol",
		[](Holder &t) { t.emplace_back(&Worker::run, std::ref(worker)); }},
	{"member_shared", "app::Worker::run", "symbol",
		[](Holder &t) { t.emplace_back(&Worker::run, std::make_shared<Worker>()); }},
	{"member_value", "app::Worker::run", "symbol",
		[](Holder &t) { t.emplace_back(&Worker::run, Worker()); }},
	{"virtual", "app::Special::serve", "symbol",
		[](Holder &t) { t.emplace_back(&Worker::serve, &special); }},
	{"virtual_shared", "app::Special::serve", "symbol",
		[](Holder &t) { t.emplace_back(&Worker::serve, std::make_shared<Special>()); }},
	{"virtual_blob", "app::Special::serve_with", "symbol",
		[](Holder &t) { t.emplace_back(&Worker::serve_with, &special, 1, Blob{}); }},
	{"bind", "app::with_int", "symbol",
		[](Holder &t) { t.emplace_back(std::bind(with_int, 5)); }},
	{"bind_member", "app::Worker::run_const", "symbol", start_bind_member},
	{"bind_virtual", "app::Special::serve", "symbol",
		[](Holder &t) { t.emplace_back(std::bind(&Worker::serve, &special)); }},
	{"std_function", "app::plain", "symbol",
		[](Holder &t) { t.emplace_back(std::function<void()>(plain)); }},
	{"std_function_lambda", "lambda", "type", start_function_lambda},
	{"std_function_bind", "app::with_int", "symbol",
		[](Holder &t) { t.emplace_back(std::function<void()>(std::bind(with_int, 5))); }},
	{"async", "app::plain", "symbol", start_async_plain},
	{"async_mixed", "app::with_mixed", "symbol", start_async_mixed},
	{"async_lambda", "lambda", "type", start_async_lambda},
	{"async_member", "app::Worker::run", "symbol", start_async_member},
	{"async_virtual", "app::Special::serve", "symbol", start_async_virtual},
	{"packaged_task", "app::plain", "symbol", start_task_plain},
	{"packaged_task_result", "app::result", "symbol", start_task_result},
	{"packaged_task_lambda", "lambda", "type", start_task_lambda},
#if __cplusplus >= 202002L
	{"jthread", "app::with_token", "symbol",
		[](Holder &) { stopping() = std::jthread(with_token, 5); }},
	{"jthread_plain", "app::with_int", "symbol",
		[](Holder &) { stopping() = std::jthread(with_int, 5); }},
	{"bind_front", "app::with_int", "symbol",
		[](Holder &t) { t.emplace_back(std::bind_front(with_int, 5)); }},
#endif
};
} // namespace app

int main(int argc, char **argv)
{
	const char *wanted = argc > 1 ? argv[1] : "";
	app::Holder threads;

	if (truth_flag(argc, argv, "--list")) {
		for (const app::Form &form : app::forms)
			truth_line("%s", form.name);
		return 0;
	}
	for (const app::Form &form : app::forms) {
		if (strcmp(form.name, wanted))
			continue;
		truth_line("{\"form\":\"%s\",\"expected\":\"%s\",\"source\":\"%s\",\"pid\":%d}",
			form.name, form.expected, form.source, (int)getpid());
		form.start(threads);
		truth_wait_line();
		_exit(0); // its threads never end
	}
	truth_die("callables: no form '%s'", wanted);
}
