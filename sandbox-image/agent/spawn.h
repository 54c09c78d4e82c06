#pragma once

/*
 * Starting the program of a run. This is the one place that does: a pre-started runtime, when it
 * comes, takes the request over here.
 */

#include "err.h"
#include "run_request.h"
#include "workspace.h"

#include <stdbool.h>
#include <sys/types.h>

struct spawn_stdio {
	int in, out, err;
	bool tty; /* `in` is a terminal, and becomes the one that controls the session */
};

/*
 * Forks a child with the sandbox's identity, its own session, default signals, no other descriptors
 * and no core dumps, which executes rq->argv. That the program cannot be executed is the child's
 * own end: a message on its stderr and exit status 127 (not found), 126 otherwise, like a shell.
 * ERR_UNAVAILABLE when the sandbox has no process left.
 */
NODISCARD int spawn_child(const struct run_request *rq, const struct workspace *w,
			  const struct spawn_stdio *stdio, pid_t *ret_pid, struct err *e);
