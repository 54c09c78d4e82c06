#include "server.h"

#include "calls.h"
#include "cleanup.h"
#include "clock.h"
#include "json.h"
#include "log.h"
#include "settings.h"
#include "strbuf.h"
#include "unix_sock.h"
#include "worker.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define BACKLOG		  128
#define BODY_MAX_BYTES	  4096
#define READ_DEADLINE_MS  5000
#define WRITE_DEADLINE_MS 5000
#define ANSWER_MAX_BYTES  (16 * 1024 * 1024)
#define SLOW_REQUEST_MS	  1000

int server_listen(const struct sandboxd *d, int *ret_fd, struct err *e)
{
	const struct settings *s = d->settings;
	auto_close int fd = -1;

	if (unix_listen(s->broker_socket, 0660, BACKLOG, &fd, e) < 0) {
		return -1;
	}
	if (chown(s->broker_socket, 0, s->broker_gid) < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot hand %s to its group", s->broker_socket);
	}
	*ret_fd = steal_fd(&fd);
	return 0;
}

static bool may_call(const struct settings *s, uid_t uid, const struct call *call)
{
	return uid == 0 || (s->has_api_uid && uid == s->api_uid) ||
	       (s->has_router_uid && uid == s->router_uid && calls_is_wake(call));
}

/* More bytes into `in`, or -1 at the deadline and when the peer is gone. */
static int read_more(int fd, struct strbuf *in, int64_t deadline_ms, struct err *e)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char buf[4096];
	ssize_t n;

	for (;;) {
		n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (n > 0) {
			strbuf_add(in, buf, (size_t)n);
			return strbuf_check(in, "the request", e);
		}
		if (n == 0) {
			return err_set(e, ERR_CANCELLED, "the caller went away");
		}
		if (errno != EAGAIN && errno != EINTR) {
			return err_errno(e, ERR_CANCELLED, "the caller went away");
		}
		n = poll(&p, 1, clock_poll_timeout(deadline_ms));
		if (n == 0) {
			return err_set(e, ERR_TIMEOUT, "the request did not come in time");
		}
	}
}

/* The whole request in `in`; *ret_call points into it. */
static int read_request(int fd, struct strbuf *in, struct call *ret_call, struct err *e)
{
	int64_t deadline_ms = clock_mono_ms() + READ_DEADLINE_MS;
	struct http_head head;
	size_t used = 0;
	int rc;

	while ((rc = http_head_parse_request(in->data, in->len, &head, &used, e)) == 0) {
		if (read_more(fd, in, deadline_ms, e) < 0) {
			return -1;
		}
	}
	if (rc < 0) {
		return -1;
	}
	if (head.chunked) {
		return err_set(e, ERR_INVALID, "a request needs a Content-Length");
	}
	if (head.content_length > BODY_MAX_BYTES) {
		return err_set(e, ERR_TOO_LARGE, "the body is larger than %d bytes",
			       BODY_MAX_BYTES);
	}
	while (in->len < used + head.content_length) {
		if (read_more(fd, in, deadline_ms, e) < 0) {
			return -1;
		}
	}
	/* The buffer may have moved: the head's slices are taken from where it lies now. */
	if (http_head_parse_request(in->data, in->len, &head, &used, e) != 1) {
		return err_set(e, ERR_INTERNAL, "a request changed while it was read");
	}
	*ret_call = (struct call){.method = head.method,
				  .path = head.target,
				  .body = in->data + used,
				  .body_len = (size_t)head.content_length};
	return 0;
}

static void write_all(int fd, const char *bytes, size_t len)
{
	int64_t deadline_ms = clock_mono_ms() + WRITE_DEADLINE_MS;
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	while (len > 0) {
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n > 0) {
			bytes += n;
			len -= (size_t)n;
			continue;
		}
		if ((n < 0 && errno != EAGAIN && errno != EINTR) ||
		    clock_mono_ms() >= deadline_ms) {
			return; /* a caller that is gone misses nothing */
		}
		(void)poll(&p, 1, clock_poll_timeout(deadline_ms));
	}
}

static void answer(int fd, int status, const json_t *body)
{
	auto_free char *text = body ? json_text(body) : NULL;
	auto_strbuf out;

	strbuf_init(&out, ANSWER_MAX_BYTES);
	strbuf_addf(&out, "HTTP/1.1 %d %s\r\nConnection: close\r\n", status,
		    status < 400 ? "OK" : "Error");
	if (status != 204) {
		strbuf_addf(&out, "Content-Type: application/json\r\nContent-Length: %zu\r\n",
			    text ? strlen(text) : 0);
	}
	strbuf_adds(&out, "\r\n");
	if (text && status != 204) {
		strbuf_adds(&out, text);
	}
	if (!out.failed) {
		write_all(fd, out.data, out.len);
	}
}

static void answer_error(int fd, const struct err *e)
{
	auto_json *body = json_pack("{s:s,s:s}", "kind", err_kind_name(e->kind), "detail", e->text);

	answer(fd, calls_status_of(e->kind), body);
}

static void log_call(const struct call *call, uid_t uid, int status, int64_t took_ms)
{
	enum log_level level = status >= 500 ? LOG_WARN
			       : took_ms >= SLOW_REQUEST_MS || call->method.at[0] != 'G'
				       ? LOG_INFO
				       : LOG_DEBUG;

	log_event(level, "call", "{s:s%,s:s%,s:i,s:i,s:I}", "method", call->method.at,
		  call->method.len, "path", call->path.at, call->path.len, "uid", (int)uid,
		  "status", status, "took_ms", (json_int_t)took_ms);
}

static void serve(struct worker *w, int fd)
{
	int64_t since_ms = clock_mono_ms();
	auto_json *body = NULL;
	struct err e = {0};
	struct call call;
	auto_strbuf in;
	int status = 0;
	uid_t uid;
	pid_t pid;

	strbuf_init(&in, HTTP_HEAD_MAX_BYTES + BODY_MAX_BYTES + 1);
	/* Read before it is refused: a socket closed on unread bytes takes the answer with it. */
	if (unix_peer(fd, &uid, &pid, &e) < 0 || read_request(fd, &in, &call, &e) < 0) {
		answer_error(fd, &e);
		return;
	}
	if (!may_call(w->sandboxd->settings, uid, &call)) {
		err_set(&e, ERR_FORBIDDEN, "this account may not make this call");
		log_warn("caller_refused", "{s:i,s:i}", "uid", (int)uid, "pid", (int)pid);
		answer_error(fd, &e);
		return;
	}
	if (calls_dispatch(w, &call, &status, &body, &e) < 0) {
		status = calls_status_of(e.kind);
		log_err(LOG_DEBUG, "call_failed", &e);
		answer_error(fd, &e);
	} else {
		answer(fd, status, body);
	}
	log_call(&call, uid, status, clock_mono_ms() - since_ms);
}

void *server_run(void *server_ctx)
{
	const struct server_ctx *ctx = server_ctx;
	struct pollfd p[] = {{.fd = ctx->sandboxd->stop_fd, .events = POLLIN},
			     {.fd = ctx->listen_fd, .events = POLLIN}};
	struct worker w;
	struct err e;

	if (worker_init(&w, ctx->sandboxd, "slipway-sandboxd", &e) < 0) {
		log_err(LOG_ERROR, "request_thread_not_started", &e);
		return NULL;
	}
	while (!atomic_load(&ctx->sandboxd->stopping)) {
		auto_close int fd = -1;

		(void)poll(p, 2, -1);
		fd = accept4(ctx->listen_fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0) {
			serve(&w, fd);
		}
	}
	worker_fini(&w);
	return NULL;
}
