// SPDX-License-Identifier: GPL-2.0-only
//
// cpp_threads.cpp - std::thread over a function, a lambda and a member function, std::async.
//
// cpp_threads [--now]. All of them wait; then {"settled":true,"threads":N} and a line on stdin
// is awaited. Their start function is one and the same, inside of libstdc++.
//
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

#include "truth.h"

namespace app
{
// A door that keeps everybody who enters until it opens.
class Door
{
      public:
	void enter(const char *routine)
	{
		truth_thread(routine);
		std::unique_lock<std::mutex> lock(mutex_);
		inside_++;
		changed_.notify_all();
		changed_.wait(lock, [this] { return open_; });
	}
	void await(int count)
	{
		std::unique_lock<std::mutex> lock(mutex_);
		changed_.wait(lock, [this, count] { return inside_ == count; });
	}
	void open()
	{
		std::lock_guard<std::mutex> lock(mutex_);
		open_ = true;
		changed_.notify_all();
	}

      private:
	std::mutex mutex_;
	std::condition_variable changed_;
	int inside_ = 0;
	bool open_ = false;
};

struct Worker {
	Door &door;
	void run()
	{
		door.enter("app::Worker::run");
	}
};

static void function(Door *door)
{
	door->enter("app::function");
}
} // namespace app

int main(int argc, char **argv)
{
	const int kinds = 4;
	app::Door door;
	app::Worker worker{door};

	truth_ready(argc, argv);
	std::thread by_function(app::function, &door);
	std::thread by_lambda([&door] { door.enter("main::{lambda()#1}"); });
	std::thread by_member(&app::Worker::run, &worker);
	auto by_async = std::async(std::launch::async, [&door] { door.enter("async"); });
	door.await(kinds);
	truth_line("{\"settled\":true,\"threads\":%d}", 1 + kinds);
	truth_wait_line();
	door.open();
	by_function.join();
	by_lambda.join();
	by_member.join();
	by_async.get();
	truth_line("{\"totals\":{\"main\":1,\"std::thread\":%d},\"failed\":0}", kinds);
	return 0;
}
