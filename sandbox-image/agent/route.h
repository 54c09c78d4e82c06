#pragma once

/* The agent's calls (docs/ARCHITECTURE.md, "Agent protocol"). */

#include "conn.h"

/* The route of a method and decoded path, and where the rest after the route's path begins. NULL
 * with ERR_NOT_FOUND. */
const struct route *route_find(struct http_slice method, const char *path, const char **ret_rest,
			       struct err *e);
