#include "generate/app_start.h"

#include "cleanup.h"
#include "clock.h"
#include "config.h"
#include "db.h"
#include "exec/broker.h"
#include "generate/app_log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LOOK_MS		 200 /* at the row, when nothing says that it changed */
#define AGENT_TIMEOUT_MS 1000

int app_start_look(struct app_start *s, struct agent_app *ret_before, struct err *e)
{
	struct turn *t = s->turn;
	struct err none;

	*ret_before = (struct agent_app){0};
	if (app_row_get(t->app, t->project_id, t->rq->user.id, &s->row, e) < 0) {
		return -1;
	}
	if (!app_row_is_up(&s->row) || agent_app_get(t->app, s->row.sandbox.agent_socket,
						     AGENT_TIMEOUT_MS, ret_before, &none) < 0) {
		return 0; /* there is none to ask: it will be a new one */
	}
	snprintf(s->epoch, sizeof(s->epoch), "%s", s->row.epoch);
	s->start_before = ret_before->start;
	s->log_id = ret_before->last_log_id;
	return 0;
}

int app_start_ask(struct app_start *s, bool restart, struct err *e)
{
	struct turn *t = s->turn;

	s->stage_ms = clock_mono_ms();
	s->deadline_ms = s->stage_ms + config_int(t->app->config, CFG_INSTALL_TIMEOUT_S) * 1000;
	if (db_query(t->app->db, "UPDATE projects SET app_stopped = false WHERE id = $1",
		     DB_ARGS(db_text(t->project_id)), NULL, e) < 0) {
		return -1;
	}
	return broker_app_start(t->app, t->rq->user.id, t->project_id, restart, e);
}

static int tick(struct app_start *s, struct err *e)
{
	if (turn_tick(s->turn, e) < 0) {
		s->turn_failed = true;
		return -1;
	}
	return 0;
}

/* What the row says when it is not the agent's turn yet. */
static int read_row(struct app_start *s, struct err *e)
{
	struct turn *t = s->turn;

	if (app_row_get(t->app, t->project_id, t->rq->user.id, &s->row, e) < 0) {
		return -1;
	}
	if (app_row_is_up(&s->row) && strcmp(s->row.epoch, s->epoch) != 0) {
		snprintf(s->epoch, sizeof(s->epoch), "%s", s->row.epoch);
		s->start_before = 0; /* a new agent counts anew */
		s->log_id = 0;
		s->goes_on = false;
	}
	if (s->row.phase[0]) {
		return 0;
	}
	if (strcmp(s->row.state, "failed") == 0) {
		return err_set(e, ERR_UNAVAILABLE, "%s",
			       s->row.error[0] ? s->row.error : "the sandbox could not be started");
	}
	if (strcmp(s->row.state, "stopped") == 0 || strcmp(s->row.state, "stopping") == 0) {
		return err_set(e, ERR_CONFLICT, "the app was stopped meanwhile");
	}
	return 0;
}

static bool agent_has_it(const struct app_start *s)
{
	return app_row_is_up(&s->row) &&
	       (s->row.phase[0] == '\0' || strcmp(s->row.phase, "app") == 0);
}

static bool at_end(const struct app_start *s)
{
	return s->stage == STAGE_LISTENING || s->stage == STAGE_FAILED;
}

static int check_deadline(struct app_start *s, struct err *e)
{
	char words[80];

	if (clock_mono_ms() < s->deadline_ms || at_end(s)) {
		return 0;
	}
	snprintf(words, sizeof(words), "it took longer than the %" PRId64 " s it may",
		 (s->deadline_ms - s->stage_ms) / 1000);
	return app_log_failed(s, words, NULL, e);
}

/* Until the row changes, or may have. */
static int wait_for_row(struct app_start *s, struct err *e)
{
	int64_t until_ms = clock_mono_ms() + LOOK_MS;
	char payload[64];

	for (;;) {
		int64_t next_ms = clock_mono_ms() + TURN_DELTA_MS;
		int got = db_wait(s->turn->app->db, next_ms < until_ms ? next_ms : until_ms,
				  payload, sizeof(payload), e);

		if (got < 0 || tick(s, e) < 0) {
			return -1;
		}
		if (clock_mono_ms() >= until_ms ||
		    (got > 0 && strcmp(payload, s->turn->project_id) == 0)) {
			return 0;
		}
	}
}

int app_start_follow(struct app_start *s, struct err *e)
{
	struct db *db = s->turn->app->db;
	struct err ignored;
	int rc = db_listen(db, "slipway_routes", e);

	while (rc == 0 && !at_end(s)) {
		rc = read_row(s, e);
		if (rc == 0 && agent_has_it(s)) {
			rc = app_log_read(s, e);
		}
		if (rc == 0 && !at_end(s)) {
			rc = check_deadline(s, e);
		}
		if (rc == 0 && !at_end(s)) {
			rc = wait_for_row(s, e);
		}
	}
	if (db_unlisten(db, &ignored) < 0 && rc == 0) {
		*e = ignored;
		rc = -1;
	}
	return rc;
}
