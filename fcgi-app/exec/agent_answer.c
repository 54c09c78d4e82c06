#include "exec/agent_answer.h"

#include "cleanup.h"
#include "json.h"

#include <string.h>

#define DURATION_MAX_MS (24LL * 3600 * 1000)

void agent_answer_init(struct agent_answer *a, int64_t output_max_bytes, frame_fn *on_frame,
		       void *ctx)
{
	*a = (struct agent_answer){
		.output_max_bytes = output_max_bytes,
		.on_frame = on_frame,
		.ctx = ctx,
	};
	frame_parser_init(&a->frames);
}

void agent_answer_fini(struct agent_answer *a)
{
	frame_parser_fini(&a->frames);
}

static int count_output(struct agent_answer *a, enum frame_type type, size_t len, struct err *e)
{
	int64_t *sum = &a->output_bytes[type == FRAME_STDERR];

	*sum += (int64_t)len; /* len <= FRAME_PAYLOAD_MAX and the sum is checked each time */
	if (*sum > a->output_max_bytes + AGENT_OUTPUT_SLACK) {
		return err_set(e, ERR_UPSTREAM,
			       "the sandbox's agent sent more output than allowed");
	}
	return 0;
}

struct exit_frame {
	int64_t exit_code;
	const char *signal;
	bool timed_out, truncated, oom_killed, listening;
	int64_t duration_ms;
};

static const struct json_field exit_fields[] = {
	{.name = "exit_code",
	 .type = JSON_FIELD_INT,
	 .nullable = true,
	 .min = -1,
	 .max = 255,
	 .offset = offsetof(struct exit_frame, exit_code)},
	{.name = "signal",
	 .type = JSON_FIELD_STRING,
	 .nullable = true,
	 .max = sizeof(((struct run_result *)0)->signal) - 1,
	 .offset = offsetof(struct exit_frame, signal)},
	{.name = "timed_out",
	 .type = JSON_FIELD_BOOL,
	 .offset = offsetof(struct exit_frame, timed_out)},
	{.name = "truncated",
	 .type = JSON_FIELD_BOOL,
	 .offset = offsetof(struct exit_frame, truncated)},
	{.name = "oom_killed",
	 .type = JSON_FIELD_BOOL,
	 .offset = offsetof(struct exit_frame, oom_killed)},
	{.name = "listening",
	 .type = JSON_FIELD_BOOL,
	 .offset = offsetof(struct exit_frame, listening)},
	{.name = "duration_ms",
	 .type = JSON_FIELD_INT,
	 .required = true,
	 .max = DURATION_MAX_MS,
	 .offset = offsetof(struct exit_frame, duration_ms)},
};

/* "SIGKILL" and its kind: what is shown to people and stored is never free text of the agent's. */
static bool signal_name_valid(const char *name)
{
	return strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-") == strlen(name);
}

static int take_exit(struct agent_answer *a, const json_t *object, struct err *e)
{
	struct exit_frame x = {.exit_code = -1, .signal = ""};

	if (json_read(object, exit_fields, ARRAY_LEN(exit_fields), &x, e)) {
		e->kind = ERR_UPSTREAM;
		return err_prefix(e, "the sandbox's agent sent a bad exit frame");
	}
	if (!signal_name_valid(x.signal)) {
		return err_set(e, ERR_UPSTREAM, "the sandbox's agent sent a bad signal name");
	}
	a->result = (struct run_result){
		.exit_code = (int)x.exit_code,
		.timed_out = x.timed_out,
		.truncated = x.truncated,
		.oom_killed = x.oom_killed,
		.listening = x.listening,
		.duration_ms = x.duration_ms,
		.output_bytes = a->output_bytes[0] + a->output_bytes[1],
	};
	memcpy(a->result.signal, x.signal, strlen(x.signal) + 1);
	a->exited = true;
	return 0;
}

static int take_event(struct agent_answer *a, enum frame_type type, const char *payload, size_t len,
		      struct err *e)
{
	auto_json *object = NULL;

	if (++a->n_events > AGENT_EVENTS_MAX) {
		return err_set(e, ERR_UPSTREAM, "the sandbox's agent sent too many events");
	}
	if (json_parse(payload, len, FRAME_PAYLOAD_MAX, &object, e) || !json_is_object(object)) {
		return err_set(e, ERR_UPSTREAM,
			       "the sandbox's agent sent an event that is no JSON "
			       "object");
	}
	if (type == FRAME_EXIT) {
		return take_exit(a, object, e);
	}
	return a->on_frame ? a->on_frame(a->ctx, type, payload, len, e) : 0;
}

static int take_frame(void *ctx, enum frame_type type, const char *payload, size_t len,
		      struct err *e)
{
	struct agent_answer *a = ctx;

	if (a->exited || ++a->n_frames > AGENT_FRAMES_MAX) {
		return err_set(e, ERR_UPSTREAM, "the sandbox's agent sent %s",
			       a->exited ? "something after the exit frame" : "too many frames");
	}
	switch (type) {
	case FRAME_STDOUT:
	case FRAME_STDERR:
		if (count_output(a, type, len, e)) {
			return -1;
		}
		return a->on_frame ? a->on_frame(a->ctx, type, payload, len, e) : 0;
	case FRAME_STARTED:
	case FRAME_LISTENING:
	case FRAME_EXIT:
	case FRAME_QUEUED:
		return take_event(a, type, payload, len, e);
	}
	return err_set(e, ERR_UPSTREAM, "the sandbox's agent sent an unknown frame");
}

int agent_answer_feed(struct agent_answer *a, const char *bytes, size_t len, struct err *e)
{
	return frame_parser_feed(&a->frames, bytes, len, take_frame, a, e);
}

int agent_answer_end(const struct agent_answer *a, struct run_result *ret, struct err *e)
{
	if (!a->exited || !frame_parser_idle(&a->frames)) {
		return err_set(e, ERR_UPSTREAM,
			       "the sandbox broke off before the run had ended; try again");
	}
	*ret = a->result;
	return 0;
}
