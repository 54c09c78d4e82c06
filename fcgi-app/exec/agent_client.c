#include "exec/agent_client.h"

#include "cleanup.h"
#include "config.h"
#include "exec/agent_answer.h"
#include "http_client.h"
#include "json.h"

#include <stdio.h>
#include <string.h>

#define CONNECT_TIMEOUT_MS 2000
#define FILE_TIMEOUT_MS	   20000
#define TICK_MS		   50
#define RUN_SLACK_MS	   5000 /* start, killing what is left, a loaded host */
#define ERROR_BODY_MAX	   4096
#define RUN_BODY_MAX_BYTES (80 * 1024 * 1024) /* code and stdin, every byte escaped */
#define URL_MAX_BYTES	   (3 * 1024 + 64)    /* a path, every byte percent-encoded */

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

/* What an agent says about an error is shown to people, so only plain printable text of it is. */
static void printable(const char *text, char *ret_text, size_t cap)
{
	size_t n = 0;

	for (; text[n] && n + 1 < cap; n++) {
		unsigned char c = (unsigned char)text[n];

		ret_text[n] = c >= 0x20 && c < 0x7f ? text[n] : '?';
	}
	ret_text[n] = '\0';
}

static int answer_error(const struct http_response *r, struct err *e)
{
	char detail[160] = "no detail";
	auto_json *body = NULL;
	struct err ignored;

	switch (r->status) {
	case 429:
		return err_set(e, ERR_RATE_LIMITED,
			       "this sandbox has as many runs waiting as it may; try again soon");
	case 507:
		return err_set(e, ERR_NO_SPACE, "the sandbox's disk is full; delete some files");
	case 404:
		return err_set(e, ERR_NOT_FOUND, "no such file in the sandbox");
	default:
		break;
	}
	if (!json_parse(r->body.data, r->body.len, ERROR_BODY_MAX, &body, &ignored)) {
		const char *said = json_string_value(json_object_get(body, "detail"));

		printable(said ? said : "", detail, sizeof(detail));
	}
	return err_set(e, ERR_UPSTREAM, "the sandbox's agent answered %d (%s)", r->status, detail);
}

/* Says whose fault it was, unless a callback of ours did so already. */
static int no_answer(const struct http_response *r, struct err *e)
{
	if (r->callback_failed) {
		return -1;
	}
	if (e->kind == ERR_UNAVAILABLE) {
		return err_set(e, ERR_UNAVAILABLE,
			       "the sandbox's agent does not answer; try again");
	}
	return err_prefix(e, "the sandbox's agent");
}

/* One request to an agent. ERR_UNAVAILABLE only when there was nobody to take it. */
static int call(struct app *app, const char *socket, struct http_request *rq,
		struct http_response *ret, struct err *e)
{
	static const char *const json_headers[] = {"Content-Type: application/json", NULL};

	rq->unix_socket = socket;
	rq->connect_timeout_ms = CONNECT_TIMEOUT_MS;
	rq->response_max_bytes = ERROR_BODY_MAX;
	if (!rq->headers) {
		rq->headers = json_headers;
	}
	if (http_client_perform(app->http, rq, ret, e)) {
		return no_answer(ret, e);
	}
	return ret->status / 100 == 2 ? 0 : answer_error(ret, e);
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
	if (!call(app, socket, &http, &response, e)) {
		rc = agent_answer_end(&stream.answer, ret, e);
	}
	agent_answer_fini(&stream.answer);
	return rc;
}

/* RFC 3986: unreserved characters and slashes as they are, all others percent-encoded. */
static void url_of_path(const char *prefix, const char *path, char ret_url[URL_MAX_BYTES])
{
	size_t n = (size_t)snprintf(ret_url, URL_MAX_BYTES, "%s", prefix);

	for (const unsigned char *p = (const unsigned char *)path; *p && n + 4 < URL_MAX_BYTES;
	     p++) {
		if (strchr("-._~/", *p) || (*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') ||
		    (*p >= 'A' && *p <= 'Z')) {
			ret_url[n++] = (char)*p;
		} else {
			n += (size_t)snprintf(ret_url + n, 4, "%%%02X", *p);
		}
	}
	ret_url[n] = '\0';
}

int agent_delete(struct app *app, const char *socket, const char *path, struct err *e)
{
	char url[URL_MAX_BYTES];
	auto_http_response response = {0};
	struct http_request http = {
		.method = "DELETE",
		.url = url,
		.total_timeout_ms = FILE_TIMEOUT_MS,
	};

	url_of_path("http://agent/v1/files/", path, url);
	return call(app, socket, &http, &response, e);
}

int agent_put_tar(struct app *app, const char *socket, const void *tar, size_t len, struct err *e)
{
	static const char *const headers[] = {"Content-Type: application/x-tar", NULL};
	auto_http_response response = {0};
	struct http_request http = {
		.method = "PUT",
		.url = "http://agent/v1/tar",
		.headers = headers,
		.body = tar,
		.body_len = len,
		.total_timeout_ms = FILE_TIMEOUT_MS,
	};

	return call(app, socket, &http, &response, e);
}
