#include "http/fcgi.h"

#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#define RECEIVE_TIMEOUT_S   10
#define ACCEPT_FAILURES_MAX 100

struct fcgi_conn {
	FCGX_Request rq;
	bool open; /* between accept and finish */
};

static volatile sig_atomic_t stopping;

int fcgi_global_init(struct err *e)
{
	if (FCGX_Init() != 0) {
		return err_set(e, ERR_INTERNAL, "libfcgi cannot be initialised");
	}
	return 0;
}

void fcgi_stop(void)
{
	stopping = 1;
	FCGX_ShutdownPending();
}

struct fcgi_conn *fcgi_conn_create(int listen_fd)
{
	struct fcgi_conn *c = calloc(1, sizeof(*c));
	int flags = fcntl(listen_fd, F_GETFL);

	if (!c) {
		return NULL;
	}
	/* libfcgi waits in accept(2), and would spin on EAGAIN. */
	if (flags < 0 || fcntl(listen_fd, F_SETFL, flags & ~O_NONBLOCK) < 0 ||
	    FCGX_InitRequest(&c->rq, listen_fd, FCGI_FAIL_ACCEPT_ON_INTR) != 0) {
		free(c);
		return NULL;
	}
	return c;
}

void fcgi_conn_destroy(struct fcgi_conn *c)
{
	if (!c) {
		return;
	}
	FCGX_Free(&c->rq, 1);
	free(c);
}

/* libfcgi reads and writes blockingly: the kernel's socket timeouts are what bounds it. */
static void bound_waits(int fd)
{
	const struct timeval receive = {.tv_sec = RECEIVE_TIMEOUT_S};
	const struct timeval send = {.tv_sec = FCGI_SEND_TIMEOUT_S};

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &receive, sizeof(receive));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &send, sizeof(send));
	fcntl(fd, F_SETFD, FD_CLOEXEC);
}

int fcgi_accept(struct fcgi_conn *c, struct err *e)
{
	/* One bad request says nothing about the next; many in a row, that accept(2) itself fails.
	 */
	for (int failures = 0; !stopping && failures < ACCEPT_FAILURES_MAX; failures++) {
		int rc = FCGX_Accept_r(&c->rq);

		if (rc == 0) {
			bound_waits(c->rq.ipcFd);
			c->open = true;
			return 1;
		}
		/* A negated errno, or one of libfcgi's own numbers. */
		errno = rc > -4096 ? -rc : EPROTO;
	}
	if (stopping) {
		return 0;
	}
	return err_errno(e, ERR_INTERNAL, "cannot accept FastCGI connections");
}

const char *fcgi_param(const struct fcgi_conn *c, const char *name)
{
	return FCGX_GetParam(name, c->rq.envp);
}

ssize_t fcgi_read(struct fcgi_conn *c, char *buf, size_t cap)
{
	int want = cap > INT_MAX ? INT_MAX : (int)cap;
	int got = FCGX_GetStr(buf, want, c->rq.in);

	if (got <= 0 && FCGX_GetError(c->rq.in) != 0) {
		return -1;
	}
	return got < 0 ? 0 : got;
}

int fcgi_write(struct fcgi_conn *c, const void *bytes, size_t len)
{
	const char *at = bytes;

	while (len > 0) {
		int piece = len > 1 << 20 ? 1 << 20 : (int)len;

		if (FCGX_PutStr(at, piece, c->rq.out) != piece) {
			return -1;
		}
		at += piece;
		len -= (size_t)piece;
	}
	return FCGX_GetError(c->rq.out) ? -1 : 0;
}

int fcgi_flush(struct fcgi_conn *c)
{
	return FCGX_FFlush(c->rq.out) != 0 || FCGX_GetError(c->rq.out) ? -1 : 0;
}

bool fcgi_peer_gone(const struct fcgi_conn *c)
{
	struct pollfd p = {.fd = c->rq.ipcFd, .events = POLLRDHUP};

	if (c->rq.ipcFd < 0) {
		return true;
	}
	return poll(&p, 1, 0) == 1 && (p.revents & (POLLHUP | POLLERR | POLLRDHUP | POLLNVAL));
}

void fcgi_abort(struct fcgi_conn *c)
{
	if (c->open && c->rq.ipcFd >= 0) {
		shutdown(c->rq.ipcFd, SHUT_RDWR);
	}
}

void fcgi_finish(struct fcgi_conn *c)
{
	if (c->open) {
		FCGX_Finish_r(&c->rq);
		c->open = false;
	}
}
