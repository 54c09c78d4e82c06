#pragma once

/*
 * Short calls of the agent protocol (docs/ARCHITECTURE.md). Agents are hostile: answers are
 * bounded, and of their words only printable ASCII is passed on.
 */

#include "http_client.h"

#include <stddef.h>

/*
 * One request to the agent behind `socket`; sets connect timeout, the largest answer and, where
 * there are none, headers for JSON. 0 on a status of 2xx. ERR_UNAVAILABLE only when there was
 * nobody to take it; ERR_RATE_LIMITED, ERR_NO_SPACE, ERR_NOT_FOUND for 429, 507, 404; ERR_UPSTREAM
 * for any other; a callback's own error as it is.
 */
NODISCARD int agent_call(struct http_client *http, const char *socket, struct http_request *rq,
			 struct http_response *ret, struct err *e);

/* Deletes a file, or a directory with all beneath. */
NODISCARD int agent_delete(struct http_client *http, const char *socket, const char *path,
			   struct err *e);

/* Unpacks a tar of len bytes beneath /workspace. */
NODISCARD int agent_put_tar(struct http_client *http, const char *socket, const void *tar,
			    size_t len, struct err *e);
