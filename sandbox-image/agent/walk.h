#pragma once

/* A bounded walk through the workspace, parents before children, names sorted, links not followed.
 */

#include "err.h"

#include <stdbool.h>
#include <sys/stat.h>

#define WALK_ENTRIES_MAX 10000

struct walk_entry {
	const char *path; /* relative to the workspace; passes path_check */
	const char *name; /* its last component, in dir_fd */
	int dir_fd;
	const struct stat *st;
};

enum walk_next { WALK_ENTER, WALK_SKIP };

/* *ret_next says whether a directory is entered; WALK_ENTER is preset. */
typedef int walk_fn(void *ctx, const struct walk_entry *entry, enum walk_next *ret_next,
		    struct err *e);

/*
 * Names that cannot be paths (not UTF-8, too deep) are left out, directories that the identity in
 * force may not read are not entered. *ret_truncated when there are more entries than
 * WALK_ENTRIES_MAX.
 */
NODISCARD int walk(int workspace_fd, walk_fn *fn, void *ctx, bool *ret_truncated, struct err *e);
