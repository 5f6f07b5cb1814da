/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * discover.c - attaching to the files that watched processes map.
 *
 * A uprobe binds to an inode, so each file is attached once, whoever maps it. A file is known
 * by device and inode of what stat says; on overlayfs two views of one inode would be
 * attached twice, which the device number of the view tells apart and the kernel does not.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "kernel/internal.h"
#include "target/target.h"

static struct attached_file *known_file(struct kernel *kernel, const struct stat *st)
{
	for (struct attached_file *file = kernel->files; file; file = file->next)
		if (file->device == st->st_dev && file->inode == st->st_ino)
			return file;
	return NULL;
}

/* Gives each site an index in usdt_sites; the index is the cookie of its probe. */
static int publish_sites(struct kernel *kernel, const struct usdt_site *sites, size_t count,
	unsigned long *offsets, uint64_t *cookies)
{
	int fd = bpf_map__fd(kernel->skel->maps.usdt_sites);

	if (count > bpf_map__max_entries(kernel->skel->maps.usdt_sites) - kernel->site_count)
		return -ENOSPC;
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

static int attach_usdt(struct kernel *kernel, struct module *module, const char *path,
	struct module_attachment *out)
{
	struct usdt_site *sites = NULL;
	size_t count = 0;
	int err;

	if (!kernel->lifecycle)
		return 0;
	err = usdt_find_sites(module, &sites, &count, &out->usdt_rejected);
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

/* include/linux/kdev_t.h: the kernel's dev_t, not that of stat. */
#define KERNEL_MINOR_BITS 20

static int tell_trampolines(struct kernel *kernel, struct module *module, const struct stat *st)
{
	struct trampoline_site sites[TRAMPOLINES_MAX];
	size_t count = trampolines_of(module, sites, TRAMPOLINES_MAX);
	struct wire_place place = {
		.inode = st->st_ino,
		.device = major(st->st_dev) << KERNEL_MINOR_BITS | minor(st->st_dev),
	};
	int err = 0;

	for (size_t i = 0; !err && i < count; i++) {
		place.offset = sites[i].file_offset == TRAMPOLINE_ANYWHERE ? WIRE_PLACE_ANYWHERE
									   : sites[i].file_offset;
		err = kernel_set_trampoline(kernel, &place, sites[i].kind);
	}
	return err;
}

static int remember(struct kernel *kernel, const struct stat *st,
	const struct module_attachment *result, int err)
{
	struct attached_file *file = malloc(sizeof(*file));

	if (!file)
		return -ENOMEM;
	*file = (struct attached_file){.device = st->st_dev,
		.inode = st->st_ino,
		.result = *result,
		.err = err,
		.next = kernel->files};
	file->result.first = false;
	kernel->files = file;
	return err;
}

int kernel_attach_module(struct kernel *kernel, struct module *module, const char *path,
	struct module_attachment *out)
{
	struct attached_file *file;
	struct stat st;
	int err;

	*out = (struct module_attachment){0};
	if (stat(path, &st))
		return -errno;
	file = known_file(kernel, &st);
	if (file) {
		*out = file->result;
		return file->err;
	}
	out->first = true;
	err = tell_trampolines(kernel, module, &st);
	if (!err)
		err = attach_libc(kernel, module, path, out);
	if (!err)
		err = attach_usdt(kernel, module, path, out);
	if (err == -ENOENT || err == -ESRCH)
		return err;
	return remember(kernel, &st, out, err);
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
