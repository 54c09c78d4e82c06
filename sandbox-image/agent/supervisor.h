#pragma once

/*
 * A run's supervisor: a process between the agent and the code, root like the agent and a child
 * subreaper, so that whatever the code starts stays beneath it. It starts the program, keeps the
 * deadline, and ends only when nothing of the run is left.
 *
 * Agent and supervisor speak over a SOCK_SEQPACKET pair: the supervisor sends the messages below,
 * the agent sends one byte to end the run, or dies, which does the same as SUPERVISOR_KILL.
 */

#include "err.h"
#include "run_request.h"
#include "spawn.h"
#include "workspace.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define SUPERVISOR_KILL	   'K' /* kills everything at once */
#define SUPERVISOR_HANG_UP 'H' /* SIGHUP to the program's group, and a second for everything */
#define SUPERVISOR_TERMINATE                                                                       \
	'T' /* SIGTERM to the program's group, and a moment to end by itself                       \
	     */

enum supervisor_msg_type {
	SUPERVISOR_STARTED, /* pid */
	SUPERVISOR_FAILED,  /* error: nothing has run */
	SUPERVISOR_DONE,    /* the program ended and nothing of the run is left */
	SUPERVISOR_STUCK,   /* error: something does not die */
};

struct supervisor_msg {
	enum supervisor_msg_type type;
	pid_t pid;
	int wait_status; /* of the program */
	bool timed_out;	 /* it was still running at the deadline */
	int64_t duration_ms;
	struct err error;
};

/* Forks it. `control` is the supervisor's end; the caller closes it and stdio afterwards. The files
 * of rq->writes are written first. ERR_UNAVAILABLE when the sandbox has no process left. */
NODISCARD int supervisor_start(const struct run_request *rq, const struct workspace *w, int control,
			       const struct spawn_stdio *stdio, pid_t *ret_pid, struct err *e);
