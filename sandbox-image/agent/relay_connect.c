#include "relay_private.h"

#include "clock.h"
#include "fds.h"
#include "listeners.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define TICK_MS	       5
#define TICK_COSTLY_MS 50 /* where listeners_read is not cheap */

/* A full backlog answers nothing at all; TCP asks again after 1 s and 3 s. */
#define CONNECT_MS 5000

/* Something listens but refuses, perhaps on another address: try again this often. */
#define RETRY_MS 50

#define HANGUP_CHECK_MS 250
#define LISTENERS_MAX	256

static void look(struct relay_conn *c);

/* The agent's own ports are no app's. */
static bool is_ours(const struct relay *r, in_port_t port)
{
	const struct settings *s = &r->agent->settings;
	const char *colon = s->listen_tcp ? strrchr(s->listen_at, ':') : NULL;

	return port == r->port || (colon && atoi(colon + 1) == (int)port);
}

static void refuse_port(struct relay_conn *c)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "nothing answers on port %u", c->port);
	relay_conn_refuse(c, "refused", text);
}

static void refuse_state(struct relay_conn *c, enum app_state state)
{
	static const char *const text[] = {
		[APP_STOPPED] = "the app is stopped",
		[APP_INSTALLING] = "the app's packages are being installed",
		[APP_STARTING] = "the app starts and does not listen yet",
		[APP_RUNNING] = "the app runs and does not listen",
		[APP_CRASHED] = "the app has crashed",
		[APP_EXITED] = "the app has ended",
	};

	relay_conn_refuse(c, state == APP_RUNNING ? "refused" : app_state_name(state), text[state]);
}

static void start_watching(struct relay *r)
{
	const struct timeval tv = {.tv_usec = r->tick_ms * 1000};

	if (!r->watching) {
		r->watching = true;
		app_watch(r->agent, &r->watcher);
		(void)event_add(&r->tick, &tv);
	}
}

static void stop_watching(struct relay *r)
{
	if (r->watching) {
		r->watching = false;
		app_unwatch(r->agent, &r->watcher);
		(void)event_del(&r->tick);
	}
}

static void wait_for_change(struct relay_conn *c)
{
	int64_t left_ms = c->wait_until_ms - clock_mono_ms();

	relay_conn_enter(c, RELAY_WAITING);
	relay_conn_arm(c, left_ms > 0 ? left_ms : 0);
	start_watching(c->relay);
}

static bool has_time(const struct relay_conn *c)
{
	return clock_mono_ms() < c->wait_until_ms;
}

static void not_reached(struct relay_conn *c)
{
	c->next_try_ms = clock_mono_ms() + RETRY_MS;
	if (has_time(c)) {
		wait_for_change(c);
	} else {
		refuse_port(c);
	}
}

/* TCP connects a socket to itself when the port it is given for its own end is the one it calls. */
static bool is_self(int fd)
{
	struct sockaddr_in6 here, there;
	socklen_t here_len = sizeof(here), there_len = sizeof(there);

	return getsockname(fd, (struct sockaddr *)&here, &here_len) == 0 &&
	       getpeername(fd, (struct sockaddr *)&there, &there_len) == 0 &&
	       here.sin6_port == there.sin6_port;
}

static int connect_loopback(in_port_t port, bool v6)
{
	const struct sockaddr_in at4 = {.sin_family = AF_INET,
					.sin_port = htons(port),
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const struct sockaddr_in6 at6 = {
		.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = in6addr_loopback};
	int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int result;

	if (fd < 0) {
		return -1;
	}
	result = v6 ? connect(fd, (const struct sockaddr *)&at6, sizeof(at6))
		    : connect(fd, (const struct sockaddr *)&at4, sizeof(at4));
	if (result < 0 && errno != EINPROGRESS) {
		fds_close(&fd);
	}
	return fd;
}

static void on_connected(evutil_socket_t fd, short what, void *arg);

/* From c->v6 on: 127.0.0.1, then ::1. */
static void attempt(struct relay_conn *c)
{
	int64_t left_ms = c->wait_until_ms - clock_mono_ms();

	fds_close(&c->app);
	c->app = connect_loopback(c->port, c->v6);
	if (c->app < 0 && !c->v6) {
		c->v6 = true;
		c->app = connect_loopback(c->port, true);
	}
	if (c->app < 0) {
		not_reached(c);
		return;
	}
	(void)event_assign(&c->connected, c->relay->agent->base, c->app, EV_WRITE, on_connected, c);
	(void)event_add(&c->connected, NULL);
	relay_conn_enter(c, RELAY_CONNECTING);
	relay_conn_arm(c, left_ms > CONNECT_MS ? left_ms : CONNECT_MS);
}

static void on_connected(evutil_socket_t fd, short what, void *arg)
{
	const int on = 1;
	struct relay_conn *c = arg;
	int failed = 0;
	socklen_t len = sizeof(failed);

	(void)what;
	(void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &len);
	if (failed == 0 && !is_self(fd)) {
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		relay_conn_copy(c);
	} else if (!c->v6) {
		c->v6 = true;
		attempt(c);
	} else {
		fds_close(&c->app);
		not_reached(c);
	}
}

static bool may_come(enum app_state state)
{
	return state == APP_INSTALLING || state == APP_STARTING || state == APP_RUNNING;
}

static void look(struct relay_conn *c)
{
	enum app_state state = APP_STOPPED;

	c->port = c->rq.port;
	if (c->port == 0) {
		struct app_view v;

		app_view(c->relay->agent, &v);
		c->port = v.port;
		state = v.state;
	}
	if (c->port == 0) {
		if (may_come(state) && has_time(c)) {
			wait_for_change(c);
		} else {
			refuse_state(c, state);
		}
		return;
	}
	if (is_ours(c->relay, c->port)) {
		refuse_port(c);
		return;
	}
	c->v6 = false;
	attempt(c);
}

void relay_connect(struct relay_conn *c)
{
	c->wait_until_ms = clock_mono_ms() + c->rq.wait_ms;
	look(c);
}

void relay_connect_deadline(struct relay_conn *c)
{
	if (c->state == RELAY_WAITING && c->rq.port == 0) {
		/* Says what the app does instead. */
		look(c);
		return;
	}
	refuse_port(c);
}

static bool is_listening(in_port_t port, const struct listener *l, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (listener_port(&l[i]) == port) {
			return true;
		}
	}
	return false;
}

/* Those who know their port try again when it begins to listen. */
static void check_ports(struct relay *r)
{
	struct listener now[LISTENERS_MAX];
	struct relay_conn *c, *next;
	bool cheap, asked = false;
	size_t n = 0;

	for (c = TAILQ_FIRST(&r->waiting); c; c = next) {
		bool listens;

		next = TAILQ_NEXT(c, link);
		if (c->port == 0) {
			continue;
		}
		if (!asked) {
			asked = true;
			n = listeners_read(now, LISTENERS_MAX, &cheap);
			r->tick_ms = cheap ? TICK_MS : TICK_COSTLY_MS;
		}
		listens = is_listening(c->port, now, n);
		if (listens && (!c->listens || clock_mono_ms() >= c->next_try_ms)) {
			c->listens = true;
			look(c);
		} else {
			c->listens = listens;
		}
	}
}

/* A waiting connection is not read, so that nothing is lost; one that was reset must not keep its
 * place all the same. */
static void drop_hung_up(struct relay *r)
{
	struct relay_conn *at[RELAY_CONNS_MAX], *c;
	struct pollfd fds[RELAY_CONNS_MAX];
	nfds_t n = 0;

	TAILQ_FOREACH(c, &r->waiting, link)
	{
		fds[n] = (struct pollfd){.fd = c->client};
		at[n++] = c;
	}
	if (poll(fds, n, 0) <= 0) {
		return;
	}
	for (nfds_t i = 0; i < n; i++) {
		if (fds[i].revents) {
			relay_conn_destroy(at[i]);
		}
	}
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct relay *r = arg;
	int64_t now = clock_mono_ms();
	struct timeval tv;

	(void)fd;
	(void)what;
	if (now >= r->next_hangup_check_ms) {
		r->next_hangup_check_ms = now + HANGUP_CHECK_MS;
		drop_hung_up(r);
	}
	check_ports(r);
	if (TAILQ_EMPTY(&r->waiting)) {
		stop_watching(r);
		return;
	}
	tv = (struct timeval){.tv_usec = r->tick_ms * 1000};
	(void)event_add(&r->tick, &tv);
}

/* Those who want the app look whether that changes anything for them. */
static void on_app_changed(struct app_watcher *w)
{
	struct relay *r = (struct relay *)((char *)w - offsetof(struct relay, watcher));
	struct relay_conn *c, *last = TAILQ_LAST(&r->waiting, relay_conn_list), *next;

	/* Who goes on waiting is put behind the last. */
	for (c = TAILQ_FIRST(&r->waiting); c; c = next) {
		next = c == last ? NULL : TAILQ_NEXT(c, link);
		if (c->rq.port == 0) {
			look(c);
		}
	}
}

void relay_connect_init(struct relay *r)
{
	r->tick_ms = TICK_MS;
	r->watcher.changed = on_app_changed;
	(void)evtimer_assign(&r->tick, r->agent->base, on_tick, r);
}

void relay_connect_fini(struct relay *r)
{
	stop_watching(r);
}
