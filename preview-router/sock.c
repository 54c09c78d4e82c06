#include "sock.h"

#include "evloop.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void on_event(evutil_socket_t fd, short what, void *arg)
{
	struct sock *s = arg;

	(void)fd;
	evloop_wake();
	if (what & (EV_READ | EV_CLOSED)) {
		s->readable = true;
	}
	if (what & EV_CLOSED) {
		s->finished = true;
	}
	s->ready(s);
}

int sock_open(struct sock *s, int fd, bool is_tcp, void (*ready)(struct sock *s), struct err *e)
{
	const int on = 1;

	*s = (struct sock){.fd = fd, .is_tcp = is_tcp, .ready = ready};
	if (is_tcp) {
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	}
	if (event_assign(&s->read_event, evloop_base(), fd,
			 EV_READ | EV_CLOSED | EV_ET | EV_PERSIST, on_event, s) < 0 ||
	    event_assign(&s->write_event, evloop_base(), fd, EV_WRITE | EV_ET | EV_PERSIST,
			 on_event, s) < 0 ||
	    event_priority_set(&s->read_event, 0) < 0 ||
	    event_priority_set(&s->write_event, 0) < 0 || event_add(&s->read_event, NULL) < 0) {
		close(fd);
		s->fd = -1;
		return err_set(e, ERR_INTERNAL, "cannot watch a socket");
	}
	return 0;
}

void sock_close(struct sock *s)
{
	if (s->fd < 0) {
		return;
	}
	(void)event_del(&s->read_event);
	(void)event_del(&s->write_event);
	close(s->fd);
	s->fd = -1;
	free(s->pending);
	s->pending = NULL;
	s->pending_len = 0;
}

void sock_reset(struct sock *s)
{
	const struct linger now = {.l_onoff = 1};

	if (s->fd >= 0) {
		(void)setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	}
	sock_close(s);
}

ssize_t sock_read(struct sock *s, void *at, size_t cap)
{
	ssize_t n;

	if (!s->readable || s->eof) {
		return 0;
	}
	do {
		n = read(s->fd, at, cap);
	} while (n < 0 && errno == EINTR);
	if (n > 0) {
		/* A short read has emptied it, unless the end stands behind: no event comes for
		 * that again. */
		s->readable = (size_t)n == cap || s->finished;
		return n;
	}
	s->readable = false;
	if (n == 0) {
		s->eof = true;
		return 0;
	}
	return errno == EAGAIN ? 0 : -1;
}

/* It would block: be told when not. */
static int arm(struct sock *s)
{
	if (!s->write_armed) {
		if (event_add(&s->write_event, NULL) < 0) {
			return -1;
		}
		s->write_armed = true;
	}
	return 0;
}

static ssize_t write_some(struct sock *s, struct iovec *iov, int n_iov)
{
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = (size_t)n_iov};
	size_t want = 0;
	ssize_t n;

	for (int i = 0; i < n_iov; i++) {
		want += iov[i].iov_len;
	}
	do {
		n = sendmsg(s->fd, &m, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	/* ENOTCONN: a TCP socket that is still connecting. */
	if (n < 0 && (errno == EAGAIN || errno == ENOTCONN)) {
		n = 0;
	}
	if (n < 0 || ((size_t)n < want && arm(s) < 0)) {
		return -1;
	}
	return n;
}

int sock_flush(struct sock *s)
{
	while (s->pending_len > 0) {
		struct iovec v = {s->pending + s->pending_at, s->pending_len};
		ssize_t n = write_some(s, &v, 1);

		if (n <= 0) {
			return (int)n;
		}
		s->pending_at += (size_t)n;
		s->pending_len -= (size_t)n;
	}
	free(s->pending);
	s->pending = NULL;
	s->pending_at = 0;
	return 0;
}

static int keep(struct sock *s, const void *bytes, size_t len)
{
	char *grown;

	if (len == 0) {
		return 0;
	}
	grown = malloc(s->pending_len + len);
	if (!grown) {
		return -1;
	}
	if (s->pending_len > 0) {
		memcpy(grown, s->pending + s->pending_at, s->pending_len);
	}
	memcpy(grown + s->pending_len, bytes, len);
	free(s->pending);
	s->pending = grown;
	s->pending_at = 0;
	s->pending_len += len;
	return 0;
}

ssize_t sock_write(struct sock *s, const void *bytes, size_t len)
{
	const struct sock_parts p = {.body = bytes, .body_len = len};

	return sock_send(s, &p);
}

static struct iovec piece(const void *bytes, size_t len)
{
	union {
		const void *in;
		void *out;
	} u = {bytes}; /* sendmsg does not write to it */

	return (struct iovec){u.out, len};
}

static ssize_t keep_rest(struct sock *s, const struct sock_parts *p, size_t n)
{
	size_t body = 0;

	if (n < p->head_len) {
		if (keep(s, (const char *)p->head + n, p->head_len - n) < 0) {
			return -1;
		}
		n = p->head_len;
	}
	n -= p->head_len;
	body = n < p->body_len ? n : p->body_len;
	n -= body;
	if (body == p->body_len && keep(s, (const char *)p->tail + n, p->tail_len - n) < 0) {
		return -1;
	}
	return (ssize_t)body;
}

ssize_t sock_send(struct sock *s, const struct sock_parts *p)
{
	struct iovec v[3];
	int n_iov = 0;
	ssize_t n;

	if (s->pending_len > 0 && sock_flush(s) < 0) {
		return -1;
	}
	if (s->pending_len > 0) {
		if (p->head_len > 0 && keep(s, p->head, p->head_len) < 0) {
			return -1;
		}
		return p->body_len > 0 ? 0 : keep(s, p->tail, p->tail_len);
	}
	if (p->head_len > 0) {
		v[n_iov++] = piece(p->head, p->head_len);
	}
	if (p->body_len > 0) {
		v[n_iov++] = piece(p->body, p->body_len);
	}
	if (p->tail_len > 0) {
		v[n_iov++] = piece(p->tail, p->tail_len);
	}
	if (n_iov == 0) {
		return 0;
	}
	n = write_some(s, v, n_iov);
	if (n < 0 || (size_t)n == p->head_len + p->body_len + p->tail_len) {
		return n < 0 ? -1 : (ssize_t)p->body_len;
	}
	return keep_rest(s, p, (size_t)n);
}

void sock_shutdown_write(struct sock *s)
{
	(void)shutdown(s->fd, SHUT_WR);
}

bool sock_is_hung_up(const struct sock *s)
{
	struct pollfd p = {.fd = s->fd};

	return poll(&p, 1, 0) > 0 && (p.revents & (POLLERR | POLLHUP));
}

bool sock_is_gone(const struct sock *s)
{
	return (s->is_tcp && s->finished) || sock_is_hung_up(s);
}

void sock_rest(struct sock *s)
{
	if (s->write_armed) {
		(void)event_del(&s->write_event);
		s->write_armed = false;
	}
}

void sock_yield(struct sock *s)
{
	event_active(&s->read_event, 0, 0);
}
