#include "runs.h"

#include "app.h"
#include "clock.h"
#include "run.h"
#include "strbuf.h"
#include "terminal.h"
#include "version.h"

#include <string.h>

/* A POST /v1/runs: first its body, then its run. */
struct submission {
	struct strbuf body;
	size_t charged; /* to agent->bodies_bytes, for the request as well as for its body */
	struct run *run;
};

static void reply_json(struct conn *c, json_t *object, struct err *e)
{
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;

	if (text) {
		conn_reply(c, 200, "application/json", text, strlen(text));
	} else {
		err_set(e, ERR_INTERNAL, "out of memory");
		conn_reply_err(c, e);
	}
	free(text);
	json_decref(object);
}

int runs_on_health(struct conn *c, struct err *e)
{
	const struct agent *a = conn_agent(c);

	reply_json(c,
		   json_pack("{s:s,s:I,s:i,s:i,s:i,s:i}", "version", SLIPWAY_VERSION, "uptime_ms",
			     (json_int_t)(clock_mono_ms() - a->started_ms), "runs", a->n_running,
			     "queued", a->n_queued, "terminals", terminals_attached(a), "starting",
			     app_is_on_its_way(a)),
		   e);
	return 0;
}

int runs_on_begin(struct conn *c, struct err *e)
{
	struct submission *s = calloc(1, sizeof(*s));

	if (!s) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	strbuf_init(&s->body, RUN_BODY_MAX_BYTES);
	conn_set_data(c, s);
	return 0;
}

int runs_on_body(struct conn *c, const char *bytes, size_t len, struct err *e)
{
	struct submission *s = conn_data(c);
	struct agent *agent = conn_agent(c);

	if (len > AGENT_BODIES_MAX_BYTES - agent->bodies_bytes) {
		return err_set(e, ERR_RATE_LIMITED, "too many large requests at once");
	}
	agent->bodies_bytes += len;
	s->charged += len;
	strbuf_add(&s->body, bytes, len);
	return strbuf_check(&s->body, "the body", e);
}

static struct run *find_in(struct run_list *list, const char *id)
{
	struct run *r;

	TAILQ_FOREACH(r, list, link)
	{
		if (strcmp(r->rq->id, id) == 0) {
			return r;
		}
	}
	return NULL;
}

static void start(struct run *r)
{
	struct agent *agent = r->agent;
	struct run *other;
	struct err e;

	r->alone = TAILQ_EMPTY(&agent->running);
	TAILQ_FOREACH(other, &agent->running, link)
	{
		other->alone = false;
	}
	TAILQ_INSERT_TAIL(&agent->running, r, link);
	agent->n_running++;
	if (run_start(r, &e) < 0) {
		run_not_started(r, &e);
	}
}

static void tell_positions(struct agent *agent)
{
	struct run *r;
	int position = 0;

	TAILQ_FOREACH(r, &agent->queued, link)
	{
		position++;
		if (r->position != position) {
			r->position = position;
			run_send_json(r, FRAME_QUEUED, json_pack("{s:i}", "position", position));
		}
	}
}

void runs_slot_free(struct agent *agent)
{
	struct run *r = TAILQ_FIRST(&agent->queued);

	if (!r || agent->n_running >= agent->settings.runs_max) {
		tell_positions(agent);
		return;
	}
	TAILQ_REMOVE(&agent->queued, r, link);
	agent->n_queued--;
	tell_positions(agent);
	start(r);
}

static int submit(struct conn *c, struct submission *s, struct run_request *rq, struct err *e)
{
	struct agent *agent = conn_agent(c);
	bool full = agent->n_running >= agent->settings.runs_max;

	if (find_in(&agent->running, rq->id) || find_in(&agent->queued, rq->id)) {
		return err_set(e, ERR_CONFLICT, "a run with this id is going on");
	}
	if (full && agent->n_queued >= agent->settings.run_queue) {
		return err_set(e, ERR_RATE_LIMITED,
			       "%d runs go on and %d wait in this sandbox; try again later",
			       agent->n_running, agent->n_queued);
	}
	s->run = run_create(agent, rq, c);
	if (!s->run) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	if (full) {
		TAILQ_INSERT_TAIL(&agent->queued, s->run, link);
		agent->n_queued++;
		tell_positions(agent);
	} else {
		start(s->run);
	}
	return 0;
}

int runs_on_end(struct conn *c, struct err *e)
{
	struct submission *s = conn_data(c);
	struct run_request *rq;

	if (run_request_parse(s->body.data, s->body.len, conn_agent(c)->code_env, &rq, e) < 0) {
		return -1;
	}
	strbuf_fini(&s->body);
	if (submit(c, s, rq, e) < 0) {
		run_request_destroy(rq);
		return -1;
	}
	return 0;
}

void runs_on_writable(struct conn *c)
{
	const struct submission *s = conn_data(c);

	if (s && s->run) {
		run_resume(s->run);
	}
}

static void leave_queue(struct run *r)
{
	struct agent *agent = r->agent;

	TAILQ_REMOVE(&agent->queued, r, link);
	agent->n_queued--;
	run_destroy(r);
	tell_positions(agent);
}

void runs_on_gone(struct conn *c)
{
	struct submission *s = conn_data(c);
	struct run *r = s ? s->run : NULL;

	/* A run that has ended has let go of its connection before. */
	if (r && r->conn == c) {
		r->conn = NULL;
		if (r->state == RUN_QUEUED) {
			leave_queue(r);
		} else {
			run_detach(r);
		}
	}
	if (s) {
		conn_agent(c)->bodies_bytes -= s->charged;
		strbuf_fini(&s->body);
		free(s);
	}
}

int runs_on_delete(struct conn *c, struct err *e)
{
	struct agent *agent = conn_agent(c);
	struct run *r = find_in(&agent->running, conn_rest(c));

	(void)e;
	if (r && !r->waiter) {
		r->waiter = c;
		conn_set_data(c, r);
		run_kill(r);
		return 0;
	}
	r = find_in(&agent->queued, conn_rest(c));
	if (r) {
		run_send_not_started(r, -1, "SIGKILL");
		leave_queue(r);
	}
	conn_reply(c, 204, NULL, "", 0);
	return 0;
}

void runs_on_delete_gone(struct conn *c)
{
	struct run *r = conn_data(c);

	if (r && r->waiter == c) {
		r->waiter = NULL;
	}
}
