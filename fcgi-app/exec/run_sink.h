#pragma once

/*
 * Where a run's output goes: collected into one JSON answer, or sent as Server-Sent Events while it
 * comes. Callbacks for agent_run; a client that goes away ends the run.
 */

#include "exec/agent_client.h"
#include "exec/text_stream.h"
#include "http/request.h"
#include "http/response.h"
#include "strbuf.h"

struct run_sink {
	const struct request *rq;
	struct response *rs;
	bool events;
	int64_t next_id;
	struct strbuf text[2]; /* stdout, stderr: all of it, or the event being made */
	struct text_stream stream[2];
};

void run_sink_init(struct run_sink *s, const struct request *rq, struct response *rs,
		   int64_t output_max_bytes);
void run_sink_fini(struct run_sink *s);

struct run_callbacks run_sink_callbacks(struct run_sink *s);

/* The last words: the whole answer, or the exit event. */
NODISCARD int run_sink_finish(struct run_sink *s, const struct run_result *result, struct err *e);

/* 0 when the failure could be told as an event of a stream that has begun; otherwise -1, and
 * *failure is for the edge. */
NODISCARD int run_sink_fail(struct run_sink *s, struct err *failure);
