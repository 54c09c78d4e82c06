#pragma once

/* What of a package.json matters for running it. The file is a stranger's. */

#include "err.h"
#include "path.h"

#include <stdbool.h>
#include <stddef.h>

#define MANIFEST_MAX_BYTES (1024 * 1024)

struct manifest {
	const char *script; /* "dev", "start" or "serve", the first that is there; or NULL */
	char main[PATH_MAX_BYTES + 1]; /* a path that passed path_check, or "" */
	char manager[16];	       /* the name in "packageManager", or "" */
	bool has_dependencies;	       /* of any kind, workspaces included */
};

/* ERR_INVALID with words for the person whose file it is. */
NODISCARD int manifest_parse(const char *text, size_t len, struct manifest *ret, struct err *e);
