#pragma once

/* What policy.c, policy_refused.c, policy_app.c and answers.c share: the way of one request. */

#include "http_head.h"

#include <stdbool.h>
#include <stdint.h>

struct exchange;

#define OURS "/.slipway/" /* paths beneath it are never the app's */

#define PARKED_MAX 64 /* requests that wait for one app */
#define POLICY_ACTIVE_MS                                                                           \
	1000		  /* who asks is looked at so often, to see whether it counts as use       \
			   */
#define LOOK_AGAIN_MS 250 /* a server that restarts */

struct policy_settings {
	char domain[160];     /* lower case, no dot at its end */
	char public_url[256]; /* no slash at its end */
	int64_t hold_ms;
};
extern struct policy_settings policy_settings;

struct policy_counts {
	uint64_t denied, unknown, live_pages, unavailable;
};
extern struct policy_counts policy_counts;

/* What was asked for, without the query. */
struct http_slice policy_path(const struct exchange *x);
bool policy_is_ours(struct http_slice path);

/* To the app, into the waiting list, or told how things are. */
void policy_go_on(struct exchange *x);

/* Whether it is worth waiting for the app, and this request can. */
bool policy_can_wait(struct exchange *x);
void policy_wait_until(struct exchange *x, int64_t deadline_ms);
void policy_wait_or_tell(struct exchange *x);

/* answers.c: each ends the exchange. */
void answer_not_found(struct exchange *x);
void answer_not_ready(struct exchange *x);
void answer_no_such_file(struct exchange *x);
void answer_denied(struct exchange *x);
/* How things are: a page that stays up to date for who looks at one, a problem for others. */
void answer_how_it_is(struct exchange *x);

/* policy_app.c */
void policy_activity_start(void);
void policy_activity_stop(void);
