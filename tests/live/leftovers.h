/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * leftovers.h - what of BPF is in the kernel, to tell what a test left behind.
 *
 * Other programs may load and free their own at the same time: objects that a process outside
 * of the test holds by a file descriptor are never counted as left behind. The kernel frees
 * programs and maps some time after their last user is gone, so the question has a deadline.
 */
#ifndef TW_LIVE_LEFTOVERS_H
#define TW_LIVE_LEFTOVERS_H

#include <stddef.h>
#include <stdint.h>

struct bpf_ids {
	uint32_t *ids;
	size_t count;
};

enum { BPF_PROGRAMS, BPF_MAPS, BPF_LINKS, BPF_KINDS };

/* Everything that the kernel has now. */
struct bpf_state {
	struct bpf_ids kinds[BPF_KINDS];
};

struct bpf_state bpf_state_take(void);
void bpf_state_free(struct bpf_state *state);
/* NULL when within limit_ms nothing new is left over that no process holds, else a sentence
 * (free it) that names what is. */
char *bpf_state_leftover(const struct bpf_state *before, unsigned limit_ms);

#endif
