#include "generate/app_step.h"

#include "apps/sync.h"
#include "cleanup.h"
#include "generate/app_log.h"
#include "generate/app_start.h"
#include "generate/page_check.h"
#include "http/problem.h"
#include "log.h"
#include "previews/preview_url.h"

#include <stdio.h>

/* No sandbox could be had, or its agent spoke nonsense; the version is safe all the same. */
static int send_failure(struct turn *t, const char *step, const struct err *failure, struct err *e)
{
	struct problem p;

	log_err(LOG_WARN, "generation_app_failed", failure);
	problem_of(failure, &p);
	if (turn_emit(t, "step",
		      json_pack("{s:s,s:s,s:s,s:s}", "name", step, "state", "failed", "kind",
				err_kind_name(failure->kind), "error", p.detail),
		      e) < 0) {
		return -1;
	}
	return turn_emit(t, "error", problem_json(&p, t->rq->id), e);
}

/* An app that watches its files has the new ones already, unless its packages are others now. */
static int can_go_on(struct app_start *s, const struct agent_app *before, bool watches,
		     bool *ret_goes_on, struct err *e)
{
	struct turn *t = s->turn;
	bool changed = true;

	if (sync_manifest_changed(t->app, t->project_id, t->version - 1, t->version, &changed, e) <
	    0) {
		return -1;
	}
	*ret_goes_on = watches && !changed && before->state == AGENT_APP_RUNNING;
	return 0;
}

/* To STAGE_LISTENING or STAGE_FAILED. */
static int start(struct app_start *s, bool watches, struct err *e)
{
	auto_agent_app before = {0};

	if (turn_beat(s->turn, e) < 0) {
		s->turn_failed = true;
		return -1;
	}
	if (app_start_look(s, &before, e) < 0 ||
	    can_go_on(s, &before, watches, &s->goes_on, e) < 0 ||
	    app_start_ask(s, before.state != AGENT_APP_STOPPED && !s->goes_on, e) < 0) {
		return -1;
	}
	if (s->goes_on && sandbox_hydrate(s->turn->app, &s->row.sandbox, s->turn->project_id,
					  s->turn->version, e) < 0) {
		return -1;
	}
	return app_start_follow(s, e);
}

static int send_check(struct turn *t, const struct page_result *r, struct err *e)
{
	return turn_emit(t, "step",
			 json_pack("{s:s,s:s,s:I,s:O}", "name", "check", "state",
				   r->ok ? "finished" : "failed", "checked", (json_int_t)r->checked,
				   "failures", r->failures),
			 e);
}

static int send_preview(const struct app_start *s, const struct page_result *r, struct err *e)
{
	struct preview_base base;
	char url[sizeof(base.before) + PREVIEW_LABEL_BYTES + sizeof(base.after)];

	preview_base_of(s->turn->app->config, &base);
	snprintf(url, sizeof(url), "%s%s%s", base.before, s->row.slug, base.after);
	return turn_emit(s->turn, "preview",
			 json_pack("{s:s,s:I,s:I,s:s?,s:I}", "url", url, "port",
				   (json_int_t)s->port, "status", (json_int_t)r->status,
				   "content_type", r->content_type[0] ? r->content_type : NULL,
				   "checked", (json_int_t)r->checked),
			 e);
}

static int check(struct app_start *s, struct err *e)
{
	auto_page_result result = {0};
	struct turn *t = s->turn;
	struct err failure;
	bool turn_failed = false;

	if (turn_emit(t, "step", json_pack("{s:s,s:s}", "name", "check", "state", "started"), e) <
	    0) {
		return -1;
	}
	if (page_check(t, &s->row.sandbox, s->port, &result, &turn_failed, &failure) < 0) {
		if (turn_failed) {
			*e = failure;
			return -1;
		}
		return send_failure(t, "check", &failure, e);
	}
	if (app_log_drain(s, &failure) < 0 && s->turn_failed) {
		*e = failure;
		return -1;
	}
	if (send_check(t, &result, e) < 0) {
		return -1;
	}
	return result.ok ? send_preview(s, &result, e) : 0;
}

int app_step(struct turn *t, bool watches, bool after_run, struct err *e)
{
	struct app_start s = {.turn = t, .after_run = after_run};
	struct err failure;

	if (!after_run &&
	    (turn_emit(t, "step", json_pack("{s:s,s:s}", "name", "install", "state", "started"),
		       e) < 0 ||
	     event_log_flush(&t->log, e) < 0)) {
		return -1; /* flushed, for waking a sandbox may take a while */
	}
	if (start(&s, watches, &failure) < 0) {
		if (s.turn_failed) {
			*e = failure;
			return -1;
		}
		return send_failure(t, s.stage == STAGE_INSTALL ? "install" : "start", &failure, e);
	}
	return s.stage == STAGE_LISTENING ? check(&s, e) : 0;
}
