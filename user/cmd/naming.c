/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * naming.c - the rules for a thread's birth name.
 */
#include <string.h>

#include "cmd/processes_internal.h"

static const struct named *add_symbol(
	struct image *image, uint64_t address, const struct symbol *symbol)
{
	struct named named = {
		.routine = {.text = symbol->text,
			.source = SOURCE_SYMBOL,
			.full = *symbol->full ? symbol->full : NULL,
			.build_id = *symbol->build_id ? symbol->build_id : NULL},
		.may_be_told = symbol->may_be_told,
		.resolved = symbol->resolved && !symbol->distance,
		.executable = symbol->executable,
	};

	return names_add(&image->names, NAME_START, address, &named);
}

static const struct named *start_name(struct image *image, uint64_t address)
{
	const struct named *known = names_find(&image->names, NAME_START, address);
	struct target *target = image_target(image);
	struct symbol symbol;

	if ((known && !known->may_be_told) || !target)
		return known;
	target_symbolize(target, address, &symbol);
	return add_symbol(image, address, &symbol);
}

void processes_hint(struct processes *processes, const struct wire_process *id, uint64_t start_fn,
	dev_t device, ino_t inode, uint64_t file_offset)
{
	struct image *image = image_get(processes, id);
	struct module *module;
	struct symbol symbol;

	if (!image || !inode)
		return;
	module = module_cached(processes->modules, device, inode);
	if (module && !module_symbolize(module, file_offset, &symbol))
		add_symbol(image, start_fn, &symbol);
	module_put(module);
}

const char *processes_call_site(
	struct processes *processes, const struct wire_process *id, uint64_t address)
{
	struct image *image = address ? image_get(processes, id) : NULL;
	struct target *target = image ? image_target(image) : NULL;
	const struct named *known =
		image ? names_find(&image->names, NAME_CALL_SITE, address) : NULL;
	char text[sizeof(((struct symbol *)NULL)->text)] = "";

	if (!known && target) {
		target_call_site(target, address, text, sizeof(text));
		known = names_add(&image->names, NAME_CALL_SITE, address,
			&(struct named){.routine.text = text});
	}
	return known && *known->routine.text ? known->routine.text : NULL;
}

/* ---- behind trampolines ---- */

static const struct named *add_callable(
	struct image *image, enum name_kind kind, uint64_t number, const struct callable_name *name)
{
	struct named named = {.resolved = name->resolved};

	named.routine = (struct routine_name){
		.text = name->text,
		.full = *name->full ? name->full : NULL,
		.build_id = *name->build_id ? name->build_id : NULL,
		.source = (enum name_source)name->source,
		.heuristic = name->heuristic,
	};
	return names_add(&image->names, kind, number, &named);
}

bool processes_knows(struct processes *processes, const struct wire_process *id, uint64_t callable)
{
	struct image *image = image_find(processes, id);

	return image && names_find(&image->names, NAME_CALLABLE, callable);
}

void processes_callable(struct processes *processes, const struct wire_process *id, uint64_t number,
	uint32_t tid, const struct wire_callable *callable)
{
	struct image *image = image_get(processes, id);
	struct target *target = image ? image_target(image) : NULL;
	struct callable_name name;

	if (!target || target_callable_name(target, callable, &name))
		return;
	/* It may have ended since, and left its objects to the next one. */
	if (callable->trampoline == WIRE_TRAMPOLINE_PYTHON &&
		!target_python_owns(target, callable, (pid_t)tid))
		return;
	add_callable(image, NAME_CALLABLE, number, &name);
}

/* A thread that is there now can be asked again; of another one, the memory behind its
 * argument may be somebody else's by now. */
static const struct named *callable_name(struct image *image, const struct birth *birth)
{
	const struct named *known = names_find(&image->names, NAME_CALLABLE, birth->callable);
	struct target *target = image_target(image);
	struct wire_callable callable;
	struct callable_name name;
	int err;

	if (known || !birth->alive || !target)
		return known;
	err = birth->trampoline == WIRE_TRAMPOLINE_PYTHON
		      ? target_python_thread(target, birth->pthread, &callable)
		      : target_read_callable(
				target, birth->trampoline, birth->start_arg, &callable);
	if (err || target_callable_name(target, &callable, &name))
		return NULL;
	return add_callable(image, NAME_CALLABLE, birth->callable, &name);
}

/* What a trampoline is called when nothing tells what is behind it. */
static const char *run_time_name(uint32_t trampoline)
{
	switch (trampoline) {
	case WIRE_TRAMPOLINE_STD_THREAD:
		return "std::thread";
	case WIRE_TRAMPOLINE_RUST:
		return "std::thread (Rust)";
	case WIRE_TRAMPOLINE_PYTHON:
		return "thread (Python)"; /* it may have no Thread object */
	default:
		return NULL;
	}
}

/* No two threads with one number begin in the same nanosecond. */
static uint64_t thread_number(const struct birth *birth)
{
	return birth->start_ns ^ (uint64_t)birth->tid << 32;
}

void processes_late(struct processes *processes, const struct birth *birth)
{
	struct image *image = image_get(processes, &birth->process);
	struct target *target = image ? image_target(image) : NULL;
	const char *run_time = run_time_name(birth->trampoline);
	struct wire_callable callable;
	struct callable_name name;

	if (!target)
		return;
	if (run_time)
		names_add(&image->names, NAME_START, birth->start_fn,
			&(struct named){.routine = {.text = run_time, .source = SOURCE_TYPE},
				.executable = true});
	if (!target_read_callable(target, birth->trampoline, birth->start_arg, &callable) &&
		!target_callable_name(target, &callable, &name))
		add_callable(image, NAME_THREAD, thread_number(birth), &name);
}

/* What it was created for, as far as that lies behind its start function. */
static const struct named *name_behind(struct image *image, const struct birth *birth)
{
	return birth->callable ? callable_name(image, birth)
			       : names_find(&image->names, NAME_THREAD, thread_number(birth));
}

/* Start functions of run-time systems say nothing of the work: a name that the program gave
 * the thread itself says more. */
static bool says_nothing(const struct birth *birth, const char *function)
{
	return birth->trampoline != WIRE_TRAMPOLINE_NONE ||
	       !strcmp(function, "thread_native_entry"); /* the JVM */
}

/* A new thread has its creator's comm, which may be one that the creator gave itself. */
static bool has_own_comm(uint32_t flags, const char *comm, const char *process_comm)
{
	if (flags & WIRE_THREAD_BORN)
		return flags & WIRE_THREAD_RENAMED;
	return strncmp(comm, process_comm, WIRE_COMM_BYTES) != 0;
}

/* Each look-up may forget what the one before has told (names.h): a name is used before the
 * next is sought. */
static void name_from_start(struct processes *processes, const struct birth *birth,
	const char *comm, const char *process_comm, struct routine_name *out)
{
	struct image *image = image_get(processes, &birth->process);
	const struct named *behind = image ? name_behind(image, birth) : NULL;
	const char *run_time = run_time_name(birth->trampoline);
	bool own_comm = has_own_comm(birth->flags, comm, process_comm), is_told = behind;
	const struct named *start;

	*out = (struct routine_name){.text = comm, .source = SOURCE_COMM};
	if (behind && (behind->resolved || !own_comm)) {
		*out = behind->routine;
		return;
	}
	start = image ? start_name(image, birth->start_fn) : NULL;
	if (!start && !run_time && !is_told)
		processes->unnamed++;
	if (own_comm && (!start || !start->resolved || says_nothing(birth, start->routine.text)))
		return;
	if (run_time)
		*out = (struct routine_name){.text = run_time, .source = SOURCE_TYPE};
	else if (start && start->executable)
		*out = start->routine;
}

static int visit_go(struct module *module, const struct mapping *mapping, void *context)
{
	(void)mapping;
	(void)context;
	return module_is_go(module);
}

static bool runs_go(struct image *image)
{
	struct target *target = image_target(image);

	if (!image->go_looked && target) {
		image->go_looked = true;
		image->go = target_each_module(target, visit_go, NULL) == 1;
	}
	return image->go;
}

/* A thread that no pthread_create made. Those of a Go program are its scheduler's, as far as
 * anybody can tell: other raw clones in it are possible, so it is a guess. */
static void name_from_comm(struct processes *processes, const struct birth *birth, const char *comm,
	const char *process_comm, struct routine_name *out)
{
	struct image *image;

	*out = (struct routine_name){.text = comm, .source = SOURCE_COMM};
	if ((birth->flags & WIRE_THREAD_KERNEL) || has_own_comm(birth->flags, comm, process_comm))
		return;
	image = image_get(processes, &birth->process);
	if (image && runs_go(image))
		*out = (struct routine_name){
			.text = GO_THREAD_ROUTINE, .source = SOURCE_SYMBOL, .heuristic = true};
}

void processes_name(struct processes *processes, const struct birth *birth, const char *comm,
	const char *process_comm, struct routine_name *out)
{
	switch (birth->source) {
	case WIRE_SOURCE_SYMBOL:
		if (birth->start_fn)
			return name_from_start(processes, birth, comm, process_comm, out);
		*out = (struct routine_name){.text = "main", .source = SOURCE_SYMBOL};
		return;
	case WIRE_SOURCE_TYPE:
		return name_from_start(processes, birth, comm, process_comm, out);
	case WIRE_SOURCE_SPAWN:
	case WIRE_SOURCE_SPAN:
		*out = (struct routine_name){
			.text = birth->name, .source = (enum name_source)birth->source};
		return;
	default:
		name_from_comm(processes, birth, comm, process_comm, out);
	}
}
