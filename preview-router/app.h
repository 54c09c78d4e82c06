#pragma once

/* One app as the router sees it: what the database says of it, and what is open to it right now. */

#include "token.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#define APP_SLUG_BYTES	 64
#define APP_SECRET_BYTES 65
#define APP_PHASE_BYTES	 24
#define APP_ERROR_BYTES	 512

enum app_state { APP_STOPPED, APP_STARTING, APP_RUNNING, APP_STOPPING, APP_FAILED };

struct app_share {
	char id[UUID_TEXT_BYTES];
	int64_t expires_s; /* INT64_MAX: never */
};

struct exchange;
struct upstream_pool;
struct app_policy;

TAILQ_HEAD(exchange_list, exchange);

/* Lives as long as the project does, across reloads of the table. Event loop's thread only. */
struct app {
	/* from the database (routes.c) */
	char project_id[UUID_TEXT_BYTES];
	char user_id[UUID_TEXT_BYTES];
	char slug[APP_SLUG_BYTES];
	bool is_public;
	bool app_stopped; /* by its owner: nothing wakes it */
	bool has_files;
	enum app_state state;
	char phase[APP_PHASE_BYTES];
	char error[APP_ERROR_BYTES];
	uint16_t port; /* on 127.0.0.1; 0: none */
	char secret[APP_SECRET_BYTES];
	struct app_share *shares;
	size_t n_shares;

	uint64_t epoch; /* another port or secret: connections of an older epoch are not used again
			 */
	bool gone;	/* the project was deleted; freed when refs is 0 */
	int refs;	/* exchanges and pools that point here */

	struct upstream_pool *pool;   /* upstream.c */
	struct app_policy *policy;    /* policy.c: waking, waiting, what its page shows */
	struct exchange_list waiting; /* parked until something changes (exchange_park) */
	int n_waiting;		      /* in that list */
	int n_exchanges;	      /* open to clients, tunnels included */
	int n_streams;		      /* WebSockets and event streams among them */
	int64_t last_request_ms;
};
