/* SPDX-License-Identifier: GPL-2.0-only */
/* test_target_cgroup.c - what paths of cgroups tell, honest and hostile ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "target/cgroup.h"

#define ID    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
#define LONG  ID ID ID ID /* 256: longer than a name in a file system can be */

struct row {
	const char *path;
	const char *container; /* NULL: it does not tell */
};

static const struct row rows[] = {
	{"/", NULL},
	{"", NULL},
	{"/user.slice/user-1000.slice/session-2.scope", NULL},
	{"/system.slice/docker-" ID ".scope", ID},
	{"/system.slice/docker.service", NULL},
	{"/docker/" ID, ID},
	{"/docker/" ID "/init.scope", ID},
	{"/docker/" ID "/docker/" OTHER, OTHER},
	{"/kubepods/burstable/pod1f0e/" ID, ID},
	{"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod1.slice/"
	 "cri-containerd-" ID ".scope",
		ID},
	{"/kubepods.slice/kubepods-pod1.slice/crio-" ID ".scope", ID},
	{"/kubepods.slice/kubepods-pod1.slice/crio-conmon-" ID ".scope", NULL},
	{"/machine.slice/libpod-" ID ".scope", ID},
	{"/machine.slice/libpod-" ID ".scope/container", ID},
	{"/machine.slice/libpod-" ID ".scope/libpod-payload-" ID, ID},
	{"/machine.slice/libpod-conmon-" ID ".scope", NULL},
	{"/libpod_parent/libpod-" ID, ID},
	{"/lxc.payload.web", "web"},
	{"/lxc.payload.web/system.slice/cron.service", "web"},
	{"/lxc/web", "web"},
	{"/lxc.monitor.web", NULL},
	{"/machine.slice/machine-web.scope", "web"},
	{"/machine.slice/machine-web.scope/payload", "web"},
	{"/system.slice/machine-web.scope", NULL},
	/* From within a cgroup namespace. */
	{"/../../docker/" ID, ID},
	/* Digits that nobody vouches for. */
	{"/" ID, NULL},
	{"/user.slice/" ID, NULL},
	{"/notdocker/" ID, NULL},
	/* Almost. */
	{"/docker/" ID "0", NULL},
	{"/docker/0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef", NULL},
	{"/docker/g123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", NULL},
	{"/docker/", NULL},
	{"/docker//" ID, ID},
	{"/docker-.scope", NULL},
	{"/docker-" ID ".scope.scope", NULL},
	{"/lxc.payload.", NULL},
	{"/machine.slice/machine-", NULL},
	{"/machine.slice/machine-.scope", NULL},
	{"/machine.slice/machine-web", NULL},
	{"/lxc.payload." LONG, NULL},
	{"/lxc/" LONG, NULL},
	{"/lxc.payload.\x1b[2J\"", "\x1b[2J\""},
};

/* Copies of the exact size, so that the sanitizer sees a read behind the end. */
static void containers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char out[CGROUP_CONTAINER_BYTES] = "untouched";
		char *path = strdup(rows[i].path);
		bool told = cgroup_container(path, out);

		free(path);
		if (told != (rows[i].container != NULL))
			fail_msg("%s: %s", rows[i].path, told ? out : "nothing");
		assert_string_equal(out, told ? rows[i].container : "untouched");
	}
}

static void require_path(const char *text, const char *expected)
{
	char *copy = strdup(text), *path = cgroup_unified_path(copy);

	if (expected) {
		assert_non_null(path);
		assert_string_equal(path, expected);
	} else {
		assert_null(path);
	}
	free(copy);
}

static void unified_paths(void **state)
{
	(void)state;
	require_path("0::/\n", "/");
	require_path("0::/a b/c\n", "/a b/c");
	require_path("9:name=systemd:/x\n1:cpu:/y\n0::/z\n", "/z");
	require_path("0::/gone (deleted)\n", "/gone");
	require_path("0::/ (deleted)\n", "/");
	require_path("0::/no-newline", "/no-newline");
	require_path("9:name=systemd:/x\n", NULL);
	require_path("10::/x\n", NULL);
	require_path("0::relative\n", NULL);
	require_path("0::\n", NULL);
	require_path("", NULL);
	require_path("1:x:/0::/y\n", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(containers),
		cmocka_unit_test(unified_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
