#pragma once

/* What the policy keeps of an app that somebody asked for. */

#include "access.h"
#include "agent_state.h"
#include "app.h"
#include "evloop.h"
#include "policy.h"

#include <stdbool.h>
#include <stdint.h>

struct ask;

#define WAKE_ERROR_BYTES 200

struct wake {
	bool wanted; /* by a request that may, not done yet */
	struct ask *ask;
	int64_t wanted_ms;     /* last time somebody asked for it, or looked whether it goes on */
	int64_t not_before_ms; /* back-off */
	unsigned tries;	       /* since the app answered last */
	unsigned failures;     /* in a row: sandboxd not there, or no place */
	char error[WAKE_ERROR_BYTES];
	struct timer again;
};

/* Its answers were of no use. */
struct bad_answers {
	enum refusal why;
	unsigned n;
	int64_t at_ms, until_ms; /* until then nobody is sent there by itself */
};

struct app_policy {
	struct app *app;
	struct access_cache access;
	int64_t since_ms;     /* the row's state and phase are these */
	enum app_state state; /* and phase: as policy_app_changed saw them last */
	char phase[APP_PHASE_BYTES];
	uint64_t epoch;
	struct wake wake;
	struct agent_state agent; /* as of agent_ms; 0: not known */
	int64_t agent_ms;
	struct ask *agent_ask;
	int64_t unreachable_ms;	  /* nobody at its port since then; 0: reached, or not tried */
	int64_t crashed_until_ms; /* nothing is sent to it until then */
	struct bad_answers bad;
};

/* NULL: out of memory. */
struct app_policy *app_policy_of(struct app *app);

/* Those who wait for the app go on, or wait again. */
void app_policy_resume(struct app *app);
