#pragma once

/* What an installation is made from, as two hashes one after the other: of manifest, manager and
 * Node.js, and of the lockfile. */

#include "workspace.h"

#define PLAN_STAMP_MANIFEST_BYTES 32
#define PLAN_STAMP_BYTES	  65 /* with the NUL */

/* *ret_berry: the lockfile is one of Yarn 2 or later. `lockfile` may be NULL. */
NODISCARD int plan_stamp_make(const struct workspace *w, const char *lockfile, const char *manager,
			      char ret_hex[PLAN_STAMP_BYTES], bool *ret_berry, struct err *e);
