#pragma once

/* Files and programs in a sandbox, by its agent. What answers is hostile: sizes and times are
 * bounded. */

#include "err.h"

#include <stddef.h>
#include <stdint.h>

struct http_client;

NODISCARD int agent_put_file(struct http_client *http, const char *socket_path, const char *path,
			     const char *bytes, size_t len, struct err *e);

struct agent_run {
	const char *const *argv; /* NULL-terminated */
	int64_t timeout_ms;
	/* Asked now and then; its error ends the run. NULL: never. */
	int (*go_on)(void *ctx, struct err *e);
	void *ctx;
};

/* Runs it to its end, in /workspace. ERR_UNPROCESSABLE when it fails, with the end of what it
 * printed; ERR_TIMEOUT; ERR_NO_SPACE when that is what it says. */
NODISCARD int agent_run(struct http_client *http, const char *socket_path,
			const struct agent_run *run, struct err *e);
