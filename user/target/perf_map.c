/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * perf_map.c - reads /tmp/perf-PID.map of a process; see perf_map.h.
 *
 * Input is a file that the process writes while it is read. Only what has been added is read
 * again; a file that was replaced or has shrunk is read anew. Refuses links, files with a second
 * name, files of a user other than the process's own and root, what is above the bounds, and
 * what was last written before the process began: numbers of processes are used again.
 */
#include "target/perf_map.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "target/proc_text.h"
#include "target/regular_file.h"

#define FILE_BYTES_MAX	(32u << 20)
#define TOTAL_BYTES_MAX (256u << 20) /* of all processes */
#define ENTRIES_MAX	(1u << 20)
#define ENTRIES_FIRST	256
#define NESTED_MAX	64 /* entries looked at that begin inside the one sought */
#define HEX_DIGITS_MAX	16
#define STATUS_BYTES	4096
#define CLOCKS_APART_S	1  /* what clocks and their ticks may differ by */
#define PATH_BYTES	32 /* "/tmp/perf-", an int, ".map" */

/* Newer entries have a higher `name`, as the text is in the order of the file. */
struct entry {
	uint64_t start;
	uint32_t bytes; /* saturated */
	uint32_t name;	/* in `text` */
};

struct perf_map {
	struct perf_map_account *account;
	struct entry *entries; /* by start, then by age, the oldest first */
	size_t count, capacity;
	char *text; /* names, each NUL-terminated */
	size_t text_bytes, text_capacity;
	dev_t device; /* of the file that was read, with its inode; 0: none */
	ino_t inode;
	uint64_t read_bytes; /* so much of the file, up to a newline */
	uint64_t seen_bytes; /* its size then: a line without an end is not read again and again */
	bool refused;
};

struct perf_map *perf_map_new(struct perf_map_account *account)
{
	struct perf_map *map = calloc(1, sizeof(*map));

	if (map)
		map->account = account;
	return map;
}

static size_t bytes_of(const struct perf_map *map)
{
	return map->capacity * sizeof(*map->entries) + map->text_capacity;
}

static void clear(struct perf_map *map)
{
	map->account->bytes_held -= bytes_of(map);
	free(map->entries);
	free(map->text);
	*map = (struct perf_map){.account = map->account, .refused = map->refused};
}

void perf_map_free(struct perf_map *map)
{
	if (!map)
		return;
	clear(map);
	free(map);
}

/* Once for each process. */
static void refuse(struct perf_map *map)
{
	if (!map->refused)
		map->account->refused++;
	map->refused = true;
}

/* ---- lines ---- */

/* A hexadecimal number with a space behind it, which is consumed. */
static bool take_hex(const char **at, const char *end, uint64_t *out)
{
	const char *digit = *at;
	uint64_t value = 0;

	if (end - digit > 2 && digit[0] == '0' && digit[1] == 'x') /* some write it so */
		*at = digit += 2;
	for (; digit < end && isxdigit((unsigned char)*digit); digit++) {
		int number =
			isdigit((unsigned char)*digit) ? *digit - '0' : (*digit | ' ') - 'a' + 10;

		value = value << 4 | (unsigned int)number;
	}
	if (digit == *at || digit - *at > HEX_DIGITS_MAX || digit == end || *digit != ' ')
		return false;
	*at = digit + 1;
	*out = value;
	return true;
}

/* A larger buffer of at least `wanted` items, or NULL; the account is kept. */
static void *grow(struct perf_map_account *account, void *old, size_t *capacity, size_t wanted,
	size_t item_bytes)
{
	size_t more = *capacity ? *capacity : ENTRIES_FIRST;
	void *grown;

	while (more < wanted)
		more *= 2;
	if (account->bytes_held + (more - *capacity) * item_bytes > TOTAL_BYTES_MAX)
		return NULL;
	grown = reallocarray(old, more, item_bytes);
	if (!grown)
		return NULL;
	account->bytes_held += (more - *capacity) * item_bytes;
	*capacity = more;
	return grown;
}

/* false: there is no room. */
static bool append(
	struct perf_map *map, uint64_t start, uint64_t bytes, const char *name, size_t name_bytes)
{
	if (map->count == ENTRIES_MAX)
		return false;
	if (map->count == map->capacity) {
		void *entries = grow(map->account, map->entries, &map->capacity, map->count + 1,
			sizeof(*map->entries));

		if (!entries)
			return false;
		map->entries = entries;
	}
	if (map->text_capacity - map->text_bytes <= name_bytes) {
		void *text = grow(map->account, map->text, &map->text_capacity,
			map->text_bytes + name_bytes + 1, 1);

		if (!text)
			return false;
		map->text = text;
	}
	map->entries[map->count++] = (struct entry){
		.start = start,
		.bytes = bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)bytes,
		.name = (uint32_t)map->text_bytes,
	};
	memcpy(map->text + map->text_bytes, name, name_bytes);
	map->text[map->text_bytes + name_bytes] = '\0';
	map->text_bytes += name_bytes + 1;
	return true;
}

static int compare_entries(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return a->name < b->name ? -1 : a->name > b->name;
}

/* Merges the sorted first entries with those that were appended. Without memory for a copy all
 * are sorted anew. */
static void sort_in(struct perf_map *map, size_t sorted)
{
	size_t added = map->count - sorted, to = map->count;
	struct entry *copy = added && sorted ? malloc(added * sizeof(*copy)) : NULL;

	if (!copy) {
		if (added)
			qsort(map->entries, map->count, sizeof(*map->entries), compare_entries);
		return;
	}
	memcpy(copy, map->entries + sorted, added * sizeof(*copy));
	qsort(copy, added, sizeof(*copy), compare_entries);
	while (added) {
		bool from_old =
			sorted && compare_entries(&map->entries[sorted - 1], &copy[added - 1]) > 0;

		map->entries[--to] = from_old ? map->entries[--sorted] : copy[--added];
	}
	free(copy);
}

size_t perf_map_add(struct perf_map *map, const char *text, size_t bytes)
{
	const char *end = text + bytes, *line = text, *newline;
	size_t sorted = map->count;

	while (line < end && (newline = memchr(line, '\n', end - line))) {
		const char *at = line;
		uint64_t start, covered;

		line = newline + 1;
		if (!take_hex(&at, newline, &start) || !take_hex(&at, newline, &covered) ||
			at == newline || !covered || memchr(at, '\0', newline - at))
			continue;
		if (!append(map, start, covered, at, newline - at)) {
			refuse(map);
			line = end;
		}
	}
	sort_in(map, sorted);
	return line - text;
}

const char *perf_map_look(const struct perf_map *map, uint64_t address, uint64_t *distance)
{
	const struct entry *found = NULL;
	size_t low = 0, high = map->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (map->entries[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	/* Memory is used again: what was added last holds. */
	for (size_t tried = 0; low && tried < NESTED_MAX; tried++) {
		const struct entry *entry = &map->entries[--low];

		if (address - entry->start < entry->bytes && (!found || entry->name > found->name))
			found = entry;
	}
	if (!found)
		return NULL;
	*distance = address - found->start;
	return map->text + found->name;
}

/* ---- the file ---- */

/* Who the process is to itself and to us. */
struct identity {
	int pid;	/* in its own PID namespace */
	uid_t uid;	/* effective */
	time_t start_s; /* CLOCK_REALTIME */
};

static bool read_start(int view, time_t *out)
{
	char text[PROC_STAT_BYTES];
	struct timespec real, boot;
	uint64_t ticks;

	if (!proc_text_read(view, "stat", text, sizeof(text)) ||
		!proc_text_start_ticks(text, &ticks))
		return false;
	clock_gettime(CLOCK_REALTIME, &real);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	*out = real.tv_sec - boot.tv_sec + (time_t)(ticks / sysconf(_SC_CLK_TCK));
	return true;
}

static bool read_identity(int view, struct identity *out)
{
	char text[STATUS_BYTES];
	const char *uids, *pids, *last;
	unsigned int uid;

	if (!read_start(view, &out->start_s) || !proc_text_read(view, "status", text, sizeof(text)))
		return false;
	/* A comm cannot hold a newline here: the kernel escapes it. */
	uids = strstr(text, "\nUid:\t");
	pids = strstr(text, "\nNStgid:\t");
	if (!uids || sscanf(uids, " Uid: %*u %u", &uid) != 1 || !pids)
		return false;
	last = strpbrk(pids + 1, "\n");
	if (!last)
		return false;
	while (last[-1] != '\t')
		last--;
	out->uid = uid;
	return sscanf(last, "%d", &out->pid) == 1 && out->pid > 0;
}

/* The file that may be believed, or a negative errno. */
static int open_checked(struct perf_map *map, const struct process_dir *dir, struct stat *status)
{
	int view = dir->task >= 0 ? dir->task : dir->leader, root, fd;
	char path[PATH_BYTES];
	struct identity identity;

	if (!read_identity(view, &identity))
		return -ESRCH;
	root = openat(view, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return -errno;
	snprintf(path, sizeof(path), "/tmp/perf-%d.map", identity.pid);
	fd = regular_file_open_no_link(root, path, status);
	close(root);
	if (fd == -ENOENT)
		return fd;
	if (fd < 0 || (status->st_uid != identity.uid && status->st_uid != 0) ||
		status->st_nlink > 1) {
		refuse(map);
		if (fd >= 0)
			close(fd);
		return -EPERM;
	}
	if (status->st_mtim.tv_sec < identity.start_s - CLOCKS_APART_S) {
		close(fd);
		return -ESTALE;
	}
	return fd;
}

/* Reads what is behind read_bytes. */
static void read_more(struct perf_map *map, int fd, uint64_t size)
{
	size_t bytes = size - map->read_bytes, got = 0;
	char *text = malloc(bytes);

	while (text && got < bytes) {
		ssize_t n = pread(fd, text + got, bytes - got, (off_t)(map->read_bytes + got));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		got += n;
	}
	if (text)
		map->read_bytes += perf_map_add(map, text, got);
	free(text);
}

static void refresh(struct perf_map *map, const struct process_dir *dir)
{
	struct stat status;
	int fd = open_checked(map, dir, &status);
	uint64_t size;

	if (fd < 0)
		return;
	size = (uint64_t)status.st_size;
	if (size > FILE_BYTES_MAX) {
		size = FILE_BYTES_MAX;
		refuse(map);
	}
	if (status.st_dev != map->device || status.st_ino != map->inode || size < map->read_bytes) {
		clear(map);
		map->device = status.st_dev;
		map->inode = status.st_ino;
	}
	if (size != map->seen_bytes)
		read_more(map, fd, size);
	map->seen_bytes = size;
	close(fd);
}

const char *perf_map_find(
	struct perf_map *map, const struct process_dir *dir, uint64_t address, uint64_t *distance)
{
	const char *name = perf_map_look(map, address, distance);

	if (name)
		return name;
	refresh(map, dir);
	return perf_map_look(map, address, distance);
}
