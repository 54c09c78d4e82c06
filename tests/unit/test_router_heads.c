/* Heads as they are passed on: cookies, origins, what is dropped. */

#include "heads.h"
#include "unit.h"

static const char *to_app(const char *text, bool is_upgrade)
{
	static struct strbuf out;
	struct head_facts f = {.inner_port = 5173, .client_address = "192.0.2.1"};
	struct http_head h;
	struct err e;
	size_t used;

	strbuf_fini(&out);
	strbuf_init(&out, HEADS_MAX_BYTES);
	f.is_upgrade = is_upgrade;
	assert_int_equal(http_head_parse_request(text, strlen(text), &h, &used, &e), 1);
	assert_int_equal(heads_is_upgrade(&h), is_upgrade);
	assert_ok(heads_to_app(&out, &h, &f, &e));
	return out.data;
}

static const char *to_client(const char *text, enum head_framing framing)
{
	static struct strbuf out;
	const struct answer_facts f = {.inner_port = 5173, .framing = framing};
	struct http_head h;
	struct err e;
	size_t used;

	strbuf_fini(&out);
	strbuf_init(&out, HEADS_MAX_BYTES);
	assert_int_equal(http_head_parse_response(text, strlen(text), &h, &used, &e), 1);
	assert_ok(heads_to_client(&out, text, &h, &f, &e));
	return out.data;
}

#define REQUEST "GET /a HTTP/1.1\r\nHost: x.example\r\n"
#define AS_APP                                                                                     \
	"GET /a HTTP/1.1\r\nHost: localhost:5173\r\n%s"                                            \
	"X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: http\r\n%s\r\n"

static void requests_are_rewritten(void **state)
{
	static const struct {
		const char *in, *out, *end;
	} rows[] = {
		{"", "", ""},
		{"Cookie: __Host-slipway-preview=s\r\n", "", ""},
		{"Cookie: a=1; __Host-slipway-preview=s; b=2\r\n", "Cookie: a=1; b=2\r\n", ""},
		{"Cookie: =__Host-slipway-preview=s;c\r\n", "Cookie: c\r\n", ""},
		{"Cookie: __Host-slipway-preview2=s\r\n", "Cookie: __Host-slipway-preview2=s\r\n",
		 ""},
		{"Origin: https://X.example\r\n", "Origin: http://localhost:5173\r\n", ""},
		{"Origin: https://x.example.evil\r\n", "Origin: https://x.example.evil\r\n", ""},
		{"Referer: http://x.example/p?q\r\n", "Referer: http://localhost:5173/p?q\r\n", ""},
		{"Connection: close, X-A\r\nX-A: 1\r\nX-B: 2\r\n", "X-B: 2\r\n", ""},
		{"Connection: content-length\r\nContent-Length: 3\r\n", "",
		 "Content-Length: 3\r\n"},
		{"Transfer-Encoding: chunked\r\n", "", "Transfer-Encoding: chunked\r\n"},
		{"X-Accel-Redirect: /x\r\nX-Slipway-A: 1\r\nX-Forwarded-Host: h\r\n", "", ""},
	};
	char in[512], out[512];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		(void)snprintf(in, sizeof(in), REQUEST "%s\r\n", rows[i].in);
		(void)snprintf(out, sizeof(out), AS_APP, rows[i].out, rows[i].end);
		assert_string_equal(to_app(in, false), out);
	}
}

static void only_a_websocket_is_an_upgrade(void **state)
{
	(void)state;
	assert_non_null(strstr(to_app(REQUEST "Connection: keep-alive, Upgrade\r\n"
					      "Upgrade: WebSocket\r\n\r\n",
				      true),
			       "Connection: Upgrade\r\nUpgrade: websocket\r\n"));
	assert_null(strstr(to_app(REQUEST "Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n", false),
			   "pgrade"));
	(void)to_app(REQUEST "Upgrade: websocket\r\n\r\n", false);
	(void)to_app("POST / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\n"
		     "Upgrade: websocket\r\nContent-Length: 1\r\n\r\n",
		     false);
}

static void answers_are_rewritten(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{"Set-Cookie: a=1; Domain=.example; Secure", "Set-Cookie: a=1; Secure\r\n"},
		{"Set-Cookie: a=1;DOMAIN ;path=/", "Set-Cookie: a=1; path=/\r\n"},
		{"Set-Cookie: a=Domain", "Set-Cookie: a=Domain\r\n"},
		{"Set-Cookie: __Host-slipway-preview=1", ""},
		{"Set-Cookie:  =__host-Slipway-Preview=1; Path=/", ""},
		{"Location: http://localhost:5173/a", "Location: /a\r\n"},
		{"Location: http://localhost:5173//evil", "Location: /.//evil\r\n"},
		{"Location: http://localhost:51730/a", "Location: http://localhost:51730/a\r\n"},
		{"Alt-Svc: h3=\":1\"", ""},
		{"X-Accel-Redirect: /_agent/x", ""},
		{"Content-Length: 5", ""},
	};
	char in[512], out[512];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		(void)snprintf(in, sizeof(in), "HTTP/1.0 299 A b\r\n%s\r\n\r\n", rows[i].in);
		(void)snprintf(out, sizeof(out), "HTTP/1.1 299 A b\r\n%s\r\n", rows[i].out);
		assert_string_equal(to_client(in, FRAMED_NOT), out);
	}
	assert_string_equal(to_client("HTTP/1.1 200\r\nContent-Length: 5\r\n\r\n", FRAMED_LENGTH),
			    "HTTP/1.1 200\r\nContent-Length: 5\r\n\r\n");
	assert_string_equal(to_client("HTTP/1.1 200 \x01\r\n\r\n", FRAMED_CHUNKED),
			    "HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_rewritten),
		cmocka_unit_test(only_a_websocket_is_an_upgrade),
		cmocka_unit_test(answers_are_rewritten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
