#pragma once

/*
 * What a project's app does: the row of its sandbox, which sandboxd writes, joined with what the
 * agent inside says (docs/API.md, "The status").
 */

#include "app.h"
#include "apps/replaced_run.h"
#include "err.h"
#include "exec/sandbox.h"
#include "previews/preview_url.h"
#include "token.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct request;

/* A project of the caller's and the row of its sandbox. */
struct app_row {
	char project_id[UUID_TEXT_BYTES];
	char slug[PREVIEW_LABEL_BYTES];
	int64_t head_version; /* 0: none yet */
	bool stopped_by_owner;

	bool has_sandbox;
	struct sandbox sandbox; /* when has_sandbox */
	char state[16];		/* sandboxes.actual_state; "stopped" without one */
	char phase[16];		/* what a start is doing, "" when none is under way */
	char error[ERR_TEXT_MAX_BYTES];
	char epoch[33];			       /* another one at each start of the container */
	bool shared_modules;		       /* it has a dependency tree mounted */
	int64_t for_ms;			       /* since the row last changed */
	char replaced_run[REPLACED_RUN_BYTES]; /* "" : none */
};

/* params[0] as a project of the caller's. ERR_NOT_FOUND for any other. */
NODISCARD int app_row_of_request(struct app *app, const struct request *rq, struct app_row *ret,
				 struct err *e);

/* The same by ids. */
NODISCARD int app_row_get(struct app *app, const char *project_id, const char *user_id,
			  struct app_row *ret, struct err *e);

/* Whether its agent can be asked. */
bool app_row_is_up(const struct app_row *row);

/* The status as JSON (a new reference). An agent that does not answer in a moment is told as such,
 * and is no error. */
NODISCARD int app_status_json(struct app *app, const struct app_row *row, json_t **ret,
			      struct err *e);
