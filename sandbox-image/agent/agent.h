#pragma once

/* What the agent's parts share. */

#include "settings.h"
#include "workspace.h"

#include <event2/event.h>
#include <jansson.h>
#include <stdint.h>
#include <sys/queue.h>

#define AGENT_CONNS_MAX 64
/* A container of 512 MiB holds the agent as well as the code. */
#define AGENT_BODIES_MAX_BYTES ((size_t)64 * 1024 * 1024)
#define AGENT_HELPERS_MAX      8

struct conn;
struct run;
struct helper;
struct relay;
struct supervised;
struct app;
struct terminal;

TAILQ_HEAD(conn_list, conn);
TAILQ_HEAD(run_list, run);
TAILQ_HEAD(helper_list, helper);
TAILQ_HEAD(supervised_list, supervised);
TAILQ_HEAD(terminal_list, terminal);

struct agent {
	struct settings settings;
	struct workspace workspace;
	struct event_base *base;
	json_t *code_env; /* code_env.h */
	int64_t started_ms;

	struct conn_list conns;	 /* conn.c */
	struct conn_list closed; /* to be freed outside their own callbacks */
	struct event *free_closed;
	int n_conns;

	struct event *stop;   /* main.c */
	struct event *accept; /* server.c */
	int listen_fd;

	struct run_list queued, running, draining; /* runs.c */
	int n_queued, n_running;

	struct supervised_list supervised; /* supervised.c: what has processes */
	struct app *app;		   /* app.c */

	struct terminal_list terminals; /* terminal_session.c */
	int n_terminals;

	struct helper_list helpers; /* helper.c */
	int n_helpers;

	int sigchld_fd; /* reaper.c */
	struct event *sigchld, *sweep;
	int64_t sweep_until_ms; /* 0: none under way */
	bool beaten;		/* something of a run does not die: the agent gives up */

	struct relay *relay; /* relay.c; NULL: there is none */

	size_t bodies_bytes; /* of run requests held at once (runs.c) */
};

/* Everything but the listening socket, from agent->settings. */
NODISCARD int agent_init(struct agent *agent, struct err *e);
/* Ends long answers as such, so that nobody takes a stop for a failure; waits for nothing. */
void agent_say_goodbye(struct agent *agent);
/* Also of one that is half made. Runs that go on are killed by their supervisors. */
void agent_fini(struct agent *agent);
