/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * files.c - see files.h.
 */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COPY_BYTES 65536

void copy_file(struct world *world, const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	char buffer[COPY_BYTES];
	ssize_t got;

	REQUIRE(world, in >= 0 && out >= 0, "cannot copy %s to %s: %s", from, to, strerror(errno));
	while ((got = read(in, buffer, sizeof(buffer))) > 0)
		REQUIRE(world, write(out, buffer, (size_t)got) == got, "write %s", to);
	close(in);
	close(out);
}

char *make_dir(struct world *world, char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0755);
		*slash = '/';
	}
	REQUIRE(world, mkdir(path, 0755) == 0 || errno == EEXIST, "mkdir %s: %s", path,
		strerror(errno));
	return path;
}

/* Copies what this pattern names to the same place below `root`. */
static void copy_there(struct world *world, const char *root, const char *pattern)
{
	glob_t found;

	if (glob(pattern, 0, NULL, &found))
		return;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		char *to = text("%s%s", root, found.gl_pathv[i]), *slash = strrchr(to, '/');

		*slash = '\0';
		make_dir(world, text("%s", to));
		*slash = '/';
		copy_file(world, found.gl_pathv[i], to);
	}
	globfree(&found);
}

char *make_root(struct world *world, const char *name, const char *program)
{
	char *root = make_dir(world, scratch(world, name));

	copy_there(world, root, "/lib64/ld-linux-x86-64.so.2");
	copy_there(world, root, "/lib/x86_64-linux-gnu/libc.so.6");
	copy_there(world, root, "/lib/ld-musl-x86_64.so.1");
	copy_file(world, workload(world, program), text("%s/%s", root, program));
	return root;
}
