#include "agent.h"

#include "app.h"
#include "app_policy.h"
#include "ask.h"
#include "evloop.h"
#include "wake.h"

#include <stdio.h>

#define FRESH_MS   300
#define TIMEOUT_MS 3000

bool agent_is_fresh(const struct app_policy *p)
{
	return p->agent_ms != 0 && evloop_now_ms() - p->agent_ms < FRESH_MS;
}

static void on_answer(void *ctx, const char *answer, size_t len, const struct err *e)
{
	struct app_policy *p = ctx;
	struct agent_state state;
	struct err why;

	p->agent_ask = NULL;
	if (e && e->kind == ERR_UNAVAILABLE && p->unreachable_ms == 0) {
		p->unreachable_ms = evloop_now_ms();
	}
	if (!e && agent_state_parse(answer, len, &state, &why) == 0) {
		agent_state_fini(&p->agent);
		p->agent = state;
		p->agent_ms = evloop_now_ms();
		p->unreachable_ms = 0;
		wake_changed(p);
	}
	app_policy_resume(p->app);
}

void agent_refresh(struct app_policy *p)
{
	const struct app *app = p->app;
	struct err e;
	char line[128];
	int n;

	if (p->agent_ask || agent_is_fresh(p) || app->gone || app->port == 0 ||
	    app->state != APP_RUNNING) {
		return;
	}
	n = snprintf(line, sizeof(line), "SLW1 %s status 0\n", app->secret);
	const struct ask_opts opts = {.port = app->port,
				      .bytes = line,
				      .len = (size_t)n,
				      .answer_max_bytes = AGENT_ANSWER_MAX_BYTES,
				      .timeout_ms = TIMEOUT_MS,
				      .done = on_answer,
				      .ctx = p};

	if (ask_start(&opts, &p->agent_ask, &e) < 0 && p->unreachable_ms == 0) {
		p->unreachable_ms = evloop_now_ms();
	}
}

void agent_forget(struct app_policy *p)
{
	ask_cancel(p->agent_ask);
	p->agent_ask = NULL;
	agent_state_fini(&p->agent);
	p->agent_ms = 0;
	p->unreachable_ms = 0;
}
