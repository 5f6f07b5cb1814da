/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * scopes.cpp - the macros in C++: exceptions, inline and template functions, lambdas, and the
 * same inline functions in two translation units (the other with -DSECOND), of which the linker
 * keeps one copy with its notes.
 */
#include <cstdio>
#include <stdexcept>
#include <string>

#include "threadwatch.h"

inline __attribute__((noinline)) int shared_inline(int n)
{
	TW_ROUTINE("shared-inline");
	TW_DATA("n", n);
	return n * 3;
}

template <class Number> __attribute__((noinline)) Number shared_template(Number n)
{
	TW_ROUTINE("shared-template");
	return n + 1;
}

int second(int n);

#ifdef SECOND

int second(int n)
{
	return shared_inline(n) + shared_template(n);
}

#else

static void thrower(int n)
{
	TW_ROUTINE("thrower", TW_TIMEBOX_MS(n));
	if (n > 0)
		throw std::runtime_error("as planned");
}

static int catcher(int n)
{
	TW_ROUTINE("catcher");
	try {
		TW_ROUTINE("trying");
		thrower(n);
	} catch (const std::runtime_error &error) {
		TW_DATA("caught", error.what());
		return 1;
	}
	return 0;
}

int main()
{
	std::string name = "from a std::string";
	auto lambda = [&name](int n) {
		TW_ROUTINE(name.c_str());
		return n + 2;
	};

	std::printf("catcher %d\n", catcher(3));
	std::printf("lambda %d\n", lambda(1));
	std::printf("inline %d\n", shared_inline(2));
	std::printf("template %d\n", shared_template(2));
	std::printf("second %d\n", second(5));
	return 0;
}

#endif
