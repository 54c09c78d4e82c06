#include "apps/app_status.h"
#include "apps/handlers.h"
#include "apps/replaced_run.h"
#include "cleanup.h"
#include "db.h"
#include "exec/broker.h"
#include "json.h"

static int respond(struct app *app, struct request *rq, struct response *rs, int status,
		   struct err *e)
{
	auto_json *object = NULL;
	struct app_row row;

	if (app_row_of_request(app, rq, &row, e) || app_status_json(app, &row, &object, e)) {
		return -1;
	}
	return response_json(rs, status, object, e);
}

/* Whether requests to the preview may wake it. */
static int set_stopped(struct app *app, const struct app_row *row, bool stopped, struct err *e)
{
	return db_query(app->db, "UPDATE projects SET app_stopped = $2 WHERE id = $1",
			DB_ARGS(db_text(row->project_id), db_bool(stopped)), NULL, e);
}

static int start(struct app *app, struct request *rq, struct response *rs, bool restart,
		 struct err *e)
{
	struct app_row row;

	if (app_row_of_request(app, rq, &row, e)) {
		return -1;
	}
	if (row.head_version == 0) {
		return err_set(e, ERR_UNPROCESSABLE,
			       "the project has no files yet, so there is nothing to start");
	}
	if (set_stopped(app, &row, false, e) || replaced_run_note(app, &row, restart, e) ||
	    broker_app_start(app, rq->user.id, row.project_id, restart, e)) {
		return -1;
	}
	return respond(app, rq, rs, 202, e);
}

int app_start_post(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	return start(app, rq, rs, false, e);
}

int app_restart_post(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	return start(app, rq, rs, true, e);
}

/* Said first, so that no request wakes it between the two. */
int app_stop_post(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	struct app_row row;

	if (app_row_of_request(app, rq, &row, e) || set_stopped(app, &row, true, e) ||
	    (row.has_sandbox && broker_stop(app, row.sandbox.id, e))) {
		return -1;
	}
	return respond(app, rq, rs, 200, e);
}

int app_status_get(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	return respond(app, rq, rs, 200, e);
}
