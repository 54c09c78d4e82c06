#include "exchange_private.h"

#include "app.h"
#include "clock.h"
#include "heads.h"
#include "metrics.h"
#include "proxy_limits.h"
#include "reply.h"
#include "routes.h"

#include <stdlib.h>
#include <string.h>

#define REQUESTS_FREE_MAX 64

static struct request *free_requests;
static int n_free_requests;

struct request *request_get(void)
{
	struct request *rq = free_requests;

	if (!rq) {
		return malloc(sizeof(*rq));
	}
	free_requests = rq->next;
	n_free_requests--;
	return rq;
}

void request_put(struct request *rq)
{
	if (!rq || n_free_requests == REQUESTS_FREE_MAX) {
		free(rq);
		return;
	}
	rq->next = free_requests;
	free_requests = rq;
	n_free_requests++;
}

struct strbuf *exchange_scratch(void)
{
	static struct strbuf scratch;

	if (!scratch.data) {
		strbuf_init(&scratch, HEADS_MAX_BYTES);
	}
	strbuf_reset(&scratch);
	return &scratch;
}

const struct http_head *exchange_head(const struct exchange *x)
{
	return &x->request->head;
}

bool exchange_is_upgrade(const struct exchange *x)
{
	return x->request->is_upgrade;
}

const char *exchange_client_address(const struct exchange *x)
{
	return x->request->address;
}

bool exchange_is_https(const struct exchange *x)
{
	return x->request->is_https;
}

struct exchange_target *exchange_target(struct exchange *x)
{
	return &x->target;
}

/* The last address of the list is the one nginx saw; what is before it anybody may have said. */
static void read_address(struct request *rq)
{
	const struct http_slice *list = http_head_get(&rq->head, "X-Forwarded-For");
	unsigned char binary[sizeof(struct in6_addr)];
	const char *at, *end;
	size_t len;

	rq->address[0] = '\0';
	if (!list) {
		return;
	}
	end = list->at + list->len;
	for (at = end; at > list->at && at[-1] != ',' && at[-1] != ' ' && at[-1] != '\t'; at--) {
	}
	len = (size_t)(end - at);
	if (len == 0 || len >= sizeof(rq->address)) {
		return;
	}
	memcpy(rq->address, at, len);
	rq->address[len] = '\0';
	if (inet_pton(AF_INET, rq->address, binary) != 1 &&
	    inet_pton(AF_INET6, rq->address, binary) != 1) {
		rq->address[0] = '\0';
	}
}

static bool is_idempotent(struct http_slice method)
{
	return http_slice_is(method, "GET") || http_slice_is(method, "HEAD") ||
	       http_slice_is(method, "OPTIONS") || http_slice_is(method, "PUT") ||
	       http_slice_is(method, "DELETE");
}

static void read_facts(struct exchange *x)
{
	struct request *rq = x->request;
	const struct http_head *h = &rq->head;
	const struct http_slice *proto = http_head_get(h, "X-Forwarded-Proto");

	read_address(rq);
	rq->is_https = proto && http_slice_is_nocase(*proto, "https");
	rq->is_upgrade = heads_is_upgrade(h);
	x->is_head_method = http_slice_is(h->method, "HEAD");
	x->is_old_client = h->minor == 0;
	x->keep_client = h->keep_alive && !limits.draining;
	body_of_request(&x->body, h);
	x->is_replayable = x->body.done && is_idempotent(h->method);
}

static void answer_metrics(struct exchange *x)
{
	struct strbuf text;
	struct reply r = {.status = 200, .content_type = "text/plain; version=0.0.4"};

	strbuf_init(&text, (size_t)64 * 1024);
	metrics_write(&text);
	r.body = text.data;
	r.len = text.len;
	exchange_reply(x, &r);
	strbuf_fini(&text);
}

/* What no app is asked, whoever it is for. */
static bool is_refused_at_once(struct exchange *x)
{
	const struct http_head *h = &x->request->head;

	if (http_slice_is(h->method, "CONNECT") || http_slice_is(h->method, "TRACE")) {
		metrics.bad_requests++;
		exchange_fail(x, 405, "This method is not for previews.");
		return true;
	}
	if (h->target.at[0] != '/' &&
	    !(http_slice_is(h->target, "*") && http_slice_is(h->method, "OPTIONS"))) {
		metrics.bad_requests++;
		exchange_fail(x, 400, "The request target is not a path.");
		return true;
	}
	return false;
}

void exchange_begin(struct client *c, struct request *rq)
{
	struct exchange *x = calloc(1, sizeof(*x));

	if (!x) {
		request_put(rq);
		client_close(c);
		return;
	}
	x->client = c;
	x->request = rq;
	c->x = x;
	metrics.exchanges++;
	read_facts(x);
	if (c->is_metrics) {
		answer_metrics(x);
	} else if (!is_refused_at_once(x)) {
		policy_request(x);
	}
}

static void count(struct exchange *x)
{
	if (!x->is_counted) {
		x->is_counted = true;
		app_ref(x->target.app);
		x->target.app->n_exchanges++;
	}
}

void exchange_count_stream(struct exchange *x)
{
	if (!x->is_stream) {
		x->is_stream = true;
		x->target.app->n_streams++;
	}
}

static void leave_app(struct exchange *x)
{
	struct app *app = x->target.app;

	if (x->state == EXCHANGE_PARKED) {
		TAILQ_REMOVE(&app->waiting, x, waiting);
		app->n_waiting--;
	}
	if (x->is_stream) {
		app->n_streams--;
	}
	if (x->is_counted) {
		app->n_exchanges--;
		x->is_counted = x->is_stream = false;
		app_unref(app);
	}
}

static void drop_upstream(struct exchange *x)
{
	if (x->upstream) {
		upstream_close(x->upstream);
		x->upstream = NULL;
	}
}

static void end(struct exchange *x)
{
	if (x->state == EXCHANGE_TUNNEL) {
		metrics.tunnels--;
	}
	drop_upstream(x);
	leave_app(x);
	request_put(x->request);
	x->request = NULL;
	x->state = EXCHANGE_ENDED;
	metrics.exchanges--;
	evloop_bury(&x->grave);
}

void exchange_finish(struct exchange *x)
{
	struct client *c = x->client;
	bool whole = x->body.done && x->body.ready == 0;
	bool keep = x->keep_client && !limits.draining;

	end(x);
	if (whole) {
		client_next(c, keep);
	} else {
		client_linger(c);
	}
}

void exchange_cancel(struct exchange *x)
{
	struct client *c = x->client;

	end(x);
	client_close(c);
}

void exchange_break(struct exchange *x)
{
	struct client *c = x->client;

	metrics.answers[0]++;
	end(x);
	client_break(c);
}

void exchange_refuse(struct exchange *x, enum refusal why)
{
	bool can_retry = !x->body_begun && (!x->head_sent || x->is_replayable) &&
			 x->attempts < UPSTREAM_ATTEMPTS_MAX;

	if (x->answer_begun) {
		exchange_break(x);
		return;
	}
	metrics.refusals[why]++;
	drop_upstream(x);
	x->state = EXCHANGE_DECIDING;
	policy_refused(x, why, can_retry);
}

/* The rest of the request's body when all of it is here already: then the connection can be kept.
 */
static void skip_body(struct exchange *x)
{
	struct buf *in = x->client->in;
	struct err e;

	while (!(x->body.done && x->body.ready == 0) && in && buf_len(in) > 0) {
		if (body_look(&x->body, in, &e) < 0) {
			break;
		}
		if (x->body.ready == 0) {
			break;
		}
		body_took(&x->body, in, x->body.ready);
	}
	if (!x->body.done || x->body.ready > 0) {
		x->keep_client = false;
	}
}

void exchange_reply(struct exchange *x, const struct reply *r)
{
	struct strbuf *out = exchange_scratch();
	struct sock_parts p = {.tail = r->body, .tail_len = r->content_type ? r->len : 0};

	drop_upstream(x);
	x->state = EXCHANGE_REPLYING;
	if (x->body_begun) {
		x->keep_client = false;
	}
	skip_body(x);
	reply_write_head(out, r,
			 !x->keep_client    ? "close"
			 : x->is_old_client ? "keep-alive"
					    : NULL);
	p.head = out->data;
	p.head_len = out->len;
	if (x->is_head_method || r->status == 204 || r->status == 304) {
		p.tail_len = 0;
	}
	metrics.answers[r->status / 100 < 6 ? r->status / 100 : 0]++;
	if (out->failed || sock_send(&x->client->sock, &p) < 0) {
		exchange_cancel(x);
		return;
	}
	timer_set(&x->client->timer, evloop_now_ms() + CLIENT_SILENCE_MS);
	exchange_on_client(x);
}

void exchange_fail(struct exchange *x, int status, const char *detail)
{
	struct strbuf *out = exchange_scratch();
	struct sock_parts p = {0};

	drop_upstream(x);
	x->state = EXCHANGE_REPLYING;
	x->keep_client = false;
	metrics.answers[status / 100]++;
	reply_write_error(out, status, detail);
	p.head = out->data;
	p.head_len = out->len;
	if (sock_send(&x->client->sock, &p) < 0) {
		exchange_cancel(x);
		return;
	}
	timer_set(&x->client->timer, evloop_now_ms() + CLIENT_SILENCE_MS);
	exchange_on_client(x);
}

static void reach(struct exchange *x, int64_t wait_ms, bool fresh)
{
	enum refusal why;

	x->attempts++;
	x->state = EXCHANGE_REACHING;
	x->upstream = upstream_get(x, x->target.app, x->target.inner_port, wait_ms, fresh, &why);
	if (!x->upstream) {
		exchange_refuse(x, why);
	} else if (x->upstream->state == UPSTREAM_BUSY) {
		exchange_connected(x);
	} else {
		/* The upstream's own deadline counts. */
		timer_set(&x->client->timer, CLOCK_NEVER);
	}
}

void exchange_proxy(struct exchange *x, int64_t wait_ms)
{
	count(x);
	reach(x, wait_ms, false);
}

void exchange_again(struct exchange *x)
{
	reach(x, 0, true);
}

void exchange_connected(struct exchange *x)
{
	x->state = EXCHANGE_RELAYING;
	relay_start(x);
}

void exchange_unreachable(struct exchange *x, enum refusal why)
{
	x->upstream = NULL;
	exchange_refuse(x, why);
}

void exchange_park(struct exchange *x, int64_t deadline_ms)
{
	count(x);
	x->state = EXCHANGE_PARKED;
	TAILQ_INSERT_TAIL(&x->target.app->waiting, x, waiting);
	x->target.app->n_waiting++;
	timer_set(&x->client->timer, deadline_ms);
}

void exchange_unpark(struct exchange *x)
{
	TAILQ_REMOVE(&x->target.app->waiting, x, waiting);
	x->target.app->n_waiting--;
	x->state = EXCHANGE_DECIDING;
	timer_set(&x->client->timer, CLOCK_NEVER);
}

void exchange_on_client(struct exchange *x)
{
	struct sock *s = &x->client->sock;

	switch (x->state) {
	case EXCHANGE_PARKED:
	case EXCHANGE_REACHING:
		if (sock_is_gone(s)) {
			exchange_cancel(x);
		}
		break;
	case EXCHANGE_REPLYING:
		if (sock_flush(s) < 0) {
			exchange_cancel(x);
		} else if (sock_is_flushed(s)) {
			exchange_finish(x);
		}
		break;
	case EXCHANGE_RELAYING:
		/* With the request read there is nothing to wait for from a client but its leaving.
		 */
		if (x->body.done && x->body.ready == 0 && sock_is_gone(s)) {
			exchange_cancel(x);
		} else {
			relay_pump(x);
		}
		break;
	case EXCHANGE_TUNNEL:
		tunnel_pump(x);
		break;
	case EXCHANGE_DECIDING:
	case EXCHANGE_ENDED:
		break;
	}
}

void exchange_on_upstream(struct exchange *x)
{
	if (x->state == EXCHANGE_TUNNEL) {
		tunnel_pump(x);
	} else {
		relay_pump(x);
	}
}

void exchange_on_timer(struct exchange *x)
{
	if (x->state == EXCHANGE_PARKED) {
		exchange_unpark(x);
		policy_overdue(x);
	} else if (x->state == EXCHANGE_RELAYING && !x->waits_for_client) {
		exchange_refuse(x, REFUSED_TIMEOUT);
	} else if (x->state == EXCHANGE_RELAYING && !x->answer_begun) {
		exchange_fail(x, 408, "The rest of the request did not come.");
	} else if (x->state == EXCHANGE_RELAYING) {
		exchange_break(x);
	} else {
		exchange_cancel(x);
	}
}
