#pragma once

/*
 * One request of a client and its answer: the mechanism (exchange.c, client.c, upstream.c) as the
 * policy (policy.h) sees it. Event loop's thread only; nothing here blocks.
 */

#include "access.h"
#include "http_head.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct app;
struct exchange;

/* The request. Slices live until the app's answer begins. */
const struct http_head *exchange_head(const struct exchange *x);
bool exchange_is_upgrade(const struct exchange *x);	       /* asks for a WebSocket */
const char *exchange_client_address(const struct exchange *x); /* from X-Forwarded-For, or "" */
bool exchange_is_https(const struct exchange *x);	       /* from X-Forwarded-Proto */

/* What the policy keeps with it: the app it belongs to, the inner port it wants (0: the main one),
 * whether it may see logs and how its answer is changed. From exchange_proxy or exchange_park on
 * the mechanism counts the exchange in app->refs and app->n_exchanges until it ends; the policy
 * does not, and leaves target.app as it is from then on. */
struct exchange_target {
	struct app *app;
	uint16_t inner_port;
	bool is_owner;
	bool is_inspected; /* for the editor's frame: our script goes into a page (inject.h) */
	/* The policy's own. */
	struct access_claim claim; /* by what it was let in */
	int64_t hold_until_ms;	   /* until then it may wait */
	uint64_t epoch;		   /* the app's, when it was sent there */
	unsigned tries;
};
struct exchange_target *exchange_target(struct exchange *x);

/* A whole answer. Content-Length, Date and Connection are added. `extra` is NULL or header lines
 * with CRLF. The bytes are copied. A request body not read yet is discarded or the connection
 * closed. */
struct reply {
	int status;
	const char *content_type; /* NULL: no body */
	const char *extra;
	const char *body;
	size_t len;
};
void exchange_reply(struct exchange *x, const struct reply *r);

/* To the app: target.app has a port, and target.inner_port says which. When that fails before a
 * byte was sent to the client and the request can be sent again, policy_refused is called.
 * `wait_ms` is for the relay: how long it may wait for the app to listen. */
void exchange_proxy(struct exchange *x, int64_t wait_ms);

/* Into app->waiting until exchange_unpark or the deadline, when policy_overdue is called. The
 * request body is not read meanwhile. A client that leaves is taken out. */
void exchange_park(struct exchange *x, int64_t deadline_ms);
void exchange_unpark(struct exchange *x); /* out of the list; the caller goes on with it */

/* Breaks it off, whatever it is doing with the app: it may not go on. */
void exchange_break(struct exchange *x);
