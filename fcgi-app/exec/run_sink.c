#include "exec/run_sink.h"

#include "cleanup.h"
#include "clock.h"
#include "exec/agent_answer.h"
#include "http/problem.h"
#include "json.h"
#include "sse.h"

#include <string.h>

#define EVENT_MAX_BYTES (4 * 1024 * 1024) /* a frame, every byte of it replaced and escaped */

void run_sink_init(struct run_sink *s, const struct request *rq, struct response *rs,
		   int64_t output_max_bytes)
{
	/* A byte that is no text becomes a character of three. */
	size_t max = 3 * ((size_t)output_max_bytes + AGENT_OUTPUT_SLACK + FRAME_PAYLOAD_MAX);

	*s = (struct run_sink){
		.rq = rq, .rs = rs, .events = request_wants_events(rq), .next_id = 1};
	strbuf_init(&s->text[0], max);
	strbuf_init(&s->text[1], max);
}

void run_sink_fini(struct run_sink *s)
{
	strbuf_fini(&s->text[0]);
	strbuf_fini(&s->text[1]);
}

/* Steals `data`. */
static int send_event(struct run_sink *s, const char *type, json_t *data, struct err *e)
{
	auto_json *owned = data;
	auto_free char *text = owned ? json_text(owned) : NULL;
	auto_strbuf sse;

	strbuf_init(&sse, EVENT_MAX_BYTES);
	if (!text || sse_write(&sse, s->next_id, type, text)) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	if (!response_started(s->rs) &&
	    response_stream_begin(s->rs, "text/event-stream; charset=utf-8", e)) {
		return -1;
	}
	s->next_id++;
	if (!response_stream_write(s->rs, sse.data, sse.len)) {
		return err_set(e, ERR_CANCELLED, "the client went away");
	}
	return 0;
}

static int send_text(struct run_sink *s, int which, struct err *e)
{
	struct strbuf *text = &s->text[which];
	json_t *data;

	if (text->len == 0) {
		return 0;
	}
	data = json_pack("{s:s%}", "data", text->data, text->len);
	strbuf_reset(text);
	return send_event(s, which == 0 ? "stdout" : "stderr", data, e);
}

static int on_frame(void *ctx, enum frame_type type, const char *payload, size_t len, struct err *e)
{
	struct run_sink *s = ctx;
	int which = type == FRAME_STDERR;

	if (type != FRAME_STDOUT && type != FRAME_STDERR) {
		return 0;
	}
	if (text_stream_add(&s->stream[which], payload, len, &s->text[which])) {
		return strbuf_check(&s->text[which], "the output", e);
	}
	return s->events ? send_text(s, which, e) : 0;
}

static int on_tick(void *ctx, struct err *e)
{
	struct run_sink *s = ctx;

	if (response_client_gone(s->rs)) {
		return err_set(e, ERR_CANCELLED, "the client went away");
	}
	if (clock_mono_ms() >= s->rq->deadline_ms) {
		return err_set(e, ERR_TIMEOUT, "the run waited too long for its turn");
	}
	return 0;
}

struct run_callbacks run_sink_callbacks(struct run_sink *s)
{
	return (struct run_callbacks){.on_frame = on_frame, .on_tick = on_tick, .ctx = s};
}

static json_t *result_object(const struct run_result *r)
{
	return json_pack("{s:o,s:s?,s:b,s:b,s:b,s:I}", "exit_code",
			 r->signal[0] ? json_null() : json_integer(r->exit_code), "signal",
			 r->signal[0] ? r->signal : NULL, "timed_out", r->timed_out, "truncated",
			 r->truncated, "oom_killed", r->oom_killed, "duration_ms",
			 (json_int_t)r->duration_ms);
}

static int finish_json(struct run_sink *s, const struct run_result *result, struct err *e)
{
	auto_json *end = result_object(result);
	auto_json *answer = json_pack("{s:s%,s:s%}", "output", s->text[0].data, s->text[0].len,
				      "error", s->text[1].data, s->text[1].len);

	if (!end || !answer || json_object_update(answer, end)) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	return response_json(s->rs, 200, answer, e);
}

int run_sink_finish(struct run_sink *s, const struct run_result *result, struct err *e)
{
	for (int which = 0; which < 2; which++) {
		if (text_stream_end(&s->stream[which], &s->text[which])) {
			return strbuf_check(&s->text[which], "the output", e);
		}
		if (s->events && send_text(s, which, e)) {
			return -1;
		}
	}
	return s->events ? send_event(s, "exit", result_object(result), e)
			 : finish_json(s, result, e);
}

int run_sink_fail(struct run_sink *s, struct err *failure)
{
	struct problem problem;
	struct err gone;

	if (!s->events || !response_started(s->rs) || failure->kind == ERR_CANCELLED) {
		return -1;
	}
	problem_of(failure, &problem);
	if (send_event(s, "error", problem_json(&problem, s->rq->id), &gone)) {
		*failure = gone;
		return -1;
	}
	return 0;
}
