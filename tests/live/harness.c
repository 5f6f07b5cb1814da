/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * harness.c - verdicts, files and numbers for live tests; process.c has the processes.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"

#define FILE_BYTES_MAX (256u << 20)

static _Noreturn void verdict(struct world *world, int code, const char *format, va_list args)
{
	vdprintf(world->report_fd, format, args);
	_exit(code);
}

void test_fail(struct world *world, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	verdict(world, TEST_FAILED, format, args);
}

void test_skip(struct world *world, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	verdict(world, TEST_SKIPPED, format, args);
}

char *text(const char *format, ...)
{
	va_list args;
	char *result;

	va_start(args, format);
	if (vasprintf(&result, format, args) < 0)
		abort();
	va_end(args);
	return result;
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

uint64_t now_ms(void)
{
	return clock_ns(CLOCK_MONOTONIC) / NS_PER_MS;
}

uint64_t boot_ns(void)
{
	return clock_ns(CLOCK_BOOTTIME);
}

void breathe(void)
{
	const struct timespec moment = {.tv_nsec = (long)NS_PER_MS};

	nanosleep(&moment, NULL);
}

bool have_program(const char *name)
{
	const char *path = getenv("PATH");
	char *paths, *save = NULL;

	paths = text("%s:/usr/sbin:/sbin", path ? path : "/usr/bin:/bin");
	for (char *dir = strtok_r(paths, ":", &save); dir; dir = strtok_r(NULL, ":", &save))
		if (access(text("%s/%s", dir, name), X_OK) == 0)
			return true;
	return false;
}

char *file_text(const char *path)
{
	FILE *file = fopen(path, "r");
	char *bytes = NULL;
	size_t length = 0, capacity = 0, got;

	if (!file)
		return NULL;
	do {
		if (capacity - length < BUFSIZ) {
			capacity = capacity * 2 + 2 * BUFSIZ;
			bytes = realloc(bytes, capacity);
			if (!bytes || capacity > FILE_BYTES_MAX)
				abort();
		}
		got = fread(bytes + length, 1, capacity - length - 1, file);
		length += got;
	} while (got);
	fclose(file);
	bytes[length] = '\0';
	return bytes;
}

static size_t numbers_in(const char *path)
{
	DIR *dir = opendir(path);
	size_t count = 0;

	if (!dir)
		return 0;
	for (struct dirent *entry; (entry = readdir(dir));)
		count += entry->d_name[0] >= '0' && entry->d_name[0] <= '9';
	closedir(dir);
	return count;
}

size_t tasks_of(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	return numbers_in(path);
}

static bool is_guarded(const char *pid)
{
	char path[300], target[16];

	snprintf(path, sizeof(path), "/proc/%s/exe", pid);
	return readlink(path, target, sizeof(target)) < 0 && (errno == EACCES || errno == EPERM);
}

size_t tasks_of_all(bool without_guarded)
{
	DIR *dir = opendir("/proc");
	size_t count = 0;

	if (!dir)
		abort();
	for (struct dirent *entry; (entry = readdir(dir));)
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
			!(without_guarded && is_guarded(entry->d_name)))
			count += tasks_of((pid_t)strtol(entry->d_name, NULL, 10));
	closedir(dir);
	return count;
}

char *scratch(struct world *world, const char *name)
{
	return text("%s/%s", world->dir, name);
}

char *workload(struct world *world, const char *name)
{
	char *path = text("%s/%s", world->workloads, name);

	if (access(path, X_OK))
		test_skip(world, "%s is not built", path);
	return path;
}

long scaled(const struct world *world, long outside, long inside)
{
	return world->scale > 1 ? inside : outside;
}

size_t lines_in(const char *string)
{
	size_t count = 0;

	for (; (string = strchr(string, '\n')); string++)
		count++;
	return count;
}

const char *json_text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "";
}

int64_t json_number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}
