#pragma once

/* The host's ports for apps (table "ports"): each given to one sandbox at a time, and resting after
 * it was released, because a route to it may be a moment old. */

#include "err.h"

struct db;
struct settings;

/* The port of the range that has rested for longest; what the sandbox had before is released.
 * ERR_NO_SPACE when every port is in use or resting. */
NODISCARD int ports_take(struct db *db, const struct settings *s, const char *sandbox_id,
			 int *ret_port, struct err *e);

/* Harmless when it has none. */
NODISCARD int ports_release(struct db *db, const char *sandbox_id, struct err *e);

/* Those of sandboxes that are gone or at rest. */
NODISCARD int ports_release_dead(struct db *db, struct err *e);
