/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lifecycle.c - which of the lifecycle programs run on this kernel, and what they missed.
 */
#include <bpf/btf.h>
#include <errno.h>

#include "kernel/internal.h"

/* A tracepoint with its program, and the one that makes its misses good (NULL for none). */
struct hook {
	struct bpf_program *first, *second;
	struct bpf_link **first_link, **second_link;
};

enum { HOOK_FREE, HOOK_EXIT, HOOK_EXEC, HOOK_RENAME, HOOK_NEWTASK, HOOKS };

/* Ends first: a thread whose birth is seen must have its end seen too. */
static void hooks_of(const struct kernel *kernel, struct hook out[HOOKS])
{
	struct threadwatch_bpf *skel = kernel->skel;

	out[HOOK_FREE] = (struct hook){skel->progs.on_free, NULL, &skel->links.on_free, NULL};
	out[HOOK_EXIT] = (struct hook){skel->progs.on_exit, skel->progs.on_exit_second,
		&skel->links.on_exit, &skel->links.on_exit_second};
	out[HOOK_EXEC] = (struct hook){skel->progs.on_exec, skel->progs.on_exec_second,
		&skel->links.on_exec, &skel->links.on_exec_second};
	out[HOOK_RENAME] = (struct hook){skel->progs.on_rename, skel->progs.on_rename_second,
		&skel->links.on_rename, &skel->links.on_rename_second};
	out[HOOK_NEWTASK] = (struct hook){skel->progs.on_newtask, skel->progs.on_newtask_second,
		&skel->links.on_newtask, &skel->links.on_newtask_second};
}

bool tracepoints_preemptible(void)
{
	/* The guard type of <linux/srcu.h> that came with tracepoints under SRCU-fast. */
	struct btf *btf = btf__load_vmlinux_btf();
	bool preemptible =
		btf &&
		btf__find_by_name_kind(btf, "class_srcu_fast_notrace_t", BTF_KIND_TYPEDEF) > 0 &&
		btf__find_by_name_kind(btf, "bpf_preempt_disable", BTF_KIND_FUNC) > 0;

	btf__free(btf);
	return preemptible;
}

void lifecycle_choose(struct kernel *kernel, bool wanted)
{
	bool twice = wanted && kernel->preemptible;
	struct hook hooks[HOOKS];

	hooks_of(kernel, hooks);
	for (size_t i = 0; i < HOOKS; i++) {
		bpf_program__set_autoload(hooks[i].first, wanted);
		if (hooks[i].second)
			bpf_program__set_autoload(hooks[i].second, twice);
	}
}

static int attach_one(struct bpf_program *program, struct bpf_link **link)
{
	if (!program || !bpf_program__autoload(program))
		return 0;
	*link = bpf_program__attach(program);
	return *link ? 0 : -errno;
}

int lifecycle_attach(struct kernel *kernel)
{
	struct hook hooks[HOOKS];
	int err = 0;

	hooks_of(kernel, hooks);
	for (size_t i = 0; !err && i < HOOKS; i++) {
		err = attach_one(hooks[i].first, hooks[i].first_link);
		if (!err)
			err = attach_one(hooks[i].second, hooks[i].second_link);
	}
	return err;
}

static uint64_t missed_by(const struct bpf_program *program)
{
	struct bpf_prog_info info = {0};
	uint32_t bytes = sizeof(info);

	if (!bpf_program__autoload(program) ||
		bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &bytes))
		return 0;
	return info.recursion_misses;
}

uint64_t lifecycle_missed_renames(const struct kernel *kernel)
{
	struct hook hooks[HOOKS];
	uint64_t first, second;

	hooks_of(kernel, hooks);
	first = missed_by(hooks[HOOK_RENAME].first);
	if (!bpf_program__autoload(hooks[HOOK_RENAME].second))
		return first;
	second = missed_by(hooks[HOOK_RENAME].second);
	return first < second ? first : second;
}
