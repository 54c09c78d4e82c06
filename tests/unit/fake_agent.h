#pragma once

/* An agent that says what a test tells it to: one thread on a unix socket, which answers each
 * connection with the next script and closes. */

#include "cleanup.h"
#include "frame.h"
#include "unit.h"
#include "unix_sock.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#define FAKE_AGENT_SCRIPTS 8

struct fake_agent {
	char path[108];
	int fd;
	pthread_t thread;
	int stop[2]; /* pipe */
	struct strbuf answers[FAKE_AGENT_SCRIPTS];
	size_t n_answers;
	bool hold_open;		  /* after the answer, until the client closes */
	atomic_int client_closed; /* how often it closed first */
	struct strbuf requests;	  /* all that was received; read after fake_agent_stop */
};

/* Waits for input on fd, or for the end of the test: false. */
static inline bool fake_agent_wait(struct fake_agent *a, int fd)
{
	struct pollfd p[2] = {{.fd = fd, .events = POLLIN}, {.fd = a->stop[0], .events = POLLIN}};

	return poll(p, 2, 20000) > 0 && !p[1].revents;
}

/* Reads a request as far as its head and Content-Length go. */
static inline bool fake_agent_read(struct fake_agent *a, int fd)
{
	size_t start = a->requests.len;

	while (fake_agent_wait(a, fd)) {
		char buf[65536];
		ssize_t n = read(fd, buf, sizeof(buf));
		const char *head, *end, *length;

		if (n <= 0) {
			return false;
		}
		strbuf_add(&a->requests, buf, (size_t)n);
		head = a->requests.data + start;
		end = strstr(head, "\r\n\r\n");
		length = strstr(head, "Content-Length: ");
		if (end && (size_t)(a->requests.data + a->requests.len - end - 4) >=
				   (length && length < end ? strtoul(length + 16, NULL, 10) : 0)) {
			return true;
		}
	}
	return false;
}

static inline void fake_agent_serve(struct fake_agent *a, int fd, const struct strbuf *answer)
{
	char buf[256];

	if (!fake_agent_read(a, fd)) {
		return;
	}
	(void)!send(fd, answer->data, answer->len, MSG_NOSIGNAL);
	if (a->hold_open && fake_agent_wait(a, fd) && read(fd, buf, sizeof(buf)) <= 0) {
		a->client_closed++;
	}
}

static inline void *fake_agent_main(void *ctx)
{
	struct fake_agent *a = ctx;

	for (size_t i = 0; i < a->n_answers && fake_agent_wait(a, a->fd); i++) {
		int fd = accept(a->fd, NULL, NULL);

		if (fd >= 0) {
			fake_agent_serve(a, fd, &a->answers[i]);
			close(fd);
		}
	}
	return NULL;
}

static inline void fake_agent_init(struct fake_agent *a, const char *path)
{
	*a = (struct fake_agent){.fd = -1};
	(void)snprintf(a->path, sizeof(a->path), "%s", path);
	strbuf_init(&a->requests, 64 << 20);
}

/* The next answer, to be filled. */
static inline struct strbuf *fake_agent_answer(struct fake_agent *a)
{
	struct strbuf *b = &a->answers[a->n_answers++];

	assert_true(a->n_answers <= FAKE_AGENT_SCRIPTS);
	strbuf_init(b, 16 << 20);
	return b;
}

static inline struct strbuf *fake_agent_frames(struct fake_agent *a)
{
	struct strbuf *b = fake_agent_answer(a);

	strbuf_adds(b, "HTTP/1.1 200 OK\r\nContent-Type: application/x-slipway-frames\r\n"
		       "Connection: close\r\n\r\n");
	return b;
}

static inline void frame_text(struct strbuf *b, enum frame_type type, const char *text)
{
	assert_int_equal(frame_write(b, type, text, strlen(text)), 0);
}

static inline void fake_agent_start(struct fake_agent *a)
{
	struct err e;

	assert_ok(unix_listen(a->path, 0600, 16, &a->fd, &e));
	assert_int_equal(pipe(a->stop), 0);
	assert_int_equal(pthread_create(&a->thread, NULL, fake_agent_main, a), 0);
}

static inline void fake_agent_stop(struct fake_agent *a)
{
	if (a->fd >= 0) {
		close(a->stop[1]);
		pthread_join(a->thread, NULL);
		close(a->stop[0]);
		close(a->fd);
		unlink(a->path);
	}
	for (size_t i = 0; i < a->n_answers; i++) {
		strbuf_fini(&a->answers[i]);
	}
	strbuf_fini(&a->requests);
}
