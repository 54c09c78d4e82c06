#pragma once

/*
 * Work on files that may take long (whole trees) in a process of its own, so that the agent's loop
 * never waits for it. The helper acts with the sandbox's uid for files but stays root otherwise:
 * code cannot signal it. What it writes becomes the body of the answer.
 */

#include "agent.h"
#include "conn.h"

/* In the helper: writes the body to `out`, which may block. */
typedef int helper_fn(const struct workspace *w, const char *arg, int out, struct err *e);

/* Answers the request with what fn writes, chunked; or with 204 when content_type is NULL. The
 * conn's data becomes the helper's. ERR_RATE_LIMITED when too many are at work. */
NODISCARD int helper_start(struct conn *c, helper_fn *fn, const char *arg, const char *content_type,
			   struct err *e);

/* For the routes that use it. */
void helper_on_writable(struct conn *c);
void helper_on_gone(struct conn *c);

/* For the reaper. */
void helper_reaped(struct agent *agent, pid_t pid);
size_t helper_pids(const struct agent *agent, pid_t *ret, size_t max);
