#pragma once

/*
 * Starting apps (docs/ARCHITECTURE.md, "Starting one"). Callers are answered at once; a few threads
 * do the work, one job for each project, and say in its row what they are at.
 */

#include "err.h"

#include <stdbool.h>

struct jobs;

#define JOBS_THREADS 4

/* NULL: out of memory. */
struct jobs *jobs_create(void);
void jobs_destroy(struct jobs *j);

/*
 * The project's app shall be started, or restarted. A job for it that is under way takes that over:
 * what was asked for while it worked is done once more at its end, because it may have come too
 * late. With `wake` one under way is enough. ERR_RATE_LIMITED when too many are waiting.
 */
NODISCARD int jobs_submit(struct jobs *j, const char *user_id, const char *project_id, bool restart,
			  bool wake, struct err *e);

/* A job of this project ends as soon as it can, leaving the row to the caller. */
void jobs_cancel(struct jobs *j, const char *project_id);

/* Whether there is a job of this project. */
bool jobs_has(struct jobs *j, const char *project_id);

/* Some sandbox stopped or some packages are there: jobs that wait look again. */
void jobs_look_again(struct jobs *j);

/* All threads shall end. */
void jobs_end(struct jobs *j);

/* A thread's start routine taking a sandboxd. */
void *jobs_run(void *sandboxd);
