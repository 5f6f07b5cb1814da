/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * processes.c - cache of images and names; the rules for a thread's birth name.
 */
#include "cmd/processes.h"

#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#define IMAGES_MAX   1024
#define NAMES_MAX    16384 /* of one image */
#define NS_PER_S     1000000000ull
#define STARTTIME_NO 22 /* field of /proc/PID/stat */
#define SWEEP_NS     NS_PER_S
#define KEEP_DEAD_NS (5 * NS_PER_S)

/* An address as looked up: as a start function, or as a return address. */
struct name {
	uint64_t address;
	bool call_site;
	bool resolved;	      /* the text is a function that starts exactly there */
	bool executable;      /* the address could be a function at all */
	bool may_be_told;     /* by a compiler in the process, later: it is asked again */
	const char *full;     /* in `text`, or NULL */
	const char *build_id; /* likewise */
	char text[];
};

/* Several images may look at one address space. */
struct shared_target {
	struct target *target;
	size_t references;
};

struct image {
	struct wire_process id;
	bool opened;		      /* that was tried; it is not tried again */
	struct shared_target *own;    /* NULL: could not be opened */
	struct shared_target *origin; /* what it was forked from, NULL: not known */
	void *names;		      /* tsearch tree of struct name */
	size_t name_count;
	uint64_t used_ns; /* of the sweep that last found it used */
	bool used;	  /* since then */
	TAILQ_ENTRY(image) by_use;
};

struct processes {
	struct module_cache *modules;
	void *images; /* tsearch tree of struct image */
	size_t image_count;
	uint64_t unnamed;
	uint64_t swept_ns;
	TAILQ_HEAD(image_queue, image) by_use; /* the most recently used first */
};

static int compare_images(const void *a, const void *b)
{
	return memcmp(&((const struct image *)a)->id, &((const struct image *)b)->id,
		sizeof(struct wire_process));
}

static int compare_names(const void *a, const void *b)
{
	const struct name *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	return (int)x->call_site - (int)y->call_site;
}

static struct shared_target *share(struct target *target)
{
	struct shared_target *shared = target ? malloc(sizeof(*shared)) : NULL;

	if (shared)
		*shared = (struct shared_target){.target = target, .references = 1};
	else
		target_free(target);
	return shared;
}

static void shared_put(struct shared_target *shared)
{
	if (!shared || --shared->references)
		return;
	target_free(shared->target);
	free(shared);
}

static void image_free(struct image *image)
{
	tdestroy(image->names, free);
	shared_put(image->own);
	shared_put(image->origin);
	free(image);
}

struct processes *processes_new(struct module_cache *modules)
{
	struct processes *processes = calloc(1, sizeof(*processes));

	if (!processes)
		return NULL;
	processes->modules = modules;
	TAILQ_INIT(&processes->by_use);
	return processes;
}

static void forget(struct processes *processes, struct image *image)
{
	tdelete(image, &processes->images, compare_images);
	TAILQ_REMOVE(&processes->by_use, image, by_use);
	processes->image_count--;
	image_free(image);
}

void processes_free(struct processes *processes)
{
	if (!processes)
		return;
	while (!TAILQ_EMPTY(&processes->by_use))
		forget(processes, TAILQ_FIRST(&processes->by_use));
	free(processes);
}

uint64_t processes_unnamed(const struct processes *processes)
{
	return processes->unnamed;
}

/* Start time of a process in clock ticks since boot, 0 when it is not there. */
static uint64_t start_ticks(pid_t pid)
{
	char path[64], stat[1024], *field;
	unsigned long long ticks = 0;
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	got = read(fd, stat, sizeof(stat) - 1);
	close(fd);
	if (got <= 0)
		return 0;
	stat[got] = '\0';
	/* comm may hold spaces and parentheses: count fields from its last ')'. */
	field = strrchr(stat, ')');
	for (int number = 2; field && number < STARTTIME_NO; number++)
		field = strchr(field + 1, ' ');
	if (!field || sscanf(field, " %llu", &ticks) != 1)
		return 0;
	return ticks;
}

/* /proc shows this process and not another one that got its number. */
static bool still_there(const struct wire_process *image)
{
	return start_ticks(image->tgid) == image->start_ns / (NS_PER_S / sysconf(_SC_CLK_TCK));
}

/* Does a later image of the same process exist, as far as we know? */
static bool superseded(struct processes *processes, const struct wire_process *id)
{
	struct image *image;

	TAILQ_FOREACH(image, &processes->by_use, by_use)
	if (image->id.tgid == id->tgid && image->id.start_ns == id->start_ns &&
		image->id.image > id->image)
		return true;
	return false;
}

static struct image *image_find(const struct processes *processes, const struct wire_process *id)
{
	struct image wanted = {.id = *id};
	void *found = tfind(&wanted, &processes->images, compare_images);

	return found ? *(struct image **)found : NULL;
}

static struct image *image_new(struct processes *processes, const struct wire_process *id)
{
	struct image *image = calloc(1, sizeof(*image));

	if (!image)
		return NULL;
	image->id = *id;
	if (!tsearch(image, &processes->images, compare_images)) {
		image_free(image);
		return NULL;
	}
	TAILQ_INSERT_HEAD(&processes->by_use, image, by_use);
	if (++processes->image_count > IMAGES_MAX)
		forget(processes, TAILQ_LAST(&processes->by_use, image_queue));
	return image;
}

static void image_open(struct processes *processes, struct image *image)
{
	image->opened = true;
	if (superseded(processes, &image->id) || !still_there(&image->id))
		return;
	image->own = share(target_open(processes->modules, image->id.tgid));
	/* The number may have changed hands while the maps were read. */
	if (image->own && !still_there(&image->id)) {
		shared_put(image->own);
		image->own = NULL;
	}
}

static struct image *image_get(struct processes *processes, const struct wire_process *id)
{
	struct image *image = image_find(processes, id);

	if (image) {
		TAILQ_REMOVE(&processes->by_use, image, by_use);
		TAILQ_INSERT_HEAD(&processes->by_use, image, by_use);
	} else {
		image = image_new(processes, id);
	}
	if (!image)
		return NULL;
	image->used = true;
	if (!image->opened)
		image_open(processes, image);
	return image;
}

/* Its own address space, or that which it was a copy of; NULL when neither is known. */
static struct target *image_target(const struct image *image)
{
	if (image->own)
		return image->own->target;
	return image->origin ? image->origin->target : NULL;
}

void processes_forked(struct processes *processes, const struct wire_process *child,
	const struct wire_process *origin)
{
	struct image *parent = image_find(processes, origin), *image;
	struct shared_target *known = parent && parent->own ? parent->own
				      : parent		    ? parent->origin
							    : NULL;

	if (!known || image_find(processes, child))
		return;
	image = image_new(processes, child);
	if (!image)
		return;
	image->used = true;
	image->origin = known;
	known->references++;
}

void processes_sweep(struct processes *processes, uint64_t now_ns)
{
	struct image *image, *next;

	if (now_ns < processes->swept_ns + SWEEP_NS)
		return;
	processes->swept_ns = now_ns;
	for (image = TAILQ_FIRST(&processes->by_use); image; image = next) {
		next = TAILQ_NEXT(image, by_use);
		if (image->used)
			image->used_ns = now_ns;
		image->used = false;
		if (now_ns - image->used_ns > KEEP_DEAD_NS && !still_there(&image->id))
			forget(processes, image);
	}
}

struct target *processes_target(struct processes *processes, const struct wire_process *id)
{
	struct image *image = image_get(processes, id);

	return image && image->own ? image->own->target : NULL;
}

struct target *processes_addresses(struct processes *processes, const struct wire_process *id)
{
	struct image *image = image_get(processes, id);

	return image ? image_target(image) : NULL;
}

bool processes_has_image(const struct processes *processes, const struct wire_process *id)
{
	return image_find(processes, id) != NULL;
}

static struct name *name_new(uint64_t address, bool call_site, const struct symbol *symbol)
{
	size_t text = strlen(symbol->text) + 1, full = strlen(symbol->full) + 1,
	       build_id = strlen(symbol->build_id) + 1;
	struct name *name = malloc(sizeof(*name) + text + full + build_id);

	if (!name)
		return NULL;
	*name = (struct name){
		.address = address,
		.call_site = call_site,
		.resolved = symbol->resolved && !symbol->distance,
		.executable = symbol->executable,
		.may_be_told = symbol->may_be_told,
		.full = full > 1 ? name->text + text : NULL,
		.build_id = build_id > 1 ? name->text + text + full : NULL,
	};
	memcpy(name->text, symbol->text, text);
	memcpy(name->text + text, symbol->full, full);
	memcpy(name->text + text + full, symbol->build_id, build_id);
	return name;
}

static struct name *look_up(struct image *image, uint64_t address, bool call_site)
{
	struct target *target = image_target(image);
	struct symbol symbol = {.text = ""};

	if (!target)
		return NULL;
	if (call_site)
		target_call_site(target, address, symbol.text, sizeof(symbol.text));
	else
		target_symbolize(target, address, &symbol);
	return name_new(address, call_site, &symbol);
}

/* Takes over the name. false without memory. */
static bool name_add(struct image *image, struct name *name)
{
	if (image->name_count >= NAMES_MAX) {
		tdestroy(image->names, free);
		image->names = NULL;
		image->name_count = 0;
	}
	if (!tsearch(name, &image->names, compare_names)) {
		free(name);
		return false;
	}
	image->name_count++;
	return true;
}

static const struct name *name_get(struct image *image, uint64_t address, bool call_site)
{
	struct name wanted = {.address = address, .call_site = call_site}, *name;
	void *found = tfind(&wanted, &image->names, compare_names);

	if (found && !(*(struct name **)found)->may_be_told)
		return *(struct name **)found;
	name = look_up(image, address, call_site);
	if (found && name) {
		free(*(struct name **)found);
		*(struct name **)found = name;
		return name;
	}
	return name && name_add(image, name) ? name : NULL;
}

void processes_hint(struct processes *processes, const struct wire_process *id, uint64_t start_fn,
	dev_t device, ino_t inode, uint64_t file_offset)
{
	struct image *image = image_get(processes, id);
	struct module *module;
	struct symbol symbol;
	struct name *name;

	if (!image || !inode)
		return;
	module = module_cached(processes->modules, device, inode);
	if (module && !module_symbolize(module, file_offset, &symbol)) {
		name = name_new(start_fn, false, &symbol);
		if (name)
			name_add(image, name);
	}
	module_put(module);
}

const char *processes_call_site(
	struct processes *processes, const struct wire_process *id, uint64_t address)
{
	struct image *image = address ? image_get(processes, id) : NULL;
	const struct name *name = image ? name_get(image, address, true) : NULL;

	return name && *name->text ? name->text : NULL;
}

/* Start functions of run-time systems that say nothing of the work: a name that the program
 * gave the thread itself says more. */
static bool says_nothing(const char *function)
{
	static const char *const trampolines[] = {
		"execute_native_thread_routine", /* libstdc++ */
		"thread_native_entry",		 /* the JVM */
		"pythread_wrapper",		 /* CPython */
		"gomp_thread_start",		 /* GNU OpenMP */
		"thread_start",			 /* Rust's std, last part of the path */
	};
	const char *last = strrchr(function, ':');

	last = last ? last + 1 : function;
	for (size_t i = 0; i < sizeof(trampolines) / sizeof(*trampolines); i++)
		if (!strcmp(last, trampolines[i]))
			return true;
	return false;
}

/* A new thread has its creator's comm, which may be one that the creator gave itself. */
static bool has_own_comm(uint32_t flags, const char *comm, const char *process_comm)
{
	if (flags & WIRE_THREAD_BORN)
		return flags & WIRE_THREAD_RENAMED;
	return strncmp(comm, process_comm, WIRE_COMM_BYTES) != 0;
}

static void name_from_symbol(struct processes *processes, const struct birth *birth,
	const char *comm, const char *process_comm, struct routine_name *out)
{
	struct image *image = image_get(processes, &birth->process);
	const struct name *name = image ? name_get(image, birth->start_fn, false) : NULL;
	bool own_comm = has_own_comm(birth->flags, comm, process_comm);

	*out = (struct routine_name){.text = comm, .source = SOURCE_COMM};
	if (!name) {
		processes->unnamed++;
		return;
	}
	if (!name->executable)
		return;
	if (own_comm && (!name->resolved || says_nothing(name->text)))
		return;
	*out = (struct routine_name){.text = name->text,
		.source = SOURCE_SYMBOL,
		.full = name->full,
		.build_id = name->build_id};
}

void processes_name(struct processes *processes, const struct birth *birth, const char *comm,
	const char *process_comm, struct routine_name *out)
{
	switch (birth->source) {
	case WIRE_SOURCE_SYMBOL:
		if (birth->start_fn)
			return name_from_symbol(processes, birth, comm, process_comm, out);
		*out = (struct routine_name){.text = "main", .source = SOURCE_SYMBOL};
		return;
	case WIRE_SOURCE_SPAWN:
	case WIRE_SOURCE_SPAN:
		*out = (struct routine_name){
			.text = birth->name, .source = (enum name_source)birth->source};
		return;
	default:
		*out = (struct routine_name){.text = comm, .source = SOURCE_COMM};
	}
}
