#pragma once

/*
 * sandboxd is told to start an app, answers at once and does it a moment later. Until then the
 * agent tells of the run before, which whoever asked for another does not want to see as the new
 * one. So it is noted which run that was.
 */

#include "app.h"
#include "err.h"

#include <stdbool.h>
#include <stdint.h>

struct agent_app;
struct app_row;

/* How long a note is believed: should sandboxd not do what it said, the truth comes out again. */
#define REPLACED_RUN_S 120

#define REPLACED_RUN_BYTES 64

/* Before sandboxd is asked. A start does not replace what goes on, a restart does. An agent that
 * cannot be asked has nothing to show. */
NODISCARD int replaced_run_note(struct app *app, const struct app_row *row, bool restart,
				struct err *e);

/* Whether the agent tells of the run that was noted. */
bool replaced_run_is(const struct app_row *row, const struct agent_app *told);
