#include "pages.h"

#include "app.h"
#include "app_policy.h"
#include "assets.h"
#include "cleanup.h"
#include "exchange.h"
#include "json.h"
#include "live.h"
#include "strbuf.h"
#include "utf8.h"

#include <stdio.h>
#include <string.h>

#define PAGE_MAX_BYTES (256 * 1024)

#define COMMON                                                                                     \
	"Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"                           \
	"Referrer-Policy: no-referrer\r\nX-Robots-Tag: noindex\r\n"
#define HTML                                                                                       \
	COMMON "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self';" \
	       " connect-src 'self'; base-uri 'none'; form-action 'none'\r\n"                      \
	       "Vary: Sec-Fetch-Mode, Accept, Cookie\r\n"

#define LIVE                                                                                       \
	"<script src=\"/.slipway/live.js\" defer></script>\n"                                      \
	"<noscript><meta http-equiv=\"refresh\" content=\"3\"></noscript>\n"
/* The editor is told the address there, too. */
#define INSPECTED "<script src=\"/.slipway/inspect.js\" data-live></script>\n"

static void send(struct exchange *x, int status, const char *content_type, const char *extra,
		 const struct strbuf *body)
{
	exchange_reply(x, &(struct reply){.status = body->failed ? 503 : status,
					  .content_type = body->failed ? NULL : content_type,
					  .extra = extra,
					  .body = body->failed ? "" : body->data,
					  .len = body->failed ? 0 : body->len});
}

int html_add(struct strbuf *b, const char *text)
{
	auto_strbuf clean;

	strbuf_init(&clean, PAGE_MAX_BYTES);
	if (utf8_add_replaced(&clean, text, strlen(text)) < 0) {
		b->failed = true;
		return -1;
	}
	for (size_t i = 0; i < clean.len; i++) {
		switch (clean.data[i]) {
		case '<':
			strbuf_adds(b, "&lt;");
			break;
		case '>':
			strbuf_adds(b, "&gt;");
			break;
		case '&':
			strbuf_adds(b, "&amp;");
			break;
		case '"':
			strbuf_adds(b, "&quot;");
			break;
		case '\'':
			strbuf_adds(b, "&#39;");
			break;
		default:
			strbuf_addc(b, clean.data[i]);
		}
	}
	return b->failed ? -1 : 0;
}

/* Everything up to and with the opening of <main>. `slug` may be "". */
static void begin_page(struct strbuf *b, const char *title, const char *slug, const char *head)
{
	strbuf_adds(b, "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
		       "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		       "<meta name=\"robots\" content=\"noindex\">\n<title>");
	html_add(b, title);
	if (slug[0]) {
		strbuf_adds(b, " · ");
		html_add(b, slug);
	}
	strbuf_addf(b,
		    "</title>\n<link rel=\"stylesheet\" href=\"/.slipway/live.css\">\n%s"
		    "<body>\n<main",
		    head);
}

static void plain_page(struct strbuf *b, const char *title, const char *detail)
{
	begin_page(b, title, "", "");
	strbuf_adds(b, ">\n<h1>");
	html_add(b, title);
	strbuf_adds(b, "</h1>\n<p id=\"detail\">");
	html_add(b, detail);
	strbuf_adds(b, "</p>\n");
}

static void problem_json(const struct problem *p, struct strbuf *b)
{
	auto_json *o = json_pack("{s:s,s:s,s:i,s:s}", "type", p->type, "title", p->title, "status",
				 p->status, "detail", p->detail);
	auto_free char *text = o ? json_text(o) : NULL;

	strbuf_adds(b, text ? text : "{}");
}

void page_problem(struct exchange *x, const struct problem *p, bool navigates)
{
	char extra[1024], retry[48] = "";
	auto_strbuf b;

	strbuf_init(&b, PAGE_MAX_BYTES);
	if (p->retry_after_s > 0) {
		(void)snprintf(retry, sizeof(retry), "Retry-After: %d\r\n", p->retry_after_s);
	}
	(void)snprintf(extra, sizeof(extra), "%s%s", navigates ? HTML : COMMON, retry);
	if (navigates) {
		plain_page(&b, p->title, p->detail);
		strbuf_adds(&b, "</main>\n</html>\n");
	} else {
		problem_json(p, &b);
	}
	send(x, p->status, navigates ? "text/html; charset=utf-8" : "application/problem+json",
	     extra, &b);
}

static void add_log(struct strbuf *b, const struct app_policy *p, bool visible)
{
	strbuf_addf(b,
		    "<section id=\"log\"%s>\n<h2>Last lines of its log</h2>\n"
		    "<pre id=\"lines\" tabindex=\"0\" aria-label=\"Last lines of its log\">",
		    visible ? "" : " hidden");
	for (size_t i = 0; visible && i < p->agent.n_lines; i++) {
		const struct agent_line *line = &p->agent.lines[i];

		strbuf_addf(b, "<span class=\"%s\">",
			    line->is_error    ? "stderr"
			    : line->is_system ? "system"
					      : "stdout");
		html_add(b, line->text);
		strbuf_adds(b, "\n</span>");
	}
	strbuf_adds(b, "</pre>\n</section>\n");
}

static const char *kind_name(enum live_kind kind)
{
	return kind == LIVE_STUCK ? "stuck" : "coming";
}

void page_live(struct exchange *x, const struct app_policy *p, const struct live_viewer *v)
{
	bool is_get = http_slice_is(exchange_head(x)->method, "GET") ||
		      http_slice_is(exchange_head(x)->method, "HEAD");
	struct live l;
	auto_strbuf b;

	live_of(p, v, &l);
	if (l.kind == LIVE_READY) {
		/* It was refused a moment ago: what is known is older. */
		l.kind = LIVE_COMING;
		l.title = "Almost there";
	}
	strbuf_init(&b, PAGE_MAX_BYTES);
	begin_page(&b, l.title, p->app->slug,
		   exchange_target(x)->is_inspected ? INSPECTED LIVE : LIVE);
	strbuf_addf(&b,
		    " id=\"live\" data-kind=\"%s\" data-for=\"%lld\" data-method=\"%s\">\n<p "
		    "id=\"slug\">",
		    kind_name(l.kind), (long long)l.for_ms, is_get ? "GET" : "POST");
	html_add(&b, p->app->slug);
	strbuf_adds(&b, "</p>\n<div role=\"status\">\n<h1 id=\"title\">");
	html_add(&b, l.title);
	strbuf_adds(&b, "</h1>\n<p id=\"detail\">");
	html_add(&b, l.detail);
	strbuf_adds(&b, "</p>\n</div>\n<div id=\"bar\" aria-hidden=\"true\"><i></i></div>\n"
			"<p id=\"for\" hidden></p>\n<pre id=\"error\" tabindex=\"0\"");
	strbuf_adds(&b, l.error ? ">" : " hidden>");
	html_add(&b, l.error ? l.error : "");
	strbuf_adds(&b, "</pre>\n");
	add_log(&b, p, v->is_owner && l.has_log && p->agent.n_lines > 0);
	strbuf_adds(&b, "<p id=\"again\"><button type=\"button\">Load again</button></p>\n"
			"</main>\n</html>\n");
	send(x, 503, "text/html; charset=utf-8", HTML "Retry-After: 3\r\n", &b);
}

void page_redirect(struct exchange *x, const char *url)
{
	auto_strbuf extra, none;

	strbuf_init(&extra, 32768);
	strbuf_init(&none, 0);
	strbuf_addf(&extra, "Location: %s\r\n" COMMON, url);
	send(x, 303, NULL, extra.failed ? COMMON : extra.data, &none);
}

void page_private_frame(struct exchange *x, const char *url)
{
	auto_strbuf b;

	strbuf_init(&b, PAGE_MAX_BYTES);
	plain_page(
		&b, "This preview is private",
		"It cannot be opened inside this page. Open it in a tab of its own, where you can "
		"sign in.");
	strbuf_adds(&b, "<p class=\"go\"><a target=\"_blank\" rel=\"noopener\" href=\"");
	html_add(&b, url);
	strbuf_adds(&b, "\">Open in a new tab</a></p>\n</main>\n</html>\n");
	send(x, 401, "text/html; charset=utf-8", HTML, &b);
}

void page_status(struct exchange *x, const struct app_policy *p, const struct live_viewer *v)
{
	auto_strbuf b;

	strbuf_init(&b, PAGE_MAX_BYTES);
	if (live_json(p, v, &b) < 0) {
		b.failed = true;
	}
	send(x, 200, "application/json", COMMON, &b);
}

void page_asset(struct exchange *x, const struct asset *a)
{
	exchange_reply(x, &(struct reply){.status = 200,
					  .content_type = a->content_type,
					  .extra = a->for_owner
							   ? COMMON
							   : "Cache-Control: no-cache\r\n"
							     "X-Content-Type-Options: nosniff\r\n",
					  .body = a->bytes,
					  .len = a->len});
}
