/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check.c OBJECT - compares the kernel types that the BPF object reads with those of the
 * running kernel: each field must be there, of the same size and sort. Relocation moves
 * offsets silently, but it does not tell when a field became another thing.
 */
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct comparison {
	const struct btf *ours, *kernels;
	int passed, failed;
};

static const struct btf_type *resolved(const struct btf *btf, __u32 id)
{
	const struct btf_type *type = btf__type_by_id(btf, id);

	while (type && (btf_is_mod(type) || btf_is_typedef(type)))
		type = btf__type_by_id(btf, type->type);
	return type;
}

/* The member of this name, looked for in unnamed members too. Its type id, or 0. */
static __u32 member_type(const struct btf *btf, const struct btf_type *type, const char *name)
{
	const struct btf_member *member = btf_members(type);

	for (int i = 0; i < btf_vlen(type); i++, member++) {
		const char *its_name = btf__name_by_offset(btf, member->name_off);
		const struct btf_type *inner = resolved(btf, member->type);
		__u32 found = 0;

		if (!strcmp(its_name, name))
			return member->type;
		if (!*its_name && inner && btf_is_composite(inner))
			found = member_type(btf, inner, name);
		if (found)
			return found;
	}
	return 0;
}

/* Enums, integers and pointers of one size are alike; structs are compared on their own. */
static bool alike(const struct comparison *all, __u32 our_id, __u32 kernel_id)
{
	const struct btf_type *ours = resolved(all->ours, our_id);
	const struct btf_type *theirs = resolved(all->kernels, kernel_id);

	if (!ours || !theirs)
		return false;
	if (btf_is_array(ours) && btf_is_array(theirs))
		return alike(all, btf_array(ours)->type, btf_array(theirs)->type);
	if (btf_is_composite(ours) || btf_is_composite(theirs))
		return btf_is_composite(ours) && btf_is_composite(theirs);
	if (btf_is_ptr(ours) != btf_is_ptr(theirs))
		return false;
	return btf__resolve_size(all->ours, our_id) == btf__resolve_size(all->kernels, kernel_id);
}

static void compare_struct(struct comparison *all, const struct btf_type *ours, const char *name)
{
	__s32 id = btf__find_by_name_kind(all->kernels, name, BTF_KIND_STRUCT);
	const struct btf_member *member = btf_members(ours);

	if (id < 0)
		return;
	for (int i = 0; i < btf_vlen(ours); i++, member++) {
		const char *field = btf__name_by_offset(all->ours, member->name_off);
		__u32 theirs = member_type(all->kernels, btf__type_by_id(all->kernels, id), field);

		if (theirs && alike(all, member->type, theirs)) {
			all->passed++;
			continue;
		}
		all->failed++;
		printf("FAIL vmlinux %s.%s: %s in the running kernel\n", name, field,
			theirs ? "another type" : "not there");
	}
}

int main(int argc, char **argv)
{
	struct comparison all = {0};

	if (argc != 2) {
		fputs("usage: vmlinux-check OBJECT\n", stderr);
		return 64;
	}
	all.ours = btf__parse(argv[1], NULL);
	all.kernels = btf__load_vmlinux_btf();
	if (!all.ours || !all.kernels) {
		fputs("vmlinux-check: cannot read the object's or the kernel's BTF\n", stderr);
		return 69;
	}
	for (__u32 id = 1; id < btf__type_cnt(all.ours); id++) {
		const struct btf_type *type = btf__type_by_id(all.ours, id);

		if (btf_is_struct(type) && type->name_off && btf_vlen(type))
			compare_struct(&all, type, btf__name_by_offset(all.ours, type->name_off));
	}
	printf("%d passed, %d failed, 0 skipped\n", all.passed, all.failed);
	return all.failed || !all.passed;
}
