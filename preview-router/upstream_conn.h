#pragma once

/* One connection to an app, behind the relay's greeting (docs/ARCHITECTURE.md, "The relay"). */

#include "buf.h"
#include "evloop.h"
#include "policy.h"
#include "sock.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct app;
struct exchange;

enum upstream_state {
	UPSTREAM_GREETING, /* pool->busy: connecting, or the relay has not answered */
	UPSTREAM_BUSY,	   /* pool->busy: carries x */
	UPSTREAM_IDLE,	   /* pool->idle: nothing may come now but its end */
	UPSTREAM_CLOSED,   /* buried */
};

struct upstream {
	struct grave grave;
	TAILQ_ENTRY(upstream) link;
	enum upstream_state state;
	struct app *app;
	struct exchange *x; /* not in UPSTREAM_IDLE */
	struct sock sock;
	struct timer timer;
	struct buf *in; /* NULL while empty */
	uint64_t epoch;
	uint16_t wanted_port; /* as asked of the relay; 0: the main one */
	uint16_t port;	      /* as the relay said */
	int64_t rested_ms;    /* loop time of its last answer's end */
	bool used;	      /* has carried an exchange before this one */
};

/*
 * A connection for x to the app's inner port: an idle one, which is ready (UPSTREAM_BUSY), or a new
 * one, which will call exchange_connected or exchange_unreachable. NULL with *ret_why when there
 * can be none. `fresh`: no idle one.
 */
struct upstream *upstream_get(struct exchange *x, struct app *app, uint16_t inner_port,
			      int64_t wait_ms, bool fresh, enum refusal *ret_why);

/* More of an answer into u->in. As sock_read; -1 also when there is no memory or no room. */
ssize_t upstream_read(struct upstream *u);

/* Its exchange is over, and the next may use it. */
void upstream_keep(struct upstream *u, int64_t keep_ms);
void upstream_close(struct upstream *u);
