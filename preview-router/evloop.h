#pragma once

/*
 * What everything in the event loop's thread shares: the base, the time, deadlines, and memory that
 * is given back only when nothing on the stack can point to it.
 */

#include "err.h"

#include <stdint.h>
#include <sys/queue.h>

struct event_base;

NODISCARD int evloop_init(struct err *e);
void evloop_fini(void);
struct event_base *evloop_base(void);

/* Monotonic; as of the event that is being handled. */
int64_t evloop_now_ms(void);
/* Every callback of an event begins with it. */
void evloop_wake(void);

/* "Sun, 06 Nov 1994 08:49:37 GMT", of this second. */
const char *evloop_date(void);

/*
 * A deadline, 250 ms exact. Moving one further away costs a store: it stays where it is linked and
 * is looked at again when that time comes. Zeroed: not set.
 */
struct timer {
	TAILQ_ENTRY(timer) link;
	int64_t deadline_ms;
	int64_t linked_ms; /* 0: not linked */
	void (*fn)(struct timer *t);
};
void timer_set(struct timer *t, int64_t deadline_ms); /* CLOCK_NEVER: off */
void timer_clear(struct timer *t);		      /* before its memory goes */

/* First member of what is freed by evloop_bury: after the callbacks under way. */
struct grave {
	struct grave *next;
};
void evloop_bury(struct grave *g);
