#pragma once

/* A connection of a client (nginx, as a rule): its requests, one after the other. */

#include "buf.h"
#include "evloop.h"
#include "sock.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

struct exchange;

enum client_state {
	CLIENT_IDLE,	 /* between two requests, no byte of the next */
	CLIENT_HEAD,	 /* a part of a head came */
	CLIENT_EXCHANGE, /* x has it */
	CLIENT_LINGER,	 /* answered for the last time; what still comes is thrown away, or the
			    client would see a reset instead of the answer (RFC 9112, 9.6) */
	CLIENT_CLOSED,	 /* buried */
};

struct client {
	struct grave grave;
	TAILQ_ENTRY(client) link;
	enum client_state state;
	bool is_running; /* client_run is on the stack */
	bool is_metrics; /* asks for the counters, not for apps */
	struct sock sock;
	struct timer timer;
	struct buf *in; /* NULL while empty */
	size_t base;	/* in->data[0..base) is the head of the exchange at hand */
	struct exchange *x;
};

/* Takes the descriptor. */
void client_create(int fd, bool is_tcp, bool is_metrics);

/* More of a request's body into c->in. As sock_read; -1 also when there is no memory. */
ssize_t client_read(struct client *c);

/* c->x is over: the next request, or the end. */
void client_next(struct client *c, bool keep);
/* c->x is over before all of its request was read: the client, still sending, must see the answer.
 */
void client_linger(struct client *c);

void client_close(struct client *c);
void client_break(struct client *c); /* so that an unfinished answer does not look finished */

/* Closes those that are idle. */
void clients_drain(void);
void clients_close_all(void);
