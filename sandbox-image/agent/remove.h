#pragma once

#include "err.h"
#include "workspace.h"

/* Removes the directory at `path` with all beneath it, links not followed, however deep code made
 * it (a helper_fn; writes nothing to `out`). */
NODISCARD int remove_tree(const struct workspace *w, const char *path, int out, struct err *e);
