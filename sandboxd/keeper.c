#include "keeper.h"

#include "clock.h"
#include "driver.h"
#include "image_builder.h"
#include "log.h"
#include "network.h"
#include "notices.h"
#include "reconcile.h"
#include "sandbox.h"
#include "settings.h"
#include "worker.h"

#include <errno.h>
#include <poll.h>

#define RECONCILE_EVERY_MS 60000
#define RECONCILE_RETRY_MS 5000
#define RECONNECT_MIN_MS   250
#define RECONNECT_MAX_MS   15000

/* A missing image is built without anybody asking for a sandbox first. */
static void look_for_image(struct worker *w)
{
	char id[DRIVER_ID_BYTES];
	struct err e;

	if (w->driver->ops->image_find(w->driver, w->sandboxd->settings->sandbox_image, id, &e) <
		    0 &&
	    e.kind == ERR_NOT_FOUND) {
		image_builder_kick(w->sandboxd->images);
	}
}

/* The package cache listens on the network's address, so it is there before the first app. */
static bool close_network(struct worker *w)
{
	struct err e;

	if (network_secure(w, &e) < 0) {
		log_err(LOG_WARN, "apps_network_not_secured", &e);
		return false;
	}
	return true;
}

static int64_t reconcile_everything(struct worker *w)
{
	bool well;
	struct err e;

	look_for_image(w);
	well = close_network(w);
	if (reconcile(w, &e) < 0) {
		log_err(LOG_WARN, "reconcile_failed", &e);
		well = false;
	}
	return clock_mono_ms() + (well ? RECONCILE_EVERY_MS : RECONCILE_RETRY_MS);
}

/* Returns when there is news, at the deadline, or at the end. */
static void wait_for_news(const struct sandboxd *d, int64_t deadline_ms)
{
	struct pollfd p[] = {{.fd = d->stop_fd, .events = POLLIN},
			     {.fd = d->notices->fd, .events = POLLIN}};

	/* EINTR is as good as news: the caller looks and comes back. */
	(void)poll(p, 2, clock_poll_timeout(deadline_ms));
}

static void settle_noticed(struct worker *w, char ids[NOTICES_MAX][UUID_TEXT_BYTES], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct err e;

		if (sandbox_settle(w, ids[i], &e) < 0) {
			log_err(LOG_WARN, "settle_failed", &e);
			notices_add_everything(w->sandboxd->notices);
		}
	}
}

void *keeper_run(void *sandboxd)
{
	static char ids[NOTICES_MAX][UUID_TEXT_BYTES]; /* of the one keeper there is */
	struct sandboxd *d = sandboxd;
	int64_t next_ms = clock_mono_ms();
	struct worker w;
	struct err e;

	if (worker_init(&w, d, "slipway-sandboxd keeper", &e) < 0) {
		log_err(LOG_ERROR, "keeper_not_started", &e);
		return NULL;
	}
	while (!atomic_load(&d->stopping)) {
		bool everything = false;
		size_t n;

		if (clock_mono_ms() >= next_ms) {
			next_ms = reconcile_everything(&w);
		}
		wait_for_news(d, next_ms);
		n = notices_take(d->notices, ids, &everything);
		settle_noticed(&w, ids, n);
		if (n > 0 && !close_network(&w)) {
			everything = true;
		}
		if (everything) {
			next_ms = clock_mono_ms();
		}
	}
	worker_fini(&w);
	return NULL;
}

struct watch {
	struct sandboxd *sandboxd;
	int64_t wait_ms;
};

static void on_event(void *ctx, const char *sandbox)
{
	struct watch *watch = ctx;

	notices_add(watch->sandboxd->notices, sandbox);
}

/* What happened while nobody watched is found by looking at everything. */
static void on_ready(void *ctx)
{
	struct watch *watch = ctx;

	watch->wait_ms = RECONNECT_MIN_MS;
	notices_add_everything(watch->sandboxd->notices);
	log_info("events_followed", NULL);
}

static bool keep_on(void *ctx)
{
	struct watch *watch = ctx;

	return !atomic_load(&watch->sandboxd->stopping);
}

void *event_watch_run(void *sandboxd)
{
	struct watch watch = {.sandboxd = sandboxd, .wait_ms = RECONNECT_MIN_MS};
	struct worker w;
	struct err e;

	if (worker_init(&w, sandboxd, "slipway-sandboxd events", &e) < 0) {
		log_err(LOG_ERROR, "event_watch_not_started", &e);
		return NULL;
	}
	while (!atomic_load(&w.sandboxd->stopping)) {
		if (w.driver->ops->watch(w.driver, w.sandboxd->settings->instance, on_event,
					 on_ready, keep_on, &watch, &e) < 0) {
			log_err(LOG_WARN, "events_lost", &e);
		}
		(void)worker_wait(&w, clock_mono_ms() + watch.wait_ms);
		watch.wait_ms =
			watch.wait_ms * 2 < RECONNECT_MAX_MS ? watch.wait_ms * 2 : RECONNECT_MAX_MS;
	}
	worker_fini(&w);
	return NULL;
}
