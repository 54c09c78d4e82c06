#pragma once

#include "err.h"
#include "workspace.h"

/* Writes the JSON of GET /v1/tree to `out` (a helper_fn; `arg` is not used). */
NODISCARD int tree_write(const struct workspace *w, const char *arg, int out, struct err *e);
