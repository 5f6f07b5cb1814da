/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cgroup.c - the line of the unified hierarchy, and the container that a path tells of.
 *
 * A component counts only whole: 64 lower-case hexadecimal digits, alone below a folder that a
 * container engine makes, or between a prefix of such an engine and ".scope". Refuses to take
 * any other 64 digits for a container.
 */
#include "target/cgroup.h"

#include <ctype.h>
#include <string.h>

#define UNIFIED_LINE   "0::"
#define REMOVED_SUFFIX " (deleted)" /* of a cgroup that is gone while the process lives on */
#define ID_DIGITS      64

char *cgroup_unified_path(char *text)
{
	char *line, *path = NULL;
	size_t length;

	while (!path && (line = strsep(&text, "\n")))
		if (!strncmp(line, UNIFIED_LINE, strlen(UNIFIED_LINE)) &&
			line[strlen(UNIFIED_LINE)] == '/')
			path = line + strlen(UNIFIED_LINE);
	if (!path)
		return NULL;
	length = strlen(path);
	if (length > strlen(REMOVED_SUFFIX) &&
		!strcmp(path + length - strlen(REMOVED_SUFFIX), REMOVED_SUFFIX))
		path[length - strlen(REMOVED_SUFFIX)] = '\0';
	return path;
}

struct component {
	const char *text;
	size_t length;
};

static bool starts_with(const struct component *component, const char *prefix)
{
	size_t length = strlen(prefix);

	return component->length > length && !memcmp(component->text, prefix, length);
}

static bool is(const struct component *component, const char *text)
{
	return component->length == strlen(text) &&
	       !memcmp(component->text, text, component->length);
}

static bool is_id(const struct component *component)
{
	if (component->length != ID_DIGITS)
		return false;
	for (size_t i = 0; i < ID_DIGITS; i++)
		if (!isdigit((unsigned char)component->text[i]) &&
			(component->text[i] < 'a' || component->text[i] > 'f'))
			return false;
	return true;
}

static void drop_front(struct component *component, size_t bytes)
{
	component->text += bytes;
	component->length -= bytes;
}

static void drop_scope(struct component *component)
{
	static const char suffix[] = ".scope";
	size_t length = sizeof(suffix) - 1;

	if (component->length > length &&
		!memcmp(component->text + component->length - length, suffix, length))
		component->length -= length;
}

/* "docker-<id>.scope" under systemd, "libpod-<id>" without. Reduces it to the id. */
static bool engine_scope(struct component *component)
{
	static const char *const prefixes[] = {
		"docker-", "crio-", "cri-containerd-", "libpod-payload-", "libpod-", "nerdctl-"};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		struct component id = *component;

		if (!starts_with(component, prefixes[i]))
			continue;
		drop_front(&id, strlen(prefixes[i]));
		drop_scope(&id);
		if (!is_id(&id))
			continue;
		*component = id;
		return true;
	}
	return false;
}

/* "lxc.payload.NAME"; below "machine.slice" "machine-NAME.scope". Reduces it to the name. */
static bool named(struct component *component, bool in_machines)
{
	static const char payload[] = "lxc.payload.", machine[] = "machine-";
	struct component name = *component;

	if (starts_with(component, payload)) {
		drop_front(component, sizeof(payload) - 1);
		return true;
	}
	if (!in_machines || !starts_with(component, machine))
		return false;
	drop_front(&name, sizeof(machine) - 1);
	drop_scope(&name);
	if (name.length + sizeof(machine) - 1 == component->length)
		return false;
	*component = name;
	return true;
}

bool cgroup_container(const char *path, char out[CGROUP_CONTAINER_BYTES])
{
	bool in_docker = false, in_pods = false, in_lxc = false, in_machines = false;
	struct component found = {0};

	while (*path) {
		struct component component = {.length = strcspn(path, "/"), .text = path};
		struct component whole = component;

		path += component.length;
		path += *path == '/';
		if (!component.length || component.length >= CGROUP_CONTAINER_BYTES)
			continue;
		if (engine_scope(&component) || named(&component, in_machines) || in_lxc ||
			((in_docker || in_pods) && is_id(&component)))
			found = component;
		in_docker = is(&whole, "docker");
		in_lxc = is(&whole, "lxc") || is(&whole, "lxc.payload");
		in_machines = is(&whole, "machine.slice");
		in_pods = in_pods || is(&whole, "kubepods") || is(&whole, "kubepods.slice");
	}
	if (!found.length)
		return false;
	memcpy(out, found.text, found.length);
	out[found.length] = '\0';
	return true;
}
