#pragma once

/* What the database says, on its way from the thread that reads it to the event loop's. Bounded:
 * the reader waits while the loop is behind. */

#include "app.h"
#include "err.h"
#include "grant.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#define ROUTE_QUEUE_MAX 2048

enum route_change_kind {
	ROUTE_SET,	    /* `row`, as far as it comes from the database */
	ROUTE_GONE,	    /* row.project_id is no more */
	ROUTE_LOAD_BEGIN,   /* everything follows … */
	ROUTE_LOAD_END,	    /* … and what did not is no more */
	ROUTE_KEY,	    /* `key` */
	ROUTE_DISCONNECTED, /* what is known may be old */
};

struct route_change {
	STAILQ_ENTRY(route_change) link;
	enum route_change_kind kind;
	struct app row; /* owns `shares` */
	unsigned char key[GRANT_KEY_BYTES];
};

STAILQ_HEAD(route_change_list, route_change);

struct route_queue {
	pthread_mutex_t mutex;
	pthread_cond_t room;
	struct route_change_list list;
	size_t n;
	bool closed;
	int fd; /* eventfd: readable when there is something */
};

NODISCARD int route_queue_init(struct route_queue *q, struct err *e);
void route_queue_fini(struct route_queue *q);

/* Takes the change in every case. False: the queue is closed. */
bool route_queue_push(struct route_queue *q, struct route_change *c);

/* At most `max` of them, in order; the rest keeps the fd readable. */
size_t route_queue_take(struct route_queue *q, size_t max, struct route_change_list *ret_list);

/* Lets go of a waiting reader; what is pushed from now on is dropped. */
void route_queue_close(struct route_queue *q);

void route_change_free(struct route_change *c);
