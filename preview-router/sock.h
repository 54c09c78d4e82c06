#pragma once

/*
 * A non-blocking stream socket with edge-triggered events: reading is registered once and for all,
 * writing from the first time it would block until sock_rest. So a short exchange costs no
 * epoll_ctl. The owner tries first and remembers what the socket said.
 */

#include "err.h"

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

struct sock {
	int fd; /* -1: closed */
	bool is_tcp;
	bool readable; /* as far as known: a read that came up short clears it */
	bool finished; /* the peer will send no more: read on to the end */
	bool eof;      /* and all of it was read */
	bool write_armed;
	char *pending; /* accepted by sock_send, not written yet */
	size_t pending_at, pending_len;
	struct event read_event, write_event;
	void (*ready)(struct sock *s);
};

/* Takes the descriptor, also when it fails. `ready` is called when something may be possible that
 * was not. */
NODISCARD int sock_open(struct sock *s, int fd, bool is_tcp, void (*ready)(struct sock *s),
			struct err *e);
void sock_close(struct sock *s);
void sock_reset(struct sock *s); /* closes so that no peer can take it for a proper end */

/* Bytes read; 0: none now, or s->eof; -1: broken. */
ssize_t sock_read(struct sock *s, void *at, size_t cap);

/* Bytes written, 0 when it would block; -1: broken. Never before what is pending. */
ssize_t sock_write(struct sock *s, const void *bytes, size_t len);

/* Takes all of `head` and `tail` (what cannot be written now is kept) and as much of the body as
 * can be written now; of the tail nothing unless the whole body went. Returns the body's bytes, -1
 * when broken. */
struct sock_parts {
	const void *head, *body, *tail;
	size_t head_len, body_len, tail_len;
};
ssize_t sock_send(struct sock *s, const struct sock_parts *p);

/* 0, or -1 when broken. */
int sock_flush(struct sock *s);
static inline bool sock_is_flushed(const struct sock *s)
{
	return s->pending_len == 0;
}

void sock_shutdown_write(struct sock *s);

/* Nobody is there any more: both directions have ended, or an error. TCP does not tell a peer that
 * has closed from one that only sends no more: it counts as gone. */
bool sock_is_gone(const struct sock *s);
bool sock_is_hung_up(const struct sock *s); /* as far as the system can tell */

/* An exchange is over: no more events for writing. */
void sock_rest(struct sock *s);

/* Calls `ready` again after others had their turn. */
void sock_yield(struct sock *s);
