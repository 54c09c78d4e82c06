#pragma once

/* The last step of a turn: the version runs in the project's sandbox, and what it prints is
 * streamed. */

#include "err.h"
#include "generate/turn.h"

#include <stdbool.h>

/*
 * `step` {name: "run", state: "started", entry}, `output` events, then one `step` of state
 * "listening" {port, status, content_type} with the answer to GET / as `output` of stream
 * "response", or "finished" or "failed" {exit_code, signal, timed_out, truncated, oom_killed,
 * duration_ms}.
 *
 * A version without anything to start is a `step` of state "skipped" {reason}. A sandbox that
 * cannot be had is one of state "failed" {kind} with an `error` event, and 0: the version stands.
 * -1 only when the turn itself must end. *ret_listening: it was a server.
 */
NODISCARD int run_step(struct turn *t, bool *ret_listening, struct err *e);
