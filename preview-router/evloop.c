#include "evloop.h"

#include "clock.h"

#include <event2/event.h>
#include <stdlib.h>
#include <time.h>

#define TICK_MS 250
#define SLOTS	512 /* 128 s; what is further away is looked at once in that time */

TAILQ_HEAD(timer_list, timer);

static struct {
	struct event_base *base;
	struct event *tick, *bury;
	int64_t now_ms;
	int64_t ticked_ms; /* slots up to here are done */
	struct timer_list slots[SLOTS];
	struct grave *graves;
	time_t date_s;
	char date[32];
} loop;

struct event_base *evloop_base(void)
{
	return loop.base;
}

int64_t evloop_now_ms(void)
{
	return loop.now_ms;
}

void evloop_wake(void)
{
	loop.now_ms = clock_mono_ms();
}

static struct timer_list *slot_of(int64_t tick_ms)
{
	return &loop.slots[(uint64_t)(tick_ms / TICK_MS) % SLOTS];
}

/* The tick that sees to a deadline: the first one after it, of those that have a slot and are to
 * come. So nothing is linked again into the slot that is being run. */
static int64_t tick_of(int64_t deadline_ms)
{
	int64_t first = loop.ticked_ms + TICK_MS, last = loop.ticked_ms + (SLOTS - 1) * TICK_MS;

	if (deadline_ms >= last) {
		return last;
	}
	deadline_ms = (deadline_ms + TICK_MS - 1) / TICK_MS * TICK_MS;
	return deadline_ms > first ? deadline_ms : first;
}

static void timer_link(struct timer *t)
{
	t->linked_ms = tick_of(t->deadline_ms);
	TAILQ_INSERT_TAIL(slot_of(t->linked_ms), t, link);
}

static void timer_unlink(struct timer *t)
{
	if (t->linked_ms != 0) {
		TAILQ_REMOVE(slot_of(t->linked_ms), t, link);
		t->linked_ms = 0;
	}
}

void timer_set(struct timer *t, int64_t deadline_ms)
{
	t->deadline_ms = deadline_ms;
	if (deadline_ms == CLOCK_NEVER ||
	    (t->linked_ms != 0 && t->linked_ms <= tick_of(deadline_ms))) {
		return;
	}
	timer_unlink(t);
	timer_link(t);
}

void timer_clear(struct timer *t)
{
	timer_unlink(t);
	t->deadline_ms = CLOCK_NEVER;
}

static void run_slot(struct timer_list *slot)
{
	struct timer *t;

	while ((t = TAILQ_FIRST(slot))) {
		timer_unlink(t);
		if (t->deadline_ms == CLOCK_NEVER) {
			continue;
		}
		if (t->deadline_ms > loop.now_ms) {
			timer_link(t);
		} else {
			t->fn(t);
		}
	}
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	time_t now_s = time(NULL);
	struct tm tm;

	(void)fd, (void)what, (void)arg;
	evloop_wake();
	while (loop.ticked_ms + TICK_MS <= loop.now_ms) {
		loop.ticked_ms += TICK_MS;
		run_slot(slot_of(loop.ticked_ms));
	}
	if (now_s != loop.date_s && gmtime_r(&now_s, &tm)) {
		loop.date_s = now_s;
		(void)strftime(loop.date, sizeof(loop.date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	}
}

const char *evloop_date(void)
{
	return loop.date;
}

static void on_bury(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what, (void)arg;
	while (loop.graves) {
		struct grave *g = loop.graves;

		loop.graves = g->next;
		free(g);
	}
}

void evloop_bury(struct grave *g)
{
	if (!loop.graves) {
		event_active(loop.bury, EV_TIMEOUT, 0);
	}
	g->next = loop.graves;
	loop.graves = g;
}

/* Two priorities: what is buried is freed when the callbacks of this round are done. */
static int make_base(struct err *e)
{
	struct event_config *config = event_config_new();
	const struct timeval tick = {.tv_usec = TICK_MS * 1000};

	if (config) {
		(void)event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
		(void)event_config_require_features(config, EV_FEATURE_ET | EV_FEATURE_EARLY_CLOSE);
		loop.base = event_base_new_with_config(config);
		event_config_free(config);
	}
	if (!loop.base || event_base_priority_init(loop.base, 2) < 0) {
		return err_set(e, ERR_INTERNAL, "cannot make an event loop with epoll");
	}
	loop.tick = event_new(loop.base, -1, EV_PERSIST, on_tick, NULL);
	loop.bury = event_new(loop.base, -1, 0, on_bury, NULL);
	if (!loop.tick || !loop.bury || event_priority_set(loop.bury, 1) < 0 ||
	    event_priority_set(loop.tick, 0) < 0 || event_add(loop.tick, &tick) < 0) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	return 0;
}

int evloop_init(struct err *e)
{
	for (size_t i = 0; i < SLOTS; i++) {
		TAILQ_INIT(&loop.slots[i]);
	}
	evloop_wake();
	loop.ticked_ms = loop.now_ms / TICK_MS * TICK_MS;
	if (make_base(e) < 0) {
		evloop_fini();
		return -1;
	}
	on_tick(-1, 0, NULL);
	return 0;
}

void evloop_fini(void)
{
	on_bury(-1, 0, NULL);
	if (loop.tick) {
		event_free(loop.tick);
	}
	if (loop.bury) {
		event_free(loop.bury);
	}
	if (loop.base) {
		event_base_free(loop.base);
	}
	loop.tick = loop.bury = NULL;
	loop.base = NULL;
}
