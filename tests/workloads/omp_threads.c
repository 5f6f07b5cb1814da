/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * omp_threads.c - one thread that GNU OpenMP starts for a parallel region.
 *
 * omp_threads FORM enters a region with two threads, the second of which is a new one, tells
 * {"form":FORM,"expected":NAME,...} and waits in it until stdin ends; omp_threads --list tells all
 * forms. What is expected is the name that the compiler gives the region.
 */
#include <omp.h>

#include "truth.h"

#define THREADS 2

static void __attribute__((noreturn)) stay(const char *routine)
{
	truth_thread(routine);
	for (;;)
		pause();
}

static void wait_for_end(void)
{
	truth_wait_line();
	_exit(0);
}

static void __attribute__((noinline)) parallel(void)
{
#pragma omp parallel num_threads(THREADS)
	{
		if (omp_get_thread_num())
			stay("parallel");
		wait_for_end();
	}
}

static void __attribute__((noinline)) loop(int *sum)
{
#pragma omp parallel for num_threads(THREADS) schedule(static)
	for (int i = 0; i < THREADS; i++) {
		sum[i]++;
		if (i)
			stay("loop");
		wait_for_end();
	}
}

int main(int argc, char **argv)
{
	const char *form = argc > 1 ? argv[1] : "";
	static int sum[THREADS];

	if (truth_flag(argc, argv, "--list")) {
		truth_line("parallel");
		truth_line("loop");
		return 0;
	}
	truth_line(
		"{\"form\":\"%s\",\"expected\":\"%s._omp_fn.0\",\"source\":\"symbol\",\"pid\":%d}",
		form, form, (int)getpid());
	if (!strcmp(form, "parallel"))
		parallel();
	if (!strcmp(form, "loop"))
		loop(sum);
	truth_die("omp_threads: no form '%s'", form);
}
