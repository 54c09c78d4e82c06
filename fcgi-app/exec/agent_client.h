#pragma once

/*
 * A worker's side of the agent protocol (docs/ARCHITECTURE.md). Agents are hostile: every answer is
 * bounded, parsed strictly and never trusted beyond its own sandbox.
 */

#include "app.h"
#include "err.h"
#include "frame.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct run_request {
	const char *id; /* run id, a UUID */
	const char *const *argv;
	const char *write_path; /* a file written just before, or NULL */
	const char *write_content;
	size_t write_content_len; /* valid UTF-8 without NUL */
	const char *stdin_text;	  /* or NULL */
	int64_t timeout_ms;
	int64_t output_max_bytes;
	bool probe_listen;
};

struct run_result {
	int exit_code;	 /* -1 when ended by a signal */
	char signal[16]; /* "SIGKILL", or "" */
	bool timed_out, truncated, oom_killed, listening;
	int64_t duration_ms;
	int64_t output_bytes;
};

struct run_callbacks {
	/* stdout and stderr as raw bytes, others as JSON text. -1 aborts (and so kills) the run. */
	frame_fn *on_frame;
	/* Every 50 ms; -1 aborts. NULL: none. */
	int (*on_tick)(void *ctx, struct err *e);
	void *ctx;
};

/* Runs and streams to the end. ERR_UNAVAILABLE: no agent there (nothing has run, ensure and try
 * again); ERR_RATE_LIMITED: its queue is full; ERR_UPSTREAM: it broke off or spoke nonsense; or
 * a callback's own error, as it is. */
NODISCARD int agent_run(struct app *app, const char *socket, const struct run_request *rq,
			const struct run_callbacks *cb, struct run_result *ret, struct err *e);
