#pragma once

/*
 * One run on the agent's side: waits in the queue, has a supervisor, drains what was written, ends.
 *
 * Its output pipes are read only while the client takes it. When the supervisor says DONE
 * everything that wrote is dead, so what the pipes hold then is all there will be; end of file is
 * not waited for, because a descriptor may have been handed to a process outside the run.
 */

#include "agent.h"
#include "conn.h"
#include "frame.h"
#include "run_request.h"
#include "supervised.h"

#include <event2/event.h>

enum run_state {
	RUN_QUEUED,   /* in agent->queued */
	RUN_STARTING, /* in agent->running: the supervisor has not said STARTED */
	RUN_RUNNING,  /* in agent->running */
	RUN_DRAINING, /* in agent->draining: nothing runs, the client takes the rest */
};

struct run_stream {
	struct run *run;
	enum frame_type type;
	int fd; /* -1: ended */
	struct event *readable;
	int64_t delivered_bytes;
};

struct run_input {
	int fd; /* -1: all written */
	struct event *writable;
	size_t written;
};

struct probe;

struct run {
	TAILQ_ENTRY(run) link;
	struct agent *agent;
	struct run_request *rq;
	struct conn *conn; /* NULL: nobody listens any more */
	enum run_state state;
	int position; /* told last by QUEUED */

	struct supervised supervised;
	struct run_input in;
	struct run_stream out, err;

	bool truncated;
	bool listening;
	bool alone; /* no other run was active at any time */
	int64_t oom_kills_before;
	struct supervisor_msg end; /* DONE */

	struct probe *probe;
	struct event *grace; /* between LISTENING and the end */

	struct conn *waiter; /* of DELETE /v1/runs/{id} */
};

/* Takes over `rq`. */
struct run *run_create(struct agent *agent, struct run_request *rq, struct conn *conn);
/* Closes and frees everything; it must be in no list. Processes are left to their supervisor. */
void run_destroy(struct run *r);

/* Sends a run that is in agent->running on its way. On failure nothing has started. */
NODISCARD int run_start(struct run *r, struct err *e);

/* Answers for a run in agent->running that could not start, and destroys it. */
void run_not_started(struct run *r, const struct err *e);

/* Ends the run early; EXIT follows when nothing of it is left. */
void run_kill(struct run *r);

/* The client is gone: kills, and nothing more is sent. */
void run_detach(struct run *r);

/* Reads more output after the client took some. */
void run_resume(struct run *r);

/* One frame to the client, if there is one; begins the answer. `object` is released. */
void run_send_json(struct run *r, enum frame_type type, json_t *object);
void run_send(struct run *r, enum frame_type type, const void *bytes, size_t len);

/* An EXIT frame for a run that never ran; ends its answer. */
void run_send_not_started(struct run *r, int exit_code, const char *signal_name);

/* In runs.c: a run holds no process any more; it left agent->running. */
void runs_slot_free(struct agent *agent);
