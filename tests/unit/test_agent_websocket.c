/* WebSocket framing (RFC 6455): what a client may send, split anywhere, and what it may not. */

#include "unit.h"
#include "websocket.h"

#define FIN    0x80
#define MASKED 0x80

/* A frame as a client sends it, masked; returns its length. */
static size_t frame(unsigned char *to, unsigned first, const void *payload, size_t len)
{
	static const unsigned char mask[] = {0x37, 0xfa, 0x21, 0x3d};
	const unsigned char *from = payload;
	size_t n = 0;

	to[n++] = (unsigned char)first;
	if (len < 126) {
		to[n++] = (unsigned char)(MASKED | len);
	} else if (len < 65536) {
		to[n++] = MASKED | 126;
		to[n++] = (unsigned char)(len >> 8);
		to[n++] = (unsigned char)len;
	} else {
		to[n++] = MASKED | 127;
		for (int i = 56; i >= 0; i -= 8) {
			to[n++] = (unsigned char)((uint64_t)len >> i);
		}
	}
	memcpy(to + n, mask, 4);
	n += 4;
	for (size_t i = 0; i < len; i++) {
		to[n++] = from[i] ^ mask[i % 4];
	}
	return n;
}

/* Feeds bytes in steps and writes down what comes: "T:text ", "B:…", "P:", "Q:", "C1000:", "!1002".
 */
static void feed(const unsigned char *bytes, size_t len, size_t step, char *ret, size_t cap)
{
	struct websocket ws;
	struct ws_message m;
	size_t n = 0, used;
	unsigned code;

	ws_init(&ws);
	ret[0] = '\0';
	for (size_t at = 0; at < len; at += used) {
		size_t give = len - at < step ? len - at : step;
		int rc = ws_next(&ws, bytes + at, give, &used, &m, &code);

		if (rc < 0) {
			(void)snprintf(ret + n, cap - n, "!%u", code);
			break;
		}
		assert_true(rc == 1 || used == give);
		if (rc == 1 && m.type == WS_CLOSE) {
			n += (size_t)snprintf(ret + n, cap - n, "C%u ", m.close_code);
		} else if (rc == 1) {
			n += (size_t)snprintf(ret + n, cap - n, "%c%zu:%.*s ",
					      "?TB?????CPQ"[m.type], m.len,
					      (int)(m.len < 20 ? m.len : 20), m.bytes);
		}
		assert_true(n < cap);
	}
	ws_fini(&ws);
}

static void expect(const unsigned char *bytes, size_t len, const char *want)
{
	char got[512];

	for (size_t step = 1; step <= len; step = step < 16 ? step + 1 : step * 3) {
		feed(bytes, len, step, got, sizeof(got));
		assert_string_equal(got, want);
	}
	feed(bytes, len, len, got, sizeof(got));
	assert_string_equal(got, want);
}

static void messages_are_read(void **state)
{
	unsigned char b[1024];
	size_t n;

	(void)state;
	n = frame(b, FIN | WS_TEXT, "hello", 5);
	n += frame(b + n, FIN | WS_BINARY, "\x01\x02", 2);
	n += frame(b + n, FIN | WS_TEXT, "", 0);
	n += frame(b + n, FIN | WS_PING, "p", 1);
	n += frame(b + n, FIN | WS_PONG, "", 0);
	n += frame(b + n, FIN | WS_CLOSE, "\x03\xe8 bye", 6);
	expect(b, n, "T5:hello B2:\x01\x02 T0: P1:p Q0: C1000 ");
}

static void fragments_are_put_together(void **state)
{
	unsigned char b[1024];
	size_t n;

	(void)state;
	n = frame(b, WS_TEXT, "gr\xc3", 3); /* a character may be split */
	n += frame(b + n, FIN | WS_PING, "in between", 10);
	n += frame(b + n, WS_CONTINUATION, "", 0);
	n += frame(b + n, FIN | WS_CONTINUATION,
		   "\xbc\xc3\x9f"
		   "e",
		   4);
	n += frame(b + n, FIN | WS_CLOSE, "", 0);
	expect(b, n,
	       "P10:in between T7:gr\xc3\xbc\xc3\x9f"
	       "e C1005 ");
}

static void long_messages_are_read_up_to_the_limit(void **state)
{
	static unsigned char payload[WS_MESSAGE_MAX_BYTES + 1], b[2 * WS_MESSAGE_MAX_BYTES];
	size_t n;

	(void)state;
	memset(payload, 'x', sizeof(payload));
	n = frame(b, FIN | WS_BINARY, payload, 200);
	expect(b, n, "B200:xxxxxxxxxxxxxxxxxxxx ");
	n = frame(b, FIN | WS_BINARY, payload, WS_MESSAGE_MAX_BYTES);
	expect(b, n, "B65536:xxxxxxxxxxxxxxxxxxxx ");
	n = frame(b, FIN | WS_BINARY, payload, WS_MESSAGE_MAX_BYTES + 1);
	expect(b, n, "!1009");
	n = frame(b, WS_BINARY, payload, WS_MESSAGE_MAX_BYTES);
	n += frame(b + n, FIN | WS_CONTINUATION, payload, 1);
	expect(b, n, "!1009");
	/* A length that says so is enough. */
	expect((const unsigned char *)"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff____", 14, "!1009");
}

static void the_protocol_is_kept(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *want;
	} cases[] = {
		{"\x81\x05hello", 7, "!1002"},			   /* not masked */
		{"\xc1\x80____", 6, "!1002"},			   /* reserved bits */
		{"\x83\x80____", 6, "!1002"},			   /* reserved opcodes */
		{"\x8b\x80____", 6, "!1002"},			   /* */
		{"\x80\x80____", 6, "!1002"},			   /* continues nothing */
		{"\x01\x80____\x81\x80____", 12, "!1002"},	   /* a second beginning */
		{"\x09\x80____", 6, "!1002"},			   /* a fragmented ping */
		{"\x89\xfe\x00\x7e____", 8, "!1002"},		   /* a long ping */
		{"\x81\xfe\x00\x7d____", 8, "!1002"},		   /* longer than needed */
		{"\x81\xff\0\0\0\0\0\0\xff\xff____", 14, "!1002"}, /* */
		{"\x81\xff\x80\0\0\0\0\0\0\0____", 14, "!1002"},   /* a negative length */
		{"\x88\x81\0\0\0\0\x03", 7, "!1002"},		   /* half a code */
		{"\x88\x82\0\0\0\0\x03\xed", 8, "!1002"},	   /* 1005 */
		{"\x88\x82\0\0\0\0\x03\xf7", 8, "!1002"},	   /* 1015 */
		{"\x88\x82\0\0\0\0\0\0", 8, "!1002"},		   /* 0 */
		{"\x88\x82\0\0\0\0\x0b\xb8", 8, "C3000 "},	   /* */
		{"\x88\x83\0\0\0\0\x03\xe8\xff", 9, "!1007"},	   /* a reason that is no text */
		{"\x81\x82\0\0\0\0\xc3\x28", 8, "!1007"},	   /* text that is none */
		{"\x81\x83\0\0\0\0\xed\xa0\x80", 9, "!1007"},	   /* a surrogate */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		expect((const unsigned char *)cases[i].bytes, cases[i].len, cases[i].want);
	}
}

static void heads_to_the_client(void **state)
{
	unsigned char h[WS_HEADER_MAX_BYTES];

	(void)state;
	assert_int_equal(ws_frame_head(h, WS_TEXT, 125), 2);
	assert_memory_equal(h, "\x81\x7d", 2);
	assert_int_equal(ws_frame_head(h, WS_BINARY, 126), 4);
	assert_memory_equal(h, "\x82\x7e\x00\x7e", 4);
	assert_int_equal(ws_frame_head(h, WS_BINARY, 65536), 10);
	assert_memory_equal(h, "\x82\x7f\0\0\0\0\0\x01\0\0", 10);
}

static int shake(const char *fields, char accept[WS_ACCEPT_CHARS + 1], struct err *e)
{
	char text[1024];
	struct http_head h;
	size_t used;
	int len = snprintf(text, sizeof(text), "GET /chat HTTP/1.1\r\nHost: a\r\n%s\r\n", fields);

	assert_int_equal(http_head_parse_request(text, (size_t)len, &h, &used, e), 1);
	return ws_handshake(&h, accept, e);
}

#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define UP  "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
#define V13 "Sec-WebSocket-Version: 13\r\n"

static void the_handshake(void **state)
{
	char accept[WS_ACCEPT_CHARS + 1];
	struct err e;

	(void)state;
	/* The RFC's own example. */
	assert_ok(shake(KEY UP V13, accept, &e));
	assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
	assert_ok(shake(KEY V13 "Upgrade: WebSocket\r\nConnection: Upgrade\r\n", accept, &e));
	assert_err(shake("", accept, &e), ERR_INVALID);
	assert_err(shake(UP V13, accept, &e), ERR_INVALID);
	assert_err(shake(KEY UP, accept, &e), ERR_INVALID);
	assert_err(shake(KEY V13 "Connection: Upgrade\r\n", accept, &e), ERR_INVALID);
	assert_err(shake(KEY V13 "Upgrade: websocket\r\nConnection: upgraded\r\n", accept, &e),
		   ERR_INVALID);
	assert_err(shake(KEY UP "Sec-WebSocket-Version: 8\r\n", accept, &e), ERR_INVALID);
	assert_err(shake(UP V13 "Sec-WebSocket-Key: short\r\n", accept, &e), ERR_INVALID);
	assert_err(shake(UP V13 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ\"==\r\n", accept, &e),
		   ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_are_read),
		cmocka_unit_test(fragments_are_put_together),
		cmocka_unit_test(long_messages_are_read_up_to_the_limit),
		cmocka_unit_test(the_protocol_is_kept),
		cmocka_unit_test(heads_to_the_client),
		cmocka_unit_test(the_handshake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
