#pragma once

/* What is kept of a run: how it ended and how much it printed, never what. */

#include "app.h"
#include "exec/agent_client.h"

/* Stores a finished run. Failing to is logged and nothing else: the run has been. The ids but
 * run_id and user_id may be NULL. */
void run_record(struct app *app, const char *run_id, const char *user_id, const char *project_id,
		const char *generation_id, const char *sandbox_id, const struct run_result *result);
