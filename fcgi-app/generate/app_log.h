#pragma once

/* The events of an app's agent during a start: its output and its states, in app_start.c's hands.
 */

#include "err.h"
#include "generate/app_start.h"

/*
 * Reads the agent's events behind s->log_id until the start has come to an end, its deadline passes
 * or the agent ends the stream; s->stage tells. An agent that cannot be asked just now is no error.
 * -1: it speaks nonsense; with s->turn_failed the turn must end.
 */
NODISCARD int app_log_read(struct app_start *s, struct err *e);

/* What came behind s->log_id since, such as what requests made it print; no waiting. */
NODISCARD int app_log_drain(struct app_start *s, struct err *e);

/* Tells the stage as failed, in words and with what the agent's state (or NULL) has of its end. */
NODISCARD int app_log_failed(struct app_start *s, const char *error, const struct agent_app *state,
			     struct err *e);
