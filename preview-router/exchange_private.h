#pragma once

/* Shared by the parts of the mechanism: exchange.c (its life), relay.c (request and answer on their
 * way), tunnel.c (after an upgrade), client.c and upstream.c (its two ends). */

#include "body.h"
#include "client.h"
#include "exchange.h"
#include "inject.h"
#include "policy.h"
#include "strbuf.h"
#include "upstream_conn.h"

#include <arpa/inet.h>

enum exchange_state {
	EXCHANGE_DECIDING, /* the policy has it */
	EXCHANGE_PARKED,   /* in app->waiting */
	EXCHANGE_REACHING, /* upstream is being made */
	EXCHANGE_RELAYING, /* upstream carries it */
	EXCHANGE_REPLYING, /* an answer of ours is being written */
	EXCHANGE_TUNNEL,
	EXCHANGE_ENDED, /* buried */
};

/* The parsed head. Its slices point into client->in, whose first bytes stay where they are until
 * the exchange is over. */
struct request {
	struct request *next; /* while it is free */
	struct http_head head;
	char address[INET6_ADDRSTRLEN];
	bool is_https;
	bool is_upgrade;
};

struct exchange {
	struct grave grave;
	TAILQ_ENTRY(exchange) waiting;
	enum exchange_state state;
	struct client *client;
	struct upstream *upstream; /* REACHING, RELAYING, TUNNEL */
	struct request *request;   /* NULL in a tunnel */
	struct exchange_target target;

	/* facts of the request that outlive its head */
	bool is_head_method;
	bool is_old_client; /* HTTP/1.0: knows neither chunks nor 1xx */
	bool is_replayable; /* safe to send twice: idempotent, without a body */
	bool keep_client;

	bool is_counted;   /* in app->refs and n_exchanges */
	bool is_stream;	   /* in app->n_streams */
	bool body_begun;   /* bytes of it were taken from the client */
	bool head_sent;	   /* the app may have seen the request */
	bool app_is_deaf;  /* it takes no more of the request; its answer may still come */
	bool answer_begun; /* something was sent to the client */
	bool answer_head;  /* the final answer's head was */
	bool answer_keeps; /* it leaves the connection to the app usable */
	bool is_rechunked; /* an answer that does not come as chunks, or is changed, goes as chunks
			    */
	bool chunk_open;   /* the size of what is ready was sent */
	bool waits_for_client;
	bool client_shut, app_shut; /* tunnel: the end was passed on to it */
	uint8_t informational;
	uint8_t attempts;
	int64_t ends_ms;     /* the latest, unless it is a stream */
	int64_t app_keep_ms; /* how long the app keeps an idle connection */
	struct body body, answer;
	struct inject inject;
};

/* exchange.c */
struct request *request_get(void);
void request_put(struct request *rq);
struct strbuf *exchange_scratch(void); /* for building one head; anybody may use it next */

void exchange_begin(struct client *c, struct request *rq);
void exchange_connected(struct exchange *x);
void exchange_unreachable(struct exchange *x, enum refusal why);
void exchange_on_client(struct exchange *x);
void exchange_on_upstream(struct exchange *x);
void exchange_on_timer(struct exchange *x);

/* Ends of an exchange; x is gone after them. */
void exchange_finish(struct exchange *x); /* the answer is with the client */
void exchange_cancel(struct exchange *x); /* the client has left */
void exchange_refuse(struct exchange *x,
		     enum refusal why); /* nothing was sent: the policy goes on */
void exchange_fail(struct exchange *x, int status,
		   const char *detail);	 /* our own error, and close */
void exchange_again(struct exchange *x); /* on a new connection */
void exchange_count_stream(struct exchange *x);

/* relay.c */
void relay_start(struct exchange *x);
void relay_pump(struct exchange *x);

/* tunnel.c */
void tunnel_start(struct exchange *x);
void tunnel_pump(struct exchange *x);
