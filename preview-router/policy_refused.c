#include "agent.h"
#include "app.h"
#include "app_policy.h"
#include "evloop.h"
#include "exchange.h"
#include "policy.h"
#include "policy_steps.h"
#include "visitor.h"
#include "wake.h"

#define CRASHED_MS    1000 /* so long nothing is sent to what has crashed */
#define OTHER_PORT_MS 5000 /* for another port than the main one to listen */
#define TRIES_MAX     8
#define CLOSED_TRIES  3
#define BUSY_MS	      1000
#define BAD_FIRST_MS  2000
#define BAD_MAX_MS    30000

/* The app is on its way: to the relay again, which knows first when it listens. */
static void wait_at_relay(struct exchange *x, bool can_retry, int64_t most_ms)
{
	struct exchange_target *t = exchange_target(x);
	int64_t left_ms = t->hold_until_ms - evloop_now_ms();

	if (!can_retry || !policy_can_wait(x)) {
		answer_how_it_is(x);
	} else if (t->tries < TRIES_MAX) {
		t->tries++;
		exchange_proxy(x, left_ms < most_ms ? left_ms : most_ms);
	} else {
		t->tries = 1;
		policy_wait_until(x, evloop_now_ms() + LOOK_AGAIN_MS);
	}
}

static void note_bad(struct app_policy *p, enum refusal why)
{
	struct bad_answers *bad = &p->bad;
	int64_t now_ms = evloop_now_ms(), ms = BAD_FIRST_MS;

	if (now_ms >= bad->until_ms) {
		bad->n = now_ms - bad->until_ms < BAD_MAX_MS ? bad->n + 1 : 1;
		for (unsigned i = 1; i < bad->n && ms < BAD_MAX_MS; i++) {
			ms *= 2;
		}
		bad->at_ms = now_ms;
		bad->until_ms = now_ms + (ms < BAD_MAX_MS ? ms : BAD_MAX_MS);
	}
	bad->why = why;
}

/* Nobody is there, or somebody who does not know us: the row is about to change. */
static void refused_stale(struct exchange *x, bool can_retry)
{
	struct exchange_target *t = exchange_target(x);
	struct app_policy *p = t->app->policy;

	if (t->epoch != t->app->epoch && can_retry && t->tries < TRIES_MAX) {
		policy_go_on(x);
		return;
	}
	if (p->unreachable_ms == 0) {
		p->unreachable_ms = evloop_now_ms();
	}
	p->agent_ms = 0;
	if (visitor_may_wake(exchange_head(x))) {
		wake_want(p);
	}
	if (can_retry) {
		policy_wait_or_tell(x);
	} else {
		answer_how_it_is(x);
	}
}

static void refused_stopped(struct exchange *x, bool can_retry)
{
	struct app_policy *p = exchange_target(x)->app->policy;

	agent_state_fini(&p->agent);
	p->agent.state = AGENT_STOPPED;
	p->agent_ms = evloop_now_ms();
	if (visitor_may_wake(exchange_head(x))) {
		wake_want(p);
	}
	if (can_retry) {
		policy_wait_or_tell(x);
	} else {
		answer_how_it_is(x);
	}
}

static void refused_crashed(struct exchange *x)
{
	struct app_policy *p = exchange_target(x)->app->policy;

	p->crashed_until_ms = evloop_now_ms() + CRASHED_MS;
	if (p->agent.state != AGENT_CRASHED && p->agent.state != AGENT_EXITED) {
		agent_state_fini(&p->agent);
		p->agent.state = AGENT_CRASHED;
	}
	p->agent_ms = evloop_now_ms();
	answer_how_it_is(x);
}

/* A server that restarts closes what it had: asked again in a moment, if nothing is lost by it. */
static void refused_closed(struct exchange *x, bool can_retry)
{
	struct exchange_target *t = exchange_target(x);

	if (can_retry && t->tries < CLOSED_TRIES && t->app->n_waiting < PARKED_MAX) {
		exchange_park(x, evloop_now_ms() + LOOK_AGAIN_MS);
		return;
	}
	note_bad(t->app->policy, REFUSED_CLOSED);
	answer_how_it_is(x);
}

void policy_refused(struct exchange *x, enum refusal why, bool can_retry)
{
	struct exchange_target *t = exchange_target(x);
	struct app_policy *p = t->app->policy;

	if (why != REFUSED_CONNECT && why != REFUSED_SECRET) {
		p->unreachable_ms = 0;
	}
	switch (why) {
	case REFUSED_CONNECT:
	case REFUSED_SECRET:
		refused_stale(x, can_retry);
		break;
	case REFUSED_PORT:
		agent_refresh(p);
		wait_at_relay(x, can_retry,
			      t->inner_port != 0 ? OTHER_PORT_MS : policy_settings.hold_ms);
		break;
	case REFUSED_STARTING:
	case REFUSED_INSTALLING:
		if (p->agent.state != AGENT_STARTING && p->agent.state != AGENT_INSTALLING) {
			agent_state_fini(&p->agent);
			p->agent_ms = 0;
		}
		agent_refresh(p);
		wait_at_relay(x, can_retry, policy_settings.hold_ms);
		break;
	case REFUSED_CRASHED:
		agent_refresh(p);
		refused_crashed(x);
		break;
	case REFUSED_STOPPED:
		refused_stopped(x, can_retry);
		break;
	case REFUSED_CLOSED:
		refused_closed(x, can_retry);
		break;
	case REFUSED_LIMIT:
		p->bad = (struct bad_answers){.why = why,
					      .at_ms = evloop_now_ms(),
					      .until_ms = evloop_now_ms() + BUSY_MS};
		answer_how_it_is(x);
		break;
	case REFUSED_MALFORMED:
	case REFUSED_TIMEOUT:
		note_bad(p, why);
		answer_how_it_is(x);
		break;
	}
}
