#include "generate/app_log.h"

#include "cleanup.h"
#include "clock.h"
#include "config.h"
#include "http_client.h"
#include "json.h"
#include "log.h"
#include "sse.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AGENT_TIMEOUT_MS   1000
#define CONNECT_TIMEOUT_MS 2000
#define EVENTS_MAX_BYTES   (64LL * 1024 * 1024) /* of one start, shown or not */
#define DRAIN_MS	   1000
#define LINE_MAX_BYTES	   (16 * 1024)

struct log_stream {
	struct app_start *s;
	struct sse_parser parser;
	bool follow;
	bool over; /* the end of the start, or its deadline: no error */
};

static bool at_end(const struct app_start *s)
{
	return s->stage == STAGE_LISTENING || s->stage == STAGE_FAILED;
}

static int emit(struct app_start *s, json_t *data, struct err *e)
{
	if (turn_emit(s->turn, "step", data, e) < 0) {
		s->turn_failed = true;
		return -1;
	}
	return 0;
}

static json_t *shown(const struct agent_app *state, const char *name)
{
	json_t *value = state ? json_object_get(state->shown, name) : NULL;

	return value ? json_incref(value) : json_null();
}

int app_log_failed(struct app_start *s, const char *error, const struct agent_app *state,
		   struct err *e)
{
	const char *name = s->stage == STAGE_INSTALL ? "install" : "start";

	s->stage = STAGE_FAILED;
	return emit(s,
		    json_pack("{s:s,s:s,s:s,s:o,s:o}", "name", name, "state", "failed", "error",
			      error, "exit_code", shown(state, "exit_code"), "signal",
			      shown(state, "signal")),
		    e);
}

static json_t *install_end(const struct app_start *s, const struct agent_app *state)
{
	if (state->install_ms >= 0) {
		return json_pack("{s:s,s:s,s:s,s:I}", "name", "install", "state", "finished",
				 "source", "project", "duration_ms", (json_int_t)state->install_ms);
	}
	if (s->row.shared_modules) {
		return json_pack("{s:s,s:s,s:s,s:I}", "name", "install", "state", "finished",
				 "source", "shared", "duration_ms",
				 (json_int_t)(clock_mono_ms() - s->stage_ms));
	}
	return json_pack("{s:s,s:s}", "name", "install", "state", "skipped");
}

/* Packages are there, it was started. */
static int begin_start(struct app_start *s, const struct agent_app *state, struct err *e)
{
	if (s->stage != STAGE_INSTALL) {
		return 0;
	}
	if (!s->after_run && emit(s, install_end(s, state), e) < 0) {
		return -1;
	}
	s->stage = STAGE_START;
	s->stage_ms = clock_mono_ms();
	s->deadline_ms =
		s->stage_ms + config_int(s->turn->app->config, CFG_APP_START_TIMEOUT_S) * 1000;
	return emit(s, json_pack("{s:s,s:s}", "name", "start", "state", "started"), e);
}

static int listening(struct app_start *s, const struct agent_app *state, struct err *e)
{
	int64_t duration_ms = state->start_ms >= 0 && !s->goes_on ? state->start_ms
								  : clock_mono_ms() - s->stage_ms;

	if (begin_start(s, state, e) < 0) {
		return -1;
	}
	s->stage = STAGE_LISTENING;
	s->port = state->port;
	return emit(s,
		    json_pack("{s:s,s:s,s:o,s:I}", "name", "start", "state", "listening", "port",
			      shown(state, "port"), "duration_ms", (json_int_t)duration_ms),
		    e);
}

static int ended(struct app_start *s, const struct agent_app *state, struct err *e)
{
	const char *error = json_string_value(json_object_get(state->shown, "error"));

	/* Installed, and over before it was seen to start. */
	if (state->install_ms >= 0 && begin_start(s, state, e) < 0) {
		return -1;
	}
	if (!error) {
		error = state->state == AGENT_APP_EXITED ? "it ended without listening on a port"
							 : "it ended with an error";
	}
	return app_log_failed(s, error, state, e);
}

/* Of the start before ours nothing is wanted. A lower count is a new agent's. */
static bool is_ours(const struct app_start *s, const struct agent_app *state)
{
	return s->goes_on || (state->start > 0 && state->start != s->start_before);
}

static int take_state(struct app_start *s, const struct agent_app *state, struct err *e)
{
	if (!is_ours(s, state) || at_end(s)) {
		return 0;
	}
	switch (state->state) {
	case AGENT_APP_STOPPED:
		break;
	case AGENT_APP_INSTALLING:
		return 0; /* told from the beginning */
	case AGENT_APP_STARTING:
		return begin_start(s, state, e);
	case AGENT_APP_RUNNING:
		return listening(s, state, e);
	case AGENT_APP_CRASHED:
	case AGENT_APP_EXITED:
		return ended(s, state, e);
	}
	return app_log_failed(s, "the app was stopped meanwhile", NULL, e);
}

/* One line of output, as far as output is shown. */
static int take_line(struct app_start *s, const json_t *line, struct err *e)
{
	static const char *const streams[] = {"stdout", "stderr", "system"};
	const char *stream = json_string_value(json_object_get(line, "stream"));
	const char *source = json_string_value(json_object_get(line, "source"));
	const json_t *text = json_object_get(line, "text");
	size_t len = json_string_length(text), i = 0;
	auto_strbuf whole = {0};
	enum delta_kind kind = source && strcmp(source, "install") == 0 ? DELTA_INSTALL : DELTA_APP;

	while (stream && i < ARRAY_LEN(streams) && strcmp(stream, streams[i]) != 0) {
		i++;
	}
	if (!stream || i == ARRAY_LEN(streams) || !json_is_string(text) || len > LINE_MAX_BYTES) {
		return err_set(e, ERR_UPSTREAM, "the sandbox's agent sent no line of a log");
	}
	s->shown_bytes += (int64_t)len + 1;
	if (s->after_run ||
	    s->shown_bytes > config_int(s->turn->app->config, CFG_RUN_OUTPUT_MAX_BYTES)) {
		return 0;
	}
	strbuf_init(&whole, LINE_MAX_BYTES + 1);
	strbuf_add(&whole, json_string_value(text), len);
	strbuf_addc(&whole, '\n');
	if (strbuf_check(&whole, "a line", e) < 0 ||
	    turn_text(s->turn, kind, streams[i], whole.data, whole.len, 0, e) < 0) {
		s->turn_failed = true;
		return -1;
	}
	return 0;
}

static int take_event(struct app_start *s, const struct sse_event *event, const json_t *data,
		      struct err *e)
{
	auto_agent_app state = {0};

	if (strcmp(event->type, "log") == 0) {
		return take_line(s, data, e);
	}
	if (strcmp(event->type, "state") != 0) {
		return 0;
	}
	return agent_app_read(data, &state, e) < 0 ? -1 : take_state(s, &state, e);
}

static int on_event(void *ctx, const struct sse_event *event, struct err *e)
{
	struct log_stream *l = ctx;
	/* A NUL in a line of output is a character like any other. */
	auto_json *data = json_loadb(event->data, event->data_len,
				     JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);

	if (!json_is_object(data)) {
		return err_set(e, ERR_UPSTREAM,
			       "the sandbox's agent sent an event that is no JSON");
	}
	if (event->id[0]) {
		l->s->log_id = strtoll(event->id, NULL, 10);
	}
	if (take_event(l->s, event, data, e) < 0) {
		return -1;
	}
	l->over = l->follow && at_end(l->s);
	return l->over ? err_set(e, ERR_CANCELLED, "nothing more is wanted") : 0;
}

static int on_body(void *ctx, const char *bytes, size_t len, struct err *e)
{
	struct log_stream *l = ctx;

	l->s->bytes += (int64_t)len;
	if (l->s->bytes > EVENTS_MAX_BYTES) {
		return err_set(e, ERR_UPSTREAM, "the sandbox's agent sent too many events");
	}
	return sse_parser_feed(&l->parser, bytes, len, on_event, l, e);
}

static int on_tick(void *ctx, struct err *e)
{
	struct log_stream *l = ctx;

	if (turn_tick(l->s->turn, e) < 0) {
		l->s->turn_failed = true;
		return -1;
	}
	l->over = clock_mono_ms() >= l->s->deadline_ms;
	return l->over ? err_set(e, ERR_CANCELLED, "it takes too long") : 0;
}

/* 0 when the stream has ended one way or another that is no nonsense: the row tells the rest. */
static int read_stream(struct log_stream *l, struct err *e)
{
	struct app_start *s = l->s;
	auto_http_response response = {0};
	char url[80];
	const struct http_request rq = {
		.method = "GET",
		.url = url,
		.unix_socket = s->row.sandbox.agent_socket,
		.connect_timeout_ms = CONNECT_TIMEOUT_MS,
		.total_timeout_ms = s->deadline_ms - clock_mono_ms() + 1000,
		.on_body = on_body,
		.on_tick = on_tick,
		.tick_ms = TURN_DELTA_MS,
		.ctx = l,
	};

	snprintf(url, sizeof(url), "http://agent/v1/app/logs?after=%" PRId64 "&follow=%d",
		 s->log_id, l->follow);
	if (http_client_perform(s->turn->app->http, &rq, &response, e) < 0) {
		if (l->over) {
			return 0;
		}
		if (!response.callback_failed) {
			log_err(LOG_INFO, "app_log_broke_off", e);
			return 0;
		}
		return -1;
	}
	return 0;
}

/* Where the agent stands: an app that goes on has no event to tell, and a new agent counts anew. */
static int take_snapshot(struct app_start *s, struct err *e)
{
	auto_agent_app state = {0};
	struct err none;

	if (agent_app_get(s->turn->app, s->row.sandbox.agent_socket, AGENT_TIMEOUT_MS, &state,
			  &none) < 0) {
		return 0;
	}
	if (state.last_log_id < s->log_id) {
		s->log_id = 0;
	}
	return s->goes_on ? take_state(s, &state, e) : 0;
}

int app_log_read(struct app_start *s, struct err *e)
{
	struct log_stream l = {.s = s, .follow = true};
	int rc;

	if (take_snapshot(s, e) < 0) {
		return -1;
	}
	if (at_end(s) || clock_mono_ms() >= s->deadline_ms) {
		return 0;
	}
	sse_parser_init(&l.parser);
	rc = read_stream(&l, e);
	sse_parser_fini(&l.parser);
	return rc;
}

int app_log_drain(struct app_start *s, struct err *e)
{
	struct log_stream l = {.s = s};
	int rc;

	s->deadline_ms = clock_mono_ms() + DRAIN_MS;
	sse_parser_init(&l.parser);
	rc = read_stream(&l, e);
	sse_parser_fini(&l.parser);
	return rc;
}
