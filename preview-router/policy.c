#include "policy.h"

#include "agent.h"
#include "app.h"
#include "app_policy.h"
#include "assets.h"
#include "config.h"
#include "evloop.h"
#include "exchange.h"
#include "host.h"
#include "inspect.h"
#include "live.h"
#include "pages.h"
#include "policy_steps.h"
#include "routes.h"
#include "visitor.h"
#include "wake.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define STATUS_WAIT_MS 1000

struct policy_settings policy_settings;
struct policy_counts policy_counts;

static void read_settings(const struct config *c)
{
	const char *domain = config_str(c, CFG_PREVIEW_DOMAIN);
	const char *url = config_str(c, CFG_PUBLIC_URL);
	size_t len = strlen(domain);

	memset(&policy_settings, 0, sizeof(policy_settings));
	len -= len > 0 && domain[len - 1] == '.' ? 1 : 0;
	for (size_t i = 0; i < len && i + 1 < sizeof(policy_settings.domain); i++) {
		char c_i = domain[i];

		policy_settings.domain[i] =
			c_i >= 'A' && c_i <= 'Z' ? (char)(c_i - 'A' + 'a') : c_i;
	}
	if (url[0] == '\0') {
		(void)snprintf(policy_settings.public_url, sizeof(policy_settings.public_url),
			       "http://localhost:%" PRId64, config_int(c, CFG_PORT));
	} else {
		len = strlen(url);
		len -= url[len - 1] == '/' ? 1 : 0;
		(void)snprintf(policy_settings.public_url, sizeof(policy_settings.public_url),
			       "%.*s", (int)len, url);
	}
	policy_settings.hold_ms = config_int(c, CFG_ROUTER_HOLD_MS);
}

int policy_init(struct event_base *base, const struct config *c, struct err *e)
{
	(void)base;
	read_settings(c);
	if (inspect_init(c, e) < 0) {
		return -1;
	}
	wake_init(c);
	policy_activity_start();
	return 0;
}

void policy_fini(void)
{
	policy_activity_stop();
	inspect_fini();
}

struct http_slice policy_path(const struct exchange *x)
{
	struct http_slice target = exchange_head(x)->target;
	const char *end = memchr(target.at, '?', target.len);

	return (struct http_slice){target.at, end ? (size_t)(end - target.at) : target.len};
}

bool policy_is_ours(struct http_slice path)
{
	return path.len >= sizeof(OURS) - 1 && memcmp(path.at, OURS, sizeof(OURS) - 1) == 0;
}

void policy_wait_until(struct exchange *x, int64_t deadline_ms)
{
	struct exchange_target *t = exchange_target(x);

	if (evloop_now_ms() < deadline_ms && t->app->n_waiting < PARKED_MAX) {
		exchange_park(x, deadline_ms);
	} else {
		answer_how_it_is(x);
	}
}

bool policy_can_wait(struct exchange *x)
{
	const struct exchange_target *t = exchange_target(x);
	struct live_viewer v = live_viewer_of(t);
	struct live l;

	if (evloop_now_ms() >= t->hold_until_ms || visitor_navigates(exchange_head(x)) ||
	    !visitor_may_wake(exchange_head(x))) {
		return false;
	}
	live_of(t->app->policy, &v, &l);
	return l.kind != LIVE_STUCK;
}

void policy_wait_or_tell(struct exchange *x)
{
	if (policy_can_wait(x)) {
		policy_wait_until(x, exchange_target(x)->hold_until_ms);
	} else {
		answer_how_it_is(x);
	}
}

/* The agent is asked first, once. */
static void answer_status(struct exchange *x)
{
	struct exchange_target *t = exchange_target(x);
	struct app_policy *p = t->app->policy;
	struct live_viewer v = live_viewer_of(t);

	wake_still_wanted(p);
	if (t->tries++ == 0) {
		agent_refresh(p);
		if (p->agent_ask && !agent_is_fresh(p) && t->app->n_waiting < PARKED_MAX) {
			exchange_park(x, evloop_now_ms() + STATUS_WAIT_MS);
			return;
		}
	}
	page_status(x, p, &v);
}

static void note_active(struct exchange *x, struct app *app)
{
	int64_t now_ms = evloop_now_ms();

	if (now_ms - app->last_request_ms > POLICY_ACTIVE_MS &&
	    visitor_may_wake(exchange_head(x))) {
		app->last_request_ms = now_ms;
	}
}

void policy_go_on(struct exchange *x)
{
	struct exchange_target *t = exchange_target(x);
	struct app *app = t->app;
	struct app_policy *p = app->policy;

	if (app->gone || !access_holds(app, &t->claim, time(NULL))) {
		answer_not_found(x);
	} else if (policy_is_ours(policy_path(x))) {
		answer_status(x);
	} else if (app->state == APP_RUNNING && app->port != 0 &&
		   evloop_now_ms() >= p->crashed_until_ms) {
		note_active(x, app);
		t->tries++;
		t->epoch = app->epoch;
		exchange_proxy(x, 0);
	} else {
		if (app->state != APP_RUNNING && visitor_may_wake(exchange_head(x))) {
			wake_want(p);
		}
		policy_wait_or_tell(x);
	}
}

static enum access access_of(struct exchange *x)
{
	struct exchange_target *t = exchange_target(x);

	return access_check(t->app, exchange_head(x), routes_preview_key(),
			    routes_preview_key_epoch(), time(NULL), &t->app->policy->access,
			    &t->claim);
}

static bool answer_asset(struct exchange *x, struct http_slice path)
{
	const struct asset *asset =
		asset_find(path.at + sizeof(OURS) - 1, path.len - (sizeof(OURS) - 1));

	if (!asset || asset->for_owner) {
		return false;
	}
	page_asset(x, asset);
	return true;
}

void policy_request(struct exchange *x)
{
	const struct http_slice *name = http_head_get(exchange_head(x), "host");
	struct exchange_target *t = exchange_target(x);
	struct http_slice path = policy_path(x);
	bool ours = policy_is_ours(path);
	enum access access;
	struct host host;

	if (ours && answer_asset(x, path)) {
		return;
	}
	if (!name || !host_parse(name->at, name->len, policy_settings.domain, &host)) {
		answer_not_found(x);
		return;
	}
	t->app = routes_find(host.slug, host.slug_len);
	t->inner_port = host.inner_port;
	if (!t->app && routes_loaded()) {
		answer_not_found(x);
		return;
	}
	if (!t->app || !app_policy_of(t->app)) {
		answer_not_ready(x);
		return;
	}
	access = access_of(x);
	t->is_owner = access == ACCESS_OWNER;
	t->is_inspected = t->is_owner && visitor_fills_iframe(exchange_head(x));
	t->hold_until_ms = evloop_now_ms() + policy_settings.hold_ms;
	if (access == ACCESS_NONE) {
		answer_denied(x);
	} else if (t->is_owner && http_slice_is(path, OURS "inspect.js")) {
		page_asset(x, inspect_script());
	} else if (ours && !http_slice_is(path, OURS "status")) {
		answer_no_such_file(x);
	} else {
		policy_go_on(x);
	}
}

void policy_overdue(struct exchange *x)
{
	struct exchange_target *t = exchange_target(x);

	if (t->app->gone || policy_is_ours(policy_path(x)) || evloop_now_ms() < t->hold_until_ms) {
		policy_go_on(x);
	} else {
		answer_how_it_is(x);
	}
}

void app_policy_resume(struct app *app)
{
	/* Some go back to the end of the list. */
	for (int n = app->n_waiting; n > 0; n--) {
		struct exchange *x = TAILQ_FIRST(&app->waiting);

		if (!x) {
			break;
		}
		exchange_unpark(x);
		policy_go_on(x);
	}
}
