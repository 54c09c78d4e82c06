#pragma once

/* One question to a socket and the whole answer until it is closed, without blocking: sandboxd's
 * wake call and the relay's status. */

#include "err.h"

#include <stddef.h>
#include <stdint.h>

struct ask;

struct ask_opts {
	const char *unix_path; /* NULL: 127.0.0.1:port */
	uint16_t port;
	const char *bytes;
	size_t len;
	size_t answer_max_bytes;
	int64_t timeout_ms;
	/* Called once, never from within ask_start. `e` is NULL when the answer ended well;
	 * `answer` is valid during the call. */
	void (*done)(void *ctx, const char *answer, size_t len, const struct err *e);
	void *ctx;
};

/* *ret is valid until `done` was called. */
NODISCARD int ask_start(const struct ask_opts *opts, struct ask **ret, struct err *e);

/* `done` is not called any more. NULL is fine. */
void ask_cancel(struct ask *a);
