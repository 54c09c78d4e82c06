#include "app_ask.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_S     2
#define ATTEMPTS_MAX 2

static const char expected[] = "HTTP/1.";

struct app_ask {
	struct agent *agent;
	struct listener at;
	app_ask_fn *fn;
	void *ctx;
	struct bufferevent *bev;
	unsigned attempts;
};

void app_ask_destroy(struct app_ask *ask)
{
	if (!ask) {
		return;
	}
	if (ask->bev) {
		bufferevent_free(ask->bev);
	}
	free(ask);
}

static void tell(struct app_ask *ask, enum app_ask_answer answer)
{
	ask->fn(ask->ctx, listener_port(&ask->at), answer);
}

static void on_readable(struct bufferevent *bev, void *arg)
{
	char begin[sizeof(expected) - 1];
	ev_ssize_t n = evbuffer_copyout(bufferevent_get_input(bev), begin, sizeof(begin));

	if (n <= 0) {
		return;
	}
	if (memcmp(begin, expected, (size_t)n) != 0) {
		tell(arg, APP_ASK_OTHER);
	} else if (n == (ev_ssize_t)sizeof(begin)) {
		tell(arg, APP_ASK_HTTP);
	}
}

static bool attempt(struct app_ask *ask);

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	struct app_ask *ask = arg;

	if (what & BEV_EVENT_CONNECTED) {
		evbuffer_add_printf(bufferevent_get_output(bev),
				    "OPTIONS / HTTP/1.1\r\nHost: localhost:%u\r\n"
				    "User-Agent: slipway\r\nConnection: close\r\n\r\n",
				    listener_port(&ask->at));
		return;
	}
	if (what & BEV_EVENT_TIMEOUT) {
		tell(ask, APP_ASK_NOTHING);
		return;
	}
	bufferevent_free(bev);
	ask->bev = NULL;
	if ((what & BEV_EVENT_EOF) || !attempt(ask)) {
		tell(ask, APP_ASK_OTHER);
	}
}

/* False when no attempt is left. */
static bool attempt(struct app_ask *ask)
{
	const struct timeval wait = {.tv_sec = ANSWER_S};

	while (ask->attempts < ATTEMPTS_MAX) {
		struct sockaddr_storage to = listener_reachable(&ask->at, ask->attempts++);
		int len = to.ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
						   : sizeof(struct sockaddr_in);

		ask->bev = bufferevent_socket_new(ask->agent->base, -1, BEV_OPT_CLOSE_ON_FREE);
		if (!ask->bev) {
			return false;
		}
		/* Callbacks come after: a connect that fails at once would call them from here. */
		if (bufferevent_socket_connect(ask->bev, (const struct sockaddr *)&to, len) == 0) {
			bufferevent_setcb(ask->bev, on_readable, NULL, on_event, ask);
			bufferevent_set_timeouts(ask->bev, &wait, &wait);
			bufferevent_enable(ask->bev, EV_READ | EV_WRITE);
			return true;
		}
		bufferevent_free(ask->bev);
		ask->bev = NULL;
	}
	return false;
}

struct app_ask *app_ask_start(struct agent *agent, const struct listener *l, app_ask_fn *fn,
			      void *ctx)
{
	struct app_ask *ask = calloc(1, sizeof(*ask));

	if (!ask) {
		return NULL;
	}
	*ask = (struct app_ask){.agent = agent, .at = *l, .fn = fn, .ctx = ctx};
	if (!attempt(ask)) {
		app_ask_destroy(ask);
		return NULL;
	}
	return ask;
}
