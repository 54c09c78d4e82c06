#include "policy.h"

#include "access.h"
#include "app.h"
#include "clock.h"
#include "config.h"
#include "exchange.h"
#include "host.h"
#include "routes.h"
#include "visitor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct {
	char domain[160];
	int64_t hold_ms;
} settings;

struct app_policy {
	struct access_cache access;
};

int policy_init(struct event_base *base, const struct config *c, struct err *e)
{
	(void)base;
	(void)e;
	(void)snprintf(settings.domain, sizeof(settings.domain), "%s",
		       config_str(c, CFG_PREVIEW_DOMAIN));
	settings.hold_ms = config_int(c, CFG_ROUTER_HOLD_MS);
	return 0;
}

void policy_fini(void)
{
}

static void say(struct exchange *x, int status, const char *text)
{
	exchange_reply(x, &(struct reply){.status = status,
					  .content_type = "text/plain; charset=utf-8",
					  .extra = "Cache-Control: no-store\r\n",
					  .body = text,
					  .len = strlen(text)});
}

void policy_request(struct exchange *x)
{
	const struct http_head *head = exchange_head(x);
	const struct http_slice *name = http_head_get(head, "host");
	struct exchange_target *t = exchange_target(x);
	struct host host;
	enum access access;

	if (!name || !host_parse(name->at, name->len, settings.domain, &host)) {
		say(x, 404, "There is no such preview.\n");
		return;
	}
	t->app = routes_find(host.slug, host.slug_len);
	if (!t->app) {
		say(x, routes_loaded() ? 404 : 503, "There is no such preview.\n");
		return;
	}
	app_ref(t->app);
	t->inner_port = host.inner_port;
	if (!t->app->policy) {
		t->app->policy = calloc(1, sizeof(*t->app->policy));
	}
	if (!t->app->policy) {
		say(x, 503, "Out of memory.\n");
		return;
	}
	access = access_check(t->app, head, routes_preview_key(), routes_preview_key_epoch(),
			      time(NULL), &t->app->policy->access);
	if (access == ACCESS_NONE) {
		say(x, 401, "This preview is private.\n");
		return;
	}
	t->is_owner = access == ACCESS_OWNER;
	if (t->app->port == 0) {
		say(x, 503, "The app does not run.\n");
		return;
	}
	exchange_proxy(x, visitor_navigates(head) ? 0 : settings.hold_ms);
}

void policy_refused(struct exchange *x, enum refusal why, bool can_retry)
{
	(void)why;
	(void)can_retry;
	say(x, 503, "The app does not answer.\n");
}

void policy_overdue(struct exchange *x)
{
	say(x, 503, "The app does not answer.\n");
}

void policy_app_changed(struct app *app)
{
	struct exchange *x;

	while ((x = TAILQ_FIRST(&app->waiting))) {
		exchange_unpark(x);
		exchange_proxy(x, settings.hold_ms);
	}
}

void policy_answered(struct app *app)
{
	(void)app;
}

void policy_app_free(struct app *app)
{
	free(app->policy);
	app->policy = NULL;
}
