/*
 * POST /projects/{id}/generate. The events, in order: `generation`; `message` and `file` while the
 * model speaks; `usage`; `version`; `step` and `output` of the run, or of install, start and check
 * of an app, and `preview` when it answers; `error` when something failed; `done` {state, version}.
 * The answer is always a stream, and goes on when nobody listens.
 *
 * What fails before the version leaves the project as it was and the generation `failed`. What
 * fails behind it (no sandbox, a program that breaks) leaves it `done`: the version is what was
 * asked for.
 */

#include "cleanup.h"
#include "generate/app_kind.h"
#include "generate/app_step.h"
#include "generate/context.h"
#include "generate/file_set.h"
#include "generate/handlers.h"
#include "generate/make_version.h"
#include "generate/reply_sink.h"
#include "generate/run_step.h"
#include "generate/turn.h"
#include "json.h"
#include "model/prompt.h"
#include "projects/projects.h"

#include <string.h>

#define PROMPT_MAX_BYTES (32 * 1024)

struct generate_body {
	const char *prompt, *mode, *model;
};

/* In the order of enum model_mode. */
static const char *const modes[] = {"build", "explain", "fix", NULL};

const struct json_field generate_fields[3] = {
	{.name = "prompt",
	 .type = JSON_FIELD_STRING,
	 .nullable = true, /* fix can do without */
	 .max = PROMPT_MAX_BYTES,
	 .offset = offsetof(struct generate_body, prompt)},
	{.name = "mode",
	 .type = JSON_FIELD_STRING,
	 .nullable = true,
	 .max = 16,
	 .offset = offsetof(struct generate_body, mode),
	 .one_of = modes},
	{.name = "model",
	 .type = JSON_FIELD_STRING,
	 .nullable = true,
	 .max = MODEL_NAME_MAX_BYTES,
	 .offset = offsetof(struct generate_body, model)},
};

static int64_t add_tokens(int64_t a, int64_t b)
{
	if (b < 0) {
		return a;
	}
	return a < 0 ? b : a + b;
}

/* One question to the model; its answer goes through a sink of its own. */
static int ask(struct turn *t, const struct context *c, struct file_set *files, bool only_refused,
	       struct err *e)
{
	const struct model_request rq = context_request(c, t);
	struct model_usage usage;
	struct reply_sink sink;
	int rc;

	reply_sink_init(&sink, t, c, files, only_refused);
	const struct model_callbacks cb = {
		.on_text = reply_sink_text, .on_tick = reply_sink_tick, .ctx = &sink};

	rc = t->choice.provider->stream(t->app, &rq, &cb, &usage, e);
	t->usage.prompt_tokens = add_tokens(t->usage.prompt_tokens, usage.prompt_tokens);
	t->usage.completion_tokens =
		add_tokens(t->usage.completion_tokens, usage.completion_tokens);
	if (rc == 0) {
		rc = reply_sink_end(&sink, e);
	}
	reply_sink_fini(&sink);
	return rc;
}

static int emit_completing(struct turn *t, const char *state, struct err *e)
{
	return turn_emit(t, "step", json_pack("{s:s,s:s}", "name", "complete", "state", state), e);
}

/* Files with something left out are asked for once more; twice is enough. */
static int ask_again(struct turn *t, struct context *c, struct file_set *files, struct err *e)
{
	auto_strbuf refused = {0};
	auto_strbuf question = {0};
	auto_free char *first = strdup(t->reply.data);
	struct prompt_value value = {.name = "refused"};

	strbuf_init(&refused, 1 << 20);
	strbuf_init(&question, 2 << 20);
	file_set_add_refused(files, &refused);
	value.text = refused.data;
	if (!first || prompt_render(t->app, "ask.complete", &value, 1, &question, e) < 0 ||
	    turn_text(t, DELTA_MESSAGE, "", "\n\n", 2, 0, e) < 0 ||
	    emit_completing(t, "started", e) < 0) {
		return first ? -1 : err_set(e, ERR_INTERNAL, "out of memory");
	}
	context_add(c, "assistant", first);
	context_add(c, "user", question.data);
	if (ask(t, c, files, true, e) < 0) {
		return -1;
	}
	if (file_set_count(files, FILE_REFUSED) == 0) {
		return emit_completing(t, "finished", e);
	}
	if (emit_completing(t, "failed", e) < 0) {
		return -1;
	}
	strbuf_reset(&refused);
	file_set_add_refused(files, &refused);
	return err_set(e, ERR_UNPROCESSABLE,
		       "the model left parts of files out twice, so nothing was changed: ask for a "
		       "smaller change, or use another model. %s",
		       refused.data);
}

static int emit_usage(struct turn *t, struct err *e)
{
	const struct model_usage *u = &t->usage;

	return turn_emit(
		t, "usage",
		json_pack("{s:o,s:o}", "prompt_tokens",
			  u->prompt_tokens < 0 ? json_null() : json_integer(u->prompt_tokens),
			  "completion_tokens",
			  u->completion_tokens < 0 ? json_null()
						   : json_integer(u->completion_tokens)),
		e);
}

static int talk(struct turn *t, struct context *c, struct file_set *files, struct err *e)
{
	if (ask(t, c, files, false, e) < 0) {
		return -1;
	}
	if (t->reply.len == 0) {
		return err_set(e, ERR_UPSTREAM, "the model answered nothing: ask again");
	}
	if (file_set_count(files, FILE_REFUSED) > 0 && ask_again(t, c, files, e) < 0) {
		return -1;
	}
	return emit_usage(t, e);
}

/* An app is started; a program is run, and when it shows to be a server it is an app, too. */
static int bring_to_life(struct turn *t, struct err *e)
{
	struct app_kind kind;
	bool listening = false;

	if (app_kind_of_version(t->app, t->project_id, t->version, &kind, e) < 0) {
		return -1;
	}
	if (kind.is_app) {
		return app_step(t, kind.watches, false, e);
	}
	if (run_step(t, &listening, e) < 0) {
		return -1;
	}
	return listening ? app_step(t, false, true, e) : 0;
}

static int work(struct turn *t, struct err *e)
{
	struct context context = {0};
	struct file_set files = {0};
	int rc;

	rc = context_init(&context, t, e);
	if (rc == 0) {
		rc = talk(t, &context, &files, e);
	}
	if (rc == 0) {
		rc = make_version(t, &files, e);
	}
	file_set_fini(&files);
	context_fini(&context);
	return rc == 0 && t->version > 0 ? bring_to_life(t, e) : rc;
}

static bool is_blank(const char *s)
{
	return s[strspn(s, " \t\r\n")] == '\0';
}

/* Fills the turn from the body. `fix_prompt` gets the words of a fix without any. */
static int read_body(struct turn *t, const json_t *object, struct strbuf *fix_prompt, struct err *e)
{
	struct generate_body body = {.prompt = "", .mode = modes[MODEL_BUILD]};

	if (json_read(object, generate_fields, ARRAY_LEN(generate_fields), &body, e) < 0) {
		return -1;
	}
	for (size_t i = 0; modes[i]; i++) {
		if (strcmp(modes[i], body.mode) == 0) {
			t->mode = (enum model_mode)i;
			t->mode_name = modes[i];
		}
	}
	t->prompt = body.prompt;
	if (is_blank(body.prompt) && t->mode != MODEL_FIX) {
		return err_set(e, ERR_INVALID, "\"prompt\" is required: say what is wanted");
	}
	if (is_blank(body.prompt)) {
		if (prompt_render(t->app, "ask.fix", NULL, 0, fix_prompt, e) < 0) {
			return -1;
		}
		t->prompt = fix_prompt->data;
	}
	return model_choose(t->app->config, body.model, &t->choice, e);
}

int generate_post(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	auto_json *object = NULL;
	auto_strbuf fix_prompt = {0};
	struct project_ref project;
	struct turn t = {.app = app, .rq = rq};
	struct err failure;
	int rc;

	strbuf_init(&fix_prompt, PROMPT_MAX_BYTES);
	if (project_of_request(app, rq, &project, e) < 0 || request_json(rq, &object, e) < 0 ||
	    read_body(&t, object, &fix_prompt, e) < 0) {
		return -1;
	}
	t.project_id = project.id;
	t.base_version = project.head_version;
	if (turn_start(&t, e) < 0) {
		return -1;
	}
	rc = turn_open(&t, rs, &failure);
	if (rc == 0) {
		rc = work(&t, &failure);
	}
	turn_finish(&t, rc < 0 ? &failure : NULL);
	turn_fini(&t);
	return 0;
}
