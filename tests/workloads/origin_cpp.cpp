/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * origin_cpp.cpp - a thread created by a C++ method, and one by std::thread.
 *
 * origin_cpp [--now] [--hold]. The truth is that of origin.c.
 */
#include <thread>

#include "truth.h"

/* One line of source, whatever the formatter does. */
#define CREATE(thread, routine, line) \
	(*(line) = __LINE__, pthread_create(thread, nullptr, routine, nullptr))

namespace app
{

static void *work(void *unused)
{
	truth_thread("app::work");
	return unused;
}

struct Pool {
	__attribute__((noinline)) void start(pthread_t *thread);
};

void Pool::start(pthread_t *thread)
{
	int line = 0, error = CREATE(thread, work, &line);

	if (error)
		truth_die("origin_cpp: no thread");
	truth_line("{\"origin\":\"app::work\",\"file\":\"origin_cpp.cpp\",\"line\":%d,"
		   "\"function\":\"app::Pool::start\",\"creator\":\"main\","
		   "\"stack\":[\"app::Pool::start\",\"main\"]}",
		line);
}

static __attribute__((noinline)) void standard()
{
	const int line = __LINE__ + 1;
	std::thread thread([] { truth_thread("standard"); });

	truth_line("{\"origin\":\"app::standard::{lambda()#1}\",\"file\":\"origin_cpp.cpp\","
		   "\"line\":%d,\"function\":\"app::standard\",\"creator\":\"main\","
		   "\"stack\":[\"app::standard\",\"main\"]}",
		line);
	thread.join();
}

} // namespace app

int main(int argc, char **argv)
{
	app::Pool pool;
	pthread_t thread;

	truth_ready(argc, argv);
	truth_thread("main");
	pool.start(&thread);
	app::standard();
	if (truth_flag(argc, argv, "--hold")) {
		truth_line("{\"settled\":true,\"last\":\"app::standard\"}");
		truth_wait_line();
	}
	truth_join(thread);
	truth_line("{\"totals\":{\"main\":1,\"app::work\":1,\"standard\":1},\"failed\":0}");
	return 0;
}
