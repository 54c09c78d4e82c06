#pragma once

/*
 * Brings the workspace of a running sandbox to a version of its project, through its agent: what
 * changed is written, files that only the older version had are deleted, whatever else lies there
 * is left alone. One at a time for each sandbox, over all processes (an advisory lock of the
 * database); what the workspace holds is in sandboxes.hydrated_version.
 */

#include "err.h"

#include <stdint.h>

struct db;
struct http_client;

struct workspace {
	struct db *db;
	struct http_client *http;
	const char *sandbox_id;
	const char *agent_socket;
	const char *project_id;
};

/*
 * *ret_version is what the workspace holds afterwards: n, or a newer one that somebody else has
 * brought it to, which is never undone. ERR_UNAVAILABLE: no agent there, or the sandbox was
 * removed; ERR_NO_SPACE; ERR_TIMEOUT when another sync does not end.
 */
NODISCARD int workspace_sync(const struct workspace *ws, int64_t n, int64_t *ret_version,
			     struct err *e);
