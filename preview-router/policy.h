#pragma once

/*
 * What becomes of a request: which app, who may see it, wait, wake, a page, or on to the app.
 * Called by the mechanism (exchange.h); answers through it, at once or later.
 */

#include "err.h"

#include <stdbool.h>

struct app;
struct config;
struct event_base;
struct exchange;
struct strbuf;

/* Why the app could not be reached: the relay's reasons, and our own. */
enum refusal {
	REFUSED_SECRET,
	REFUSED_PORT, /* nothing listens there */
	REFUSED_INSTALLING,
	REFUSED_STARTING,
	REFUSED_CRASHED,
	REFUSED_STOPPED,
	REFUSED_LIMIT,	   /* the relay's or our own number of connections */
	REFUSED_CONNECT,   /* no relay there: the sandbox has gone */
	REFUSED_MALFORMED, /* the app's answer was not HTTP */
	REFUSED_CLOSED,	   /* it closed the connection before an answer */
	REFUSED_TIMEOUT,   /* no answer in SLIPWAY_ROUTER_IDLE_S */
};

NODISCARD int policy_init(struct event_base *base, const struct config *c, struct err *e);
void policy_fini(void);

/* A request's head is there. Ends in exchange_reply, exchange_proxy or exchange_park. */
void policy_request(struct exchange *x);

/* The app did not take it, and nothing was sent to the client. `can_retry`: the request can be sent
 * again as it is (no body read yet). */
void policy_refused(struct exchange *x, enum refusal why, bool can_retry);

/* A parked one's deadline has passed. */
void policy_overdue(struct exchange *x);

/* The database says something new of the app (routes.c calls it). */
void policy_app_changed(struct app *app);

/* The app answered: it runs. */
void policy_answered(struct app *app);

/* Frees app->policy. */
void policy_app_free(struct app *app);

/* Its counters, as Prometheus reads them. */
void policy_metrics(struct strbuf *out);
