// SPDX-License-Identifier: GPL-2.0-only
//
// cpp_routines.cpp - C++ functions handed to pthread_create, whose names are long.
//
// cpp_routines [--now]. A line {"routine":SHORT,"full":WHOLE} for each, then
// {"settled":true,"threads":N}; after one more line on stdin everything ends.
//
#include "truth.h"

struct doors {
	pthread_barrier_t entered, over;
};

static void *stay(void *argument, const char *routine, const char *full)
{
	auto *both = static_cast<doors *>(argument);

	truth_thread(routine);
	truth_line("{\"routine\":\"%s\",\"full\":\"%s\"}", routine, full);
	pthread_barrier_wait(&both->entered);
	pthread_barrier_wait(&both->over);
	return nullptr;
}

namespace app
{
struct request_that_has_a_rather_long_name_for_a_type {
};

template <class First, class Second> struct pool {
	static void *run(void *argument)
	{
		return stay(argument, "app::pool<...>::run",
			"app::pool<app::request_that_has_a_rather_long_name_for_a_type, "
			"int>::run(void*)");
	}
};

void *serve(void *argument)
{
	return stay(argument, "app::serve", "app::serve(void*)");
}
} // namespace app

extern "C" void *plain(void *argument)
{
	return stay(argument, "plain", "");
}

int main(int argc, char **argv)
{
	void *(*const routines[])(void *) = {
		app::pool<app::request_that_has_a_rather_long_name_for_a_type, int>::run,
		app::serve, plain, [](void *argument) {
			return stay(argument, "main::{lambda(void*)#1}",
				"main::{lambda(void*)#1}::_FUN(void*)");
		}};
	const int count = sizeof(routines) / sizeof(routines[0]);
	pthread_t threads[count];
	doors both;

	truth_ready(argc, argv);
	if (pthread_barrier_init(&both.entered, nullptr, count + 1) ||
		pthread_barrier_init(&both.over, nullptr, count + 1))
		truth_die("pthread_barrier_init");
	for (int i = 0; i < count; i++)
		threads[i] = truth_create(routines[i], &both);
	pthread_barrier_wait(&both.entered);
	truth_line("{\"settled\":true,\"threads\":%d}", count + 1);
	truth_wait_line();
	pthread_barrier_wait(&both.over);
	for (int i = 0; i < count; i++)
		truth_join(threads[i]);
	truth_line("{\"totals\":{},\"failed\":0}");
	return 0;
}
