#include "agent_run.h"

#include "cleanup.h"
#include "frame.h"
#include "http_client.h"
#include "json.h"
#include "token.h"

#include <stdio.h>
#include <string.h>

#define PUT_TIMEOUT_MS	 30000
#define CONNECT_MS	 2000
#define TICK_MS		 500
#define GRACE_MS	 15000 /* of the agent, to end what it runs */
#define ANSWER_MAX_BYTES (64 * 1024)
#define OUTPUT_MAX_BYTES (1024 * 1024)
#define TAIL_BYTES	 2000
#define WORDS_BYTES	 480

static int check_status(const struct http_response *response, int wanted, struct err *e)
{
	if (response->status == wanted) {
		return 0;
	}
	return err_set(e, response->status == 507 ? ERR_NO_SPACE : ERR_UPSTREAM,
		       "the sandbox's agent answered %d", response->status);
}

int agent_put_file(struct http_client *http, const char *socket_path, const char *path,
		   const char *bytes, size_t len, struct err *e)
{
	static const char *const headers[] = {"Connection: close",
					      "Content-Type: application/octet-stream", NULL};
	char url[300];
	struct http_request request = {.method = "PUT",
				       .url = url,
				       .unix_socket = socket_path,
				       .headers = headers,
				       .body = bytes,
				       .body_len = len,
				       .connect_timeout_ms = CONNECT_MS,
				       .total_timeout_ms = PUT_TIMEOUT_MS,
				       .response_max_bytes = ANSWER_MAX_BYTES};
	auto_http_response response = {0};

	(void)snprintf(url, sizeof(url), "http://agent/v1/files/%.250s", path);
	if (http_client_perform(http, &request, &response, e) < 0) {
		return err_prefix(e, "the sandbox's agent");
	}
	return check_status(&response, 204, e);
}

struct progress {
	const struct agent_run *run;
	struct frame_parser parser;
	char tail[TAIL_BYTES + 1]; /* the end of what it printed */
	size_t tail_len;
	bool ended, timed_out;
	int exit_code;
};

static void keep_tail(struct progress *p, const char *bytes, size_t len)
{
	if (len > TAIL_BYTES) {
		bytes += len - TAIL_BYTES;
		len = TAIL_BYTES;
	}
	if (p->tail_len + len > TAIL_BYTES) {
		size_t drop = p->tail_len + len - TAIL_BYTES;

		memmove(p->tail, p->tail + drop, p->tail_len - drop);
		p->tail_len -= drop;
	}
	memcpy(p->tail + p->tail_len, bytes, len);
	p->tail_len += len;
	p->tail[p->tail_len] = '\0';
}

static int take_exit(struct progress *p, const char *payload, size_t len, struct err *e)
{
	auto_json *exit = NULL;
	const json_t *code;

	if (json_parse(payload, len, ANSWER_MAX_BYTES, &exit, e) < 0) {
		e->kind = ERR_UPSTREAM;
		return err_prefix(e, "the sandbox's agent");
	}
	code = json_object_get(exit, "exit_code");
	if (!json_is_integer(code)) {
		return err_set(e, ERR_UPSTREAM, "the sandbox's agent says no exit status");
	}
	p->ended = true;
	p->exit_code = json_integer_value(code) == 0 ? 0 : 1;
	p->timed_out = json_is_true(json_object_get(exit, "timed_out"));
	return 0;
}

static int on_frame(void *ctx, enum frame_type type, const char *payload, size_t len, struct err *e)
{
	struct progress *p = ctx;

	switch (type) {
	case FRAME_STDOUT:
	case FRAME_STDERR:
		keep_tail(p, payload, len);
		return 0;
	case FRAME_EXIT:
		return take_exit(p, payload, len, e);
	case FRAME_STARTED:
	case FRAME_LISTENING:
	case FRAME_QUEUED:
		return 0;
	}
	return 0;
}

static int on_body(void *ctx, const char *bytes, size_t len, struct err *e)
{
	struct progress *p = ctx;

	return frame_parser_feed(&p->parser, bytes, len, on_frame, p, e);
}

static int on_tick(void *ctx, struct err *e)
{
	struct progress *p = ctx;

	return p->run->go_on ? p->run->go_on(p->run->ctx, e) : 0;
}

/* One line of its last words, without what would garble a log or a page. */
static void last_words(struct progress *p, char words[WORDS_BYTES])
{
	size_t from = p->tail_len > WORDS_BYTES - 1 ? p->tail_len - (WORDS_BYTES - 1) : 0, n = 0;

	for (size_t i = from; i < p->tail_len; i++) {
		char c = p->tail[i];

		if (c < ' ' || c > '~') {
			c = ' ';
		}
		if (c != ' ' || (n > 0 && words[n - 1] != ' ')) {
			words[n++] = c;
		}
	}
	words[n] = '\0';
}

static int judge(struct progress *p, struct err *e)
{
	char words[WORDS_BYTES];

	if (!p->ended) {
		return err_set(e, ERR_UPSTREAM, "the sandbox ended before its program did");
	}
	if (p->exit_code == 0) {
		return 0;
	}
	if (p->timed_out) {
		return err_set(e, ERR_TIMEOUT, "%s took longer than %lld s", p->run->argv[0],
			       (long long)p->run->timeout_ms / 1000);
	}
	last_words(p, words);
	return err_set(e, strstr(p->tail, "ENOSPC") ? ERR_NO_SPACE : ERR_UNPROCESSABLE,
		       "%s failed: %s", p->run->argv[0], words);
}

static char *run_json(const struct agent_run *run)
{
	auto_json *argv = json_array(), *body = NULL;
	char id[UUID_TEXT_BYTES];

	for (const char *const *arg = run->argv; *arg; arg++) {
		json_array_append_new(argv, json_string(*arg));
	}
	uuid_new(id);
	body = json_pack("{s:s,s:O,s:I,s:i}", "id", id, "argv", argv, "timeout_ms",
			 (json_int_t)run->timeout_ms, "output_max_bytes", OUTPUT_MAX_BYTES);
	return body ? json_text(body) : NULL;
}

int agent_run(struct http_client *http, const char *socket_path, const struct agent_run *run,
	      struct err *e)
{
	static const char *const headers[] = {"Connection: close", NULL};
	struct progress p = {.run = run};
	auto_free char *body = run_json(run);
	struct http_request request = {.method = "POST",
				       .url = "http://agent/v1/runs",
				       .unix_socket = socket_path,
				       .headers = headers,
				       .body = body,
				       .body_len = body ? strlen(body) : 0,
				       .connect_timeout_ms = CONNECT_MS,
				       .total_timeout_ms = run->timeout_ms + GRACE_MS,
				       .on_body = on_body,
				       .on_tick = on_tick,
				       .tick_ms = TICK_MS,
				       .ctx = &p,
				       .response_max_bytes = ANSWER_MAX_BYTES};
	auto_http_response response = {0};
	int rc;

	if (!body) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	frame_parser_init(&p.parser);
	rc = http_client_perform(http, &request, &response, e);
	frame_parser_fini(&p.parser);
	if (rc < 0) {
		return response.callback_failed ? -1 : err_prefix(e, "the sandbox's agent");
	}
	return check_status(&response, 200, e) < 0 ? -1 : judge(&p, e);
}
