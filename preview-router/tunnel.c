/* After an upgrade: bytes both ways, each end passed on by itself (half-close). */

#include "app.h"
#include "exchange_private.h"
#include "metrics.h"
#include "proxy_limits.h"

#include <stdlib.h>

#define TURNS_IN_A_ROW 16

struct way {
	struct sock *from, *to;
	struct buf **in;
	bool *shut; /* the end was passed on */
	uint64_t *bytes;
};

/* 1: something moved, 0: nothing can, -1: broken. */
static int shove(const struct way *w)
{
	struct buf *b = *w->in;
	ssize_t n;

	if (sock_flush(w->to) < 0) {
		return -1;
	}
	if (!sock_is_flushed(w->to) || *w->shut) {
		return 0;
	}
	if (!b && !(b = *w->in = buf_get())) {
		return -1;
	}
	if (buf_len(b) == 0) {
		b->start = b->end = 0;
		n = sock_read(w->from, b->data, BUF_BYTES);
		if (n <= 0) {
			buf_put(b);
			*w->in = NULL;
			if (n == 0 && w->from->eof) {
				sock_shutdown_write(w->to);
				*w->shut = true;
				return 1;
			}
			return (int)n;
		}
		b->end = (size_t)n;
	}
	n = sock_write(w->to, b->data + b->start, buf_len(b));
	if (n < 0) {
		return -1;
	}
	*w->bytes += (uint64_t)n;
	b->start += (size_t)n;
	return n > 0;
}

void tunnel_start(struct exchange *x)
{
	struct client *c = x->client;

	request_put(x->request);
	x->request = NULL;
	c->base = 0;
	if (c->in && buf_len(c->in) == 0) {
		buf_put(c->in);
		c->in = NULL;
	}
	x->state = EXCHANGE_TUNNEL;
	metrics.tunnels++;
	exchange_count_stream(x);
	timer_set(&c->timer, evloop_now_ms() + limits.idle_ms);
	tunnel_pump(x);
}

void tunnel_pump(struct exchange *x)
{
	struct client *c = x->client;
	struct upstream *u = x->upstream;
	const struct way up = {&c->sock, &u->sock, &c->in, &x->app_shut, &metrics.bytes_to_apps};
	const struct way down = {&u->sock, &c->sock, &u->in, &x->client_shut,
				 &metrics.bytes_to_clients};

	for (int turn = 0; turn < TURNS_IN_A_ROW; turn++) {
		int a = shove(&up), b = a < 0 ? -1 : shove(&down);

		if (a < 0 || b < 0 || (x->app_shut && x->client_shut)) {
			exchange_cancel(x);
			return;
		}
		if (a == 0 && b == 0) {
			/* An end that is gone altogether takes nothing any more. */
			if (x->app_shut && sock_is_hung_up(&c->sock)) {
				exchange_cancel(x);
			}
			return;
		}
		timer_set(&c->timer, evloop_now_ms() + limits.idle_ms);
	}
	sock_yield(&c->sock);
}
