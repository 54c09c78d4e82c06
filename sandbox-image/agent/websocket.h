#pragma once

/*
 * The server's side of a WebSocket (RFC 6455): the handshake, what a client sends, and the heads of
 * frames to it. No extensions, no subprotocols.
 *
 * It is ours because the agent is one static program and libwslay has no static library in Debian.
 * Both control frames and messages are bounded, and every rule whose breach the RFC wants answered
 * with a close code is checked.
 */

#include "err.h"
#include "http_head.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WS_MESSAGE_MAX_BYTES ((size_t)64 * 1024)
#define WS_CONTROL_MAX_BYTES 125
#define WS_HEADER_MAX_BYTES  10
#define WS_ACCEPT_CHARS	     28

enum ws_opcode {
	WS_CONTINUATION = 0,
	WS_TEXT = 1,
	WS_BINARY = 2,
	WS_CLOSE = 8,
	WS_PING = 9,
	WS_PONG = 10,
};

/* Close codes (RFC 6455, section 7.4). */
#define WS_CLOSE_NORMAL	    1000
#define WS_CLOSE_GOING_AWAY 1001
#define WS_CLOSE_PROTOCOL   1002
#define WS_CLOSE_NONE	    1005 /* never sent: the frame had no code */
#define WS_CLOSE_NOT_UTF8   1007
#define WS_CLOSE_POLICY	    1008
#define WS_CLOSE_TOO_LARGE  1009
#define WS_CLOSE_INTERNAL   1011

/* The value of Sec-WebSocket-Accept for a request that asks for a WebSocket. ERR_INVALID says what
 * is missing. */
NODISCARD int ws_handshake(const struct http_head *h, char ret_accept[WS_ACCEPT_CHARS + 1],
			   struct err *e);

/* A whole message, or a control frame. */
struct ws_message {
	enum ws_opcode type;
	const unsigned char *bytes; /* valid until the next call */
	size_t len;
	unsigned close_code; /* WS_CLOSE: what the client said, WS_CLOSE_NONE when nothing */
};

struct websocket {
	/* the head of the frame at hand */
	unsigned char head[14];
	size_t head_len;
	bool in_payload;
	bool fin;
	enum ws_opcode opcode;
	uint64_t left; /* payload bytes to come */
	unsigned char mask[4];
	size_t mask_at;

	unsigned char control[WS_CONTROL_MAX_BYTES];
	size_t control_len;
	enum ws_opcode message_type; /* WS_CONTINUATION: no message is begun */
	unsigned char *message;	     /* allocated by the first message that needs it */
	size_t message_len;
};

void ws_init(struct websocket *ws);
void ws_fini(struct websocket *ws); /* also on a zeroed one */

/*
 * Takes some of bytes[0..len): *ret_used of them. Returns 1 with a message, 0 when more bytes are
 * needed (then all were used), -1 when the client broke the protocol: *ret_close_code is what to
 * close with, and nothing more may be fed.
 */
NODISCARD int ws_next(struct websocket *ws, const unsigned char *bytes, size_t len,
		      size_t *ret_used, struct ws_message *ret, unsigned *ret_close_code);

/* The head of an unfragmented frame to the client; returns its length. */
size_t ws_frame_head(unsigned char ret[WS_HEADER_MAX_BYTES], enum ws_opcode opcode, size_t len);
