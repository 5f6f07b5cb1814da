/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * itanium_layout.c - sizes of C++ types, and places in libstdc++'s tuples, from mangled names.
 *
 * Refuses to guess: the size of a class is not in its name, so that only a few of libstdc++'s
 * own, fixed by its ABI, are known.
 */
#include "target/itanium.h"

#include <libiberty/demangle.h>
#include <string.h>

#define LAYOUTS_MAX    1024 /* of one tree */
#define BUILTIN_BYTES  32
#define POINTER_BYTES  8
#define STRING_BYTES   32 /* std::__cxx11::basic_string */
#define SHARED_BYTES   16
#define VECTOR_BYTES   24
#define FUNCTION_BYTES 32
#define PROMISE_BYTES  24

static size_t round_up(size_t value, size_t align)
{
	return (value + align - 1) / align * align;
}

static struct cpp_layout builtin_layout(struct cpp_tree *tree, cpp_node *node)
{
	static const struct {
		const char *name;
		size_t bytes;
	} builtins[] = {
		{"bool", 1},
		{"char", 1},
		{"signed char", 1},
		{"unsigned char", 1},
		{"char8_t", 1},
		{"short", 2},
		{"unsigned short", 2},
		{"char16_t", 2},
		{"int", 4},
		{"unsigned", 4},
		{"unsigned int", 4},
		{"float", 4},
		{"wchar_t", 4},
		{"char32_t", 4},
		{"long", 8},
		{"unsigned long", 8},
		{"long long", 8},
		{"unsigned long long", 8},
		{"double", 8},
		{"decltype(nullptr)", 8},
		{"__int128", 16},
		{"unsigned __int128", 16},
		{"long double", 16},
		{"__float128", 16},
	};
	char name[BUILTIN_BYTES];

	if (!cpp_print(tree, node, name, sizeof(name)))
		return (struct cpp_layout){0};
	for (size_t i = 0; i < sizeof(builtins) / sizeof(builtins[0]); i++)
		if (!strcmp(name, builtins[i].name))
			return (struct cpp_layout){builtins[i].bytes, builtins[i].bytes};
	return (struct cpp_layout){0};
}

/* Only those whose size no template argument changes. */
static struct cpp_layout class_layout(const cpp_node *node)
{
	static const struct {
		const char *name;
		size_t bytes;
	} classes[] = {
		{"std::reference_wrapper", POINTER_BYTES},
		{"std::function", FUNCTION_BYTES},
		{"std::packaged_task", SHARED_BYTES},
		{"std::shared_ptr", SHARED_BYTES},
		{"std::weak_ptr", SHARED_BYTES},
		{"std::future", SHARED_BYTES},
		{"std::shared_future", SHARED_BYTES},
		{"std::promise", PROMISE_BYTES},
		{"std::stop_token", POINTER_BYTES},
		{"std::stop_source", POINTER_BYTES},
		{"std::string", POINTER_BYTES},
		{"std::thread", POINTER_BYTES},
	};
	cpp_node *arguments[CPP_ELEMENTS_MAX];
	size_t count = cpp_arguments(node, arguments, CPP_ELEMENTS_MAX);

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (cpp_is_named(node, classes[i].name))
			return (struct cpp_layout){classes[i].bytes, POINTER_BYTES};
	if (count == 3 && cpp_is_named(node, "std::__cxx11::basic_string") &&
		cpp_is_named(arguments[2], "std::allocator"))
		return (struct cpp_layout){STRING_BYTES, POINTER_BYTES};
	/* vector<bool> is another class. */
	if (count == 2 && cpp_is_named(node, "std::vector") &&
		cpp_is_named(arguments[1], "std::allocator") &&
		arguments[0]->type != DEMANGLE_COMPONENT_BUILTIN_TYPE)
		return (struct cpp_layout){VECTOR_BYTES, POINTER_BYTES};
	if (count == 2 && cpp_is_named(node, "std::unique_ptr") &&
		cpp_is_named(arguments[1], "std::default_delete"))
		return (struct cpp_layout){POINTER_BYTES, POINTER_BYTES};
	return (struct cpp_layout){0};
}

/* {function, tuple of what is bound}. */
static struct cpp_layout bind_layout(struct cpp_tree *tree, cpp_node *bind)
{
	cpp_node *parts[CPP_ELEMENTS_MAX];
	size_t count = cpp_bound(bind, parts, CPP_ELEMENTS_MAX);
	struct cpp_layout function = {0}, bound = {0};

	if (count) {
		function = cpp_layout_of(tree, parts[0]);
		bound = cpp_tuple_layout(tree, parts + 1, count - 1);
	}
	if (!function.bytes || function.align != POINTER_BYTES || !bound.align ||
		bound.align > POINTER_BYTES)
		return (struct cpp_layout){0};
	return (struct cpp_layout){
		function.bytes + round_up(bound.bytes, POINTER_BYTES), POINTER_BYTES};
}

struct cpp_layout cpp_layout_of(struct cpp_tree *tree, cpp_node *node)
{
	if (tree->layouts == LAYOUTS_MAX)
		return (struct cpp_layout){0};
	tree->layouts++;
	switch (cpp_kind_of(node)) {
	case CPP_FUNCTION_POINTER:
	case CPP_POINTER:
		return (struct cpp_layout){POINTER_BYTES, POINTER_BYTES};
	case CPP_MEMBER_FUNCTION:
		return (struct cpp_layout){2 * (size_t)POINTER_BYTES, POINTER_BYTES};
	case CPP_FUNCTION:
		return (struct cpp_layout){0};
	case CPP_OTHER:
		break;
	}
	node = (cpp_node *)cpp_unqualified(node);
	if (node && node->type == DEMANGLE_COMPONENT_BUILTIN_TYPE)
		return builtin_layout(tree, node);
	if (cpp_is_named(node, "std::_Placeholder"))
		return (struct cpp_layout){0, 1};
	return cpp_is_bind(node) ? bind_layout(tree, node) : class_layout(node);
}

bool cpp_is_bind(const cpp_node *node)
{
	return cpp_is_named(node, "std::_Bind") || cpp_is_named(node, "std::_Bind_result") ||
	       cpp_is_named(node, "std::_Bind_front");
}

/* std::bind's types are _Bind<FUNCTION (BOUND...)> and _Bind_result<RESULT, FUNCTION (BOUND...)>,
 * std::bind_front's is _Bind_front<FUNCTION, BOUND...>. */
size_t cpp_bound(const cpp_node *bind, cpp_node **out, size_t limit)
{
	size_t count = cpp_arguments(bind, out, limit);
	cpp_node *function;

	if (!count || cpp_is_named(bind, "std::_Bind_front"))
		return count;
	function = out[count - 1];
	out[0] = cpp_result_of(function);
	return out[0] ? 1 + cpp_parameters(function, out + 1, limit - 1) : 0;
}

long cpp_tuple_offset(struct cpp_tree *tree, cpp_node *const *elements, size_t count, size_t index)
{
	size_t offset = 0;

	for (size_t i = count; i-- > index;) {
		struct cpp_layout layout = cpp_layout_of(tree, elements[i]);

		/* Where nothing came before, it is at the start, whatever it is. */
		if (i == index && !offset && i + 1 == count)
			return 0;
		if (!layout.align)
			return -1;
		offset = round_up(offset, layout.align);
		if (i == index)
			return (long)offset;
		offset += layout.bytes;
	}
	return -1;
}

struct cpp_layout cpp_tuple_layout(struct cpp_tree *tree, cpp_node *const *elements, size_t count)
{
	struct cpp_layout whole = {0, 1};

	for (size_t i = count; i-- > 0;) {
		struct cpp_layout layout = cpp_layout_of(tree, elements[i]);

		if (!layout.align)
			return (struct cpp_layout){0};
		whole.bytes = round_up(whole.bytes, layout.align) + layout.bytes;
		whole.align = layout.align > whole.align ? layout.align : whole.align;
	}
	whole.bytes = round_up(whole.bytes, whole.align);
	return whole;
}
