/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * confinement.c - reads and keeps /proc/PID/cgroup; finds cgroups by path.
 *
 * Once for each image, when it is first heard of: by the cgroup's number, which the kernel side
 * sends with the births of images and which leads to the folder also when the process is gone,
 * else by /proc. A process of which neither is left has no cgroup, rather than a guessed one.
 */
#include "cmd/confinement.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "cmd/processes.h"
#include "target/cgroup.h"
#include "target/proc_text.h"

#define KNOWN_MAX   4096
#define TEXT_BYTES  (64u << 10) /* a line of at most PATH_MAX for each hierarchy */
#define PROC_BYTES  64
#define MOUNT_BYTES 4096

/* include/linux/exportfs.h: a 64-bit number of a kernfs node. */
#define FILEID_KERNFS 0xfe

struct cgroup_handle {
	struct file_handle head;
	uint64_t number;
};

struct known {
	struct wire_process process;
	char *path;	 /* NULL: not known */
	char *container; /* NULL: none, or not known */
	TAILQ_ENTRY(known) by_use;
};

struct confinements {
	void *tree; /* tsearch, of struct known */
	size_t count;
	TAILQ_HEAD(known_queue, known) by_use; /* the most recently used first */
	char mount[MOUNT_BYTES];	       /* of the unified hierarchy */
	int mount_fd;			       /* negative: it is not mounted */
};

static int compare(const void *a, const void *b)
{
	return memcmp(&((const struct known *)a)->process, &((const struct known *)b)->process,
		sizeof(struct wire_process));
}

/* Where the unified hierarchy is mounted. */
static int find_mount(char out[MOUNT_BYTES])
{
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	char line[2 * MOUNT_BYTES], path[MOUNT_BYTES];
	int err = -ENODEV;

	while (mounts && err && fgets(line, sizeof(line), mounts)) {
		if (!strstr(line, " - cgroup2 ") ||
			sscanf(line, "%*d %*d %*s %*s %4095s", path) != 1)
			continue;
		strcpy(out, path);
		err = 0;
	}
	if (mounts)
		fclose(mounts);
	return err;
}

struct confinements *confinements_new(void)
{
	struct confinements *confinements = calloc(1, sizeof(*confinements));

	if (!confinements)
		return NULL;
	TAILQ_INIT(&confinements->by_use);
	confinements->mount_fd = find_mount(confinements->mount);
	if (!confinements->mount_fd)
		confinements->mount_fd =
			open(confinements->mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return confinements;
}

static void forget(struct confinements *confinements, struct known *known)
{
	tdelete(known, &confinements->tree, compare);
	TAILQ_REMOVE(&confinements->by_use, known, by_use);
	confinements->count--;
	free(known->path);
	free(known->container);
	free(known);
}

void confinements_free(struct confinements *confinements)
{
	if (!confinements)
		return;
	while (!TAILQ_EMPTY(&confinements->by_use))
		forget(confinements, TAILQ_FIRST(&confinements->by_use));
	if (confinements->mount_fd >= 0)
		close(confinements->mount_fd);
	free(confinements);
}

static void take_path(struct known *known, const char *path)
{
	char container[CGROUP_CONTAINER_BYTES];

	known->path = strdup(path);
	if (cgroup_container(path, container))
		known->container = strdup(container);
}

/* By the number; false when that leads nowhere (any more). */
static bool look_at_cgroup(
	const struct confinements *confinements, struct known *known, uint64_t cgroup)
{
	struct cgroup_handle handle = {
		.head = {.handle_bytes = sizeof(handle.number), .handle_type = FILEID_KERNFS},
		.number = cgroup,
	};
	size_t above = strlen(confinements->mount);
	char link[PROC_BYTES], path[MOUNT_BYTES];
	ssize_t length;
	int fd;

	if (confinements->mount_fd < 0)
		return false;
	fd = open_by_handle_at(confinements->mount_fd, &handle.head, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, path, sizeof(path) - 1);
	close(fd);
	if (length < (ssize_t)above || length >= (ssize_t)sizeof(path) - 1 ||
		memcmp(path, confinements->mount, above))
		return false;
	path[length] = '\0';
	take_path(known, path[above] ? path + above : "/");
	return true;
}

static void look_at_process(struct known *known)
{
	char *text = malloc(TEXT_BYTES), file[PROC_BYTES];
	const char *path = NULL;

	snprintf(file, sizeof(file), "/proc/%u/cgroup", known->process.tgid);
	/* Checked after the read: until then the number may have passed to another process. */
	if (text && proc_text_read(AT_FDCWD, file, text, TEXT_BYTES) &&
		process_is_there(&known->process))
		path = cgroup_unified_path(text);
	if (path)
		take_path(known, path);
	free(text);
}

static struct known *find(struct confinements *confinements, const struct wire_process *process)
{
	struct known wanted = {.process = *process}, *known;
	void *found = tfind(&wanted, &confinements->tree, compare);

	if (!found)
		return NULL;
	known = *(struct known **)found;
	TAILQ_REMOVE(&confinements->by_use, known, by_use);
	TAILQ_INSERT_HEAD(&confinements->by_use, known, by_use);
	return known;
}

/* cgroup: 0 when not told. */
static struct known *add(
	struct confinements *confinements, const struct wire_process *process, uint64_t cgroup)
{
	struct known *known = calloc(1, sizeof(*known));

	if (!known)
		return NULL;
	known->process = *process;
	if (!tsearch(known, &confinements->tree, compare)) {
		free(known);
		return NULL;
	}
	if (!cgroup || !look_at_cgroup(confinements, known, cgroup))
		look_at_process(known);
	TAILQ_INSERT_HEAD(&confinements->by_use, known, by_use);
	if (++confinements->count > KNOWN_MAX)
		forget(confinements, TAILQ_LAST(&confinements->by_use, known_queue));
	return known;
}

void confinement_note(
	struct confinements *confinements, const struct wire_process *process, uint64_t cgroup)
{
	if (!find(confinements, process))
		add(confinements, process, cgroup);
}

struct confinement confinement_of(
	struct confinements *confinements, const struct wire_process *process)
{
	struct known *known = find(confinements, process);

	if (!known)
		known = add(confinements, process, 0);
	if (!known)
		return (struct confinement){0};
	return (struct confinement){.cgroup = known->path, .container = known->container};
}

/* ---- finding one by path ---- */

/* The inode number of a cgroup's folder is the cgroup's own number (64-bit kernels since 5.5). */
static int cgroup_number(const char *path, uint64_t *id)
{
	struct statfs system;
	struct stat st;

	if (statfs(path, &system) || stat(path, &st))
		return -errno;
	if (system.f_type != CGROUP2_SUPER_MAGIC || !S_ISDIR(st.st_mode))
		return -ENOENT;
	*id = st.st_ino;
	return 0;
}

int cgroup_find(const char *path, uint64_t *id)
{
	char mount[MOUNT_BYTES], *whole;
	int err = find_mount(mount);

	if (err)
		return err;
	if (path[0] == '/' && !cgroup_number(path, id))
		return 0;
	if (asprintf(&whole, "%s/%s", mount, path) < 0)
		return -ENOMEM;
	err = cgroup_number(whole, id);
	free(whole);
	return err == -ENOTDIR ? -ENOENT : err;
}
