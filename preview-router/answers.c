#include "app.h"
#include "app_policy.h"
#include "exchange.h"
#include "live.h"
#include "pages.h"
#include "policy_steps.h"
#include "strbuf.h"
#include "visitor.h"

#include <string.h>

#define OPEN_PATH_MAX 2048 /* as long as a ticket's path may be */

void answer_not_found(struct exchange *x)
{
	policy_counts.unknown++;
	page_problem(x,
		     &(struct problem){.status = 404,
				       .type = "/problems/not-found",
				       .title = "There is no such preview",
				       .detail = "The address may be misspelt, or the project was "
						 "deleted."},
		     visitor_navigates(exchange_head(x)));
}

void answer_not_ready(struct exchange *x)
{
	page_problem(x,
		     &(struct problem){.status = 503,
				       .type = "/problems/unavailable",
				       .title = "Back in a moment",
				       .detail = "Previews are just being set up. Try again in a "
						 "moment.",
				       .retry_after_s = 2},
		     visitor_navigates(exchange_head(x)));
}

void answer_no_such_file(struct exchange *x)
{
	page_problem(x,
		     &(struct problem){.status = 404,
				       .type = "/problems/not-found",
				       .title = "Not found",
				       .detail = "There is nothing at this address."},
		     false);
}

static void add_encoded(struct strbuf *b, struct http_slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.at[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			     (c >= '0' && c <= '9') || strchr("-._~/", c);

		if (c != '\0' && plain) {
			strbuf_addc(b, (char)c);
		} else {
			strbuf_addf(b, "%%%02X", c);
		}
	}
}

/* Where somebody signed in gets a grant and comes back from. */
static int open_url(const struct exchange *x, const struct exchange_target *t, struct strbuf *out)
{
	struct http_slice target = exchange_head(x)->target;

	strbuf_addf(out, "%s/api/v1/previews/", policy_settings.public_url);
	if (t->inner_port != 0) {
		strbuf_addf(out, "%u--", (unsigned)t->inner_port);
	}
	strbuf_addf(out, "%s/open?to=", t->app->slug);
	/* "//host" would be another site's address. */
	if (target.len > OPEN_PATH_MAX || target.len == 0 || target.at[0] != '/' ||
	    (target.len > 1 && (target.at[1] == '/' || target.at[1] == '\\'))) {
		target = (struct http_slice){"/", 1};
	}
	add_encoded(out, target);
	return out->failed ? -1 : 0;
}

void answer_denied(struct exchange *x)
{
	const struct http_head *head = exchange_head(x);
	const struct exchange_target *t = exchange_target(x);
	bool navigates = visitor_navigates(head) && !http_slice_is(head->method, "POST");
	auto_strbuf url;

	policy_counts.denied++;
	strbuf_init(&url, 8192);
	if (navigates && !policy_is_ours(policy_path(x)) && open_url(x, t, &url) == 0) {
		if (visitor_in_frame(head)) {
			page_private_frame(x, url.data);
		} else {
			page_redirect(x, url.data);
		}
		return;
	}
	page_problem(x,
		     &(struct problem){.status = 401,
				       .type = "/problems/unauthenticated",
				       .title = "This preview is private",
				       .detail = "Open it in a browser that is signed in, or by a "
						 "share link."},
		     false);
}

void answer_how_it_is(struct exchange *x)
{
	const struct http_head *head = exchange_head(x);
	const struct exchange_target *t = exchange_target(x);
	const struct app_policy *p = t->app->policy;
	struct live_viewer v = live_viewer_of(t);
	bool navigates = visitor_navigates(head);
	struct live l;

	live_of(p, &v, &l);
	if (navigates && visitor_may_wake(head)) {
		policy_counts.live_pages++;
		page_live(x, p, &v);
		return;
	}
	policy_counts.unavailable++;
	page_problem(x,
		     &(struct problem){.status = 503,
				       .type = "/problems/unavailable",
				       .title = l.kind == LIVE_READY ? "Almost there" : l.title,
				       .detail = l.detail[0] ? l.detail : "Try again.",
				       .retry_after_s = l.kind == LIVE_STUCK ? 10 : 2},
		     navigates);
}
