#include "client.h"

#include "clock.h"
#include "exchange_private.h"
#include "log.h"
#include "metrics.h"
#include "proxy_limits.h"
#include "reply.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REQUESTS_IN_A_ROW 16 /* pipelined ones, before others have their turn */

static TAILQ_HEAD(client_list, client) clients = TAILQ_HEAD_INITIALIZER(clients);

static void client_run(struct client *c);

static void drop_in(struct client *c)
{
	buf_put(c->in);
	c->in = NULL;
	c->base = 0;
}

static void bury(struct client *c)
{
	drop_in(c);
	timer_clear(&c->timer);
	TAILQ_REMOVE(&clients, c, link);
	metrics.clients--;
	c->state = CLIENT_CLOSED;
	evloop_bury(&c->grave);
}

void client_close(struct client *c)
{
	sock_close(&c->sock);
	bury(c);
}

void client_break(struct client *c)
{
	sock_reset(&c->sock);
	bury(c);
}

static void linger(struct client *c)
{
	drop_in(c);
	c->state = CLIENT_LINGER;
	timer_set(&c->timer, evloop_now_ms() + LINGER_MS);
	client_run(c);
}

/* Throws away what comes, until the client closes or its time is over. */
static void discard(struct client *c)
{
	static char nowhere[BUF_BYTES];
	ssize_t n;

	if (sock_is_flushed(&c->sock)) {
		sock_shutdown_write(&c->sock);
	}
	do {
		n = sock_read(&c->sock, nowhere, sizeof(nowhere));
	} while (n > 0);
	if (n < 0 || c->sock.eof) {
		client_close(c);
	}
}

ssize_t client_read(struct client *c)
{
	struct buf *b = c->in;
	ssize_t n;

	if (!b && !(b = c->in = buf_get())) {
		return -1;
	}
	if (b->start == b->end) {
		b->start = b->end = c->base;
	}
	n = sock_read(&c->sock, b->data + b->end, BUF_BYTES - b->end);
	if (n > 0) {
		b->end += (size_t)n;
	}
	return n;
}

/* A head that is none: said so at once, and the connection closed. */
static void refuse(struct client *c, const struct err *e)
{
	struct strbuf *out = exchange_scratch();
	struct sock_parts p = {0};

	metrics.bad_requests++;
	metrics.answers[4]++;
	reply_write_error(out, e->kind == ERR_TOO_LARGE ? 431 : 400, e->text);
	p.head = out->data;
	p.head_len = out->len;
	if (sock_send(&c->sock, &p) < 0) {
		client_close(c);
		return;
	}
	linger(c);
}

/* What came is the start of a head, at most. True when an exchange began. */
static bool parse(struct client *c)
{
	struct request *rq = request_get();
	struct err e;
	size_t used;
	int rc;

	if (!rq) {
		client_close(c);
		return false;
	}
	rc = http_head_parse_request(c->in->data + c->in->start, buf_len(c->in), &rq->head, &used,
				     &e);
	if (rc <= 0) {
		request_put(rq);
		if (rc < 0) {
			refuse(c, &e);
		}
		return false;
	}
	c->in->start += used;
	c->base = c->in->start;
	c->state = CLIENT_EXCHANGE;
	exchange_begin(c, rq);
	return true;
}

/* The next request. True when an exchange began; it may be over already. */
static bool next_request(struct client *c)
{
	ssize_t n;

	if (c->in && buf_len(c->in) > 0 && parse(c)) {
		return true;
	}
	if (c->state != CLIENT_IDLE && c->state != CLIENT_HEAD) {
		return false;
	}
	n = client_read(c);
	if (n > 0 && parse(c)) {
		return true;
	}
	if (c->state != CLIENT_IDLE && c->state != CLIENT_HEAD) {
		return false;
	}
	if (n < 0 || c->sock.eof || (limits.draining && buf_len(c->in) == 0)) {
		client_close(c);
	} else if (buf_len(c->in) == 0) {
		drop_in(c);
	} else if (c->state == CLIENT_IDLE) {
		c->state = CLIENT_HEAD;
		timer_set(&c->timer, evloop_now_ms() + HEAD_TIMEOUT_MS);
	}
	return false;
}

static void client_run(struct client *c)
{
	if (c->is_running) {
		return;
	}
	c->is_running = true;
	for (int i = 0; c->state == CLIENT_IDLE || c->state == CLIENT_HEAD; i++) {
		if (i == REQUESTS_IN_A_ROW) {
			sock_yield(&c->sock);
			break;
		}
		if (!next_request(c)) {
			break;
		}
	}
	c->is_running = false;
	if (c->state == CLIENT_LINGER) {
		discard(c);
	}
}

static void on_ready(struct sock *s)
{
	struct client *c = (struct client *)((char *)s - offsetof(struct client, sock));

	if (sock_flush(s) < 0 && c->state != CLIENT_EXCHANGE) {
		client_close(c);
	} else if (c->state == CLIENT_EXCHANGE) {
		exchange_on_client(c->x);
	} else {
		client_run(c);
	}
}

static void on_timer(struct timer *t)
{
	struct client *c = (struct client *)((char *)t - offsetof(struct client, timer));

	if (c->state == CLIENT_EXCHANGE) {
		exchange_on_timer(c->x);
	} else {
		client_close(c);
	}
}

void client_linger(struct client *c)
{
	c->x = NULL;
	sock_rest(&c->sock);
	linger(c);
}

void client_next(struct client *c, bool keep)
{
	struct buf *in = c->in;
	size_t len = in ? buf_len(in) : 0;

	c->x = NULL;
	sock_rest(&c->sock);
	if (!keep) {
		/* Nothing of the client's is lost: it may go at once. */
		if (len == 0 && (!c->sock.readable || c->sock.eof)) {
			client_close(c);
		} else {
			linger(c);
		}
		return;
	}
	if (len == 0) {
		drop_in(c);
	} else {
		memmove(in->data, in->data + in->start, len);
		in->start = 0;
		in->end = len;
		c->base = 0;
	}
	c->state = CLIENT_IDLE;
	timer_set(&c->timer, evloop_now_ms() + KEEP_ALIVE_MS);
	client_run(c);
}

void client_create(int fd, bool is_tcp, bool is_metrics)
{
	struct client *c = calloc(1, sizeof(*c));
	struct err e;

	if (!c) {
		close(fd);
		return;
	}
	if (sock_open(&c->sock, fd, is_tcp, on_ready, &e) < 0) {
		log_err(LOG_ERROR, "client_lost", &e);
		free(c);
		return;
	}
	c->is_metrics = is_metrics;
	c->timer.fn = on_timer;
	timer_set(&c->timer, evloop_now_ms() + HEAD_TIMEOUT_MS);
	TAILQ_INSERT_TAIL(&clients, c, link);
	metrics.clients++;
}

void clients_drain(void)
{
	struct client *c, *next;

	for (c = TAILQ_FIRST(&clients); c; c = next) {
		next = TAILQ_NEXT(c, link);
		if (c->state == CLIENT_IDLE) {
			client_close(c);
		}
	}
}

void clients_close_all(void)
{
	struct client *c;

	while ((c = TAILQ_FIRST(&clients))) {
		if (c->state == CLIENT_EXCHANGE) {
			exchange_cancel(c->x);
		} else {
			client_close(c);
		}
	}
}
