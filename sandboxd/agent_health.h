#pragma once

/* Asking a sandbox's agent how it is. What answers is hostile: sizes and times are bounded. */

#include "err.h"

#include <stdbool.h>
#include <stdint.h>

struct http_client;

struct agent_health {
	int64_t runs;	   /* at work */
	int64_t queued;	   /* waiting for a run to end */
	int64_t terminals; /* with a client */
	int64_t starting;  /* an app that is being installed or started */
};

/* Somebody uses the sandbox. */
bool agent_health_is_busy(const struct agent_health *h);

NODISCARD int agent_health_get(struct http_client *http, const char *socket_path,
			       int64_t timeout_ms, struct agent_health *ret, struct err *e);

/*
 * Waits until the agent answers. `dir` is the directory of the socket; `still_there` is asked now
 * and then, and its error ends the wait. ERR_TIMEOUT at the deadline.
 */
NODISCARD int agent_health_wait(struct http_client *http, const char *dir, const char *socket_path,
				int64_t deadline_ms, int (*still_there)(void *ctx, struct err *e),
				void *ctx, struct err *e);
