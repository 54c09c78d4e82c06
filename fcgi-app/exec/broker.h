#pragma once

/* A worker's side of sandboxd's protocol (docs/ARCHITECTURE.md). */

#include "app.h"
#include "err.h"

#include <jansson.h>
#include <stdbool.h>

/* Starts the owner's sandbox if need be and waits until its agent answers. `project_id` may be
 * NULL. *ret_object is a new reference to the sandbox object. ERR_UNAVAILABLE names what is down.
 */
NODISCARD int broker_ensure(struct app *app, const char *user_id, const char *project_id,
			    json_t **ret_object, struct err *e);

/* Starts a project's app, or with `restart` makes it start anew. Does not wait: the row's phase and
 * the agent tell how it goes. */
NODISCARD int broker_app_start(struct app *app, const char *user_id, const char *project_id,
			       bool restart, struct err *e);

/* Stops a sandbox and all in it; its workspace stays. Success also when there was none. */
NODISCARD int broker_stop(struct app *app, const char *sandbox_id, struct err *e);

/* Container, disk and row. Success also when there was none. */
NODISCARD int broker_delete(struct app *app, const char *sandbox_id, struct err *e);
