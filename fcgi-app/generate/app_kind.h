#pragma once

/* Whether a version is an app, to be installed and started, or a program, to be run. */

#include "app.h"
#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct app_kind {
	bool is_app;
	bool watches; /* started by a script `dev`, which updates itself when files change */
};

/* What a package.json's text says: an app has a script `dev`, or a script `start` and dependencies.
 */
struct app_kind app_kind_of_package_json(const char *text, size_t len);

/* The same of a version; an index.html without an entry file for Node is an app, too. */
NODISCARD int app_kind_of_version(struct app *app, const char *project_id, int64_t n,
				  struct app_kind *ret, struct err *e);
