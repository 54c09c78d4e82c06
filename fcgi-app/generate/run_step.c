#include "generate/run_step.h"

#include "apps/agent_app.h"
#include "cleanup.h"
#include "config.h"
#include "exec/agent_client.h"
#include "exec/run_record.h"
#include "exec/sandbox.h"
#include "exec/text_stream.h"
#include "http/problem.h"
#include "json.h"
#include "log.h"
#include "projects/entry.h"

#include <string.h>

#define AGENT_TIMEOUT_MS 1000
#define STOP_TIMEOUT_MS	 5000

struct step {
	struct turn *turn;
	char entry[ENTRY_ARG_BYTES];
	struct sandbox sandbox;
	struct text_stream text[2]; /* stdout, stderr */
	bool begun;		    /* some frame came: it cannot be tried again */
	bool listening;
	bool turn_failed; /* storing or sending failed, or it was cancelled */
};

static const char *const stream_names[] = {"stdout", "stderr"};

static int send_text(struct step *s, const char *stream, const struct strbuf *text, struct err *e)
{
	return text->len == 0
		       ? 0
		       : turn_text(s->turn, DELTA_OUTPUT, stream, text->data, text->len, 0, e);
}

static int on_output(struct step *s, int which, const char *bytes, size_t len, struct err *e)
{
	auto_strbuf text = {0};

	strbuf_init(&text, 3 * (len + 3));
	if (text_stream_add(&s->text[which], bytes, len, &text) < 0) {
		return strbuf_check(&text, "the output", e);
	}
	return send_text(s, stream_names[which], &text, e);
}

/* A text member of what the agent says, or NULL. */
static const char *text_of(const json_t *frame, const char *name)
{
	return json_string_value(json_object_get(frame, name));
}

/* The answer of the program's server. NUL is a character of it like any other. */
static int send_answer(struct step *s, const json_t *body, struct err *e)
{
	size_t len = json_string_length(body);

	return len == 0 ? 0
			: turn_text(s->turn, DELTA_OUTPUT, "response", json_string_value(body), len,
				    0, e);
}

/* The agent is hostile: only what has the right form is passed on. */
static int on_listening(struct step *s, const char *payload, size_t len, struct err *e)
{
	auto_json *frame = json_loadb(payload, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	const json_t *status = json_object_get(frame, "status");
	json_t *code =
		json_is_integer(status) ? json_integer(json_integer_value(status)) : json_null();

	s->listening = true;
	if (send_answer(s, json_object_get(frame, "body"), e) < 0) {
		json_decref(code);
		return -1;
	}
	return turn_emit(s->turn, "step",
			 json_pack("{s:s,s:s,s:I,s:o,s:s*,s:s*,s:b}", "name", "run", "state",
				   "listening", "port",
				   json_integer_value(json_object_get(frame, "port")), "status",
				   code, "content_type", text_of(frame, "content_type"), "error",
				   text_of(frame, "error"), "truncated",
				   json_is_true(json_object_get(frame, "truncated"))),
			 e);
}

static int take_frame(struct step *s, enum frame_type type, const char *payload, size_t len,
		      struct err *e)
{
	switch (type) {
	case FRAME_STDOUT:
	case FRAME_STDERR:
		return on_output(s, type == FRAME_STDERR, payload, len, e);
	case FRAME_LISTENING:
		return s->listening ? 0 : on_listening(s, payload, len, e);
	case FRAME_QUEUED:
		return turn_emit(s->turn, "step",
				 json_pack("{s:s,s:s}", "name", "run", "state", "queued"), e);
	case FRAME_STARTED:
	case FRAME_EXIT:
		break;
	}
	return 0;
}

static int on_frame(void *ctx, enum frame_type type, const char *payload, size_t len, struct err *e)
{
	struct step *s = ctx;

	s->begun = true;
	if (take_frame(s, type, payload, len, e) < 0 || turn_tick(s->turn, e) < 0) {
		s->turn_failed = true;
		return -1;
	}
	return 0;
}

static int on_tick(void *ctx, struct err *e)
{
	struct step *s = ctx;

	if (turn_tick(s->turn, e) < 0) {
		s->turn_failed = true;
		return -1;
	}
	return 0;
}

/* An app of an older version holds the port that this one wants. */
static void make_room(struct step *s)
{
	auto_agent_app before = {0};
	struct err e;

	if (agent_app_get(s->turn->app, s->sandbox.agent_socket, AGENT_TIMEOUT_MS, &before, &e) ==
		    0 &&
	    before.state != AGENT_APP_STOPPED &&
	    agent_app_stop(s->turn->app, s->sandbox.agent_socket, STOP_TIMEOUT_MS, &e) < 0) {
		log_err(LOG_WARN, "app_not_stopped", &e);
	}
}

static int beat(struct step *s, struct err *e)
{
	if (turn_beat(s->turn, e) < 0) {
		s->turn_failed = true;
		return -1;
	}
	return 0;
}

static int run_once(struct step *s, const char *run_id, bool force, struct run_result *ret,
		    struct err *e)
{
	struct turn *t = s->turn;
	const char *const argv[] = {"node", s->entry, NULL};
	const struct run_request rq = {
		.id = run_id,
		.argv = argv,
		.timeout_ms = config_int(t->app->config, CFG_RUN_TIMEOUT_MS),
		.output_max_bytes = config_int(t->app->config, CFG_RUN_OUTPUT_MAX_BYTES),
		.probe_listen = true,
	};
	const struct run_callbacks cb = {.on_frame = on_frame, .on_tick = on_tick, .ctx = s};

	if (beat(s, e) < 0 ||
	    sandbox_get(t->app, t->rq->user.id, t->project_id, force, &s->sandbox, e) < 0) {
		return -1;
	}
	/* Each may take long; together they must not look like the end of this worker. */
	if (beat(s, e) < 0 ||
	    sandbox_hydrate(t->app, &s->sandbox, t->project_id, t->version, e) < 0) {
		return -1;
	}
	make_room(s);
	return agent_run(t->app, s->sandbox.agent_socket, &rq, &cb, ret, e);
}

/* A running row whose agent is gone: sandboxd brings it back, once. Nothing has run by then. */
static int run_with_retry(struct step *s, const char *run_id, struct run_result *ret, struct err *e)
{
	if (run_once(s, run_id, false, ret, e) == 0) {
		return 0;
	}
	if (e->kind != ERR_UNAVAILABLE || s->begun || s->turn_failed) {
		return -1;
	}
	log_err(LOG_INFO, "sandbox_woken", e);
	return run_once(s, run_id, true, ret, e);
}

static int flush_tails(struct step *s, struct err *e)
{
	for (int which = 0; which < 2; which++) {
		auto_strbuf text = {0};

		strbuf_init(&text, 64);
		if (text_stream_end(&s->text[which], &text) < 0) {
			return strbuf_check(&text, "the output", e);
		}
		if (send_text(s, stream_names[which], &text, e) < 0) {
			return -1;
		}
	}
	return 0;
}

static int send_end(struct step *s, const struct run_result *r, struct err *e)
{
	bool ok = r->exit_code == 0 && !r->signal[0] && !r->timed_out;

	if (flush_tails(s, e) < 0) {
		return -1;
	}
	if (s->listening) {
		return 0; /* told already: a server does not end by itself */
	}
	return turn_emit(s->turn, "step",
			 json_pack("{s:s,s:s,s:o,s:s?,s:b,s:b,s:b,s:I}", "name", "run", "state",
				   ok ? "finished" : "failed", "exit_code",
				   r->signal[0] ? json_null() : json_integer(r->exit_code),
				   "signal", r->signal[0] ? r->signal : NULL, "timed_out",
				   r->timed_out, "truncated", r->truncated, "oom_killed",
				   r->oom_killed, "duration_ms", (json_int_t)r->duration_ms),
			 e);
}

/* The run could not be had; the version is safe all the same. */
static int send_failure(struct step *s, const struct err *failure, struct err *e)
{
	struct problem p;

	log_err(LOG_WARN, "generation_run_failed", failure);
	problem_of(failure, &p);
	if (turn_emit(s->turn, "step",
		      json_pack("{s:s,s:s,s:s}", "name", "run", "state", "failed", "kind",
				err_kind_name(failure->kind)),
		      e) < 0) {
		return -1;
	}
	return turn_emit(s->turn, "error", problem_json(&p, s->turn->rq->id), e);
}

/* Nothing to start: a page of notes is a fine result, too. */
static int send_skipped(struct step *s, const struct err *why, struct err *e)
{
	return turn_emit(
		s->turn, "step",
		json_pack("{s:s,s:s,s:s}", "name", "run", "state", "skipped", "reason", why->text),
		e);
}

int run_step(struct turn *t, bool *ret_listening, struct err *e)
{
	struct step s = {.turn = t};
	struct run_result result;
	struct err failure;
	char run_id[UUID_TEXT_BYTES];

	*ret_listening = false;
	if (entry_find(t->app, t->project_id, t->version, NULL, s.entry, &failure) < 0) {
		return failure.kind == ERR_UNPROCESSABLE ? send_skipped(&s, &failure, e)
							 : send_failure(&s, &failure, e);
	}
	if (turn_emit(
		    t, "step",
		    json_pack("{s:s,s:s,s:s}", "name", "run", "state", "started", "entry", s.entry),
		    e) < 0 ||
	    event_log_flush(&t->log, e) < 0) {
		return -1; /* flushed, for waking a sandbox may take a while */
	}
	uuid_new(run_id);
	if (run_with_retry(&s, run_id, &result, &failure) == 0) {
		run_record(t->app, run_id, t->rq->user.id, t->project_id, t->id, s.sandbox.id,
			   &result);
		*ret_listening = s.listening;
		return send_end(&s, &result, e);
	}
	if (s.turn_failed) {
		*e = failure;
		return -1;
	}
	return send_failure(&s, &failure, e);
}
