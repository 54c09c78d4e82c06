#include "exec/agent_client.h"

#include "agent_call.h"
#include "cleanup.h"
#include "config.h"
#include "exec/agent_answer.h"
#include "json.h"

#include <stdio.h>
#include <string.h>

#define TICK_MS		   50
#define RUN_SLACK_MS	   5000		      /* start, killing what is left, a loaded host */
#define RUN_BODY_MAX_BYTES (80 * 1024 * 1024) /* code and stdin, every byte escaped */

struct run_stream {
	struct agent_answer answer;
	const struct run_callbacks *cb;
};

static int stream_body(void *ctx, const char *bytes, size_t len, struct err *e)
{
	struct run_stream *s = ctx;

	return agent_answer_feed(&s->answer, bytes, len, e);
}

static int stream_tick(void *ctx, struct err *e)
{
	struct run_stream *s = ctx;

	return s->cb->on_tick(s->cb->ctx, e);
}

static json_t *run_writes(const struct run_request *rq)
{
	if (!rq->write_path) {
		return json_array();
	}
	return json_pack("[{s:s,s:s%}]", "path", rq->write_path, "content", rq->write_content,
			 rq->write_content_len);
}

static char *run_text(const struct run_request *rq)
{
	auto_json *argv = json_array();
	auto_json *run = NULL;

	for (size_t i = 0; rq->argv[i]; i++) {
		if (json_array_append_new(argv, json_string(rq->argv[i]))) {
			return NULL;
		}
	}
	run = json_pack("{s:s,s:O,s:s,s:{},s:o,s:s,s:I,s:I,s:b}", "id", rq->id, "argv", argv, "cwd",
			"", "env", "write", run_writes(rq), "stdin",
			rq->stdin_text ? rq->stdin_text : "", "timeout_ms",
			(json_int_t)rq->timeout_ms, "output_max_bytes",
			(json_int_t)rq->output_max_bytes, "probe_listen", rq->probe_listen);
	return run ? json_text(run) : NULL;
}

/* A run may wait behind a full queue of longest runs; while it waits or runs, an honest agent is
 * silent for no longer than one of them takes. */
static void set_deadlines(struct app *app, const struct run_request *rq, struct http_request *http)
{
	int64_t longest_ms = config_int(app->config, CFG_RUN_TIMEOUT_MS);
	int64_t queue = config_int(app->config, CFG_RUN_QUEUE);

	if (longest_ms < rq->timeout_ms) {
		longest_ms = rq->timeout_ms;
	}
	http->idle_timeout_ms = longest_ms + RUN_SLACK_MS;
	http->total_timeout_ms = (queue + 2) * (longest_ms + RUN_SLACK_MS);
}

int agent_run(struct app *app, const char *socket, const struct run_request *rq,
	      const struct run_callbacks *cb, struct run_result *ret, struct err *e)
{
	auto_free char *body = run_text(rq);
	auto_http_response response = {0};
	struct run_stream stream = {.cb = cb};
	struct http_request http = {
		.method = "POST",
		.url = "http://agent/v1/runs",
		.body = body,
		.body_len = body ? strlen(body) : 0,
		.on_body = stream_body,
		.on_tick = cb->on_tick ? stream_tick : NULL,
		.tick_ms = TICK_MS,
		.ctx = &stream,
	};
	int rc = -1;

	if (!body || http.body_len > RUN_BODY_MAX_BYTES) {
		return err_set(e, ERR_INTERNAL, "cannot write the run as JSON");
	}
	set_deadlines(app, rq, &http);
	agent_answer_init(&stream.answer, rq->output_max_bytes, cb->on_frame, cb->ctx);
	if (!agent_call(app->http, socket, &http, &response, e)) {
		rc = agent_answer_end(&stream.answer, ret, e);
	}
	agent_answer_fini(&stream.answer);
	return rc;
}
