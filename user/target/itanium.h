/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * itanium.h - the parts of a mangled C++ type, and the sizes of those that the ABI fixes.
 *
 * Private to user/target. libiberty parses; its trees share what the name shares, so that walks
 * here go down single paths or are bounded. A name in any other form has no tree.
 */
#ifndef TW_TARGET_ITANIUM_H
#define TW_TARGET_ITANIUM_H

#include <stdbool.h>
#include <stddef.h>

#define CPP_NAME_BYTES_MAX (8u << 10)
#define CPP_ELEMENTS_MAX   32

struct demangle_component;
typedef struct demangle_component cpp_node;

struct cpp_tree {
	cpp_node *root;
	void *memory;
	bool broken;	      /* a print was cut short, which leaves its marks in the nodes */
	unsigned int layouts; /* that were worked out: binds of shared binds double at each level */
};

/* `mangled` is a symbol ("_Z...") or a type as type_info has it, and must outlive the tree.
 * 0, or -EINVAL. */
int cpp_parse(const char *mangled, struct cpp_tree *out);
void cpp_free(struct cpp_tree *tree); /* a zeroed one is fine */

/* The node as C++ would write it. False, with `out` cut or empty, when it does not fit. */
bool cpp_print(struct cpp_tree *tree, cpp_node *node, char *out, size_t bytes);

/* Whether the node is a name such as "std::thread", template arguments left out. */
bool cpp_is_named(const cpp_node *node, const char *path);

/* The template arguments of a node, packs opened; at most `limit`. 0 when there are none. */
size_t cpp_arguments(const cpp_node *node, cpp_node **out, size_t limit);

/* What is behind const and volatile, and behind the qualifiers of a function. NULL: too many. */
const cpp_node *cpp_unqualified(const cpp_node *node);

enum cpp_kind {
	CPP_OTHER,
	CPP_FUNCTION,
	CPP_FUNCTION_POINTER,
	CPP_MEMBER_FUNCTION, /* pointer to it: two words */
	CPP_POINTER,	     /* or reference, or pointer to a data member */
};
enum cpp_kind cpp_kind_of(const cpp_node *node);

/* What a function returns, and its parameters. NULL when it is none or they are not told. */
cpp_node *cpp_result_of(const cpp_node *function);
size_t cpp_parameters(const cpp_node *function, cpp_node **out, size_t limit);
/* The class of a pointer to a member; the function where a lambda or local class is. NULL: none. */
cpp_node *cpp_class_of_member(const cpp_node *node);
cpp_node *cpp_scope_of_local(const cpp_node *node);
/* The name of a symbol without its parameters, and the scope of a qualified name. */
cpp_node *cpp_name_of_symbol(cpp_node *root);
cpp_node *cpp_scope_of(const cpp_node *name);

/* What std::bind and std::bind_front make, and its parts: the function first, then what is bound
 * to it; 0 when there are none. */
bool cpp_is_bind(const cpp_node *node);
size_t cpp_bound(const cpp_node *bind, cpp_node **out, size_t limit);

struct cpp_layout {
	size_t bytes; /* 0: not known, or empty */
	size_t align; /* 0: not known */
};
struct cpp_layout cpp_layout_of(struct cpp_tree *tree, cpp_node *node);

/* Where libstdc++'s tuple of these elements puts element `index`; -1: not known. It stores the
 * last element first. */
long cpp_tuple_offset(struct cpp_tree *tree, cpp_node *const *elements, size_t count, size_t index);
/* Of that whole tuple. */
struct cpp_layout cpp_tuple_layout(struct cpp_tree *tree, cpp_node *const *elements, size_t count);

#endif
