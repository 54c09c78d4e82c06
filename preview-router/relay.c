/* Request and answer on their way: as much as both sides take, never more than a buffer each way.
 */

#include "app.h"
#include "clock.h"
#include "exchange_private.h"
#include "heads.h"
#include "inspect.h"
#include "metrics.h"
#include "proxy_limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TURNS_IN_A_ROW 16 /* buffers, before others have their turn */

#define INJECT_PIECE_MAX 8192

enum step {
	STEP_STUCK, /* something must happen first */
	STEP_MOVED,
	STEP_ENDED, /* x is gone, or no longer relaying */
};

static void set_deadline(struct exchange *x)
{
	int64_t deadline_ms =
		evloop_now_ms() + (x->waits_for_client ? CLIENT_SILENCE_MS : limits.idle_ms);

	if (!x->is_stream && deadline_ms > x->ends_ms) {
		deadline_ms = x->ends_ms;
	}
	timer_set(&x->client->timer, deadline_ms);
}

/* What is ready of the request's body goes with the head. */
void relay_start(struct exchange *x)
{
	struct request *rq = x->request;
	struct upstream *u = x->upstream;
	struct strbuf *out = exchange_scratch();
	const struct head_facts facts = {.inner_port = u->port,
					 .client_address = rq->address,
					 .is_https = rq->is_https,
					 .is_upgrade = rq->is_upgrade,
					 .is_inspected = x->target.is_inspected};
	struct sock_parts p = {0};
	struct err e;

	if (heads_to_app(out, &rq->head, &facts, &e) < 0) {
		exchange_fail(x, 431, "The request's head is too large.");
		return;
	}
	p.head = out->data;
	p.head_len = out->len;
	x->head_sent = true;
	x->ends_ms = evloop_now_ms() + limits.total_ms;
	x->app_is_deaf = false;
	if (sock_send(&u->sock, &p) < 0) {
		x->app_is_deaf = true;
	}
	x->waits_for_client = false;
	relay_pump(x);
}

static enum step bad_body(struct exchange *x)
{
	metrics.bad_requests++;
	if (x->answer_begun) {
		exchange_break(x);
	} else {
		exchange_fail(x, 400, "The request's body is malformed.");
	}
	return STEP_ENDED;
}

/* Some of the request's body. */
static enum step send_request(struct exchange *x)
{
	struct client *c = x->client;
	struct upstream *u = x->upstream;
	struct err e;
	ssize_t n;

	if (x->app_is_deaf || (x->body.done && x->body.ready == 0)) {
		return STEP_STUCK;
	}
	if (body_look(&x->body, c->in, &e) < 0) {
		return bad_body(x);
	}
	if (x->body.ready == 0 && !x->body.done) {
		n = client_read(c);
		if (n < 0 || c->sock.eof) {
			exchange_cancel(x);
			return STEP_ENDED;
		}
		if (n == 0) {
			x->waits_for_client = true;
			return STEP_STUCK;
		}
		if (body_look(&x->body, c->in, &e) < 0) {
			return bad_body(x);
		}
	}
	n = sock_write(&u->sock, c->in->data + c->in->start, x->body.ready);
	if (n < 0) {
		x->app_is_deaf = true;
		return STEP_STUCK;
	}
	if (n == 0) {
		return x->body.done && x->body.ready == 0 ? STEP_MOVED : STEP_STUCK;
	}
	x->body_begun = true;
	metrics.bytes_to_apps += (uint64_t)n;
	body_took(&x->body, c->in, (size_t)n);
	return STEP_MOVED;
}

/* The connection to the app ended before an answer began. */
static enum step lost(struct exchange *x)
{
	struct upstream *u = x->upstream;
	bool stale = u->used && x->is_replayable && !u->in && !x->answer_begun;

	if (!stale) {
		exchange_refuse(x, REFUSED_CLOSED);
		return STEP_ENDED;
	}
	/* It was closed while it lay idle: the app never saw the request. */
	metrics.retries++;
	upstream_close(u);
	x->upstream = NULL;
	exchange_again(x);
	return STEP_ENDED;
}

static enum step malformed(struct exchange *x)
{
	exchange_refuse(x, REFUSED_MALFORMED);
	return STEP_ENDED;
}

/* An answer's head, and what is there of its body, in one write. */
static enum step send_head(struct exchange *x, const char *bytes, const struct http_head *h)
{
	struct strbuf *out = exchange_scratch();
	struct buf *in = x->upstream->in;
	struct answer_facts facts = {
		.inner_port = x->upstream->port,
		.is_upgrade = h->status == 101,
		.editors = h->status >= 200 && x->target.is_inspected ? inspect_editors() : NULL};
	struct sock_parts p = {0};
	struct err e;
	ssize_t n;

	if (x->answer.kind == BODY_CHUNKED || x->is_rechunked) {
		facts.framing = FRAMED_CHUNKED;
	} else if ((x->answer.kind == BODY_LENGTH && !x->inject.active) ||
		   (x->answer.kind == BODY_NONE && h->status >= 200 && h->status != 204)) {
		facts.framing = FRAMED_LENGTH;
	}
	if (h->status >= 200 && !x->keep_client) {
		facts.connection = "close";
	} else if (h->status >= 200 && x->is_old_client) {
		facts.connection = "keep-alive";
	}
	if (heads_to_client(out, bytes, h, &facts, &e) < 0 ||
	    (h->status >= 200 && body_look(&x->answer, in, &e) < 0)) {
		return malformed(x);
	}
	p.head = out->data;
	p.head_len = out->len;
	if (!x->is_rechunked && !x->inject.active && h->status >= 200) {
		p.body = in->data + in->start;
		p.body_len = x->answer.ready;
	}
	x->answer_begun = h->status >= 200 || h->status == 101;
	n = sock_send(&x->client->sock, &p);
	if (n < 0) {
		exchange_cancel(x);
		return STEP_ENDED;
	}
	metrics.bytes_to_clients += (uint64_t)n;
	body_took(&x->answer, in, (size_t)n);
	return STEP_MOVED;
}

static enum step switch_protocols(struct exchange *x, const char *bytes, const struct http_head *h)
{
	if (!x->request->is_upgrade || !x->body.done) {
		return malformed(x);
	}
	metrics.answers[1]++;
	policy_answered(x->target.app);
	if (send_head(x, bytes, h) == STEP_MOVED) {
		tunnel_start(x);
	}
	return STEP_ENDED;
}

static enum step informational(struct exchange *x, const char *bytes, const struct http_head *h)
{
	if (++x->informational > INFORMATIONAL_MAX) {
		return malformed(x);
	}
	/* Our client is nginx, whose releases before 1.29 take any of them for the answer itself.
	 * It never asks for 100, and whoever asks knows what comes. */
	if (h->status != 100 || x->is_old_client || !http_head_get(&x->request->head, "Expect")) {
		return STEP_MOVED;
	}
	return send_head(x, bytes, h);
}

static enum step final_answer(struct exchange *x, const char *bytes, const struct http_head *h)
{
	const bool inject = x->target.is_inspected && inject_wants(h);

	body_of_answer(&x->answer, h, x->is_head_method, x->is_old_client || inject);
	if (inject && !x->answer.done) {
		inject_init(&x->inject);
	}
	x->is_rechunked =
		(x->answer.kind == BODY_TO_CLOSE || x->inject.active) && !x->is_old_client;
	if (x->is_old_client && (x->inject.active || x->answer.kind == BODY_TO_CLOSE ||
				 x->answer.kind == BODY_DECHUNKED)) {
		x->keep_client = false;
	}
	if (limits.draining) {
		x->keep_client = false;
	}
	x->answer_keeps = h->keep_alive && x->answer.kind != BODY_TO_CLOSE;
	x->app_keep_ms = heads_keep_ms(h, UPSTREAM_KEEP_MS);
	x->answer_head = true;
	metrics.answers[h->status / 100]++;
	if (heads_is_event_stream(h) && !x->answer.done) {
		exchange_count_stream(x);
	}
	policy_answered(x->target.app);
	return send_head(x, bytes, h);
}

/* The next head from the app, if it is whole. */
static enum step read_head(struct exchange *x)
{
	static struct http_head h; /* large, and used up before the next */
	struct upstream *u = x->upstream;
	const char *bytes;
	size_t used;
	struct err e;
	int rc = u->in ? http_head_parse_response(u->in->data + u->in->start, buf_len(u->in), &h,
						  &used, &e)
		       : 0;

	if (rc == 0) {
		ssize_t n = upstream_read(u);

		if (n < 0 || (n == 0 && u->sock.eof)) {
			return lost(x);
		}
		return n > 0 ? STEP_MOVED : STEP_STUCK;
	}
	if (rc < 0) {
		return malformed(x);
	}
	bytes = u->in->data + u->in->start;
	u->in->start += used;
	if (h.status == 101) {
		return switch_protocols(x, bytes, &h);
	}
	return (h.status < 200 ? informational : final_answer)(x, bytes, &h);
}

static enum step send_trailers(struct exchange *x)
{
	static struct http_header fields[HTTP_HEADERS_MAX];
	struct upstream *u = x->upstream;
	struct strbuf *out = exchange_scratch();
	struct sock_parts p = {0};
	size_t n, used;
	struct err e;
	int rc = u->in ? http_trailers_parse(u->in->data + u->in->start, buf_len(u->in), fields, &n,
					     &used, &e)
		       : 0;

	if (rc == 0) {
		ssize_t got = upstream_read(u);

		if (got < 0 || (got == 0 && u->sock.eof)) {
			return malformed(x);
		}
		return got > 0 ? STEP_MOVED : STEP_STUCK;
	}
	if (x->is_rechunked) {
		(void)strbuf_adds(out, "0\r\n");
	}
	if (rc < 0 || heads_trailers(out, fields, n, &e) < 0) {
		return malformed(x);
	}
	if (x->answer.kind == BODY_CHUNKED || x->is_rechunked) {
		(void)strbuf_adds(out, "\r\n");
		p.head = out->data;
		p.head_len = out->len;
		x->is_rechunked = false;
	}
	u->in->start += used;
	x->answer.trailers = false;
	x->answer.done = true;
	if (sock_send(&x->client->sock, &p) < 0) {
		exchange_cancel(x);
		return STEP_ENDED;
	}
	return STEP_MOVED;
}

/* What is ready; with a size before it and an end behind it when we make the chunks. */
static enum step send_ready(struct exchange *x)
{
	struct buf *in = x->upstream->in;
	struct sock_parts p = {.body = in->data + in->start, .body_len = x->answer.ready};
	char size[24];
	ssize_t n;

	if (x->is_rechunked) {
		p.tail = "\r\n";
		p.tail_len = 2;
		if (!x->chunk_open) {
			p.head = size;
			p.head_len =
				(size_t)snprintf(size, sizeof(size), "%zx\r\n", x->answer.ready);
			x->chunk_open = true;
		}
	}
	n = sock_send(&x->client->sock, &p);
	if (n < 0) {
		exchange_cancel(x);
		return STEP_ENDED;
	}
	metrics.bytes_to_clients += (uint64_t)n;
	body_took(&x->answer, in, (size_t)n);
	if (x->answer.ready == 0) {
		x->chunk_open = false;
	}
	if (n == 0) {
		x->waits_for_client = true;
		return STEP_STUCK;
	}
	return STEP_MOVED;
}

/* What goes on with our script in it, as a chunk of its own. */
static enum step send_changed(struct exchange *x, struct strbuf *out)
{
	struct sock_parts p = {.tail = out->data, .tail_len = out->len};
	char size[24];

	if (x->is_rechunked && out->len > 0) {
		p.head = size;
		p.head_len = (size_t)snprintf(size, sizeof(size), "%zx\r\n", out->len);
		(void)strbuf_adds(out, "\r\n");
		p.tail = out->data;
		p.tail_len = out->len;
	}
	if (out->failed || sock_send(&x->client->sock, &p) < 0) {
		exchange_cancel(x);
		return STEP_ENDED;
	}
	metrics.bytes_to_clients += out->len;
	return STEP_MOVED;
}

static enum step inject_ready(struct exchange *x)
{
	struct buf *in = x->upstream->in;
	struct strbuf *out = exchange_scratch();
	size_t n = x->answer.ready < INJECT_PIECE_MAX ? x->answer.ready : INJECT_PIECE_MAX;

	inject_pass(&x->inject, in->data + in->start, n, out);
	body_took(&x->answer, in, n);
	return send_changed(x, out);
}

/* The page is over, and nothing in it was a place for our script. */
static enum step inject_rest(struct exchange *x)
{
	struct strbuf *out = exchange_scratch();

	inject_end(&x->inject, out);
	return send_changed(x, out);
}

static enum step send_last_chunk(struct exchange *x)
{
	const struct sock_parts last = {.head = "0\r\n\r\n", .head_len = 5};

	x->is_rechunked = false;
	if (sock_send(&x->client->sock, &last) < 0) {
		exchange_cancel(x);
		return STEP_ENDED;
	}
	return STEP_MOVED;
}

/* All of the answer is with the client. */
static enum step finish(struct exchange *x)
{
	struct upstream *u = x->upstream;

	if (x->answer_keeps && x->body.done && x->body.ready == 0 && !x->app_is_deaf &&
	    sock_is_flushed(&u->sock) && (!u->in || buf_len(u->in) == 0)) {
		x->upstream = NULL;
		upstream_keep(u, x->app_keep_ms);
	}
	exchange_finish(x);
	return STEP_ENDED;
}

/* The app closed the connection within a body. */
static enum step app_closed(struct exchange *x, bool properly)
{
	if (x->answer.kind != BODY_TO_CLOSE || !properly) {
		exchange_break(x);
		return STEP_ENDED;
	}
	x->answer.done = true;
	return STEP_MOVED;
}

static enum step read_body(struct exchange *x)
{
	struct upstream *u = x->upstream;
	ssize_t n = upstream_read(u);

	if (n < 0 || (n == 0 && u->sock.eof)) {
		return app_closed(x, n == 0);
	}
	return n > 0 ? STEP_MOVED : STEP_STUCK;
}

/* Some of the answer. */
static enum step pass_answer(struct exchange *x)
{
	struct sock *s = &x->client->sock;
	struct err e;

	if (!sock_is_flushed(s)) {
		if (sock_flush(s) < 0) {
			exchange_cancel(x);
			return STEP_ENDED;
		}
		if (!sock_is_flushed(s)) {
			x->waits_for_client = true;
			return STEP_STUCK;
		}
	}
	if (!x->answer_head) {
		return read_head(x);
	}
	if (x->upstream->in && body_look(&x->answer, x->upstream->in, &e) < 0) {
		return malformed(x);
	}
	if (x->answer.ready > 0) {
		return (x->inject.active ? inject_ready : send_ready)(x);
	}
	if (x->inject.active && (x->answer.done || x->answer.trailers)) {
		return inject_rest(x);
	}
	if (x->answer.done) {
		return (x->is_rechunked ? send_last_chunk : finish)(x);
	}
	return x->answer.trailers ? send_trailers(x) : read_body(x);
}

void relay_pump(struct exchange *x)
{
	for (int turn = 0; turn < TURNS_IN_A_ROW; turn++) {
		enum step up, down;

		x->waits_for_client = false;
		if (sock_flush(&x->upstream->sock) < 0) {
			x->app_is_deaf = true;
		}
		up = send_request(x);
		if (up == STEP_ENDED) {
			return;
		}
		down = pass_answer(x);
		if (down == STEP_ENDED) {
			return;
		}
		if (up == STEP_STUCK && down == STEP_STUCK) {
			set_deadline(x);
			return;
		}
	}
	set_deadline(x);
	sock_yield(&x->client->sock);
}
