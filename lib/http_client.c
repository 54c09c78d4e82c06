#include "http_client.h"

#include "cleanup.h"
#include "clock.h"

#include <curl/curl.h>
#include <string.h>
#include <strings.h>

/* What is kept of the body of an answer that is not 2xx: it becomes an error text. */
#define ERROR_BODY_MAX_BYTES (64 * 1024)
/* All header lines of an answer, interim answers and trailers included. */
#define HEADERS_MAX_BYTES (256 * 1024)
#define POLL_MAX_MS	  1000

struct http_client {
	CURLM *multi;
	CURL *easy;
};

/* One request in flight. */
struct transfer {
	struct http_client *client;
	const struct http_request *request;
	struct http_response *response;
	struct err *e;
	bool too_large;
	bool error_cut; /* enough of an error's body has come */
	bool status_told;
	size_t header_bytes;
	int64_t last_byte_ms;
};

int http_client_global_init(struct err *e)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		return err_set(e, ERR_INTERNAL, "libcurl cannot start");
	}
	return 0;
}

struct http_client *http_client_create(void)
{
	struct http_client *c = calloc(1, sizeof(*c));

	if (!c) {
		return NULL;
	}
	c->multi = curl_multi_init();
	c->easy = curl_easy_init();
	if (!c->multi || !c->easy) {
		http_client_destroy(c);
		return NULL;
	}
	return c;
}

void http_client_destroy(struct http_client *c)
{
	if (!c) {
		return;
	}
	curl_easy_cleanup(c->easy);
	if (c->multi) {
		curl_multi_cleanup(c->multi);
	}
	free(c);
}

void http_response_fini(struct http_response *r)
{
	strbuf_fini(&r->body);
}

static bool is_success(const struct http_response *r)
{
	return r->status >= 200 && r->status < 300;
}

/* Tells the status to its callback, once, when the first body byte comes or at the end. */
static int tell_status(struct transfer *t)
{
	long status = 0;

	if (t->status_told) {
		return 0;
	}
	t->status_told = true;
	curl_easy_getinfo(t->client->easy, CURLINFO_RESPONSE_CODE, &status);
	t->response->status = (int)status;
	if (t->request->on_status &&
	    t->request->on_status(t->request->ctx, (int)status, t->e) < 0) {
		t->response->callback_failed = true;
		return -1;
	}
	return 0;
}

static size_t on_write(char *bytes, size_t one, size_t len, void *arg)
{
	struct transfer *t = arg;
	struct http_response *r = t->response;

	(void)one;
	t->last_byte_ms = clock_mono_ms();
	if (tell_status(t) < 0) {
		return 0;
	}
	if (!is_success(r)) {
		size_t room = ERROR_BODY_MAX_BYTES - r->body.len;

		strbuf_add(&r->body, bytes, len < room ? len : room);
		t->error_cut = len > room;
		return t->error_cut ? 0 : len;
	}
	r->body_started = true;
	if (t->request->on_body) {
		if (t->request->on_body(t->request->ctx, bytes, len, t->e) < 0) {
			t->response->callback_failed = true;
			return 0;
		}
		return len;
	}
	if (len > t->request->response_max_bytes - r->body.len) {
		t->too_large = true;
		return 0;
	}
	return strbuf_add(&r->body, bytes, len) < 0 ? 0 : len;
}

static void copy_header(const char *line, size_t len, const char *name, char *buf, size_t cap)
{
	size_t n = strlen(name);

	if (len <= n || line[n] != ':' || strncasecmp(line, name, n) != 0) {
		return;
	}
	line += n + 1;
	len -= n + 1;
	while (len > 0 && (*line == ' ' || *line == '\t')) {
		line++;
		len--;
	}
	while (len > 0 && (unsigned char)line[len - 1] <= ' ') {
		len--;
	}
	if (len < cap) {
		memcpy(buf, line, len);
		buf[len] = '\0';
	}
}

static size_t on_header(char *line, size_t one, size_t len, void *arg)
{
	struct transfer *t = arg;
	char retry[24] = "";

	(void)one;
	t->last_byte_ms = clock_mono_ms();
	t->header_bytes += len;
	if (t->header_bytes > HEADERS_MAX_BYTES) {
		return 0;
	}
	copy_header(line, len, "Content-Type", t->response->content_type,
		    sizeof(t->response->content_type));
	copy_header(line, len, "Retry-After", retry, sizeof(retry));
	if (retry[0] >= '0' && retry[0] <= '9') {
		t->response->retry_after_s = strtoll(retry, NULL, 10);
	}
	return len;
}

static size_t on_read(char *buf, size_t one, size_t cap, void *arg)
{
	struct transfer *t = arg;
	ssize_t n = t->request->read_body(t->request->ctx, buf, one * cap);

	t->last_byte_ms = clock_mono_ms();
	return n < 0 ? CURL_READFUNC_ABORT : (size_t)n;
}

static int add_header(struct curl_slist **list, const char *header)
{
	struct curl_slist *longer = curl_slist_append(*list, header);

	if (!longer) {
		return -1;
	}
	*list = longer;
	return 0;
}

static bool names_content_type(const char *const *headers)
{
	for (; headers && *headers; headers++) {
		if (strncasecmp(*headers, "Content-Type:", 13) == 0) {
			return true;
		}
	}
	return false;
}

static void set_body(CURL *h, const struct http_request *rq, struct transfer *t)
{
	if (rq->read_body) {
		curl_easy_setopt(h, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(h, CURLOPT_READFUNCTION, on_read);
		curl_easy_setopt(h, CURLOPT_READDATA, t);
	} else if (rq->body) {
		curl_easy_setopt(h, CURLOPT_POSTFIELDS, rq->body);
		curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)rq->body_len);
	} else if (strcmp(rq->method, "HEAD") == 0) {
		curl_easy_setopt(h, CURLOPT_NOBODY, 1L);
	}
	curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, rq->method);
}

static int prepare(struct transfer *t, struct curl_slist **headers)
{
	const struct http_request *rq = t->request;
	CURL *h = t->client->easy;

	if (strncmp(rq->url, "http://", 7) != 0 && strncmp(rq->url, "https://", 8) != 0) {
		return err_set(t->e, ERR_INVALID, "not an http or https URL");
	}
	curl_easy_reset(h);
	/* Without these, curl waits for 100-continue and posts a form's content type. */
	if (add_header(headers, "Expect:") < 0 ||
	    (rq->body && !names_content_type(rq->headers) &&
	     add_header(headers, "Content-Type: application/json") < 0)) {
		return err_set(t->e, ERR_INTERNAL, "out of memory");
	}
	for (size_t i = 0; rq->headers && rq->headers[i]; i++) {
		if (add_header(headers, rq->headers[i]) < 0) {
			return err_set(t->e, ERR_INTERNAL, "out of memory");
		}
	}
	curl_easy_setopt(h, CURLOPT_URL, rq->url);
	curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(h, CURLOPT_HTTP_VERSION,
			 rq->unix_socket ? CURL_HTTP_VERSION_1_1 : CURL_HTTP_VERSION_2TLS);
	if (rq->unix_socket) {
		curl_easy_setopt(h, CURLOPT_UNIX_SOCKET_PATH, rq->unix_socket);
		curl_easy_setopt(h, CURLOPT_PROXY, "");
	}
	curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, (long)rq->connect_timeout_ms);
	curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, (long)rq->total_timeout_ms);
	curl_easy_setopt(h, CURLOPT_HTTPHEADER, *headers);
	curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_write);
	curl_easy_setopt(h, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(h, CURLOPT_HEADERDATA, t);
	set_body(h, rq, t);
	return 0;
}

/* Time to the next tick, the idle deadline, or a second. */
static int wait_ms(const struct transfer *t, int64_t next_tick_ms)
{
	int64_t now = clock_mono_ms(), wait = POLL_MAX_MS;

	if (t->request->on_tick && next_tick_ms - now < wait) {
		wait = next_tick_ms - now;
	}
	if (t->request->idle_timeout_ms > 0 &&
	    t->last_byte_ms + t->request->idle_timeout_ms - now < wait) {
		wait = t->last_byte_ms + t->request->idle_timeout_ms - now;
	}
	return wait < 0 ? 0 : (int)wait;
}

/* Drives the transfer to its end. 0 and *ret_code, or -1 when a tick or the idle limit ended it. */
static int drive(struct transfer *t, CURLcode *ret_code)
{
	int64_t next_tick_ms = clock_mono_ms() + t->request->tick_ms;
	int running = 1;

	while (running > 0) {
		if (curl_multi_perform(t->client->multi, &running) != CURLM_OK) {
			return err_set(t->e, ERR_INTERNAL, "libcurl failed");
		}
		if (running == 0) {
			break;
		}
		(void)curl_multi_poll(t->client->multi, NULL, 0, wait_ms(t, next_tick_ms), NULL);
		if (t->request->on_tick && clock_mono_ms() >= next_tick_ms) {
			next_tick_ms = clock_mono_ms() + t->request->tick_ms;
			if (t->request->on_tick(t->request->ctx, t->e) < 0) {
				t->response->callback_failed = true;
				return -1;
			}
		}
		/* Bytes may have arrived while the tick ran: look before judging silence. */
		if (t->request->idle_timeout_ms > 0 &&
		    clock_mono_ms() - t->last_byte_ms >= t->request->idle_timeout_ms) {
			if (curl_multi_perform(t->client->multi, &running) == CURLM_OK &&
			    clock_mono_ms() - t->last_byte_ms < t->request->idle_timeout_ms) {
				continue;
			}
			return err_set(t->e, ERR_TIMEOUT, "no answer for %lld ms",
				       (long long)t->request->idle_timeout_ms);
		}
	}
	for (CURLMsg *m; (m = curl_multi_info_read(t->client->multi, &running));) {
		if (m->msg == CURLMSG_DONE) {
			*ret_code = m->data.result;
			return 0;
		}
	}
	return err_set(t->e, ERR_INTERNAL, "libcurl lost a request");
}

static int explain(struct transfer *t, CURLcode code)
{
	if (t->response->callback_failed) {
		return -1;
	}
	if (t->error_cut) {
		return 0;
	}
	if (t->header_bytes > HEADERS_MAX_BYTES) {
		return err_set(t->e, ERR_UPSTREAM, "the answer's headers are larger than %d bytes",
			       HEADERS_MAX_BYTES);
	}
	if (t->too_large) {
		return err_set(t->e, ERR_TOO_LARGE, "the answer is larger than %zu bytes",
			       t->request->response_max_bytes);
	}
	if (code == CURLE_OPERATION_TIMEDOUT) {
		return err_set(t->e, ERR_TIMEOUT, "no whole answer in time");
	}
	if (code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST ||
	    code == CURLE_COULDNT_RESOLVE_PROXY || code == CURLE_SSL_CONNECT_ERROR ||
	    code == CURLE_PEER_FAILED_VERIFICATION) {
		return err_set(t->e, ERR_UNAVAILABLE, "cannot connect: %s",
			       curl_easy_strerror(code));
	}
	if (code == CURLE_UNSUPPORTED_PROTOCOL) { /* HTTP/0.9: libcurl's name for no HTTP at all */
		return err_set(t->e, ERR_UPSTREAM, "the answer is not HTTP");
	}
	return err_set(t->e, ERR_UPSTREAM, "the connection broke: %s", curl_easy_strerror(code));
}

int http_client_perform(struct http_client *c, const struct http_request *request,
			struct http_response *ret_response, struct err *e)
{
	struct transfer t = {.client = c, .request = request, .response = ret_response, .e = e};
	struct curl_slist *headers = NULL;
	CURLcode code = CURLE_OK;
	int rc;

	*ret_response = (struct http_response){.retry_after_s = -1};
	strbuf_init(&ret_response->body, request->response_max_bytes > ERROR_BODY_MAX_BYTES
						 ? request->response_max_bytes
						 : ERROR_BODY_MAX_BYTES);
	t.last_byte_ms = clock_mono_ms();
	rc = prepare(&t, &headers);
	if (rc == 0) {
		curl_multi_add_handle(c->multi, c->easy);
		rc = drive(&t, &code);
		curl_multi_remove_handle(c->multi, c->easy);
		if (rc == 0 && code != CURLE_OK) {
			rc = explain(&t, code);
		}
		if (rc == 0) {
			rc = tell_status(&t);
		}
	}
	curl_slist_free_all(headers);
	return rc;
}
