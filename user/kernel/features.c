/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * features.c - what the running kernel can do, found out by trying, never by its version.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <sys/syscall.h>

#include "kernel/internal.h"

struct needed_helper {
	enum bpf_func_id id;
	const char *phrase;
};

static const struct needed_helper needed_helpers[] = {
	{BPF_FUNC_ringbuf_reserve, "the BPF ring buffer"},
	{BPF_FUNC_get_attach_cookie, "attach cookies for probes"},
	{BPF_FUNC_loop, "bpf_loop"},
};

const char *kernel_lacks(void)
{
	if (access("/sys/kernel/btf/vmlinux", R_OK))
		return "BTF (CONFIG_DEBUG_INFO_BTF, /sys/kernel/btf/vmlinux)";
	/* Negative: it could not be tried, for want of privilege; loading will say so. */
	if (!libbpf_probe_bpf_map_type(BPF_MAP_TYPE_TASK_STORAGE, NULL))
		return "BPF task storage";
	for (size_t i = 0; i < sizeof(needed_helpers) / sizeof(*needed_helpers); i++)
		if (!libbpf_probe_bpf_helper(BPF_PROG_TYPE_KPROBE, needed_helpers[i].id, NULL))
			return needed_helpers[i].phrase;
	return NULL;
}
