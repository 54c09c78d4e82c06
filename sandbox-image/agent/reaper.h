#pragma once

/* PID 1's duty: every orphan is reaped, and what a dead supervisor left behind is killed. */

#include "agent.h"

NODISCARD int reaper_init(struct agent *agent, struct err *e);

/* Kills every descendant of the agent that is no supervisor's and no helper's; when none is left,
 * the runs that are RUN_SWEEPING get run_swept. */
void reaper_sweep(struct agent *agent);
