#pragma once

/*
 * Paths inside a workspace, as API, model and agent exchange them: relative, slash-separated,
 * UTF-8. This is the form check; that no symbolic link leads outside is openat2's job (fs.h).
 */

#include "err.h"

#include <stdbool.h>
#include <stddef.h>

#define PATH_MAX_BYTES	    1024
#define PATH_COMPONENT_MAX  255
#define PATH_COMPONENTS_MAX 32

/*
 * ERR_INVALID, saying which, unless: 1..PATH_MAX_BYTES bytes of valid UTF-8 with no NUL and no
 * control character, no leading or trailing slash, no backslash, no empty, "." or ".." component,
 * each component at most PATH_COMPONENT_MAX bytes, at most PATH_COMPONENTS_MAX of them.
 */
NODISCARD int path_check(const char *path, size_t len, struct err *e);

/* Packages are installed into a sandbox, they are no part of a version. */
#define PATH_NEVER_STORED "node_modules"

/* Whether one of the components of `path`, which passed path_check, is `name`. */
bool path_has_component(const char *path, const char *name);
