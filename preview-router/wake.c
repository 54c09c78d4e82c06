#include "wake.h"

#include "app.h"
#include "app_policy.h"
#include "ask.h"
#include "config.h"
#include "evloop.h"
#include "http_head.h"
#include "json.h"
#include "log.h"

#include <stdio.h>
#include <string.h>

#define BURST	       20  /* starts of all apps together … */
#define REFILL_MS      500 /* … and one more after so long: 20 in 10 s */
#define EVERY_MS       5000
#define HELPED_MS      500 /* one that answered may be started again soon */
#define FAILED_MS      2000
#define BACKOFF_MAX_MS 60000
#define FORGET_MS      30000 /* nobody asked again for so long: not wanted any more */
#define TIMEOUT_MS     15000
#define ANSWER_MAX     16384
#define UNREACHABLE_MS 5000 /* the row says it runs, and nobody is there */

static struct {
	char socket[108];
	double tokens;
	int64_t filled_ms;
	uint64_t calls, failed;
} wakes;

void wake_init(const struct config *c)
{
	memset(&wakes, 0, sizeof(wakes));
	(void)snprintf(wakes.socket, sizeof(wakes.socket), "%.80s/broker/sandboxd.sock",
		       config_str(c, CFG_RUN_DIR));
	wakes.tokens = BURST;
}

uint64_t wake_count(void)
{
	return wakes.calls;
}

uint64_t wake_failed_count(void)
{
	return wakes.failed;
}

static bool take_token(int64_t now_ms)
{
	wakes.tokens += (double)(now_ms - wakes.filled_ms) / REFILL_MS;
	wakes.filled_ms = now_ms;
	if (wakes.tokens > BURST) {
		wakes.tokens = BURST;
	}
	if (wakes.tokens < 1) {
		return false;
	}
	wakes.tokens -= 1;
	return true;
}

/* Whether a start would change anything. */
static bool sleeps(const struct app_policy *p)
{
	const struct app *app = p->app;

	if (app->gone || app->app_stopped || !app->has_files) {
		return false;
	}
	/* A start waits for a place and builds packages while the row still says stopped. */
	if (app->phase[0] != '\0') {
		return false;
	}
	if (app->state == APP_STOPPED || app->state == APP_FAILED) {
		return true;
	}
	if (app->state != APP_RUNNING) {
		return false;
	}
	/* A sandbox that runs without its app, or a row that outlived its sandbox. */
	return (p->agent_ms != 0 && p->agent.state == AGENT_STOPPED) ||
	       (p->unreachable_ms != 0 && evloop_now_ms() - p->unreachable_ms >= UNREACHABLE_MS);
}

/* A start would change something in a moment, or perhaps: one under way may fail, what falls asleep
 * is woken when it got there, and what nobody reaches may be gone. */
static bool may_sleep_soon(const struct app_policy *p)
{
	const struct app *app = p->app;

	return !app->gone && (app->phase[0] != '\0' || app->state == APP_STOPPING ||
			      (app->state == APP_RUNNING && p->unreachable_ms != 0));
}

static int64_t backoff(int64_t first_ms, unsigned n)
{
	int64_t ms = first_ms;

	while (n-- > 1 && ms < BACKOFF_MAX_MS) {
		ms *= 2;
	}
	return ms < BACKOFF_MAX_MS ? ms : BACKOFF_MAX_MS;
}

static void attempt(struct app_policy *p);

static void again(struct timer *t)
{
	attempt((struct app_policy *)((char *)t - offsetof(struct app_policy, wake.again)));
}

static void failed(struct app_policy *p, const char *kind, const char *detail)
{
	struct wake *w = &p->wake;

	wakes.failed++;
	w->failures++;
	w->not_before_ms = evloop_now_ms() + backoff(FAILED_MS, w->failures);
	(void)snprintf(w->error, sizeof(w->error), "%s", kind);
	log_warn("wake_failed", "{s:s,s:s,s:s}", "project_id", p->app->project_id, "kind", kind,
		 "detail", detail);
	timer_set(&w->again, w->not_before_ms);
	app_policy_resume(p->app);
}

/* "kind" and "detail" of an error's body. */
static void refused(struct app_policy *p, int status, const char *body, size_t len)
{
	auto_json *o = NULL;
	const char *kind = NULL, *detail = NULL;
	struct err e;

	if (json_parse(body, len, ANSWER_MAX, &o, &e) == 0) {
		kind = json_string_value(json_object_get(o, "kind"));
		detail = json_string_value(json_object_get(o, "detail"));
	}
	if (status == 409 || status == 404) {
		/* Stopped by its owner, or nothing to start: the row says so, or will in a moment.
		 */
		p->wake.wanted = false;
		p->wake.not_before_ms = evloop_now_ms() + EVERY_MS;
		app_policy_resume(p->app);
		return;
	}
	failed(p, kind ? kind : "upstream", detail ? detail : "an answer without a reason");
}

static void on_answer(void *ctx, const char *answer, size_t len, const struct err *e)
{
	struct app_policy *p = ctx;
	struct http_head head;
	struct err ignored;
	size_t used;

	p->wake.ask = NULL;
	if (e) {
		failed(p, err_kind_name(e->kind), e->text);
		return;
	}
	if (http_head_parse_response(answer, len, &head, &used, &ignored) != 1) {
		failed(p, "upstream", "not an HTTP answer");
		return;
	}
	if (head.status >= 300) {
		refused(p, head.status, answer + used, len - used);
		return;
	}
	p->wake.wanted = false;
	p->wake.failures = 0;
	p->wake.error[0] = '\0';
}

static void call(struct app_policy *p)
{
	char body[80], request[320];
	struct err e;
	int n = snprintf(body, sizeof(body), "{\"project_id\": \"%s\"}", p->app->project_id);

	n = snprintf(request, sizeof(request),
		     "POST /v1/apps/wake HTTP/1.1\r\nHost: sandboxd\r\nConnection: close\r\n"
		     "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		     n, body);
	const struct ask_opts opts = {.unix_path = wakes.socket,
				      .bytes = request,
				      .len = (size_t)n,
				      .answer_max_bytes = ANSWER_MAX,
				      .timeout_ms = TIMEOUT_MS,
				      .done = on_answer,
				      .ctx = p};

	wakes.calls++;
	if (ask_start(&opts, &p->wake.ask, &e) < 0) {
		failed(p, err_kind_name(e.kind), e.text);
	}
}

static void attempt(struct app_policy *p)
{
	struct wake *w = &p->wake;
	int64_t now_ms = evloop_now_ms();

	if (!w->wanted || w->ask) {
		return;
	}
	if (now_ms - w->wanted_ms > FORGET_MS) {
		w->wanted = false;
		return;
	}
	if (!sleeps(p)) {
		w->wanted = may_sleep_soon(p);
		if (w->wanted && p->unreachable_ms + UNREACHABLE_MS > now_ms) {
			timer_set(&w->again, p->unreachable_ms + UNREACHABLE_MS);
		}
		return;
	}
	if (now_ms < w->not_before_ms) {
		timer_set(&w->again, w->not_before_ms);
		return;
	}
	if (!take_token(now_ms)) {
		timer_set(&w->again, now_ms + REFILL_MS);
		return;
	}
	w->tries++;
	w->not_before_ms = now_ms + backoff(EVERY_MS, w->tries);
	call(p);
}

void wake_want(struct app_policy *p)
{
	if (!p->wake.again.fn) {
		p->wake.again.fn = again;
	}
	p->wake.wanted = true;
	p->wake.wanted_ms = evloop_now_ms();
	attempt(p);
}

void wake_still_wanted(struct app_policy *p)
{
	if (p->wake.wanted) {
		p->wake.wanted_ms = evloop_now_ms();
	}
}

void wake_changed(struct app_policy *p)
{
	attempt(p);
}

void wake_helped(struct app_policy *p)
{
	struct wake *w = &p->wake;

	w->wanted = false;
	w->tries = w->failures = 0;
	w->not_before_ms = evloop_now_ms() + HELPED_MS;
	w->error[0] = '\0';
}

void wake_fini(struct app_policy *p)
{
	ask_cancel(p->wake.ask);
	p->wake.ask = NULL;
	timer_clear(&p->wake.again);
}
