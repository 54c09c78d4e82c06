#pragma once

/* What the agent's parts share. */

#include "settings.h"
#include "workspace.h"

#include <event2/event.h>
#include <stdint.h>
#include <sys/queue.h>

#define AGENT_VERSION	  "0.1.0"
#define AGENT_CONNS_MAX	  64
#define AGENT_HELPERS_MAX 8

struct conn;
struct run;
struct helper;

TAILQ_HEAD(conn_list, conn);
TAILQ_HEAD(run_list, run);
TAILQ_HEAD(helper_list, helper);

struct agent {
	struct settings settings;
	struct workspace workspace;
	struct event_base *base;
	int64_t started_ms;

	struct conn_list conns;	 /* conn.c */
	struct conn_list closed; /* to be freed outside their own callbacks */
	struct event *free_closed;
	int n_conns;

	struct event *accept; /* server.c */
	int listen_fd;

	struct run_list queued, running, draining; /* runs.c */
	int n_queued, n_running;

	struct helper_list helpers; /* helper.c */
	int n_helpers;

	struct event *sweep; /* reaper.c */
};
