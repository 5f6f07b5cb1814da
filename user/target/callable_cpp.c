/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * callable_cpp.c - what a std::thread of libstdc++ was to call.
 *
 * Input: the std::thread::_State_impl<_Invoker<tuple<CALLABLE, ARGUMENTS...>>> that the thread
 * was given. Its RTTI tells the types, and where those have known sizes the place of CALLABLE,
 * which is the last in memory. Layouts of libstdc++ that are relied on (its ABI since GCC 7):
 * the invoker lies behind the vtable pointer; std::async's shared state has its invoker at 56,
 * std::packaged_task's its function at 40. Refuses a function at a place that is not certain
 * unless exactly one function starts at one of the possible places: that is marked heuristic.
 */
#include "target/callable.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "target/itanium.h"
#include "target/rtti.h"

#define INVOKER_OFFSET	     8u
#define ASYNC_INVOKER_OFFSET 56u
#define TASK_FUNCTION_OFFSET 40u
#define FUNCTION_INVOKER     24u /* std::function: {functor, functor, manager, invoker} */
#define DEPTH_MAX	     5
#define VIRTUAL_OFFSET_MAX   (64u << 10)
#define CHUNK_FLAGS	     7u /* of malloc's chunk sizes */
#define CHUNK_BYTES_MIN	     32u
#define CHUNK_BYTES_MAX	     (64u << 10)

struct view {
	struct target *target;
	const struct wire_callable *callable;
	struct callable_name *out;
	int depth;
};

/* Something of a type in memory. */
struct slot {
	cpp_node *type;	  /* NULL: none */
	uint64_t address; /* 0: not known */
	bool certain;	  /* the address follows from the types alone */
};

static int resolve(
	struct view *view, struct cpp_tree *tree, struct slot callable, struct slot object);

static int word_of(const struct view *view, uint64_t address, uint64_t *out)
{
	return callable_word(view->target, view->callable, address, out);
}

/* The type's own name: all there is to say of a lambda or a functor; of a function whose place
 * is not known the best that is true. */
static int name_type(const struct view *view, struct cpp_tree *tree, cpp_node *type, bool heuristic)
{
	struct callable_name name = {.source = WIRE_SOURCE_TYPE, .heuristic = heuristic};
	char whole[CPP_NAME_BYTES_MAX];

	cpp_print(tree, type, whole, sizeof(whole));
	if (!whole[0])
		return -ENOENT;
	callable_type(whole, &name);
	*view->out = name;
	return 0;
}

static int name_function(const struct view *view, uint64_t address, bool certain)
{
	int err = callable_function(view->target, address, certain, view->out);

	if (!err)
		view->out->heuristic = !certain;
	return err;
}

/* The first word of the object that a member function is called on. */
static int object_vtable(
	const struct view *view, struct slot object, uint64_t adjust, uint64_t *vtable)
{
	bool points = cpp_kind_of(object.type) == CPP_POINTER ||
		      cpp_is_named(object.type, "std::reference_wrapper") ||
		      cpp_is_named(object.type, "std::shared_ptr") ||
		      cpp_is_named(object.type, "std::unique_ptr");
	uint64_t address = object.address;

	if (!address || (points && word_of(view, address, &address)))
		return -EFAULT;
	return word_of(view, address + adjust, vtable);
}

/* {function, adjustment of this}; an odd function is one more than an offset in the vtable. */
static int name_member(const struct view *view, struct slot callable, struct slot object)
{
	char type[CPP_NAME_BYTES_MAX];
	uint64_t function, adjust, vtable;

	if (word_of(view, callable.address, &function) ||
		word_of(view, callable.address + CALLABLE_WORD_BYTES, &adjust))
		return -ENOENT;
	if (!(function & 1))
		return name_function(view, function, callable.certain);
	if (function > VIRTUAL_OFFSET_MAX || function % CALLABLE_WORD_BYTES != 1 || !object.type ||
		object_vtable(view, object, adjust, &vtable) ||
		rtti_type_name(view->target, vtable, type, sizeof(type)) ||
		target_read(view->target, vtable + function - 1, &function, sizeof(function)))
		return -ENOENT;
	return name_function(view, function, callable.certain && object.certain);
}

/* What malloc's header says of the object's size leaves two; the right one ends in the callable. */
static uint64_t size_by_chunk(const struct view *view, uint64_t object, uint64_t tail)
{
	uint64_t chunk, found = 0;

	if (target_read(view->target, object - CALLABLE_WORD_BYTES, &chunk, sizeof(chunk)))
		return 0;
	chunk &= ~(uint64_t)CHUNK_FLAGS;
	if (chunk < CHUNK_BYTES_MIN || chunk > CHUNK_BYTES_MAX)
		return 0;
	for (unsigned int words = 1; words <= 2; words++) {
		uint64_t size = chunk - words * CALLABLE_WORD_BYTES, address;

		if (tail > size || word_of(view, object + size - tail, &address) ||
			!callable_is_code(view->target, address))
			continue;
		/* One of two functions may be an argument. */
		if (found || !callable_symbol(view->target, address))
			return 0;
		found = size;
	}
	return found;
}

/* Where in the thread's state the callable is, when its arguments have unknown sizes. */
static void place_from_end(const struct view *view, struct cpp_tree *tree, uint64_t object,
	uint64_t vtable, struct slot *callable, struct slot *first)
{
	struct cpp_layout layout = cpp_layout_of(tree, callable->type), argument = {0};
	enum cpp_kind kind = cpp_kind_of(callable->type);
	uint64_t size;

	if (!layout.bytes)
		return;
	size = rtti_object_size(view->target, vtable);
	callable->certain = size != 0;
	if (!size && (kind == CPP_FUNCTION_POINTER || kind == CPP_MEMBER_FUNCTION))
		size = size_by_chunk(view, object, layout.bytes);
	if (size < INVOKER_OFFSET + layout.bytes)
		return;
	callable->address = object + size - layout.bytes;
	if (first->type && !first->address)
		argument = cpp_layout_of(tree, first->type);
	if (argument.bytes && argument.bytes % CALLABLE_WORD_BYTES == 0) {
		first->address = callable->address - argument.bytes;
		first->certain = callable->certain;
	}
}

static struct slot element_slot(
	struct cpp_tree *tree, cpp_node *const *elements, size_t count, size_t index, uint64_t base)
{
	struct slot slot = {0};
	long offset;

	if (index >= count)
		return slot;
	slot.type = elements[index];
	offset = base ? cpp_tuple_offset(tree, elements, count, index) : -1;
	if (offset < 0)
		return slot;
	slot.address = base + (uint64_t)offset;
	slot.certain = true;
	return slot;
}

/* What stands in _Invoker<tuple<...>>. */
static size_t invoker_elements(cpp_node *invoker, cpp_node **out, size_t limit)
{
	cpp_node *tuple[1];

	if (!cpp_is_named(invoker, "std::thread::_Invoker") ||
		cpp_arguments(invoker, tuple, 1) != 1 || !cpp_is_named(tuple[0], "std::tuple"))
		return 0;
	return cpp_arguments(tuple[0], out, limit);
}

/* std::async: `state` is its _Async_state_impl<_Invoker<...>, RESULT>. */
static int name_async(
	struct view *view, struct cpp_tree *tree, const cpp_node *type, uint64_t state)
{
	cpp_node *arguments[2], *elements[CPP_ELEMENTS_MAX];
	uint64_t base = state ? state + ASYNC_INVOKER_OFFSET : 0;
	size_t count;

	if (cpp_arguments(type, arguments, 2) < 1)
		return -ENOENT;
	count = invoker_elements(arguments[0], elements, CPP_ELEMENTS_MAX);
	if (!count)
		return -ENOENT;
	return resolve(view, tree, element_slot(tree, elements, count, 0, base),
		element_slot(tree, elements, count, 1, base));
}

/* std::packaged_task is a pointer to its _Task_state<FUNCTION, ALLOCATOR, SIGNATURE>. */
static int name_task(struct view *view, struct slot task)
{
	char name[CPP_NAME_BYTES_MAX];
	cpp_node *arguments[3];
	struct cpp_tree tree = {0};
	uint64_t state, vtable;
	int err = -ENOENT;

	if (word_of(view, task.address, &state) || word_of(view, state, &vtable) ||
		rtti_type_name(view->target, vtable, name, sizeof(name)) || cpp_parse(name, &tree))
		return -ENOENT;
	if (cpp_is_named(tree.root, "std::__future_base::_Task_state") &&
		cpp_arguments(tree.root, arguments, 3) == 3)
		err = resolve(view, &tree,
			(struct slot){arguments[0], state + TASK_FUNCTION_OFFSET, true},
			(struct slot){0});
	cpp_free(&tree);
	return err;
}

/* std::function: its invoker is a _Function_handler<SIGNATURE, FUNCTOR>::_M_invoke. A functor of
 * two words at most that can be copied as bytes is in place, any other is pointed to. */
static int name_std_function(struct view *view, struct slot function)
{
	cpp_node *arguments[2], *scope;
	struct cpp_tree tree = {0};
	struct slot functor = {.address = function.address, .certain = function.certain};
	char name[CPP_NAME_BYTES_MAX];
	const char *symbol;
	uint64_t invoker;
	int err = -ENOENT;

	if (word_of(view, function.address + FUNCTION_INVOKER, &invoker))
		return -ENOENT;
	symbol = callable_symbol(view->target, invoker);
	if (!symbol)
		return name_function(view, invoker, function.certain);
	/* The tree points into it. */
	if (strlen(symbol) >= sizeof(name) || cpp_parse(strcpy(name, symbol), &tree))
		return -ENOENT;
	scope = cpp_scope_of(cpp_name_of_symbol(tree.root));
	if (cpp_is_named(scope, "std::_Function_handler") &&
		cpp_arguments(scope, arguments, 2) == 2) {
		functor.type = arguments[1];
		if (cpp_kind_of(functor.type) == CPP_OTHER) {
			functor.certain = false;
			if (word_of(view, function.address, &functor.address))
				functor.address = 0;
		}
		err = resolve(view, &tree, functor, (struct slot){0});
	}
	cpp_free(&tree);
	return err;
}

/* std::bind: {function, tuple of what is bound}. */
static int name_bind(struct view *view, struct cpp_tree *tree, struct slot bind)
{
	cpp_node *parts[CPP_ELEMENTS_MAX];
	size_t count = cpp_bound(bind.type, parts, CPP_ELEMENTS_MAX);
	struct slot function = {.address = bind.address, .certain = bind.certain};
	uint64_t bound = 0;

	if (!count)
		return -ENOENT;
	function.type = parts[0];
	if (bind.address && cpp_kind_of(function.type) == CPP_MEMBER_FUNCTION)
		bound = bind.address + 2 * (uint64_t)CALLABLE_WORD_BYTES;
	return resolve(view, tree, function, element_slot(tree, parts + 1, count - 1, 0, bound));
}

static int name_reference(struct view *view, struct cpp_tree *tree, struct slot reference)
{
	struct slot referred = {.certain = reference.certain};
	uint64_t address = 0;

	if (cpp_arguments(reference.type, &referred.type, 1) != 1)
		return -ENOENT;
	if (word_of(view, reference.address, &address))
		address = 0;
	if (cpp_kind_of(referred.type) != CPP_FUNCTION) {
		referred.address = address;
		return resolve(view, tree, referred, (struct slot){0});
	}
	return name_function(view, address, reference.certain);
}

/* A class of libstdc++ that stands for something else. 1: it is none of those. */
static int name_wrapped(
	struct view *view, struct cpp_tree *tree, struct slot callable, struct slot object)
{
	cpp_node *member[1];

	if (cpp_is_named(callable.type, "std::reference_wrapper"))
		return name_reference(view, tree, callable);
	if (cpp_is_named(callable.type, "std::function"))
		return name_std_function(view, callable);
	if (cpp_is_named(callable.type, "std::packaged_task"))
		return name_task(view, callable);
	if (cpp_is_bind(callable.type))
		return name_bind(view, tree, callable);
	if (!cpp_is_named(callable.type, "std::_Mem_fn") ||
		cpp_arguments(callable.type, member, 1) != 1)
		return 1;
	callable.type = member[0];
	return resolve(view, tree, callable, object);
}

static int resolve(
	struct view *view, struct cpp_tree *tree, struct slot callable, struct slot object)
{
	uint64_t function;
	int err = -ENOENT;

	if (!callable.type || view->depth >= DEPTH_MAX)
		return -ENOENT;
	view->depth++;
	switch (cpp_kind_of(callable.type)) {
	case CPP_FUNCTION_POINTER:
		if (!word_of(view, callable.address, &function))
			err = name_function(view, function, callable.certain);
		break;
	case CPP_MEMBER_FUNCTION:
		err = name_member(view, callable, object);
		break;
	default:
		err = name_wrapped(view, tree, callable, object);
	}
	view->depth--;
	if (err > 0)
		return name_type(view, tree, callable.type, false);
	return err ? name_type(view, tree, callable.type, true) : 0;
}

/* The _Async_state_impl that the thread runs, or NULL. Its address is the argument of a member
 * function since GCC 11, and was before what a lambda in its constructor captured. */
static const cpp_node *async_state(cpp_node *const *elements, size_t count)
{
	const cpp_node *type = count == 2 ? cpp_class_of_member(elements[0])
					  : cpp_scope_of(cpp_scope_of_local(elements[0]));

	return cpp_is_named(type, "std::__future_base::_Async_state_impl") ? type : NULL;
}

static int name_thread(struct view *view, struct cpp_tree *tree)
{
	const struct wire_callable *callable = view->callable;
	uint64_t base = callable->object_address + INVOKER_OFFSET;
	cpp_node *invoker[1], *elements[CPP_ELEMENTS_MAX];
	const cpp_node *async;
	struct slot function, first;
	size_t count;

	if (!cpp_is_named(tree->root, "std::thread::_State_impl") ||
		cpp_arguments(tree->root, invoker, 1) != 1)
		return -ENOENT;
	count = invoker_elements(invoker[0], elements, CPP_ELEMENTS_MAX);
	if (!count || count == CPP_ELEMENTS_MAX)
		return -ENOENT;
	async = async_state(elements, count);
	if (async)
		return name_async(
			view, tree, async, callable->object_count > 1 ? callable->object[1] : 0);
	if (cpp_tuple_layout(tree, elements, count).align > CALLABLE_WORD_BYTES)
		base += CALLABLE_WORD_BYTES;
	function = element_slot(tree, elements, count, 0, base);
	first = element_slot(tree, elements, count, 1, base);
	if (!function.address)
		place_from_end(view, tree, callable->object_address, callable->object[0], &function,
			&first);
	return resolve(view, tree, function, first);
}

int callable_cpp_name(
	struct target *target, const struct wire_callable *callable, struct callable_name *out)
{
	struct view view = {.target = target, .callable = callable, .out = out};
	char name[CPP_NAME_BYTES_MAX];
	struct cpp_tree tree = {0};
	int err;

	if (!callable->object_count || !callable->object_address ||
		rtti_type_name(target, callable->object[0], name, sizeof(name)) ||
		cpp_parse(name, &tree))
		return -ENOENT;
	err = name_thread(&view, &tree);
	cpp_free(&tree);
	return err;
}
