#pragma once

/*
 * What all workers know of each other, in shared memory made by the master before it forks: who
 * holds a slot of its pool, for whom and until when; and counters for /metrics.
 *
 * A pool has `slots` and a few workers more: a worker that takes a request while all slots are held
 * answers 503 at once. Counts are taken from the workers' own entries, under a robust lock, so that
 * nothing is left over when a worker dies: the master frees its entry.
 */

#include "err.h"
#include "http/route.h"
#include "token.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define SCOREBOARD_SPARES   2 /* workers of each pool beyond its slots */
#define SCOREBOARD_BUCKETS  13
#define SCOREBOARD_STATUSES 5 /* 1xx to 5xx */

struct scoreboard;

/* Upper bounds of the duration histogram in milliseconds, the last but infinite one included. */
extern const int64_t scoreboard_buckets_ms[SCOREBOARD_BUCKETS];

/* *ret_board lives until scoreboard_destroy, in this process and those forked from it. */
NODISCARD int scoreboard_create(const int slots[POOL_COUNT], struct scoreboard **ret_board,
				struct err *e);
void scoreboard_destroy(struct scoreboard *b);

int scoreboard_workers(const struct scoreboard *b); /* of all pools; their numbers start at 0 */
enum route_pool scoreboard_pool(const struct scoreboard *b, int worker);
int scoreboard_slots(const struct scoreboard *b, enum route_pool pool);

/* The master's side. */
void scoreboard_started(struct scoreboard *b, int worker, pid_t pid);
void scoreboard_gone(struct scoreboard *b, int worker, bool unexpected);

struct scoreboard_entry {
	pid_t pid;
	bool busy;
	enum rate_class rate;
	int64_t since_ms, deadline_ms; /* clock_mono_ms */
	char user_id[UUID_TEXT_BYTES];
	char request_id[UUID_TEXT_BYTES];
};
void scoreboard_read(struct scoreboard *b, int worker, struct scoreboard_entry *ret);

/* The worker's side. Takes a slot of its pool, waiting at most wait_ms for one to come free. */
bool scoreboard_enter(struct scoreboard *b, int worker, const char *request_id, int64_t deadline_ms,
		      int64_t wait_ms);
void scoreboard_set_deadline(struct scoreboard *b, int worker, int64_t deadline_ms);
/* False when the user has `max` of that class already and none of them ends within wait_ms. Needs
 * an entered worker; calls of one class must all be of one pool. */
bool scoreboard_claim(struct scoreboard *b, int worker, const char *user_id, enum rate_class rate,
		      int64_t max, int64_t wait_ms);
/* The request is over: its slot is free and it is counted. */
void scoreboard_leave(struct scoreboard *b, int worker, int status, int64_t duration_ms);
/* Counts a request that got no slot. */
void scoreboard_reject(struct scoreboard *b, int worker, int status);

struct scoreboard_stats {
	uint64_t requests[SCOREBOARD_STATUSES];	  /* by status / 100 - 1, rejected ones included */
	uint64_t buckets[SCOREBOARD_BUCKETS + 1]; /* not cumulative; the last is what is longer */
	uint64_t duration_ms;
	uint64_t rejected_full, rejected_rate;
	uint64_t restarts; /* workers that died */
	int busy, slots;
};
void scoreboard_stats(struct scoreboard *b, enum route_pool pool, struct scoreboard_stats *ret);
