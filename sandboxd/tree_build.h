#pragma once

/* Building a dependency tree: a fresh sandbox nobody owns, npm, and the disk it leaves behind. */

#include "tree.h"

/* What makes a tree; part of its key. */
#define TREE_BUILD_COMMAND "npm ci --ignore-scripts"

/* Where node_modules is in the image. */
#define TREE_IN_IMAGE "workspace/node_modules"

/*
 * Leaves the tree as the image `path`, unmounted and clean. `id` is the sandbox's, a new one;
 * `slot` says which of the builders it is. Nothing of the sandbox is left in any case.
 */
NODISCARD int tree_build(struct worker *w, const struct tree_plan *plan, const char *id, int slot,
			 const char *path, int64_t deadline_ms, struct err *e);
