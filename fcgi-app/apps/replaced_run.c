#include "apps/replaced_run.h"

#include "apps/agent_app.h"
#include "apps/app_status.h"
#include "db.h"
#include "log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define AGENT_TIMEOUT_MS 300

/* One agent counts its starts; another one has another epoch. */
static void name_of(const struct app_row *row, const struct agent_app *a,
		    char ret[REPLACED_RUN_BYTES])
{
	snprintf(ret, REPLACED_RUN_BYTES, "%s %" PRId64, row->epoch, a->start);
}

static bool goes_on(const struct agent_app *a)
{
	return a->state == AGENT_APP_INSTALLING || a->state == AGENT_APP_STARTING ||
	       a->state == AGENT_APP_RUNNING;
}

int replaced_run_note(struct app *app, const struct app_row *row, bool restart, struct err *e)
{
	auto_agent_app before = {0};
	char name[REPLACED_RUN_BYTES];
	struct err none;

	if (!app_row_is_up(row)) {
		return 0;
	}
	if (agent_app_get(app, row->sandbox.agent_socket, AGENT_TIMEOUT_MS, &before, &none) < 0) {
		log_err(LOG_INFO, "app_state_unknown", &none);
		return 0;
	}
	if (goes_on(&before) && !restart) {
		return 0;
	}
	name_of(row, &before, name);
	return db_query(app->db,
			"UPDATE projects SET replaced_run = $2, replaced_at = now() WHERE id = $1",
			DB_ARGS(db_text(row->project_id), db_text(name)), NULL, e);
}

bool replaced_run_is(const struct app_row *row, const struct agent_app *told)
{
	char name[REPLACED_RUN_BYTES];

	name_of(row, told, name);
	return strcmp(name, row->replaced_run) == 0;
}
