#include "websocket.h"

#include "utf8.h"

#include <ctype.h>
#include <nettle/base64.h>
#include <nettle/sha1.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define GUID	  "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define KEY_CHARS 24 /* 16 bytes in base64 */

#define BIT_FIN	 0x80
#define BITS_RSV 0x70
#define BIT_MASK 0x80

/* Whether a comma-separated list of tokens has this one, in any case. */
static bool has_token(const struct http_slice *list, const char *token)
{
	size_t len = strlen(token), at = 0;

	while (list && at < list->len) {
		size_t from, end;

		while (at < list->len && strchr(", \t", list->at[at])) {
			at++;
		}
		from = at;
		while (at < list->len && list->at[at] != ',') {
			at++;
		}
		for (end = at; end > from && strchr(" \t", list->at[end - 1]); end--) {
		}
		if (end - from == len && strncasecmp(list->at + from, token, len) == 0) {
			return true;
		}
	}
	return false;
}

static bool is_key(const struct http_slice *key)
{
	if (!key || key->len != KEY_CHARS || memcmp(key->at + KEY_CHARS - 2, "==", 2) != 0) {
		return false;
	}
	for (size_t i = 0; i < KEY_CHARS - 2; i++) {
		if (!isalnum((unsigned char)key->at[i]) && key->at[i] != '+' && key->at[i] != '/') {
			return false;
		}
	}
	return true;
}

int ws_handshake(const struct http_head *h, char ret_accept[WS_ACCEPT_CHARS + 1], struct err *e)
{
	const struct http_slice *key = http_head_get(h, "Sec-WebSocket-Key");
	const struct http_slice *version = http_head_get(h, "Sec-WebSocket-Version");
	struct sha1_ctx sha;
	uint8_t digest[SHA1_DIGEST_SIZE];

	if (h->minor < 1 || !has_token(http_head_get(h, "Connection"), "upgrade") ||
	    !has_token(http_head_get(h, "Upgrade"), "websocket")) {
		return err_set(e, ERR_INVALID, "this call wants a WebSocket handshake");
	}
	if (!version || !http_slice_is(*version, "13")) {
		return err_set(e, ERR_INVALID, "Sec-WebSocket-Version must be 13");
	}
	if (!is_key(key)) {
		return err_set(e, ERR_INVALID, "Sec-WebSocket-Key must be 16 bytes in base64");
	}
	sha1_init(&sha);
	sha1_update(&sha, key->len, (const uint8_t *)key->at);
	sha1_update(&sha, strlen(GUID), (const uint8_t *)GUID);
	sha1_digest(&sha, sizeof(digest), digest);
	base64_encode_raw(ret_accept, sizeof(digest), digest);
	ret_accept[WS_ACCEPT_CHARS] = '\0';
	return 0;
}

void ws_init(struct websocket *ws)
{
	*ws = (struct websocket){0};
}

void ws_fini(struct websocket *ws)
{
	free(ws->message);
	ws->message = NULL;
}

static bool is_control(enum ws_opcode opcode)
{
	return opcode >= WS_CLOSE;
}

/* How many bytes the head has, as far as those read tell. */
static size_t head_bytes(const struct websocket *ws)
{
	static const size_t length_bytes[] = {[126] = 2, [127] = 8};
	size_t base = 2 + sizeof(ws->mask);

	return ws->head_len < 2 ? 2 : base + length_bytes[ws->head[1] & 0x7f];
}

/* What can be told from the first two bytes. Zero, or the close code. */
static unsigned check_start(const struct websocket *ws)
{
	unsigned opcode = ws->head[0] & 0x0f;
	bool fin = ws->head[0] & BIT_FIN;
	bool begun = ws->message_type != WS_CONTINUATION;

	/* Reserved bits belong to extensions, of which none was agreed on. */
	if ((ws->head[0] & BITS_RSV) || !(ws->head[1] & BIT_MASK)) {
		return WS_CLOSE_PROTOCOL;
	}
	switch (opcode) {
	case WS_CONTINUATION:
		return begun ? 0 : WS_CLOSE_PROTOCOL;
	case WS_TEXT:
	case WS_BINARY:
		return begun ? WS_CLOSE_PROTOCOL : 0;
	case WS_CLOSE:
	case WS_PING:
	case WS_PONG:
		return fin && (ws->head[1] & 0x7f) <= WS_CONTROL_MAX_BYTES ? 0 : WS_CLOSE_PROTOCOL;
	default:
		return WS_CLOSE_PROTOCOL;
	}
}

static uint64_t big_endian(const unsigned char *at, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++) {
		v = v << 8 | at[i];
	}
	return v;
}

/* The head is complete. Zero, or the close code. */
static unsigned begin_payload(struct websocket *ws)
{
	unsigned short_len = ws->head[1] & 0x7f;

	ws->fin = ws->head[0] & BIT_FIN;
	ws->opcode = (enum ws_opcode)(ws->head[0] & 0x0f);
	ws->left = short_len;
	if (short_len == 126) {
		ws->left = big_endian(ws->head + 2, 2);
	} else if (short_len == 127) {
		ws->left = big_endian(ws->head + 2, 8);
	}
	if ((short_len == 126 && ws->left < 126) || (short_len == 127 && ws->left <= UINT16_MAX) ||
	    ws->left > INT64_MAX) {
		return WS_CLOSE_PROTOCOL;
	}
	memcpy(ws->mask, ws->head + ws->head_len - sizeof(ws->mask), sizeof(ws->mask));
	ws->mask_at = 0;
	ws->head_len = 0;
	ws->in_payload = true;
	if (is_control(ws->opcode)) {
		ws->control_len = 0;
		return 0;
	}
	if (ws->left > WS_MESSAGE_MAX_BYTES - ws->message_len) {
		return WS_CLOSE_TOO_LARGE;
	}
	if (!ws->message) {
		ws->message = malloc(WS_MESSAGE_MAX_BYTES);
		if (!ws->message) {
			return WS_CLOSE_INTERNAL;
		}
	}
	if (ws->opcode != WS_CONTINUATION) {
		ws->message_type = ws->opcode;
	}
	return 0;
}

/* Takes bytes of the head. Zero, or the close code. */
static unsigned take_head(struct websocket *ws, const unsigned char *bytes, size_t len,
			  size_t *used)
{
	while (!ws->in_payload && *used < len) {
		unsigned failed;

		ws->head[ws->head_len++] = bytes[(*used)++];
		if (ws->head_len < head_bytes(ws)) {
			failed = ws->head_len == 2 ? check_start(ws) : 0;
		} else {
			failed = begin_payload(ws);
		}
		if (failed) {
			return failed;
		}
	}
	return 0;
}

static void take_payload(struct websocket *ws, const unsigned char *bytes, size_t len, size_t *used)
{
	bool control = is_control(ws->opcode);
	unsigned char *to = control ? ws->control + ws->control_len : ws->message + ws->message_len;
	size_t n = len - *used < ws->left ? len - *used : (size_t)ws->left;

	for (size_t i = 0; i < n; i++) {
		to[i] = bytes[*used + i] ^ ws->mask[(ws->mask_at + i) % sizeof(ws->mask)];
	}
	ws->mask_at = (ws->mask_at + n) % sizeof(ws->mask);
	ws->left -= n;
	*used += n;
	if (control) {
		ws->control_len += n;
	} else {
		ws->message_len += n;
	}
}

static bool may_close_with(unsigned code)
{
	return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
	       (code >= 3000 && code <= 4999);
}

/* Zero, or the close code to answer with. */
static unsigned read_close(const struct websocket *ws, unsigned *ret_code)
{
	*ret_code = WS_CLOSE_NONE;
	if (ws->control_len == 0) {
		return 0;
	}
	if (ws->control_len == 1) {
		return WS_CLOSE_PROTOCOL;
	}
	*ret_code = (unsigned)big_endian(ws->control, 2);
	if (!may_close_with(*ret_code)) {
		return WS_CLOSE_PROTOCOL;
	}
	return utf8_valid((const char *)ws->control + 2, ws->control_len - 2) ? 0
									      : WS_CLOSE_NOT_UTF8;
}

/* A frame is complete. 1 with a message, 0 without, -1. */
static int end_frame(struct websocket *ws, struct ws_message *ret, unsigned *ret_close_code)
{
	ws->in_payload = false;
	if (is_control(ws->opcode)) {
		*ret = (struct ws_message){
			.type = ws->opcode, .bytes = ws->control, .len = ws->control_len};
		*ret_close_code = ws->opcode == WS_CLOSE ? read_close(ws, &ret->close_code) : 0;
		return *ret_close_code ? -1 : 1;
	}
	if (!ws->fin) {
		return 0;
	}
	*ret = (struct ws_message){
		.type = ws->message_type, .bytes = ws->message, .len = ws->message_len};
	ws->message_type = WS_CONTINUATION;
	ws->message_len = 0;
	if (ret->type == WS_TEXT && !utf8_valid((const char *)ret->bytes, ret->len)) {
		*ret_close_code = WS_CLOSE_NOT_UTF8;
		return -1;
	}
	return 1;
}

int ws_next(struct websocket *ws, const unsigned char *bytes, size_t len, size_t *ret_used,
	    struct ws_message *ret, unsigned *ret_close_code)
{
	size_t used = 0;
	int result = 0;

	while (result == 0) {
		*ret_close_code = take_head(ws, bytes, len, &used);
		if (*ret_close_code) {
			return -1;
		}
		if (!ws->in_payload) {
			break;
		}
		take_payload(ws, bytes, len, &used);
		if (ws->left > 0) {
			break;
		}
		result = end_frame(ws, ret, ret_close_code);
	}
	*ret_used = used;
	return result;
}

size_t ws_frame_head(unsigned char ret[WS_HEADER_MAX_BYTES], enum ws_opcode opcode, size_t len)
{
	ret[0] = (unsigned char)(BIT_FIN | opcode);
	if (len < 126) {
		ret[1] = (unsigned char)len;
		return 2;
	}
	if (len <= UINT16_MAX) {
		ret[1] = 126;
		ret[2] = (unsigned char)(len >> 8);
		ret[3] = (unsigned char)len;
		return 4;
	}
	ret[1] = 127;
	for (int i = 0; i < 8; i++) {
		ret[2 + i] = (unsigned char)((uint64_t)len >> (56 - 8 * i));
	}
	return 10;
}
