#pragma once

/* Shared by conn.c (reading) and reply.c (answering) only. */

#include "agent.h"
#include "conn.h"

#include <event2/bufferevent.h>

enum conn_state {
	CONN_HEAD,     /* wants a request head, or idles between two requests */
	CONN_BODY,     /* wants the rest of a request body */
	CONN_ANSWER,   /* the handler is at work */
	CONN_UPGRADED, /* its bytes are no HTTP any more */
	CONN_FLUSH,    /* the last answer is being sent */
	CONN_DISCARD,  /* sent; the rest of an unread body is thrown away, or the client would see a
			  reset instead of the answer (RFC 9112, section 9.6) */
	CONN_CLOSED,   /* in agent->closed */
};

struct conn {
	TAILQ_ENTRY(conn) link;
	struct agent *agent;
	struct bufferevent *bev;
	struct event *deadline;
	enum conn_state state;
	bool in_process; /* process() is on the stack */
	bool head_begun; /* some bytes of a head came */

	/* the request at hand */
	const struct route *route; /* NULL: none, or its `gone` was called */
	void *data;
	char path[CONN_TARGET_MAX_BYTES];
	char query[CONN_TARGET_MAX_BYTES];
	const char *rest;
	const struct http_head *head; /* while `begin` is called */
	int minor;
	bool keep_alive;
	bool body_read; /* to its end; never so when upgraded */
	bool chunked_in;
	struct http_chunked chunks;
	uint64_t body_left; /* without chunks */
	uint64_t body_seen;
	int64_t body_deadline_ms;

	/* its answer */
	bool answer_begun;
	bool chunked_out;
	bool paused; /* upgraded: the handler wants no more bytes for now */
};

/* After an answer: on to the next request, or to the end. */
void conn_next(struct conn *c);
void conn_close(struct conn *c);
