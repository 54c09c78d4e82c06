#pragma once

/* Shared by relay.c (accepting, the first line, the end) and relay_connect.c (waiting for the app
 * and reaching it) only. */

#include "app.h"
#include "relay.h"
#include "relay_flow.h"
#include "relay_line.h"

enum relay_state {
	RELAY_GREETING,	  /* in relay->guests: wants the first line */
	RELAY_WAITING,	  /* in relay->waiting: nothing listens yet */
	RELAY_CONNECTING, /* in relay->open */
	RELAY_COPYING,	  /* in relay->open */
	RELAY_SAYING,	  /* in relay->guests: an answer that is all, then the end */
};

struct relay_conn {
	TAILQ_ENTRY(relay_conn) link;
	struct relay *relay;
	enum relay_state state;
	int client, app; /* app -1: none */
	struct event deadline;

	struct event readable; /* greeting */
	char line[RELAY_LINE_MAX_BYTES];
	size_t line_len;

	struct relay_request rq;
	in_port_t port; /* what is tried; rq.port or the app's main port */
	bool v6;	/* ::1 is being tried, 127.0.0.1 was refused */
	struct event connected;
	int64_t wait_until_ms;
	int64_t next_try_ms; /* while something listens that refuses */
	bool listens;	     /* it did when last looked at */

	struct relay_pair pair;
};

TAILQ_HEAD(relay_conn_list, relay_conn);

struct relay {
	struct agent *agent;
	int listen_fd;
	in_port_t port;
	struct event accept, accept_again;

	struct relay_conn_list guests, waiting, open;
	size_t n_guests, n_open; /* n_open counts `waiting` too */

	struct app_watcher watcher;
	struct event tick;
	bool watching; /* the watcher and the tick are at work, because somebody waits */
	int tick_ms;
	int64_t next_hangup_check_ms;
};

/* relay.c */
void relay_conn_enter(struct relay_conn *c, enum relay_state state);
void relay_conn_arm(struct relay_conn *c, int64_t ms);
void relay_conn_copy(struct relay_conn *c);
void relay_conn_refuse(struct relay_conn *c, const char *reason, const char *text);
void relay_conn_destroy(struct relay_conn *c);

/* relay_connect.c */
void relay_connect_init(struct relay *relay);
void relay_connect_fini(struct relay *relay);
/* Looks for what c->rq wants: ends in COPYING, in a refusal, or waits. */
void relay_connect(struct relay_conn *c);
void relay_connect_deadline(struct relay_conn *c);
