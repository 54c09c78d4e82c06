/*
 * A trivial web app for the router's bench: one thread, epoll, HTTP/1.1 with keep-alive, the same
 * 200 for every GET. It speaks the relay's preamble (docs/ARCHITECTURE.md, "The relay") when a
 * connection begins with one, so that the same program stands behind slipway-router and behind
 * other proxies. A request for /ws is upgraded, and what comes then is sent back.
 *
 *   trivial-app PORT SECRET
 *
 * For measuring only: it believes that every request is a GET without a body.
 */

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS_MAX   512
#define BUFFER_BYTES 8192

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 14\r\n"
			     "\r\nHello, world.\n";
static const char upgraded[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
			       "Connection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n";

struct conn {
	int fd;
	bool greeted; /* past the preamble, or without one */
	bool tunnel;
	size_t len;
	char buf[];
};

static char preamble[128], greeting[32];
static size_t preamble_len;

static void conn_close(struct conn *c)
{
	close(c->fd);
	free(c);
}

static bool put(struct conn *c, const char *bytes, size_t len)
{
	return write(c->fd, bytes, len) == (ssize_t)len;
}

/* "SLW1 <secret> 0 <wait>" with the right secret, or another beginning. False: close. */
static bool take_preamble(struct conn *c)
{
	const char *end;

	if (c->len < 5 || memcmp(c->buf, "SLW1 ", 5) != 0) {
		c->greeted = c->len >= 5;
		return true;
	}
	end = memchr(c->buf, '\n', c->len);
	if (!end) {
		return c->len < 200;
	}
	if (strncmp(c->buf, preamble, preamble_len) != 0 || !put(c, greeting, strlen(greeting))) {
		return false;
	}
	c->len -= (size_t)(end + 1 - c->buf);
	memmove(c->buf, end + 1, c->len);
	c->greeted = true;
	return true;
}

static bool answer_all(struct conn *c)
{
	const char *end;

	while (!c->tunnel && (end = memmem(c->buf, c->len, "\r\n\r\n", 4))) {
		size_t used = (size_t)(end + 4 - c->buf);

		c->tunnel = memcmp(c->buf, "GET /ws ", 8) == 0;
		if (!(c->tunnel ? put(c, upgraded, sizeof(upgraded) - 1)
				: put(c, answer, sizeof(answer) - 1))) {
			return false;
		}
		c->len -= used;
		memmove(c->buf, end + 4, c->len);
	}
	if (c->tunnel && c->len > 0) {
		if (!put(c, c->buf, c->len)) {
			return false;
		}
		c->len = 0;
	}
	return c->len < BUFFER_BYTES;
}

/* False: it is done with. */
static bool on_readable(struct conn *c)
{
	ssize_t n = read(c->fd, c->buf + c->len, BUFFER_BYTES - c->len);

	if (n <= 0) {
		return n < 0 && errno == EAGAIN;
	}
	c->len += (size_t)n;
	if (!c->greeted && !take_preamble(c)) {
		return false;
	}
	return !c->greeted || answer_all(c);
}

static void accept_all(int listener, int epoll)
{
	int fd, on = 1;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct conn *c = calloc(1, sizeof(*c) + BUFFER_BYTES);
		struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};

		if (!c) {
			errx(1, "out of memory");
		}
		c->fd = fd;
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		(void)epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev);
	}
}

static int listen_on(uint16_t port)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
				 .sin_port = htons(port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, 4096) < 0) {
		err(1, "port %u", port);
	}
	return fd;
}

int main(int argc, char **argv)
{
	struct epoll_event events[EVENTS_MAX], ev = {.events = EPOLLIN};
	int listener, epoll = epoll_create1(EPOLL_CLOEXEC);

	if (argc != 3) {
		errx(2, "usage: trivial-app PORT SECRET");
	}
	listener = listen_on((uint16_t)atoi(argv[1]));
	preamble_len = (size_t)snprintf(preamble, sizeof(preamble), "SLW1 %.64s ", argv[2]);
	(void)snprintf(greeting, sizeof(greeting), "OK %u\n", (unsigned int)atoi(argv[1]));
	(void)epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &ev);
	for (;;) {
		int n = epoll_wait(epoll, events, EVENTS_MAX, -1);

		for (int i = 0; i < n; i++) {
			struct conn *c = events[i].data.ptr;

			if (!c) {
				accept_all(listener, epoll);
			} else if (!on_readable(c)) {
				conn_close(c);
			}
		}
	}
}
