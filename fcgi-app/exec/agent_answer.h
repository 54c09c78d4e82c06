#pragma once

/*
 * The body of an agent's answer to a run: frames that are counted, bounded and checked before
 * anybody else sees them. The agent is hostile: whatever it sends is either a well-formed run or
 * ERR_UPSTREAM.
 */

#include "err.h"
#include "exec/agent_client.h"
#include "frame.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AGENT_OUTPUT_SLACK                                                                         \
	(64 * 1024)	      /* bytes an agent may pass on before it notices its own cap */
#define AGENT_EVENTS_MAX 1024 /* frames that are not output */
#define AGENT_FRAMES_MAX (1 << 20)

struct agent_answer {
	struct frame_parser frames;
	int64_t output_max_bytes; /* of each of stdout and stderr */
	int64_t output_bytes[2];
	int64_t n_frames, n_events;
	bool exited;
	struct run_result result;
	frame_fn *on_frame; /* or NULL */
	void *ctx;
};

void agent_answer_init(struct agent_answer *a, int64_t output_max_bytes, frame_fn *on_frame,
		       void *ctx);
void agent_answer_fini(struct agent_answer *a);

/* Any number of bytes. The exit frame is not passed on; it is the result. */
NODISCARD int agent_answer_feed(struct agent_answer *a, const char *bytes, size_t len,
				struct err *e);

/* The answer is over. ERR_UPSTREAM unless an exit frame was its last byte. */
NODISCARD int agent_answer_end(const struct agent_answer *a, struct run_result *ret, struct err *e);
