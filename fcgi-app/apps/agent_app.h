#pragma once

/*
 * The app as its sandbox's agent tells of it (docs/ARCHITECTURE.md, "The app in the agent"). The
 * agent is hostile: of its words only those of the right type and length are taken.
 */

#include "app.h"
#include "err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum agent_app_state {
	AGENT_APP_STOPPED,
	AGENT_APP_INSTALLING,
	AGENT_APP_STARTING,
	AGENT_APP_RUNNING,
	AGENT_APP_CRASHED,
	AGENT_APP_EXITED,
};

#define AGENT_APP_TEXT_MAX_BYTES  512
#define AGENT_APP_ERROR_MAX_BYTES 4096
#define AGENT_APP_PORTS_MAX	  64

struct agent_app {
	enum agent_app_state state;
	int64_t start;		      /* counts the starts of this agent */
	int64_t last_log_id;	      /* 0: none yet */
	int64_t port;		      /* 0: none */
	int64_t install_ms, start_ms; /* -1: not known */
	/* for_ms, port, ports, plan, exit_code, signal, error, install_ms, start_ms: as they may be
	 * shown. Owned. */
	json_t *shown;
};

void agent_app_fini(struct agent_app *a); /* also on a zeroed one */
#define auto_agent_app __attribute__((cleanup(agent_app_fini))) struct agent_app

const char *agent_app_state_name(enum agent_app_state state);

/* ERR_UPSTREAM unless `object` is a state. */
NODISCARD int agent_app_read(const json_t *object, struct agent_app *ret, struct err *e);

/* Asks, for no longer than timeout_ms. ERR_UNAVAILABLE, ERR_TIMEOUT, ERR_UPSTREAM. */
NODISCARD int agent_app_get(struct app *app, const char *socket, int64_t timeout_ms,
			    struct agent_app *ret, struct err *e);

/* Ends the app and waits, for no longer than timeout_ms, until nothing of it is left. */
NODISCARD int agent_app_stop(struct app *app, const char *socket, int64_t timeout_ms,
			     struct err *e);
