/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * discover.c - attaching to the files that watched processes map.
 *
 * A uprobe binds to an inode, so each file is attached once, whoever maps it. A file is found
 * again by device and inode of what stat says, and is taken for changed when its time or size
 * has: then its probes, which sit at places of the old content, are removed and set anew. Two
 * overlay mounts of one file have two such identities but one inode that carries the probes,
 * and each hit would count twice: a view that is new to us is therefore mapped for a moment,
 * and the kernel asked for the inode behind it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/device.h"
#include "kernel/internal.h"
#include "target/target.h"

static struct attached_file *known_view(struct kernel *kernel, const struct stat *st)
{
	for (struct attached_file *file = kernel->files; file; file = file->next)
		if (file->device == st->st_dev && file->inode == st->st_ino)
			return file;
	return NULL;
}

static bool is_current(const struct attached_file *file, const struct stat *st)
{
	return file->size == st->st_size && file->mtime.tv_sec == st->st_mtim.tv_sec &&
	       file->mtime.tv_nsec == st->st_mtim.tv_nsec;
}

/* Another view of the same inode, in the same state. */
static const struct attached_file *same_file(
	struct kernel *kernel, const struct module_attachment *wanted, const struct stat *st)
{
	for (struct attached_file *file = kernel->files; file; file = file->next)
		if (file->result.device == wanted->device && file->result.inode == wanted->inode &&
			is_current(file, st))
			return file;
	return NULL;
}

/* Which file the kernel takes it for. What stat says is what is left when it cannot be asked. */
static void identify(struct kernel *kernel, const char *path, const struct stat *st,
	struct module_attachment *out)
{
	SCOPED_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	size_t bytes = sysconf(_SC_PAGESIZE);
	struct wire_place file;
	void *mapped;

	out->device = st->st_dev;
	out->inode = st->st_ino;
	if (fd < 0)
		return;
	mapped = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, fd, 0);
	if (mapped == MAP_FAILED)
		return;
	if (!walk_identify(kernel, mapped, &file)) {
		out->device = device_from_kernel(file.device);
		out->inode = file.inode;
	}
	munmap(mapped, bytes);
}

/* Gives each site an index in usdt_sites; the index is the cookie of its probe. */
static int publish_sites(struct kernel *kernel, const struct usdt_site *sites, size_t count,
	unsigned long *offsets, uint64_t *cookies)
{
	int fd = bpf_map__fd(kernel->skel->maps.usdt_sites);

	for (size_t i = 0; i < count; i++) {
		uint32_t index = kernel->site_count + i;

		if (bpf_map_update_elem(fd, &index, &sites[i].site, BPF_ANY))
			return -errno;
		offsets[i] = sites[i].file_offset;
		cookies[i] = index;
	}
	kernel->site_count += count;
	return 0;
}

static int attach_sites(
	struct kernel *kernel, const char *path, const struct usdt_site *sites, size_t count)
{
	unsigned long *offsets = calloc(count, sizeof(*offsets));
	uint64_t *cookies = calloc(count, sizeof(*cookies));
	int err = offsets && cookies ? 0 : -ENOMEM;

	if (!err)
		err = publish_sites(kernel, sites, count, offsets, cookies);
	if (!err)
		err = uprobe_attach(
			kernel, kernel->skel->progs.on_usdt, path, offsets, cookies, count);
	free(offsets);
	free(cookies);
	return err;
}

/*
 * The kernel sets probes one after the other, with milliseconds in between on a busy machine. A
 * begin that is seen while its end is not yet probed leaves a span open for good, so the begins
 * come last: an end without a begin is only counted.
 */
static int begins_last(const void *a, const void *b)
{
	const struct usdt_site *x = a, *y = b;
	bool x_begins = x->site.probe == WIRE_PROBE_BEGIN;
	bool y_begins = y->site.probe == WIRE_PROBE_BEGIN;

	if (x_begins != y_begins)
		return x_begins ? 1 : -1;
	return x->file_offset < y->file_offset ? -1 : x->file_offset > y->file_offset;
}

static int attach_usdt(struct kernel *kernel, struct module *module, const char *path,
	struct module_attachment *out)
{
	size_t room = bpf_map__max_entries(kernel->skel->maps.usdt_sites) - kernel->site_count;
	struct usdt_site *sites = NULL;
	size_t count = 0;
	int err;

	if (!kernel->lifecycle)
		return 0;
	err = usdt_find_sites(module, &sites, &count, &out->usdt_rejected, &out->usdt_over_limit);
	if (!err && count)
		qsort(sites, count, sizeof(*sites), begins_last);
	if (count > room) {
		out->usdt_over_limit += count - room;
		count = room;
	}
	if (!err && count)
		err = attach_sites(kernel, path, sites, count);
	if (!err)
		out->usdt_sites = count;
	free(sites);
	return err;
}

static int attach_libc(struct kernel *kernel, struct module *module, const char *path,
	struct module_attachment *out)
{
	struct libc_layout layout;
	unsigned long offset;
	int err;

	if (libc_layout_of(module, &layout))
		return 0;
	out->layout = (struct wire_layout){layout.start_routine_offset, layout.tid_offset};
	if (!kernel->uprobes || !layout.pthread_create_offset)
		return 0;
	offset = layout.pthread_create_offset;
	err = uprobe_attach(kernel, kernel->skel->progs.on_pthread_create, path, &offset, NULL, 1);
	out->pthread_create = !err;
	return err;
}

static struct wire_place place_in(const struct module_attachment *identity)
{
	return (struct wire_place){
		.inode = identity->inode,
		.device = device_to_kernel(identity->device),
	};
}

static int tell_trampolines(
	struct kernel *kernel, struct module *module, const struct module_attachment *identity)
{
	struct trampoline_site sites[TRAMPOLINES_MAX];
	size_t count = trampolines_of(module, sites, TRAMPOLINES_MAX);
	struct wire_place place = place_in(identity);
	int err = 0;

	for (size_t i = 0; !err && i < count; i++) {
		place.offset = sites[i].file_offset == TRAMPOLINE_ANYWHERE ? WIRE_PLACE_ANYWHERE
									   : sites[i].file_offset;
		err = kernel_set_trampoline(kernel, &place, sites[i].kind);
	}
	return err;
}

/* A full map is no failure of the file: its call sites are the library's then. */
static int tell_frames(struct kernel *kernel, struct module *module, struct module_attachment *out)
{
	int fd = bpf_map__fd(kernel->skel->maps.frame_rules);
	struct wire_place place = place_in(out);
	struct frame_site *sites = NULL;
	size_t count = 0;
	int err;

	if (!kernel->uprobes)
		return 0;
	err = frame_sites_find(module, &sites, &count, &out->call_sites_left);
	for (size_t i = 0; !err && i < count; i++) {
		place.offset = sites[i].file_offset;
		if (bpf_map_update_elem(fd, &place, &sites[i].rule, BPF_ANY))
			out->call_sites_left++;
	}
	if (count)
		__sync_fetch_and_add(&kernel->skel->bss->frame_rules_told, 1);
	free(sites);
	return err;
}

/* Rules are exact for what the file was. */
static void forget_frames(struct kernel *kernel, const struct module_attachment *identity)
{
	int fd = bpf_map__fd(kernel->skel->maps.frame_rules);
	struct wire_place file = place_in(identity), place, next;
	int err = bpf_map_get_next_key(fd, NULL, &next);

	while (!err) {
		place = next;
		err = bpf_map_get_next_key(fd, &place, &next);
		if (place.inode == file.inode && place.device == file.device)
			bpf_map_delete_elem(fd, &place);
	}
}

static int remember(struct kernel *kernel, const struct stat *st,
	const struct module_attachment *result, const struct attached_links *links, int err)
{
	struct attached_file *file = known_view(kernel, st);

	if (!file) {
		file = calloc(1, sizeof(*file));
		if (!file)
			return -ENOMEM;
		file->device = st->st_dev;
		file->inode = st->st_ino;
		file->next = kernel->files;
		kernel->files = file;
	}
	file->mtime = st->st_mtim;
	file->size = st->st_size;
	file->result = *result;
	file->result.first = false;
	file->links = *links;
	file->err = err;
	return err;
}

/* Whatever view it was attached through: the probes are at places of what it was before. */
static void detach_changed(struct kernel *kernel, const struct module_attachment *identity)
{
	for (struct attached_file *file = kernel->files; file; file = file->next) {
		if (file->result.device != identity->device ||
			file->result.inode != identity->inode)
			continue;
		forget_frames(kernel, identity);
		uprobe_detach(kernel, &file->links);
		file->links = (struct attached_links){0};
	}
}

static int attach_new(struct kernel *kernel, struct module *module, const char *path,
	const struct stat *st, struct module_attachment *out)
{
	const struct attached_file *same;
	struct attached_links links = {0};
	int err;

	identify(kernel, path, st, out);
	same = same_file(kernel, out, st);
	if (same) {
		*out = same->result;
		return remember(kernel, st, out, &links, same->err);
	}
	detach_changed(kernel, out);
	links = uprobe_links_begin(kernel);
	out->first = true;
	err = tell_trampolines(kernel, module, out);
	if (!err)
		err = tell_frames(kernel, module, out);
	if (!err)
		err = attach_libc(kernel, module, path, out);
	if (!err)
		err = attach_usdt(kernel, module, path, out);
	uprobe_links_end(kernel, &links);
	if (err == -ENOENT || err == -ESRCH)
		return err;
	return remember(kernel, st, out, &links, err);
}

int kernel_attach_module(struct kernel *kernel, struct module *module, const char *path,
	struct module_attachment *out)
{
	const struct attached_file *file;
	struct stat st;

	*out = (struct module_attachment){0};
	if (stat(path, &st))
		return -errno;
	file = known_view(kernel, &st);
	if (!file || !is_current(file, &st))
		return attach_new(kernel, module, path, &st, out);
	*out = file->result;
	return file->err;
}

int kernel_set_trampoline(struct kernel *kernel, const struct wire_place *place, uint32_t kind)
{
	int fd = bpf_map__fd(kernel->skel->maps.trampolines);

	return bpf_map_update_elem(fd, place, &kind, BPF_ANY) ? -errno : 0;
}

int kernel_set_start(
	struct kernel *kernel, const struct wire_process *image, uint64_t start_fn, uint32_t kind)
{
	struct wire_start key = {.process = *image, .start_fn = start_fn};
	int fd = bpf_map__fd(kernel->skel->maps.starts);

	return bpf_map_update_elem(fd, &key, &kind, BPF_ANY) ? -errno : 0;
}

int kernel_set_layout(struct kernel *kernel, uint32_t tgid, const struct wire_layout *layout)
{
	return bpf_map_update_elem(bpf_map__fd(kernel->skel->maps.layouts), &tgid, layout, BPF_ANY)
		       ? -errno
		       : 0;
}
