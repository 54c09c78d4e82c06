#pragma once

/* New versions reach the sandbox that runs. */

#include "app.h"
#include "err.h"

#include <stdbool.h>
#include <stdint.h>

/* Whoever stores a version says so here: "<project id> <n>". */
#define SYNC_CHANNEL "versions"

/*
 * Brings the project's running sandbox to its newest version. Starts the app anew when since
 * version `from` the manifest or a lockfile changed, or when it had crashed or ended; but not while
 * the generation that made the version still runs: it does so itself. Nothing to do is a success.
 */
NODISCARD int sync_project(struct app *app, const char *project_id, int64_t from, struct err *e);

/* Whether two versions differ in what decides which packages are installed and what is started. A
 * version that is not there has nothing of it. */
NODISCARD int sync_manifest_changed(struct app *app, const char *project_id, int64_t from,
				    int64_t to, bool *ret_changed, struct err *e);
