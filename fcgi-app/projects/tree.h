#pragma once

/*
 * The files of a version in memory, without their contents, to be changed step by step and compared
 * with what it was. Directories are there by the files beneath them, and only so.
 */

#include "app.h"
#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tree_file {
	char *path;
	char sha256[65];
	const void *bytes; /* of a file written since; borrowed. NULL: stored already */
	size_t size;
	int mode;
};

struct tree {
	struct tree_file *files;
	size_t n, cap;
};

void tree_fini(struct tree *t); /* also of a zeroed one */
#define auto_tree __attribute__((cleanup(tree_fini))) struct tree

/* Into a zeroed tree. A version that is not there has no files. */
NODISCARD int tree_load(struct tree *t, struct app *app, const char *project_id, int64_t n,
			struct err *e);
NODISCARD int tree_copy(struct tree *t, const struct tree *from, struct err *e);

const struct tree_file *tree_find(const struct tree *t, const char *path);

/* True when `path` lies somewhere in the directory `dir`. */
bool path_is_beneath(const char *path, const char *dir);

/* Paths are checked (path_check), and each call leaves a tree in which no path is a file and a
 * directory, or fails and leaves it to be thrown away. ERR_INVALID: a path, or such a clash;
 * ERR_NOT_FOUND: there is no such file or directory; ERR_CONFLICT: `to` is there already. */
NODISCARD int tree_write(struct tree *t, const char *path, const void *bytes, size_t len,
			 struct err *e);
NODISCARD int tree_move(struct tree *t, const char *path, const char *to, struct err *e);
NODISCARD int tree_delete(struct tree *t, const char *path, struct err *e);

/* What differs between two trees, in the order of the paths' bytes; a side that lacks it is NULL.
 * Sorts both. The pairs borrow from them; free the array. */
struct tree_pair {
	const struct tree_file *from, *to;
};
NODISCARD int tree_compare(struct tree *from, struct tree *to, struct tree_pair **ret_pairs,
			   size_t *ret_n, struct err *e);
