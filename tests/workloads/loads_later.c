/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * loads_later.c - opens libticks.so by dlopen while it runs, and tells spans from there.
 *
 * loads_later [--ticks N] [--flood N] [--now]. --flood: first maps a file executable N times;
 * then {"flooded":true}. After dlopen {"loaded":true}, at once the spans tick-0, tick-1, ... a
 * millisecond apart, then {"settled":true,"ticks":N}, a line is awaited, and one span "last".
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>

#include "truth.h"

#define TICKS	   300
#define TICK_NS	   1000000
#define NAME_BYTES 32
#define MAP_BYTES  4096

static void flood(long times)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	for (long i = 0; i < times; i++) {
		void *mapped = mmap(NULL, MAP_BYTES, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);

		if (mapped == MAP_FAILED || munmap(mapped, MAP_BYTES))
			truth_die("mmap: %s", strerror(errno));
	}
	close(fd);
}

static void (*load(void))(const char *)
{
	char path[512], *slash;
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - sizeof("libticks.so"));
	void (*tick)(const char *);
	void *library;

	if (length <= 0)
		truth_die("where am I?");
	path[length] = '\0';
	slash = strrchr(path, '/');
	strcpy(slash ? slash + 1 : path, "libticks.so");
	library = dlopen(path, RTLD_NOW);
	if (!library)
		truth_die("dlopen: %s", dlerror());
	*(void **)&tick = dlsym(library, "tick");
	if (!tick)
		truth_die("dlsym: %s", dlerror());
	return tick;
}

int main(int argc, char **argv)
{
	static char names[TICKS][NAME_BYTES];
	long floods = truth_number(argc, argv, "--flood", 0);
	void (*tick)(const char *);

	truth_ready(argc, argv);
	truth_thread("main");
	flood(floods);
	tick = load();
	truth_line("{\"loaded\":true}");
	for (int i = 0; i < TICKS; i++) {
		struct timespec pause = {0, TICK_NS};

		snprintf(names[i], NAME_BYTES, "tick-%d", i);
		tick(names[i]);
		nanosleep(&pause, NULL);
	}
	truth_line("{\"settled\":true,\"ticks\":%d}", TICKS);
	truth_wait_line();
	tick("last");
	truth_line("{\"totals\":{\"main\":1},\"failed\":0}");
	return 0;
}
