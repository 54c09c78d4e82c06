#pragma once

/*
 * One FastCGI connection at a time; the only file that knows libfcgi (2.4.2).
 *
 * Quirks met here: FCGX_Init replaces handlers of SIGPIPE, SIGUSR1 and SIGTERM unless some are set,
 * so the program installs its own before; a TERM that comes between the check and accept(2) is
 * lost, so whoever sends it repeats it; an idle peer holds a worker for 2 s unless the environment
 * says less.
 */

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct fcgi_conn;

/* Once per process, before fcgi_conn_create and after the program's signal handlers. */
NODISCARD int fcgi_global_init(struct err *e);

/* Async-signal-safe: the current or next fcgi_accept returns 0. */
void fcgi_stop(void);

/* `listen_fd` is borrowed. NULL: no memory. */
struct fcgi_conn *fcgi_conn_create(int listen_fd);
void fcgi_conn_destroy(struct fcgi_conn *c);

/* Waits for a request, without a deadline: that is what a worker does between requests. 1 there is
 * one, 0 stopped, -1 the listening socket is broken. */
NODISCARD int fcgi_accept(struct fcgi_conn *c, struct err *e);

/* A parameter of the current request, or NULL. Borrowed until fcgi_finish. */
const char *fcgi_param(const struct fcgi_conn *c, const char *name);

/* Up to cap bytes of the body; 0 at its end; -1 when it broke off or the peer was silent too long.
 */
ssize_t fcgi_read(struct fcgi_conn *c, char *buf, size_t cap);

/* Buffered; -1 when the peer is gone or did not read for FCGI_SEND_TIMEOUT_S. */
#define FCGI_SEND_TIMEOUT_S 5
int fcgi_write(struct fcgi_conn *c, const void *bytes, size_t len);
int fcgi_flush(struct fcgi_conn *c);

/* Looks whether the peer has closed, without waiting. */
bool fcgi_peer_gone(const struct fcgi_conn *c);

/* Cuts the connection, so that the peer sees a broken answer, not a complete one. */
void fcgi_abort(struct fcgi_conn *c);

/* Ends the request, flushing what was written. */
void fcgi_finish(struct fcgi_conn *c);
