#include "start_app.h"

#include "agent_call.h"
#include "cleanup.h"
#include "clock.h"
#include "json.h"
#include "log.h"
#include "places.h"
#include "sandbox.h"
#include "settings.h"
#include "tree.h"
#include "worker.h"
#include "workspace_sync.h"

#include <stdio.h>
#include <string.h>

#define START_CALL_TIMEOUT_MS 10000

struct start {
	struct worker *w;
	const struct start_request *rq;
	struct sandbox_row row;
	int64_t version; /* the newest when the start began; 0: none */
	char tree_key[TREE_KEY_BYTES];
	enum start_outcome waits; /* why it cannot go on now, or START_OVER */
};

static bool is_cancelled(const struct start *s)
{
	return s->rq->cancellation.is_cancelled(s->rq->cancellation.ctx);
}

static int enter(struct start *s, const char *phase, struct err *e)
{
	return sandbox_set_phase(s->w, s->row.id, phase, &s->rq->cancellation, e);
}

/* What is to be started, and whether it is running. */
static int look(struct start *s, struct err *e)
{
	struct project_row project;

	if (store_find_project(s->w->db, s->rq->project_id, &project, e) < 0 ||
	    sandbox_of_project(s->w, s->rq->user_id, s->rq->project_id, &s->row, e) < 0) {
		return -1;
	}
	s->version = project.head_version;
	return 0;
}

static int find_place(struct start *s, struct err *e)
{
	bool room;

	if (s->row.state == SANDBOX_RUNNING) {
		return 0;
	}
	/* Who was here before and waits for packages goes on saying so. */
	if ((strcmp(s->row.phase, "packages") != 0 && enter(s, "waiting", e) < 0) ||
	    places_make_room(s->w, s->rq->user_id, &room, e) < 0) {
		return -1;
	}
	if (!room && places_check(s->w, s->rq->user_id, e) < 0) {
		s->waits = START_WAITS_FOR_PLACE;
		return -1;
	}
	return 0;
}

/* A tree that cannot be had is no reason not to start: then the agent installs. */
static int build_tree(struct start *s, const struct tree_plan *plan, struct err *e)
{
	int64_t deadline_ms = clock_mono_ms() + s->w->sandboxd->settings->install_timeout_s * 1000;
	struct err why;
	int rc;

	if (s->row.state == SANDBOX_RUNNING && strcmp(s->row.tree_key, plan->key) == 0) {
		(void)snprintf(s->tree_key, sizeof(s->tree_key), "%s", plan->key);
		return 0;
	}
	if (enter(s, "packages", e) < 0) {
		return -1;
	}
	rc = tree_ensure(s->w, plan, deadline_ms, &why);
	if (rc > 0 && s->rq->may_wait_for_packages) {
		s->waits = START_WAITS_FOR_PACKAGES;
		return err_set(e, ERR_RATE_LIMITED, "its packages are not there yet");
	}
	if (rc > 0) {
		(void)err_set(&why, ERR_TIMEOUT, "nobody could build it in time");
	}
	if (rc != 0) {
		log_warn("tree_not_built", "{s:s,s:s,s:s}", "project", s->rq->project_id, "tree",
			 plan->key, "detail", why.text);
		return 0;
	}
	(void)snprintf(s->tree_key, sizeof(s->tree_key), "%s", plan->key);
	return 0;
}

static int find_tree(struct start *s, struct err *e)
{
	struct tree_plan plan;
	int rc = 0;

	if (s->version == 0) {
		return 0;
	}
	if (tree_plan(s->w, s->rq->project_id, &plan, e) < 0) {
		return -1;
	}
	if (plan.key[0] != '\0') {
		rc = build_tree(s, &plan, e);
	} else {
		log_debug("tree_not_shared", "{s:s,s:s}", "project", s->rq->project_id, "why",
			  plan.why);
	}
	tree_plan_fini(&plan);
	return rc;
}

static int get_sandbox(struct start *s, struct err *e)
{
	bool is_there =
		s->row.state == SANDBOX_RUNNING && strcmp(s->row.tree_key, s->tree_key) == 0;

	if (!is_there && enter(s, "sandbox", e) < 0) {
		return -1;
	}
	if (sandbox_ensure(s->w, s->rq->user_id, s->rq->project_id, s->tree_key,
			   &s->rq->cancellation, &s->row, e) < 0) {
		s->waits = e->kind == ERR_RATE_LIMITED ? START_WAITS_FOR_PLACE : START_OVER;
		return -1;
	}
	return 0;
}

static int bring_files(struct start *s, struct err *e)
{
	const struct workspace ws = {.db = s->w->db,
				     .http = s->w->agents,
				     .sandbox_id = s->row.id,
				     .agent_socket = s->row.agent_socket,
				     .project_id = s->rq->project_id};
	int64_t held;

	if (s->row.hydrated_version >= s->version) {
		return 0;
	}
	if (enter(s, "files", e) < 0) {
		return -1;
	}
	return workspace_sync(&ws, s->version, &held, e);
}

static int hand_over(struct start *s, struct err *e)
{
	bool restart = s->rq->take_restart(s->rq->take_restart_ctx);
	auto_json *body = json_pack("{s:b,s:b,s:{}}", "restart", restart, "shared_modules",
				    s->row.tree_key[0] != '\0', "env");
	auto_free char *text = body ? json_text(body) : NULL;
	auto_http_response response = {0};
	struct http_request rq = {.method = "POST",
				  .url = "http://agent/v1/app/start",
				  .body = text,
				  .body_len = text ? strlen(text) : 0,
				  .total_timeout_ms = START_CALL_TIMEOUT_MS};

	if (!text) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	if (s->row.phase[0] != '\0' && enter(s, "app", e) < 0) {
		return -1;
	}
	return agent_call(s->w->agents, s->row.agent_socket, &rq, &response, e);
}

static int do_steps(struct start *s, struct err *e)
{
	if (look(s, e) < 0 || find_place(s, e) < 0 || find_tree(s, e) < 0 ||
	    get_sandbox(s, e) < 0 || bring_files(s, e) < 0 || hand_over(s, e) < 0) {
		return -1;
	}
	return enter(s, "", e);
}

/* Whoever cancelled has taken care of the row, or is about to; and nobody misses a project that is
 * gone. */
static void failed(struct start *s, const struct err *e)
{
	struct err untold;

	if (is_cancelled(s) || s->row.id[0] == '\0') {
		log_info("start_given_up", "{s:s,s:s}", "project", s->rq->project_id, "detail",
			 e->text);
		return;
	}
	log_warn("start_failed", "{s:s,s:s,s:s,s:s}", "project", s->rq->project_id, "sandbox",
		 s->row.id, "kind", err_kind_name(e->kind), "detail", e->text);
	if (sandbox_fail(s->w, s->row.id, e->text, &s->rq->cancellation, &untold) < 0 &&
	    untold.kind != ERR_CANCELLED) {
		log_err(LOG_WARN, "sandbox_row_not_written", &untold);
	}
}

static bool may_wait(const struct start *s)
{
	return (s->waits == START_WAITS_FOR_PLACE && s->rq->may_wait_for_place) ||
	       (s->waits == START_WAITS_FOR_PACKAGES && s->rq->may_wait_for_packages);
}

enum start_outcome start_app(struct worker *w, const struct start_request *rq)
{
	int64_t since_ms = clock_mono_ms();
	struct start s = {.w = w, .rq = rq};
	struct err e;

	if (do_steps(&s, &e) == 0) {
		log_info("app_started", "{s:s,s:s,s:I,s:s,s:I}", "project", rq->project_id,
			 "sandbox", s.row.id, "version", (json_int_t)s.version, "tree",
			 s.row.tree_key, "took_ms", (json_int_t)(clock_mono_ms() - since_ms));
		return START_OVER;
	}
	if (may_wait(&s)) {
		return s.waits;
	}
	failed(&s, &e);
	return START_OVER;
}
