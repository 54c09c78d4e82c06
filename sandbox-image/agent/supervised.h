#pragma once

/*
 * A supervisor (supervisor.h) seen from the agent: runs, the app and terminals each have one. Knows
 * its messages, ends it, and sees to it that nothing is left when the supervisor itself was killed.
 */

#include "agent.h"
#include "supervisor.h"

struct supervised {
	TAILQ_ENTRY(supervised) link; /* in agent->supervised while it has processes */
	struct agent *agent;
	pid_t pid;   /* of the supervisor */
	int control; /* -1: none */
	struct event *readable;
	bool active;   /* it is in the list */
	bool sweeping; /* the supervisor died; what was beneath it is being killed */
	bool kill_sent;

	void *owner;
	/* Set before the start. `ended` comes exactly once after a successful start, when nothing
	 * is alive: m->type is DONE, or FAILED when nothing has run. It may free the owner. */
	void (*started)(struct supervised *s, pid_t pid);
	void (*ended)(struct supervised *s, const struct supervisor_msg *m);
};

/* An idle one; the callbacks are the caller's to set. */
void supervised_init(struct supervised *s, struct agent *agent, void *owner);

/* Lets go; a supervisor that goes on kills everything, because its agent is gone. */
void supervised_fini(struct supervised *s);

/* Starts rq under a supervisor of its own. The caller closes its copies of stdio afterwards. On
 * failure nothing has started. */
NODISCARD int supervised_start(struct supervised *s, const struct run_request *rq,
			       const struct spawn_stdio *stdio, struct err *e);

/* Kills everything of it; `ended` follows. Harmless when it was said before, or is over. */
void supervised_kill(struct supervised *s);

/* The same, but the program gets SIGTERM first and a moment to end by itself. */
void supervised_terminate(struct supervised *s);

/* The same for a session: SIGHUP, and a second for all of it. */
void supervised_hang_up(struct supervised *s);

/* For the reaper: the sweep found nothing alive any more. */
void supervised_swept(struct supervised *s);
