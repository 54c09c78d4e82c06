#include "probe.h"

#include "clock.h"
#include "listeners.h"
#include "probe_reply.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICK_MS	       5
#define TICK_COSTLY_MS 50 /* where listeners_read is not cheap */
#define ANSWER_MS      5000
/* How long to look for another port after one did not speak HTTP. */
#define OTHER_PORT_MS 250

/* Whose a socket is takes a walk through /proc; what belongs to another run is asked about this
 * often. */
#define OWNER_AGAIN_MS 50

#define LISTENERS_MAX 128
#define REFUSED_MAX   16

struct probe {
	struct agent *agent;
	pid_t root;
	probe_result_fn *fn;
	void *ctx;
	struct event *tick;
	int tick_ms;
	unsigned long before[LISTENERS_MAX]; /* inodes */
	size_t n_before;
	unsigned long refused[REFUSED_MAX]; /* inodes of what does not speak HTTP */
	size_t n_refused;
	int64_t next_owner_check_ms;
	bool found;
	struct listener at; /* when found */
	unsigned attempts;
	int64_t deadline_ms;
	char why[ERR_TEXT_MAX_BYTES]; /* the last failure */
	struct bufferevent *bev;      /* an attempt under way */
	struct probe_reply reply;
};

struct probe *probe_create(struct agent *agent)
{
	struct probe *p = calloc(1, sizeof(*p));
	struct listener now[LISTENERS_MAX];
	bool cheap;

	if (!p) {
		return NULL;
	}
	p->agent = agent;
	p->n_before = listeners_read(now, LISTENERS_MAX, &cheap);
	for (size_t i = 0; i < p->n_before; i++) {
		p->before[i] = now[i].inode;
	}
	p->tick_ms = cheap ? TICK_MS : TICK_COSTLY_MS;
	return p;
}

static void end_attempt(struct probe *p)
{
	if (p->bev) {
		bufferevent_free(p->bev);
		p->bev = NULL;
		probe_reply_fini(&p->reply);
	}
}

void probe_destroy(struct probe *p)
{
	if (!p) {
		return;
	}
	end_attempt(p);
	if (p->tick) {
		event_free(p->tick);
	}
	free(p);
}

bool probe_found(const struct probe *p)
{
	return p->found;
}

json_t *probe_failure(const struct probe *p, const char *why)
{
	return json_pack("{s:i,s:s}", "port", (int)listener_port(&p->at), "error", why);
}

static void report(struct probe *p, json_t *listening)
{
	end_attempt(p);
	(void)event_del(p->tick);
	p->fn(p->ctx, listening);
}

static void report_failure(struct probe *p)
{
	report(p, probe_failure(p, p->why[0] ? p->why : "it did not answer in time"));
}

static bool is_in(unsigned long inode, const unsigned long *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (list[i] == inode) {
			return true;
		}
	}
	return false;
}

static bool is_candidate(const struct probe *p, const struct listener *l)
{
	return l->uid == p->agent->settings.uid && !is_in(l->inode, p->before, p->n_before) &&
	       !is_in(l->inode, p->refused, p->n_refused);
}

static bool find(struct probe *p)
{
	struct listener now[LISTENERS_MAX];
	bool cheap, foreign = false;
	size_t n;

	if (clock_mono_ms() < p->next_owner_check_ms) {
		return false;
	}
	n = listeners_read(now, LISTENERS_MAX, &cheap);
	for (size_t i = 0; i < n; i++) {
		if (!is_candidate(p, &now[i])) {
			continue;
		}
		if (listener_belongs(&now[i], p->root, p->agent->settings.uid)) {
			p->at = now[i];
			return true;
		}
		foreign = true;
	}
	if (foreign) {
		p->next_owner_check_ms = clock_mono_ms() + OWNER_AGAIN_MS;
	}
	return false;
}

/* Not an HTTP server: another port may be one. */
static void refuse(struct probe *p, const char *why)
{
	int64_t until = clock_mono_ms() + OTHER_PORT_MS;

	end_attempt(p);
	(void)snprintf(p->why, sizeof(p->why), "%s", why);
	if (p->n_refused < REFUSED_MAX) {
		p->refused[p->n_refused++] = p->at.inode;
	}
	if (until < p->deadline_ms) {
		p->deadline_ms = until;
	}
}

static void answered(struct probe *p)
{
	report(p, probe_reply_json(&p->reply, listener_port(&p->at)));
}

static void on_readable(struct bufferevent *bev, void *arg)
{
	struct probe *p = arg;
	struct evbuffer *in = bufferevent_get_input(bev);
	struct err e;
	int n = 0;

	while (n == 0 && evbuffer_get_length(in) > 0) {
		size_t len = evbuffer_get_contiguous_space(in);

		n = probe_reply_feed(&p->reply, (const char *)evbuffer_pullup(in, (ev_ssize_t)len),
				     len, &e);
		evbuffer_drain(in, len);
	}
	if (n < 0) {
		refuse(p, "what listens does not answer GET / with HTTP/1.1");
	} else if (n > 0) {
		answered(p);
	}
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: localhost:%u\r\n"
				      "User-Agent: slipway\r\nAccept: */*\r\n"
				      "Accept-Encoding: identity\r\nConnection: close\r\n\r\n";
	struct probe *p = arg;

	if (what & BEV_EVENT_CONNECTED) {
		evbuffer_add_printf(bufferevent_get_output(bev), request, listener_port(&p->at));
		return;
	}
	/* The end of the connection is the end of a body without a length. */
	if ((what & BEV_EVENT_EOF) && p->reply.status != 0) {
		p->reply.complete = !p->reply.chunked && !p->reply.has_length;
		answered(p);
		return;
	}
	/* Frameworks accept before they are ready, then reset: try again. */
	(void)snprintf(p->why, sizeof(p->why), "%s",
		       what & BEV_EVENT_EOF ? "it closed the connection without an answer"
					    : "it refused or reset the connection");
	end_attempt(p);
}

static void attempt(struct probe *p)
{
	struct sockaddr_storage to = listener_reachable(&p->at, p->attempts++);
	int len =
		to.ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);

	p->bev = bufferevent_socket_new(p->agent->base, -1, BEV_OPT_CLOSE_ON_FREE);
	if (!p->bev) {
		return;
	}
	probe_reply_init(&p->reply);
	bufferevent_setcb(p->bev, on_readable, NULL, on_event, p);
	bufferevent_setwatermark(p->bev, EV_READ, 0, PROBE_BODY_MAX_BYTES);
	bufferevent_enable(p->bev, EV_READ | EV_WRITE);
	if (bufferevent_socket_connect(p->bev, (const struct sockaddr *)&to, len) < 0) {
		end_attempt(p);
	}
}

static void tick(struct probe *p)
{
	int64_t now = clock_mono_ms();

	if (p->found && now >= p->deadline_ms) {
		/* An endless answer is one all the same. */
		if (p->bev && p->reply.status != 0) {
			answered(p);
		} else {
			report_failure(p);
		}
		return;
	}
	if (!p->bev && find(p)) {
		if (!p->found) {
			p->found = true;
			p->deadline_ms = now + ANSWER_MS;
		}
		attempt(p);
	}
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	tick(arg);
}

void probe_start(struct probe *p, pid_t root, probe_result_fn *fn, void *ctx)
{
	const struct timeval tv = {.tv_usec = p->tick_ms * 1000};

	p->root = root;
	p->fn = fn;
	p->ctx = ctx;
	p->tick = event_new(p->agent->base, -1, EV_PERSIST, on_tick, p);
	if (p->tick) {
		(void)event_add(p->tick, &tv);
	}
}
