/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * debug_file.c - finds the separate debug file of a stripped one; see debug_file.h.
 *
 * Input: the build id, and the name and checksum of .gnu_debuglink. By build id it is looked for
 * below /usr/lib/debug/.build-id and in debuginfod's cache, by .gnu_debuglink next to the file, in
 * .debug there, and below /usr/lib/debug. Refuses a file of another build id, one
 * whose checksum differs, and the network.
 */
#include "target/debug_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "target/regular_file.h"

#define PACKAGES	     "/usr/lib/debug"
#define BUILD_ID_BYTES_MIN   2 /* the first is the name of a folder */
#define DEBUG_FILE_BYTES_MAX (16ll << 30)
#define CHECKED_BYTES_MAX    (1ll << 30) /* above, a checksum takes too long */
#define CHECK_CHUNK_BYTES    (64u << 10)
#define LINK_BYTES_MAX	     4096
#define CHECKSUM_BYTES	     4
#define CHECKSUM_ALIGN	     4

static char *downloads_folder(void)
{
	static const struct {
		const char *variable, *below;
	} places[] = {
		{"DEBUGINFOD_CACHE_PATH", ""},
		{"XDG_CACHE_HOME", "/debuginfod_client"},
		{"HOME", "/.cache/debuginfod_client"},
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		const char *value = getenv(places[i].variable);
		char *folder;

		if (!value || value[0] != '/')
			continue;
		return asprintf(&folder, "%s%s", value, places[i].below) < 0 ? NULL : folder;
	}
	return NULL;
}

int debug_places_default(struct debug_places *out)
{
	char *packages = strdup(PACKAGES);

	if (!packages)
		return -ENOMEM;
	*out = (struct debug_places){.packages = packages, .downloads = downloads_folder()};
	return 0;
}

void debug_places_clear(struct debug_places *places)
{
	free(places->packages);
	free(places->downloads);
	*places = (struct debug_places){0};
}

/* Opens an ELF file. The descriptor, or a negative errno. */
static int open_elf(const char *path, struct elf_file *out)
{
	struct stat status;
	int fd = regular_file_open(AT_FDCWD, path, &status), err;

	if (fd < 0)
		return fd;
	err = status.st_size > DEBUG_FILE_BYTES_MAX
		      ? -EFBIG
		      : elf_file_open(
				(struct elf_source){.fd = fd, .size = (uint64_t)status.st_size},
				out);
	if (!err)
		return fd;
	close(fd);
	return err;
}

static int open_of_build(const char *path, const struct build_id *id, struct elf_file *out)
{
	struct build_id other;
	int fd = open_elf(path, out);

	if (fd < 0)
		return fd;
	build_id_of(out, &other);
	if (build_id_equal(id, &other))
		return fd;
	elf_file_close(out);
	close(fd);
	return -ENOENT;
}

int debug_file_of_build(
	const struct debug_places *places, const struct build_id *id, struct elf_file *out)
{
	char text[BUILD_ID_TEXT_BYTES], path[PATH_MAX];
	int fd = -ENOENT;

	if (id->count < BUILD_ID_BYTES_MIN)
		return -ENOENT;
	build_id_text(id, text);
	if (places->packages) {
		snprintf(path, sizeof(path), "%s/.build-id/%.2s/%s.debug", places->packages, text,
			text + 2);
		fd = open_of_build(path, id, out);
	}
	if (fd < 0 && places->downloads) {
		snprintf(path, sizeof(path), "%s/%s/debuginfo", places->downloads, text);
		fd = open_of_build(path, id, out);
	}
	return fd;
}

/* The name of the debug file and its CRC-32, by .gnu_debuglink. */
struct debug_link {
	char name[LINK_BYTES_MAX];
	uint32_t checksum;
};

static bool read_link(const struct elf_file *file, struct debug_link *out)
{
	const Elf64_Shdr *section = elf_file_section(file, NULL, SHT_PROGBITS, ".gnu_debuglink");
	size_t at;

	if (!section || section->sh_size > sizeof(out->name) ||
		elf_source_read(&file->source, section->sh_offset, out->name, section->sh_size))
		return false;
	at = strnlen(out->name, section->sh_size);
	if (!at || memchr(out->name, '/', at))
		return false;
	at = (at + 1 + CHECKSUM_ALIGN - 1) & ~(size_t)(CHECKSUM_ALIGN - 1);
	if (section->sh_size < CHECKSUM_BYTES || at > section->sh_size - CHECKSUM_BYTES)
		return false;
	memcpy(&out->checksum, out->name + at, sizeof(out->checksum));
	return true;
}

static bool has_checksum(const struct elf_file *file, uint32_t wanted)
{
	uint8_t *chunk = file->source.size <= CHECKED_BYTES_MAX ? malloc(CHECK_CHUNK_BYTES) : NULL;
	uint32_t checksum = 0;
	uint64_t done = 0;

	while (chunk && done < file->source.size) {
		uint64_t left = file->source.size - done;
		size_t take = left < CHECK_CHUNK_BYTES ? left : CHECK_CHUNK_BYTES;

		if (elf_source_read(&file->source, done, chunk, take))
			break;
		checksum = lzma_crc32(chunk, take, checksum);
		done += take;
	}
	free(chunk);
	return done == file->source.size && checksum == wanted;
}

static int open_linked(const char *path, const struct debug_subject *subject, uint32_t checksum,
	struct elf_file *out)
{
	struct build_id other;
	int fd = open_elf(path, out);

	if (fd < 0)
		return fd;
	build_id_of(out, &other);
	/* The cheap question first. A file without an id has only its checksum. */
	if ((!subject->id->count || !other.count || build_id_equal(subject->id, &other)) &&
		has_checksum(out, checksum))
		return fd;
	elf_file_close(out);
	close(fd);
	return -ENOENT;
}

int debug_file_of_link(const struct debug_places *places, const struct debug_subject *subject,
	struct elf_file *out)
{
	const char *slash = strrchr(subject->path, '/');
	struct {
		const char *before, *behind;
	} folders[] = {{"", ""}, {"", "/.debug"}, {places->packages, ""}};
	struct debug_link link;
	int fd = -ENOENT;

	if (subject->path[0] != '/' || !read_link(subject->file, &link))
		return -ENOENT;
	for (size_t i = 0; fd < 0 && i < sizeof(folders) / sizeof(folders[0]); i++) {
		char path[PATH_MAX];
		int length = folders[i].before
				     ? snprintf(path, sizeof(path), "%s%.*s%s/%s",
					       folders[i].before, (int)(slash - subject->path),
					       subject->path, folders[i].behind, link.name)
				     : -1;

		if (length > 0 && (size_t)length < sizeof(path))
			fd = open_linked(path, subject, link.checksum, out);
	}
	return fd;
}
