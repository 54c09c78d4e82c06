#pragma once

/*
 * Terminals: a shell in a pseudo-terminal, spoken to over a WebSocket. A session outlives its
 * connection for a while, so that a page may be loaded again; another connection to it takes over.
 */

#include "conn.h"

struct agent;

/* Sessions with a client. */
int terminals_attached(const struct agent *agent);

/* Tells every client that the sandbox stops. */
void terminals_say_goodbye(const struct agent *agent);

/* Forgets all sessions; their supervisors kill what runs. After the connections are closed. */
void terminals_fini(struct agent *agent);

/* GET /v1/terminal */
int terminal_on_begin(struct conn *c, struct err *e);
int terminal_on_body(struct conn *c, const char *bytes, size_t len, struct err *e);
int terminal_on_end(struct conn *c, struct err *e);
void terminal_on_writable(struct conn *c);
void terminal_on_gone(struct conn *c);
