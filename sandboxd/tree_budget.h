#pragma once

/* The disk that trees take (SLIPWAY_TREES_MB), and what goes when it is used up. */

#include "tree.h"

/* A tree that was just built: others make room for it. *ret_size: what it really takes.
 * ERR_NO_SPACE, with its image gone, when it is larger than the whole budget. */
NODISCARD int tree_budget_admit(struct worker *w, const char *key, int64_t *ret_size,
				struct err *e);
