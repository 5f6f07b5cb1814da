/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cgroup.h - what the text of /proc/PID/cgroup says. Pure, and the text is hostile: whoever may
 * make a cgroup gives it any name without '/' and newline.
 */
#ifndef TW_TARGET_CGROUP_H
#define TW_TARGET_CGROUP_H

#include <stdbool.h>
#include <stddef.h>

#define CGROUP_CONTAINER_BYTES 256 /* NAME_MAX and its NUL */

/* The path in the unified hierarchy, without the mark of one that was removed. The text is
 * written to; the path lies in it. NULL: there is none. */
char *cgroup_unified_path(char *text);
/*
 * The innermost container that a path names: 64 hexadecimal digits where Docker, containerd,
 * CRI-O, Podman or Kubernetes put them, the name where LXC or systemd-machined do. false: the
 * path does not tell; `out` is untouched.
 */
bool cgroup_container(const char *path, char out[CGROUP_CONTAINER_BYTES]);

#endif
