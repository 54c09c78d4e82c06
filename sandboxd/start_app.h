#pragma once

/* One try at starting a project's app: place, dependency tree, sandbox, files, and over to the
 * agent. Each step is a phase in the row. */

#include <stdbool.h>

struct worker;

struct start_request {
	const char *user_id, *project_id;
	bool may_wait; /* false: having no place is a failure */
	/* Asked between the steps. */
	bool (*is_cancelled)(void *ctx);
	/* Whether a running app shall be restarted; asked once, at the last step. */
	bool (*take_restart)(void *ctx);
	void *ctx;
};

/* True: every place is taken, to be tried again. Otherwise it is done, was given up, or has failed,
 * which is in the row then. */
bool start_app(struct worker *w, const struct start_request *rq);
