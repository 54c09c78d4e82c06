#pragma once

/*
 * The app of this sandbox: one dev server at most, planned from the workspace, installed, started
 * and watched (docs/ARCHITECTURE.md, "The app in the agent"). What other parts of the agent may
 * ask.
 */

#include "agent.h"
#include "listeners.h"

#include <jansson.h>

#define APP_PORTS_MAX 32

enum app_state {
	APP_STOPPED,	/* never started, or stopped by a call */
	APP_INSTALLING, /* the package manager is at work */
	APP_STARTING,	/* its command runs and the main port does not listen (again) */
	APP_RUNNING,	/* the main port listens */
	APP_CRASHED,	/* it ended, or could not be installed or started */
	APP_EXITED,	/* it ended by itself with status 0 and never listened */
};

/* "stopped", "installing", … */
const char *app_state_name(enum app_state state);

/* The moment's truth, a copy. */
struct app_view {
	enum app_state state;
	int64_t for_ms; /* since the state was entered */
	in_port_t port; /* the main port; 0: none */
	size_t n_ports;
	/* All that its processes listen on, by port, one for each; listener_reachable (listeners.h)
	 * says where to connect. */
	struct listener ports[APP_PORTS_MAX];
};

void app_view(const struct agent *agent, struct app_view *ret);

/* It is being installed, or started for so long as that may take: it ends by itself. */
bool app_is_on_its_way(const struct agent *agent);

/* The listener of a port (0: the main port) in a view; NULL when it does not listen. */
const struct listener *app_view_listener(const struct app_view *v, in_port_t port);

/* The state as GET /v1/app gives it; NULL when out of memory. */
json_t *app_state_json(struct agent *agent);

/* The last lines of the log, oldest first: [{"stream", "source", "text"}…]. NULL when out of
 * memory. */
json_t *app_last_lines(struct agent *agent, size_t n);

/* Told whenever the state, the main port or the set of listening ports changes. The callback may
 * watch and unwatch, itself too. While somebody watches, ports are seen within 5 ms. */
struct app_watcher {
	TAILQ_ENTRY(app_watcher) link;
	void (*changed)(struct app_watcher *w);
	void *owner;
	unsigned told; /* app.c */
};

void app_watch(struct agent *agent, struct app_watcher *w);
void app_unwatch(struct agent *agent, struct app_watcher *w);

/* In agent_init and agent_fini. */
NODISCARD int app_init(struct agent *agent, struct err *e);
void app_fini(struct agent *agent);
