#pragma once

/* An app on its way to listening, as its sandbox's row and its agent tell; told as `step` and
 * `output` events while it goes. */

#include "apps/agent_app.h"
#include "apps/app_status.h"
#include "err.h"
#include "generate/turn.h"

#include <stdbool.h>
#include <stdint.h>

enum app_stage {
	STAGE_INSTALL,	 /* its sandbox is made ready, packages are installed */
	STAGE_START,	 /* it was started */
	STAGE_LISTENING, /* the end: it listens */
	STAGE_FAILED,	 /* the end: told as such */
};

struct app_start {
	struct turn *turn;
	bool after_run; /* it ran before as a program: its install and output are not told again */
	bool goes_on;	/* it runs already and is not started anew */
	struct app_row row;
	enum app_stage stage;
	int64_t port; /* it listens on */

	int64_t stage_ms, deadline_ms; /* when the stage began, and may last until */
	char epoch[33];		       /* of the row when we asked for a start */
	int64_t start_before;	       /* the agent's count of starts when we asked for one */
	int64_t log_id;		       /* the last of its events that we have */
	int64_t bytes, shown_bytes;    /* of its events, and of its output that was passed on */
	bool turn_failed;	       /* storing or sending failed, or it was cancelled */
};

/* Reads the row and, when its sandbox runs, what the agent says of the app before: *ret_before,
 * zeroed where there is none. */
NODISCARD int app_start_look(struct app_start *s, struct agent_app *ret_before, struct err *e);

/* Asks sandboxd for a start. */
NODISCARD int app_start_ask(struct app_start *s, bool restart, struct err *e);

/* Follows it to one of the two ends. -1: what sandboxd or the agent did makes no sense or none of
 * them can be asked; with turn_failed the turn must end. */
NODISCARD int app_start_follow(struct app_start *s, struct err *e);
