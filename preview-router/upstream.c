#include "upstream.h"

#include "app.h"
#include "clock.h"
#include "exchange_private.h"
#include "greeting.h"
#include "log.h"
#include "metrics.h"
#include "proxy_limits.h"
#include "upstream_conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

TAILQ_HEAD(upstream_list, upstream);

struct upstream_pool {
	struct upstream_list busy;
	struct upstream_list idle; /* the one used last is first */
	int n;
};

static struct upstream_pool *pool_of(struct app *app)
{
	if (!app->pool && (app->pool = calloc(1, sizeof(*app->pool)))) {
		TAILQ_INIT(&app->pool->busy);
		TAILQ_INIT(&app->pool->idle);
	}
	return app->pool;
}

static struct upstream_list *list_of(struct upstream *u)
{
	return u->state == UPSTREAM_IDLE ? &u->app->pool->idle : &u->app->pool->busy;
}

void upstream_close(struct upstream *u)
{
	TAILQ_REMOVE(list_of(u), u, link);
	u->app->pool->n--;
	metrics.upstreams--;
	sock_close(&u->sock);
	timer_clear(&u->timer);
	buf_put(u->in);
	u->in = NULL;
	u->x = NULL;
	u->state = UPSTREAM_CLOSED;
	evloop_bury(&u->grave);
}

ssize_t upstream_read(struct upstream *u)
{
	struct buf *b = u->in;
	ssize_t n;

	if (!b && !(b = u->in = buf_get())) {
		return -1;
	}
	if (b->start == b->end) {
		b->start = b->end = 0;
	} else if (b->end == BUF_BYTES) {
		memmove(b->data, b->data + b->start, buf_len(b));
		b->end -= b->start;
		b->start = 0;
	}
	if (b->end == BUF_BYTES) {
		return -1;
	}
	n = sock_read(&u->sock, b->data + b->end, BUF_BYTES - b->end);
	if (n > 0) {
		b->end += (size_t)n;
	} else if (b->start == b->end) {
		buf_put(b);
		u->in = NULL;
	}
	return n;
}

/* The greeting failed: the exchange hears of it when the connection is no more. */
static void fail(struct upstream *u, enum refusal why)
{
	struct exchange *x = u->x;

	upstream_close(u);
	exchange_unreachable(x, why);
}

static void read_greeting(struct upstream *u)
{
	ssize_t n = upstream_read(u);
	struct greeting g;
	struct err e;
	size_t used;
	int rc;

	if (n < 0 || (n == 0 && u->sock.eof)) {
		fail(u, REFUSED_CONNECT);
		return;
	}
	if (n == 0) {
		return;
	}
	rc = greeting_parse(u->in->data, buf_len(u->in), &g, &used, &e);
	if (rc == 0) {
		return;
	}
	/* What stands behind the line was not asked for by any request. */
	if (rc < 0 || (g.ok && used != buf_len(u->in))) {
		fail(u, REFUSED_MALFORMED);
		return;
	}
	if (!g.ok) {
		fail(u, g.why);
		return;
	}
	buf_put(u->in);
	u->in = NULL;
	u->port = g.port;
	u->state = UPSTREAM_BUSY;
	timer_set(&u->timer, CLOCK_NEVER);
	exchange_connected(u->x);
}

static void on_ready(struct sock *s)
{
	struct upstream *u = (struct upstream *)((char *)s - offsetof(struct upstream, sock));

	switch (u->state) {
	case UPSTREAM_GREETING:
		if (sock_flush(s) < 0) {
			fail(u, REFUSED_CONNECT);
		} else {
			read_greeting(u);
		}
		break;
	case UPSTREAM_BUSY:
		exchange_on_upstream(u->x);
		break;
	case UPSTREAM_IDLE:
		/* Its end, or bytes of an answer that nobody asked for. */
		upstream_close(u);
		break;
	case UPSTREAM_CLOSED:
		break;
	}
}

static void on_timer(struct timer *t)
{
	struct upstream *u = (struct upstream *)((char *)t - offsetof(struct upstream, timer));

	if (u->state == UPSTREAM_GREETING) {
		fail(u, REFUSED_CONNECT);
	} else if (u->state == UPSTREAM_IDLE) {
		upstream_close(u);
	}
}

static int connect_to(uint16_t port)
{
	const struct sockaddr_in to = {.sin_family = AF_INET,
				       .sin_port = htons(port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0) {
		return -1;
	}
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS) {
		close(fd);
		return -1;
	}
	return fd;
}

static struct upstream *make(struct exchange *x, struct app *app, uint16_t inner_port,
			     int64_t wait_ms)
{
	struct upstream *u = calloc(1, sizeof(*u));
	char hello[GREETING_MAX_BYTES];
	struct sock_parts p = {.head = hello};
	struct err e;
	int fd;

	if (!u) {
		return NULL;
	}
	*u = (struct upstream){.state = UPSTREAM_GREETING,
			       .app = app,
			       .x = x,
			       .timer.fn = on_timer,
			       .epoch = app->epoch,
			       .wanted_port = inner_port};
	fd = connect_to(app->port);
	if (fd < 0 || sock_open(&u->sock, fd, true, on_ready, &e) < 0) {
		free(u);
		return NULL;
	}
	TAILQ_INSERT_HEAD(&app->pool->busy, u, link);
	app->pool->n++;
	metrics.upstreams++;
	metrics.connects++;
	timer_set(&u->timer, evloop_now_ms() + wait_ms + GREETING_MS);
	p.head_len = greeting_write(hello, app->secret, inner_port, wait_ms);
	if (p.head_len == 0 || sock_send(&u->sock, &p) < 0) {
		upstream_close(u);
		return NULL;
	}
	return u;
}

/*
 * Nothing has come since its last answer, not even an end that no event has told yet. Within the
 * millisecond after that answer nobody looks: under load this saves a system call for each request.
 */
static bool is_quiet(const struct upstream *u)
{
	char byte;

	if (u->sock.readable || u->rested_ms == evloop_now_ms()) {
		return !u->sock.readable;
	}
	return recv(u->sock.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

static struct upstream *take_idle(struct exchange *x, struct app *app, uint16_t inner_port)
{
	struct upstream *u, *next;

	for (u = TAILQ_FIRST(&app->pool->idle); u; u = next) {
		next = TAILQ_NEXT(u, link);
		if (u->wanted_port != inner_port) {
			continue;
		}
		if (u->epoch != app->epoch || !is_quiet(u)) {
			upstream_close(u);
			continue;
		}
		TAILQ_REMOVE(&app->pool->idle, u, link);
		TAILQ_INSERT_HEAD(&app->pool->busy, u, link);
		u->state = UPSTREAM_BUSY;
		u->x = x;
		u->used = true;
		timer_set(&u->timer, CLOCK_NEVER);
		metrics.reuses++;
		return u;
	}
	return NULL;
}

struct upstream *upstream_get(struct exchange *x, struct app *app, uint16_t inner_port,
			      int64_t wait_ms, bool fresh, enum refusal *ret_why)
{
	struct upstream_pool *pool = pool_of(app);
	struct upstream *u = pool && !fresh ? take_idle(x, app, inner_port) : NULL;

	*ret_why = REFUSED_CONNECT;
	if (u || !pool || app->port == 0) {
		return u;
	}
	if (pool->n >= limits.app_conns) {
		u = TAILQ_LAST(&pool->idle, upstream_list);
		if (!u) {
			*ret_why = REFUSED_LIMIT;
			return NULL;
		}
		upstream_close(u);
	}
	return make(x, app, inner_port, wait_ms < 0 ? 0 : wait_ms);
}

void upstream_keep(struct upstream *u, int64_t keep_ms)
{
	if (u->epoch != u->app->epoch || keep_ms <= 0 || limits.draining || u->app->gone) {
		upstream_close(u);
		return;
	}
	buf_put(u->in);
	u->in = NULL;
	u->x = NULL;
	sock_rest(&u->sock);
	u->rested_ms = evloop_now_ms();
	TAILQ_REMOVE(&u->app->pool->busy, u, link);
	u->state = UPSTREAM_IDLE;
	TAILQ_INSERT_HEAD(&u->app->pool->idle, u, link);
	timer_set(&u->timer, evloop_now_ms() + keep_ms);
}

static void close_idle(struct app *app)
{
	struct upstream *u;

	while (app->pool && (u = TAILQ_FIRST(&app->pool->idle))) {
		upstream_close(u);
	}
}

void upstream_app_changed(struct app *app)
{
	close_idle(app);
}

void upstream_app_free(struct app *app)
{
	close_idle(app);
	free(app->pool);
	app->pool = NULL;
}

void upstream_each_exchange(struct app *app, void (*fn)(struct exchange *x))
{
	struct upstream *u = app->pool ? TAILQ_FIRST(&app->pool->busy) : NULL;

	while (u) {
		struct upstream *next = TAILQ_NEXT(u, link);

		if (u->x) {
			fn(u->x);
		}
		u = next;
	}
}
