#pragma once

/* Shared by terminal.c (clients) and terminal_session.c (shells) only. */

#include "replay.h"
#include "supervised.h"
#include "terminal_request.h"

#include <event2/buffer.h>

/* Input that the shell has not taken yet, above which the client is not read. */
#define TERMINAL_INPUT_HIGH_BYTES ((size_t)64 * 1024)

struct terminal_client;

struct terminal {
	TAILQ_ENTRY(terminal) link; /* in agent->terminals */
	struct agent *agent;
	char id[TERMINAL_ID_CHARS + 1];
	struct terminal_client *client; /* NULL: detached */
	struct supervised process;
	bool ending; /* it was hung up; no client may have it any more */
	bool ended;  /* the shell is gone, which nobody was told yet */
	struct supervisor_msg end;

	int master;
	int tty; /* held, so that the master has no end before we say so */
	struct event *readable, *writable;
	struct event *deadline; /* of a detached one, then of one that ends, or that has ended */
	struct evbuffer *input;
	struct replay replay;
};

/* terminal_session.c */
NODISCARD int terminal_create(struct agent *agent, const struct terminal_request *rq,
			      struct terminal **ret, struct err *e);
/* One that a client may attach to, or NULL. */
struct terminal *terminal_find(struct agent *agent, const char *id);
void terminal_attach(struct terminal *t, struct terminal_client *client);
/* From now on it is kept for a while only. */
void terminal_detach(struct terminal *t);
void terminal_input(struct terminal *t, const void *bytes, size_t len);
/* Ends the shell. No client may have it. */
void terminal_hang_up(struct terminal *t);
/* Of one that has ended. */
void terminal_forget(struct terminal *t);
/* Whether the shell's output is wanted now. */
void terminal_read(struct terminal *t, bool on);

/* terminal.c */
void terminal_client_output(struct terminal_client *client, const void *bytes, size_t len);
/* Output is to be held back until the client has taken some. */
bool terminal_client_full(const struct terminal_client *client);
/* The shell took input. May end the client. */
void terminal_client_input_taken(struct terminal_client *client);
/* Says how the shell ended, and lets go of the client, which lets go of the session. */
void terminal_client_exit(struct terminal_client *client, const struct supervisor_msg *m);
/* Closes it, because another has taken over. */
void terminal_client_dismiss(struct terminal_client *client);
