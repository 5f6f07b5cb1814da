/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * itanium.c - the parts of a mangled C++ type; see itanium.h.
 *
 * Input: names from the memory of watched processes, of any content.
 */
#include "target/itanium.h"

#include <errno.h>
#include <libiberty/demangle.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "target/demangle.h"

#define WRAPPERS_MAX   16
#define PATH_DEPTH_MAX 8

int cpp_parse(const char *mangled, struct cpp_tree *out)
{
	struct cpp_tree tree = {0};

	if (demangle_is_bomb(mangled))
		return -EINVAL;
	tree.root = cplus_demangle_v3_components(mangled, DMGL_PARAMS | DMGL_TYPES, &tree.memory);
	if (!tree.root)
		return -EINVAL;
	*out = tree;
	return 0;
}

void cpp_free(struct cpp_tree *tree)
{
	free(tree->memory);
	*tree = (struct cpp_tree){0};
}

struct printed {
	char *out;
	size_t size, used;
	bool whole;
	jmp_buf full;
};

/* As in demangle.c: libiberty holds nothing on the heap while it prints, and cannot be told to
 * stop in another way. */
static void collect(const char *text, size_t bytes, void *context)
{
	struct printed *printed = context;
	size_t room = printed->size - 1 - printed->used;

	if (bytes)
		memcpy(printed->out + printed->used, text, bytes < room ? bytes : room);
	printed->used += bytes < room ? bytes : room;
	if (bytes > room)
		longjmp(printed->full, 1);
}

bool cpp_print(struct cpp_tree *tree, cpp_node *node, char *out, size_t bytes)
{
	struct printed printed = {.out = out, .size = bytes};

	if (tree->broken) {
		out[0] = '\0';
		return false;
	}
	tree->broken = true;
	if (!setjmp(printed.full)) {
		printed.whole =
			cplus_demangle_print_callback(DMGL_NO_OPTS, node, collect, &printed);
		tree->broken = !printed.whole;
	}
	out[printed.used] = '\0';
	return printed.whole;
}

static bool is_text(const char *text, int length, const char *wanted, size_t wanted_length)
{
	return length >= 0 && (size_t)length == wanted_length &&
	       !memcmp(text, wanted, wanted_length);
}

/* The part of a path behind its last "::". */
static const char *last_part(const char *path, size_t length)
{
	const char *at = path + length;

	while (at > path && at[-1] != ':')
		at--;
	return at;
}

static bool is_path(const cpp_node *node, const char *path, size_t length)
{
	for (int depth = 0; node && depth < PATH_DEPTH_MAX; depth++) {
		const char *last = last_part(path, length);
		size_t last_length = path + length - last;
		const cpp_node *name = node;

		if (node->type == DEMANGLE_COMPONENT_SUB_STD)
			return is_text(node->u.s_string.string, node->u.s_string.len, path, length);
		if (node->type == DEMANGLE_COMPONENT_QUAL_NAME)
			name = node->u.s_binary.right;
		if (!name || name->type != DEMANGLE_COMPONENT_NAME ||
			!is_text(name->u.s_name.s, name->u.s_name.len, last, last_length))
			return false;
		if (name == node)
			return last == path;
		if (last == path)
			return false;
		node = node->u.s_binary.left;
		length = last - path - 2;
	}
	return false;
}

bool cpp_is_named(const cpp_node *node, const char *path)
{
	if (node && node->type == DEMANGLE_COMPONENT_TEMPLATE)
		node = node->u.s_binary.left;
	return is_path(node, path, strlen(path));
}

static size_t flatten(const cpp_node *list, cpp_node **out, size_t limit)
{
	size_t count = 0;

	for (; list && list->type == DEMANGLE_COMPONENT_TEMPLATE_ARGLIST && count < limit;
		list = list->u.s_binary.right) {
		cpp_node *argument = list->u.s_binary.left;

		if (!argument)
			continue;
		/* A pack is a list in the list, and holds no other. */
		if (argument->type != DEMANGLE_COMPONENT_TEMPLATE_ARGLIST) {
			out[count++] = argument;
			continue;
		}
		for (const cpp_node *pack = argument;
			pack && pack->type == DEMANGLE_COMPONENT_TEMPLATE_ARGLIST && count < limit;
			pack = pack->u.s_binary.right)
			if (pack->u.s_binary.left)
				out[count++] = pack->u.s_binary.left;
	}
	return count;
}

size_t cpp_arguments(const cpp_node *node, cpp_node **out, size_t limit)
{
	if (!node || node->type != DEMANGLE_COMPONENT_TEMPLATE)
		return 0;
	return flatten(node->u.s_binary.right, out, limit);
}

/* What is behind qualifiers of a type and of a function. */
const cpp_node *cpp_unqualified(const cpp_node *node)
{
	for (int i = 0; node && i < WRAPPERS_MAX; i++) {
		switch (node->type) {
		case DEMANGLE_COMPONENT_CONST:
		case DEMANGLE_COMPONENT_VOLATILE:
		case DEMANGLE_COMPONENT_CONST_THIS:
		case DEMANGLE_COMPONENT_VOLATILE_THIS:
		case DEMANGLE_COMPONENT_RESTRICT_THIS:
		case DEMANGLE_COMPONENT_REFERENCE_THIS:
		case DEMANGLE_COMPONENT_RVALUE_REFERENCE_THIS:
		case DEMANGLE_COMPONENT_TRANSACTION_SAFE:
		case DEMANGLE_COMPONENT_NOEXCEPT:
		case DEMANGLE_COMPONENT_THROW_SPEC:
			node = node->u.s_binary.left;
			break;
		default:
			return node;
		}
	}
	return NULL;
}

static bool is_function(const cpp_node *node)
{
	node = cpp_unqualified(node);
	return node && node->type == DEMANGLE_COMPONENT_FUNCTION_TYPE;
}

enum cpp_kind cpp_kind_of(const cpp_node *node)
{
	node = cpp_unqualified(node);
	if (!node)
		return CPP_OTHER;
	switch (node->type) {
	case DEMANGLE_COMPONENT_FUNCTION_TYPE:
		return CPP_FUNCTION;
	case DEMANGLE_COMPONENT_POINTER:
	case DEMANGLE_COMPONENT_REFERENCE:
	case DEMANGLE_COMPONENT_RVALUE_REFERENCE:
		return is_function(node->u.s_binary.left) ? CPP_FUNCTION_POINTER : CPP_POINTER;
	case DEMANGLE_COMPONENT_PTRMEM_TYPE:
		return is_function(node->u.s_binary.right) ? CPP_MEMBER_FUNCTION : CPP_POINTER;
	default:
		return CPP_OTHER;
	}
}

cpp_node *cpp_result_of(const cpp_node *function)
{
	function = cpp_unqualified(function);
	return function && function->type == DEMANGLE_COMPONENT_FUNCTION_TYPE
		       ? function->u.s_binary.left
		       : NULL;
}

size_t cpp_parameters(const cpp_node *function, cpp_node **out, size_t limit)
{
	size_t count = 0;
	const cpp_node *list;

	function = cpp_unqualified(function);
	if (!function || function->type != DEMANGLE_COMPONENT_FUNCTION_TYPE)
		return 0;
	for (list = function->u.s_binary.right;
		list && list->type == DEMANGLE_COMPONENT_ARGLIST && count < limit;
		list = list->u.s_binary.right)
		if (list->u.s_binary.left)
			out[count++] = list->u.s_binary.left;
	return count;
}

cpp_node *cpp_class_of_member(const cpp_node *node)
{
	node = cpp_unqualified(node);
	return node && node->type == DEMANGLE_COMPONENT_PTRMEM_TYPE ? node->u.s_binary.left : NULL;
}

cpp_node *cpp_scope_of_local(const cpp_node *node)
{
	node = cpp_unqualified(node);
	return node && node->type == DEMANGLE_COMPONENT_LOCAL_NAME
		       ? cpp_name_of_symbol(node->u.s_binary.left)
		       : NULL;
}

cpp_node *cpp_name_of_symbol(cpp_node *root)
{
	if (root && root->type == DEMANGLE_COMPONENT_TYPED_NAME)
		root = root->u.s_binary.left;
	return root;
}

cpp_node *cpp_scope_of(const cpp_node *name)
{
	return name && name->type == DEMANGLE_COMPONENT_QUAL_NAME ? name->u.s_binary.left : NULL;
}
