#pragma once

/* A worker's way to a running sandbox: the row in PostgreSQL first, sandboxd only when that fails.
 */

#include "app.h"
#include "err.h"
#include "token.h"

#include <stdbool.h>
#include <stdint.h>

struct sandbox {
	char id[UUID_TEXT_BYTES];
	char agent_socket[108];
	int64_t hydrated_version; /* -1: unknown */
};

/* The user's script sandbox (project_id NULL) or the project's, running; marks it as used. With
 * `force` the row is not believed: sandboxd is asked. */
NODISCARD int sandbox_get(struct app *app, const char *user_id, const char *project_id, bool force,
			  struct sandbox *ret, struct err *e);

/* For who reads rows by other means: ERR_INTERNAL unless the socket lies where sandboxd puts them.
 */
NODISCARD int sandbox_check_socket(struct app *app, const struct sandbox *sb, struct err *e);

/* Makes the workspace hold version n of the project, or leaves it at a newer one
 * (workspace_sync.h).
 */
NODISCARD int sandbox_hydrate(struct app *app, struct sandbox *sb, const char *project_id,
			      int64_t n, struct err *e);

/* Asks sandboxd to remove it, and marks the row so that reconciling does when it cannot be asked.
 */
NODISCARD int sandbox_remove_all(struct app *app, const char *user_id_or_null,
				 const char *project_id_or_null, struct err *e);
