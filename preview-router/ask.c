#include "ask.h"

#include "evloop.h"
#include "strbuf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct ask {
	int fd;
	struct event *event; /* for writing until all is sent, then for reading */
	struct event *deadline;
	struct strbuf out, in;
	void (*done)(void *ctx, const char *answer, size_t len, const struct err *e);
	void *ctx;
};

static void destroy(struct ask *a)
{
	if (a->event) {
		event_free(a->event);
	}
	if (a->deadline) {
		event_free(a->deadline);
	}
	if (a->fd >= 0) {
		close(a->fd);
	}
	strbuf_fini(&a->out);
	strbuf_fini(&a->in);
	free(a);
}

void ask_cancel(struct ask *a)
{
	if (a) {
		destroy(a);
	}
}

/* `done` may start another one: this one has gone by then. */
static void finish(struct ask *a, const struct err *e)
{
	void (*done)(void *, const char *, size_t, const struct err *) = a->done;
	void *ctx = a->ctx;
	size_t len = a->in.len;
	char *answer = strbuf_steal(&a->in);
	struct err none = {.kind = ERR_INTERNAL, .text = "out of memory"};

	destroy(a);
	done(ctx, answer ? answer : "", answer ? len : 0, answer || e ? e : &none);
	free(answer);
}

static void fail(struct ask *a, enum err_kind kind, const char *what)
{
	struct err e;

	err_set(&e, kind, "%s", what);
	finish(a, &e);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	evloop_wake();
	fail(arg, ERR_TIMEOUT, "no answer in time");
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct ask *a = arg;
	char bytes[4096];
	ssize_t n;

	(void)fd;
	(void)what;
	evloop_wake();
	n = recv(a->fd, bytes, sizeof(bytes), 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		return;
	}
	if (n < 0) {
		fail(a, ERR_UNAVAILABLE, strerror(errno));
	} else if (n == 0) {
		finish(a, NULL);
	} else if (strbuf_add(&a->in, bytes, (size_t)n) < 0) {
		fail(a, ERR_TOO_LARGE, "the answer is too large");
	}
}

static int listen_for_answer(struct ask *a)
{
	event_free(a->event);
	a->event = event_new(evloop_base(), a->fd, EV_READ | EV_PERSIST, on_readable, a);
	return a->event && event_add(a->event, NULL) == 0 ? 0 : -1;
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct ask *a = arg;
	ssize_t n;

	(void)fd;
	(void)what;
	evloop_wake();
	n = send(a->fd, a->out.data, a->out.len, MSG_NOSIGNAL);
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		return;
	}
	if (n < 0) {
		fail(a, ERR_UNAVAILABLE, strerror(errno));
		return;
	}
	strbuf_consume(&a->out, (size_t)n);
	if (a->out.len == 0 && listen_for_answer(a) < 0) {
		fail(a, ERR_INTERNAL, "out of memory");
	}
}

static int connect_to(const struct ask_opts *o, int *ret_fd, struct err *e)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct sockaddr_in in = {.sin_family = AF_INET,
				 .sin_port = htons(o->port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const struct sockaddr *to =
		o->unix_path ? (const struct sockaddr *)&un : (const struct sockaddr *)&in;
	socklen_t len = o->unix_path ? sizeof(un) : sizeof(in);
	int fd;

	if (o->unix_path && strlen(o->unix_path) >= sizeof(un.sun_path)) {
		return err_set(e, ERR_INVALID, "%s is too long for a socket", o->unix_path);
	}
	if (o->unix_path) {
		memcpy(un.sun_path, o->unix_path, strlen(o->unix_path) + 1);
	}
	fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return err_errno(e, ERR_UNAVAILABLE, "cannot make a socket");
	}
	if (connect(fd, to, len) < 0 && errno != EINPROGRESS) {
		err_errno(e, ERR_UNAVAILABLE, "cannot connect");
		close(fd);
		return -1;
	}
	*ret_fd = fd;
	return 0;
}

int ask_start(const struct ask_opts *o, struct ask **ret, struct err *e)
{
	const struct timeval timeout = {.tv_sec = o->timeout_ms / 1000,
					.tv_usec = o->timeout_ms % 1000 * 1000};
	struct ask *a = calloc(1, sizeof(*a));

	if (!a) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	a->fd = -1;
	a->done = o->done;
	a->ctx = o->ctx;
	strbuf_init(&a->in, o->answer_max_bytes);
	strbuf_init(&a->out, o->len);
	strbuf_add(&a->out, o->bytes, o->len);
	if (connect_to(o, &a->fd, e) < 0) {
		destroy(a);
		return -1;
	}
	a->event = event_new(evloop_base(), a->fd, EV_WRITE | EV_PERSIST, on_writable, a);
	a->deadline = evtimer_new(evloop_base(), on_deadline, a);
	if (a->out.failed || !a->event || !a->deadline || event_add(a->event, NULL) < 0 ||
	    evtimer_add(a->deadline, &timeout) < 0) {
		destroy(a);
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	*ret = a;
	return 0;
}
