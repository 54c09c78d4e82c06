#include "conn.h"

#include "clock.h"
#include "conn_private.h"
#include "route.h"
#include "target.h"

#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD_DEADLINE_MS    (10 * 1000)
#define IDLE_DEADLINE_MS    (60 * 1000)
#define BODY_SILENCE_MS	    (10 * 1000)
#define BODY_DEADLINE_MS    (120 * 1000)
#define DISCARD_DEADLINE_MS (2 * 1000)
#define WRITE_STALL_S	    30

/* Input a client may send ahead while its request is worked on. */
#define INPUT_AHEAD_BYTES (64 * 1024)

static void arm(struct conn *c, int64_t ms)
{
	const struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000};

	(void)event_add(c->deadline, &tv);
}

static void forget_request(struct conn *c)
{
	const struct route *r = c->route;

	c->route = NULL;
	if (r && r->gone) {
		r->gone(c);
	}
	c->data = NULL;
}

/* Frees later: the connection may be in the middle of its own callbacks. */
void conn_close(struct conn *c)
{
	if (c->state == CONN_CLOSED) {
		return;
	}
	c->state = CONN_CLOSED;
	forget_request(c);
	(void)event_del(c->deadline);
	bufferevent_disable(c->bev, EV_READ | EV_WRITE);
	TAILQ_REMOVE(&c->agent->conns, c, link);
	TAILQ_INSERT_TAIL(&c->agent->closed, c, link);
	c->agent->n_conns--;
	event_active(c->agent->free_closed, EV_TIMEOUT, 0);
}

static void conn_destroy(struct conn *c)
{
	if (c->deadline) {
		event_free(c->deadline);
	}
	if (c->bev) {
		bufferevent_free(c->bev);
	}
	free(c);
}

static void process(struct conn *c);

void conn_next(struct conn *c)
{
	if (c->state == CONN_CLOSED) {
		return;
	}
	forget_request(c);
	if (c->keep_alive && c->body_read) {
		c->state = CONN_HEAD;
		arm(c, IDLE_DEADLINE_MS);
		if (!c->in_process && evbuffer_get_length(bufferevent_get_input(c->bev)) > 0) {
			process(c);
		}
		return;
	}
	c->state = CONN_FLUSH;
	(void)event_del(c->deadline);
}

static void fail(struct conn *c, const struct err *e)
{
	if (c->answer_begun) {
		conn_close(c);
		return;
	}
	conn_reply_err(c, e);
}

/* Compares every byte, so that the time tells nothing about where they differ. */
static bool same_secret(struct http_slice given, const char *secret)
{
	size_t len = strlen(secret);
	unsigned char differs = given.len != len;

	for (size_t i = 0; i < given.len && len > 0; i++) {
		differs |= (unsigned char)(given.at[i] ^ secret[i % len]);
	}
	return differs == 0;
}

static int check_token(const struct conn *c, const struct http_head *h, struct err *e)
{
	const struct http_slice *auth = http_head_get(h, "Authorization");
	struct http_slice given;

	if (c->agent->settings.token[0] == '\0') {
		return 0;
	}
	if (auth && auth->len > 7 && strncasecmp(auth->at, "Bearer ", 7) == 0) {
		given = (struct http_slice){auth->at + 7, auth->len - 7};
		if (same_secret(given, c->agent->settings.token)) {
			return 0;
		}
	}
	return err_set(e, ERR_UNAUTHENTICATED, "the agent's bearer token is missing or wrong");
}

static int too_large(const struct conn *c, struct err *e)
{
	return err_set(e, ERR_TOO_LARGE, "the body is larger than %llu bytes",
		       (unsigned long long)c->route->body_max_bytes);
}

static int accept_body(struct conn *c, const struct http_head *h, struct err *e)
{
	const struct http_slice *expect = http_head_get(h, "Expect");

	if (c->body_left > c->route->body_max_bytes) {
		return too_large(c, e);
	}
	if (expect && !http_slice_is_nocase(*expect, "100-continue")) {
		return err_set(e, ERR_INVALID, "unknown Expect");
	}
	if (expect && !c->body_read) {
		evbuffer_add_printf(bufferevent_get_output(c->bev),
				    "HTTP/1.1 100 Continue\r\n\r\n");
	}
	return 0;
}

/* A whole head is there: finds its route and starts its handler. */
static int begin_request(struct conn *c, const struct http_head *h, struct err *e)
{
	const struct route *r;
	int begun;

	c->minor = h->minor;
	c->keep_alive = h->keep_alive;
	c->chunked_in = h->chunked;
	c->body_left = h->has_length ? h->content_length : 0;
	c->body_read = !h->chunked && c->body_left == 0;
	c->body_seen = 0;
	c->body_deadline_ms = clock_mono_ms() + BODY_DEADLINE_MS;
	http_chunked_init(&c->chunks);
	if (check_token(c, h, e) < 0 ||
	    target_split(h->target.at, h->target.len, c->path, c->query, sizeof(c->path), e) < 0) {
		return -1;
	}
	r = route_find(h->method, c->path, &c->rest, e);
	if (!r) {
		return -1;
	}
	c->route = r;
	if (accept_body(c, h, e) < 0) {
		c->route = NULL;
		return -1;
	}
	c->head = h;
	begun = r->begin ? r->begin(c, e) : 0;
	c->head = NULL;
	return begun;
}

/* True when a request has begun (or failed), false to wait for more bytes. */
static bool read_head(struct conn *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	size_t have = evbuffer_get_length(in);
	size_t look = have < HTTP_HEAD_MAX_BYTES + 1 ? have : HTTP_HEAD_MAX_BYTES + 1;
	struct http_head head;
	struct err e;
	const char *bytes;
	size_t used = 0;
	int n, begun;

	if (have == 0) {
		return false;
	}
	bytes = (const char *)evbuffer_pullup(in, (ev_ssize_t)look);
	c->answer_begun = false;
	c->chunked_out = false;
	c->keep_alive = false;
	c->body_read = false;
	c->minor = 1;
	n = http_head_parse_request(bytes, look, &head, &used, &e);
	if (n < 0) {
		fail(c, &e);
		return true;
	}
	if (n == 0) {
		/* From the first byte on, not from each: a slow client gains nothing. */
		if (!c->head_begun) {
			c->head_begun = true;
			arm(c, HEAD_DEADLINE_MS);
		}
		return false;
	}
	c->head_begun = false;
	c->state = CONN_BODY;
	arm(c, BODY_SILENCE_MS);
	begun = begin_request(c, &head, &e);
	if (c->state == CONN_CLOSED) {
		return true;
	}
	evbuffer_drain(in, used);
	if (begun < 0) {
		fail(c, &e);
	}
	return true;
}

static int take_body(struct conn *c, const char *bytes, size_t len, struct err *e)
{
	c->body_seen += len;
	if (c->body_seen > c->route->body_max_bytes) {
		return too_large(c, e);
	}
	return len > 0 && c->route->body ? c->route->body(c, bytes, len, e) : 0;
}

/* Hands over one contiguous piece of the body. */
static int read_piece(struct conn *c, struct evbuffer *in, struct err *e)
{
	size_t len = evbuffer_get_contiguous_space(in);
	const char *bytes = (const char *)evbuffer_pullup(in, (ev_ssize_t)len);
	struct http_slice data = {bytes, len};
	size_t used = len;

	if (c->chunked_in) {
		int last = http_chunked_next(&c->chunks, bytes, len, &used, &data, e);

		if (last < 0) {
			return -1;
		}
		c->body_read = last == 1;
	} else {
		if (used > c->body_left) {
			used = (size_t)c->body_left;
		}
		data.len = used;
		c->body_left -= used;
		c->body_read = c->body_left == 0;
	}
	if (take_body(c, data.at, data.len, e) < 0) {
		return -1;
	}
	evbuffer_drain(in, used);
	return 0;
}

static bool read_body(struct conn *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	int64_t left_ms = c->body_deadline_ms - clock_mono_ms();
	struct err e;

	while (!c->body_read && evbuffer_get_length(in) > 0) {
		if (read_piece(c, in, &e) < 0) {
			if (c->state == CONN_BODY) {
				fail(c, &e);
			}
			return true;
		}
		if (c->state != CONN_BODY) {
			return true;
		}
	}
	if (!c->body_read) {
		arm(c, left_ms < BODY_SILENCE_MS ? (left_ms > 0 ? left_ms : 0) : BODY_SILENCE_MS);
		return false;
	}
	(void)event_del(c->deadline);
	c->state = CONN_ANSWER;
	if (c->route->end(c, &e) < 0 && c->state == CONN_ANSWER) {
		fail(c, &e);
	}
	return true;
}

/* Bytes of an upgraded connection, piece by piece. */
static void read_raw(struct conn *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	struct err e;

	while (c->state == CONN_UPGRADED && !c->paused && evbuffer_get_length(in) > 0) {
		size_t len = evbuffer_get_contiguous_space(in);
		const char *bytes = (const char *)evbuffer_pullup(in, (ev_ssize_t)len);

		if (c->route->body(c, bytes, len, &e) < 0) {
			conn_close(c);
			return;
		}
		evbuffer_drain(in, len);
	}
}

static void discard(struct conn *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);

	evbuffer_drain(in, evbuffer_get_length(in));
}

static void process(struct conn *c)
{
	bool go_on = true;

	c->in_process = true;
	while (go_on) {
		switch (c->state) {
		case CONN_HEAD:
			go_on = read_head(c);
			break;
		case CONN_BODY:
			go_on = read_body(c);
			break;
		case CONN_UPGRADED:
			read_raw(c);
			go_on = c->state != CONN_UPGRADED;
			break;
		case CONN_FLUSH:
		case CONN_DISCARD:
			discard(c);
			go_on = false;
			break;
		case CONN_ANSWER:
			/* A full input buffer would hide that the client went away. */
			if (evbuffer_get_length(bufferevent_get_input(c->bev)) >=
			    INPUT_AHEAD_BYTES) {
				conn_close(c);
			}
			go_on = false;
			break;
		case CONN_CLOSED:
			go_on = false;
			break;
		}
	}
	c->in_process = false;
}

static void on_readable(struct bufferevent *bev, void *arg)
{
	(void)bev;
	process(arg);
}

static void on_writable(struct bufferevent *bev, void *arg)
{
	struct conn *c = arg;

	if (c->state == CONN_FLUSH) {
		if (conn_pending(c) > 0) {
			return;
		}
		if (c->body_read) {
			conn_close(c);
			return;
		}
		c->state = CONN_DISCARD;
		(void)shutdown(bufferevent_getfd(bev), SHUT_WR);
		arm(c, DISCARD_DEADLINE_MS);
	} else if ((c->state == CONN_ANSWER || c->state == CONN_UPGRADED) && c->route &&
		   c->route->writable) {
		c->route->writable(c);
	}
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	(void)bev;
	(void)what;
	conn_close(arg);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;
	struct err e;

	(void)fd;
	(void)what;
	if (c->state == CONN_BODY && !c->answer_begun) {
		err_set(&e, ERR_TIMEOUT, "the request body did not arrive in time");
		fail(c, &e);
		return;
	}
	conn_close(c);
}

int conn_create(struct agent *agent, int fd, struct err *e)
{
	const struct timeval stall = {.tv_sec = WRITE_STALL_S};
	struct conn *c = calloc(1, sizeof(*c));

	if (!c) {
		close(fd);
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	c->agent = agent;
	c->deadline = evtimer_new(agent->base, on_deadline, c);
	c->bev = bufferevent_socket_new(agent->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!c->deadline || !c->bev) {
		if (!c->bev) {
			close(fd);
		}
		conn_destroy(c);
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	bufferevent_setcb(c->bev, on_readable, on_writable, on_event, c);
	bufferevent_setwatermark(c->bev, EV_READ, 0, INPUT_AHEAD_BYTES);
	bufferevent_setwatermark(c->bev, EV_WRITE, CONN_OUTPUT_HIGH_BYTES / 2, 0);
	bufferevent_set_timeouts(c->bev, NULL, &stall);
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
	TAILQ_INSERT_TAIL(&agent->conns, c, link);
	agent->n_conns++;
	arm(c, HEAD_DEADLINE_MS);
	return 0;
}

bool conn_evict_idle(struct agent *agent)
{
	struct conn *c;

	TAILQ_FOREACH(c, &agent->conns, link)
	{
		if (c->state == CONN_HEAD && !c->head_begun &&
		    evbuffer_get_length(bufferevent_get_input(c->bev)) == 0 &&
		    conn_pending(c) == 0) {
			conn_close(c);
			return true;
		}
	}
	return false;
}

void conn_close_all(struct agent *agent)
{
	struct conn *c;

	while ((c = TAILQ_FIRST(&agent->conns)) != NULL) {
		conn_close(c);
	}
}

void conn_free_closed(struct agent *agent)
{
	struct conn *c;

	while ((c = TAILQ_FIRST(&agent->closed)) != NULL) {
		TAILQ_REMOVE(&agent->closed, c, link);
		conn_destroy(c);
	}
}

struct agent *conn_agent(const struct conn *c)
{
	return c->agent;
}

void *conn_data(const struct conn *c)
{
	return c->data;
}

void conn_set_data(struct conn *c, void *data)
{
	c->data = data;
}

void conn_pause(struct conn *c)
{
	c->paused = true;
	bufferevent_disable(c->bev, EV_READ);
}

void conn_resume(struct conn *c)
{
	if (c->paused && c->state == CONN_UPGRADED) {
		c->paused = false;
		bufferevent_enable(c->bev, EV_READ);
		process(c);
	}
}

const char *conn_rest(const struct conn *c)
{
	return c->rest;
}

const char *conn_query(const struct conn *c)
{
	return c->query;
}

const struct http_head *conn_head(const struct conn *c)
{
	return c->head;
}
