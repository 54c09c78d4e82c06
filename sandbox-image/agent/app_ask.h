#pragma once

/* Asks a port of the app whether it speaks HTTP, without asking for a page: OPTIONS costs a dev
 * server no compilation. */

#include "agent.h"
#include "listeners.h"

struct app_ask;

enum app_ask_answer {
	APP_ASK_HTTP,
	APP_ASK_OTHER,	 /* it answered something else, or closed the connection */
	APP_ASK_NOTHING, /* no answer in time: it is busy, or waits for another language */
};

/* Called once; the question is over and may be destroyed in it. */
typedef void app_ask_fn(void *ctx, in_port_t port, enum app_ask_answer answer);

/* NULL when out of memory. */
struct app_ask *app_ask_start(struct agent *agent, const struct listener *l, app_ask_fn *fn,
			      void *ctx);
void app_ask_destroy(struct app_ask *ask);
