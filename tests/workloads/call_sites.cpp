/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * call_sites.cpp - threads that the C++ library creates, each from a known line.
 *
 * call_sites [--now] [--hold]. For each, once it was created:
 * {"site":"ROUTINE","file":"call_sites.cpp","line":N,"function":"F"}. With --hold all of them live
 * until one more line on stdin, after {"settled":true,"last":ROUTINE}. Two of them have one
 * routine; one is created by a routine that the library itself runs.
 */
#include <future>
#include <list>
#include <memory>
#include <semaphore>
#include <thread>
#include <vector>

#include "truth.h"

#define NOINLINE __attribute__((noinline))

/* The line of what it creates, whatever the formatter does. */
#define SITE(...)                  \
	const int line = __LINE__; \
	__VA_ARGS__

namespace app
{

static std::counting_semaphore<> ended{0};
static std::binary_semaphore within{0};

static void live()
{
	ended.acquire();
}

static void told(const char *routine, int line, const char *function)
{
	truth_line("{\"site\":\"%s\",\"file\":\"call_sites.cpp\",\"line\":%d,\"function\":\"%s\"}",
		routine, line, function);
}

/* One start function each, so that a name tells which create it was. */
static void plain(int)
{
	live();
}
static void twice()
{
	live();
}
static void stopped(std::stop_token)
{
	live();
}
static int answer(int number)
{
	live();
	return number;
}
static void in_place(int)
{
	live();
}
static void by_pointer(int)
{
	live();
}
static void by_library()
{
	live();
}
/* Its name is there without symbols too. */
struct Last {
	void operator()() const
	{
		live();
	}
};

struct Pool {
	std::thread thread;

	void run(int)
	{
		live();
	}
	NOINLINE void start();
};

static std::list<std::thread> threads;
static std::vector<std::thread> grown;
static std::unique_ptr<std::thread> pointed;
static std::jthread stoppable;
static std::future<int> future;

NOINLINE static void by_function()
{
	SITE(threads.push_back(std::thread(plain, 1)));
	told("app::plain", line, "app::by_function");
}

NOINLINE static void by_lambda()
{
	SITE(std::thread thread([] { live(); }));
	threads.push_back(std::move(thread));
	told("app::by_lambda::", line, "app::by_lambda");
}

void Pool::start()
{
	SITE(thread = std::thread(&Pool::run, this, 3));
	told("app::Pool::run", line, "app::Pool::start");
}

NOINLINE static void by_jthread()
{
	SITE(stoppable = std::jthread(stopped));
	told("app::stopped", line, "app::by_jthread");
}

NOINLINE static void by_async()
{
	SITE(future = std::async(std::launch::async, answer, 42));
	told("app::answer", line, "app::by_async");
}

NOINLINE static void by_vector()
{
	SITE(grown.emplace_back(in_place, 5));
	told("app::in_place", line, "app::by_vector");
}

NOINLINE static void by_make_unique()
{
	SITE(pointed = std::make_unique<std::thread>(by_pointer, 5));
	told("app::by_pointer", line, "app::by_make_unique");
}

NOINLINE static void by_first()
{
	SITE(threads.push_back(std::thread(twice)));
	told("app::twice", line, "app::by_first");
}

NOINLINE static void by_second()
{
	SITE(threads.push_back(std::thread(twice)));
	told("app::twice", line, "app::by_second");
}

/* What creates it runs within the library's std::thread, which it must not be told of. */
NOINLINE static void create_within()
{
	SITE(std::thread thread(by_library));
	told("app::by_library", line, "app::create_within");
	within.release();
	thread.join();
}

NOINLINE static void by_last()
{
	SITE(threads.push_back(std::thread(Last())));
	told("app::Last", line, "app::by_last");
}

} // namespace app

int main(int argc, char **argv)
{
	app::Pool pool;

	truth_ready(argc, argv);
	app::by_function();
	app::by_lambda();
	pool.start();
	app::by_jthread();
	app::by_async();
	app::by_vector();
	app::by_make_unique();
	app::by_first();
	app::by_second();
	std::thread outer(app::create_within);
	app::within.acquire();
	app::by_last();
	if (truth_flag(argc, argv, "--hold")) {
		truth_line("{\"settled\":true,\"last\":\"app::Last\"}");
		truth_wait_line();
	}
	app::ended.release(64);
	outer.join();
	for (std::thread &thread : app::threads)
		thread.join();
	for (std::thread &thread : app::grown)
		thread.join();
	app::pointed->join();
	pool.thread.join();
	app::future.wait();
	return 0;
}
