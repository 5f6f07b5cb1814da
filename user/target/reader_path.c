/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * reader_path.c - source files that are not the author's, by where compilers say they are.
 */
#include <ctype.h>
#include <string.h>

#include "target/reader.h"

static bool begins(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* ".../c++/12/...": libstdc++ of a compiler that is installed elsewhere. */
static bool is_versioned_cpp(const char *path)
{
	static const char folder[] = "/c++/";

	for (path = strstr(path, folder); path; path = strstr(path + 1, folder))
		if (isdigit((unsigned char)path[sizeof(folder) - 1]))
			return true;
	return false;
}

bool reader_is_library(const char *path)
{
	/* Rust: the project's builds, Debian's, and what the library itself was built with. */
	if (begins(path, "/rustc/") || begins(path, "/usr/src/rustc-"))
		return strstr(path, "/library/") != NULL;
	if (begins(path, "library/std/src/") || begins(path, "library/core/src/"))
		return true;
	return begins(path, "/usr/include/") || begins(path, "/usr/lib/gcc/") ||
	       is_versioned_cpp(path);
}
