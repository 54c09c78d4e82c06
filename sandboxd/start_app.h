#pragma once

/* One try at starting a project's app: place, dependency tree, sandbox, files, and over to the
 * agent. Each step is a phase in the row. */

#include "sandbox.h"

#include <stdbool.h>

struct worker;

enum start_outcome {
	START_OVER, /* done, given up, or failed, which is in the row then */
	/* To be tried again: */
	START_WAITS_FOR_PLACE,	  /* all are taken */
	START_WAITS_FOR_PACKAGES, /* somebody else is building the tree, or all who may build are */
	START_OUTCOMES
};

struct start_request {
	const char *user_id, *project_id;
	bool may_wait_for_place;    /* false: having none is a failure */
	bool may_wait_for_packages; /* false: the agent installs them */
	struct cancellation cancellation;
	/* Whether a running app shall be restarted; asked once, at the last step. */
	bool (*take_restart)(void *ctx);
	void *take_restart_ctx;
};

enum start_outcome start_app(struct worker *w, const struct start_request *rq);
