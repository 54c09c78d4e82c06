#include "agent.h"
#include "app.h"
#include "app_policy.h"
#include "cleanup.h"
#include "evloop.h"
#include "exchange.h"
#include "policy.h"
#include "policy_steps.h"
#include "routes.h"
#include "strbuf.h"
#include "upstream.h"
#include "wake.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ACTIVITY_EVERY_MS 15000

static struct timer activity;

static void break_if_shut_out(struct exchange *x)
{
	const struct exchange_target *t = exchange_target(x);

	if (!access_holds(t->app, &t->claim, time(NULL))) {
		exchange_break(x);
	}
}

/* A revoked link ends what was opened by it, WebSockets and streams included. */
static void shut_out(struct app *app)
{
	if (!app->is_public && app->n_exchanges > 0) {
		upstream_each_exchange(app, break_if_shut_out);
	}
}

void policy_app_changed(struct app *app)
{
	struct app_policy *p = app->policy;

	if (!p) {
		return;
	}
	if (p->state != app->state || strcmp(p->phase, app->phase) != 0) {
		p->state = app->state;
		memcpy(p->phase, app->phase, sizeof(p->phase));
		p->since_ms = evloop_now_ms();
	}
	if (p->epoch != app->epoch || app->state != APP_RUNNING) {
		p->epoch = app->epoch;
		p->crashed_until_ms = 0;
		p->bad = (struct bad_answers){.n = 0};
		agent_forget(p);
	}
	shut_out(app);
	wake_changed(p);
	app_policy_resume(app);
}

void policy_answered(struct app *app)
{
	struct app_policy *p = app->policy;

	if (p->wake.tries > 0) {
		wake_helped(p);
	}
	p->unreachable_ms = 0;
	p->crashed_until_ms = 0;
}

struct app_policy *app_policy_of(struct app *app)
{
	struct app_policy *p = app->policy;

	if (!p && (p = calloc(1, sizeof(*p)))) {
		p->app = app;
		p->since_ms = evloop_now_ms();
		p->state = app->state;
		memcpy(p->phase, app->phase, sizeof(p->phase));
		p->epoch = app->epoch;
		app->policy = p;
	}
	return p;
}

void policy_app_free(struct app *app)
{
	struct app_policy *p = app->policy;

	if (p) {
		wake_fini(p);
		agent_forget(p);
		free(p);
		app->policy = NULL;
	}
}

struct in_use {
	char (*ids)[UUID_TEXT_BYTES];
	size_t n, cap;
	int64_t since_ms;
};

/* An upload or a download is use for as long as it takes; waiting for a sandbox is none. */
static bool is_in_use(const struct app *app, int64_t since_ms)
{
	return app->n_streams > 0 || app->n_exchanges > app->n_waiting ||
	       app->last_request_ms >= since_ms;
}

static void add_in_use(void *ctx, struct app *app)
{
	struct in_use *u = ctx;

	/* Shares expire without a word of the database. */
	shut_out(app);
	if (u->n < u->cap && is_in_use(app, u->since_ms)) {
		memcpy(u->ids[u->n++], app->project_id, UUID_TEXT_BYTES);
	}
}

static void write_activity(struct timer *t)
{
	struct in_use u = {.since_ms = evloop_now_ms() - ACTIVITY_EVERY_MS - POLICY_ACTIVE_MS,
			   .cap = routes_count()};

	timer_set(t, evloop_now_ms() + ACTIVITY_EVERY_MS);
	u.ids = u.cap > 0 ? calloc(u.cap, sizeof(*u.ids)) : NULL;
	if (u.ids) {
		routes_each(add_in_use, &u);
		routes_active((const char(*)[UUID_TEXT_BYTES])u.ids, u.n);
		free(u.ids);
	}
}

void policy_activity_start(void)
{
	activity.fn = write_activity;
	timer_set(&activity, evloop_now_ms() + ACTIVITY_EVERY_MS);
}

void policy_activity_stop(void)
{
	timer_clear(&activity);
}

static void add_waiting(void *ctx, struct app *app)
{
	*(uint64_t *)ctx += (uint64_t)app->n_waiting;
}

static void metric(struct strbuf *out, const char *name, const char *type, const char *help,
		   uint64_t value)
{
	strbuf_addf(out,
		    "# HELP slipway_router_%s %s\n# TYPE slipway_router_%s %s\n"
		    "slipway_router_%s %" PRIu64 "\n",
		    name, help, name, type, name, value);
}

void policy_metrics(struct strbuf *out)
{
	const struct policy_counts *n = &policy_counts;
	uint64_t waiting = 0;

	routes_each(add_waiting, &waiting);
	metric(out, "waiting", "gauge", "Requests that wait for their app.", waiting);
	metric(out, "wakes_total", "counter", "Starts asked of sandboxd.", wake_count());
	metric(out, "wakes_failed_total", "counter", "Of which did not work.", wake_failed_count());
	metric(out, "denied_total", "counter", "Requests without a grant for a private preview.",
	       n->denied);
	metric(out, "unknown_total", "counter", "Requests for no preview there is.", n->unknown);
	metric(out, "live_pages_total", "counter", "Live pages shown.", n->live_pages);
	metric(out, "unavailable_total", "counter", "Requests answered 503 without one.",
	       n->unavailable);
}
