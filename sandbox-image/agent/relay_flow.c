#include "relay_flow.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static bool would_block(void)
{
	return errno == EAGAIN || errno == EINTR;
}

/* Makes the later close(2) a reset, so that the other side does not take a broken stream for a
 * whole one. Not while bytes are on their way: a reset would throw them away. */
static void reset_on_close(int fd)
{
	const struct linger now = {.l_onoff = 1};
	int unsent = 0;

	if (ioctl(fd, SIOCOUTQ, &unsent) == 0 && unsent == 0) {
		(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	}
}

static void finish(struct relay_pair *p)
{
	(void)event_del(&p->up.readable);
	(void)event_del(&p->up.writable);
	(void)event_del(&p->down.readable);
	(void)event_del(&p->down.writable);
	p->over(p);
}

/* The direction has ended and nothing is held: tells `to`. */
static void pass_end(struct relay_flow *f)
{
	f->done = true;
	if (!f->broken) {
		(void)shutdown(f->to, SHUT_WR);
	}
	if (f->pair->up.done && f->pair->down.done) {
		finish(f->pair);
	}
}

static void fail_read(struct relay_flow *f)
{
	if (f->held_len == 0) {
		reset_on_close(f->to);
	}
	finish(f->pair);
}

/*
 * An app that answers and closes before it has read the whole request is usual: its answer must
 * still arrive, so the rest of the request is read and dropped. A client that is gone ends all.
 */
static void fail_write(struct relay_flow *f)
{
	if (f == &f->pair->down) {
		finish(f->pair);
		return;
	}
	f->broken = true;
	f->held_len = 0;
	(void)event_del(&f->writable);
	if (f->ended) {
		pass_end(f);
	} else {
		(void)event_add(&f->readable, NULL);
	}
}

/* Keeps what was not taken. False when there is no memory. */
static bool hold(struct relay_flow *f, const char *bytes, size_t len)
{
	if (!f->held) {
		f->held = malloc(RELAY_FLOW_BYTES);
		if (!f->held) {
			return false;
		}
	}
	memcpy(f->held, bytes, len);
	f->held_at = 0;
	f->held_len = len;
	(void)event_del(&f->readable);
	(void)event_add(&f->writable, NULL);
	return true;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	static char buf[RELAY_FLOW_BYTES];
	struct relay_flow *f = arg;
	ssize_t n = recv(fd, buf, sizeof(buf), 0);
	ssize_t sent;

	(void)what;
	if (n <= 0) {
		if (n < 0 && would_block()) {
			return;
		}
		if (n < 0) {
			fail_read(f);
			return;
		}
		f->ended = true;
		(void)event_del(&f->readable);
		pass_end(f);
		return;
	}
	if (f->broken) {
		return;
	}
	sent = send(f->to, buf, (size_t)n, MSG_NOSIGNAL);
	if (sent < 0 && !would_block()) {
		fail_write(f);
		return;
	}
	sent = sent < 0 ? 0 : sent;
	if (sent < n && !hold(f, buf + sent, (size_t)(n - sent))) {
		fail_read(f);
	}
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct relay_flow *f = arg;
	ssize_t n = send(fd, f->held + f->held_at, f->held_len, MSG_NOSIGNAL);

	(void)what;
	if (n < 0) {
		if (!would_block()) {
			fail_write(f);
		}
		return;
	}
	f->held_at += (size_t)n;
	f->held_len -= (size_t)n;
	if (f->held_len > 0) {
		return;
	}
	(void)event_del(&f->writable);
	if (f->ended) {
		pass_end(f);
	} else {
		(void)event_add(&f->readable, NULL);
	}
}

static void init_flow(struct relay_pair *p, struct relay_flow *f, struct event_base *base, int from,
		      int to)
{
	*f = (struct relay_flow){.pair = p, .from = from, .to = to};
	(void)event_assign(&f->readable, base, from, EV_READ | EV_PERSIST, on_readable, f);
	(void)event_assign(&f->writable, base, to, EV_WRITE | EV_PERSIST, on_writable, f);
}

void relay_pair_start(struct relay_pair *p, struct event_base *base, int client, int app)
{
	init_flow(p, &p->up, base, client, app);
	init_flow(p, &p->down, base, app, client);
	(void)event_add(&p->up.readable, NULL);
	(void)event_add(&p->down.readable, NULL);
}

int relay_pair_say(struct relay_pair *p, struct event_base *base, int client, const char *bytes,
		   size_t len)
{
	init_flow(p, &p->up, base, client, -1);
	init_flow(p, &p->down, base, -1, client);
	/* What the client still sends is dropped until it closes: closing with unread bytes would
	 * be a reset, which may overtake what is said. */
	p->up.broken = true;
	p->down.ended = true;
	if (!hold(&p->down, bytes, len)) {
		return -1;
	}
	(void)event_add(&p->up.readable, NULL);
	return 0;
}

void relay_pair_stop(struct relay_pair *p)
{
	struct relay_flow *flows[] = {&p->up, &p->down};

	for (int i = 0; i < 2; i++) {
		if (flows[i]->pair) {
			(void)event_del(&flows[i]->readable);
			(void)event_del(&flows[i]->writable);
		}
		free(flows[i]->held);
		flows[i]->held = NULL;
	}
}
