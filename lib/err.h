#pragma once

/*
 * The error that travels: a kind the edge can map to an HTTP status, and words for a person.
 *
 * Functions that can fail return 0 or -1 and take `struct err *e` last. On -1 *e is filled; on 0 it
 * is untouched. `e` may never be NULL. Library code adds context with err_prefix and returns; only
 * programs log. The text may hold internals (paths, SQL states): the edge decides what is public.
 */

#include <stdarg.h>

#define NODISCARD		     __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt_at, args_at) __attribute__((format(printf, fmt_at, args_at)))

enum err_kind {
	ERR_INTERNAL,	     /* 500: a bug or an unforeseen state */
	ERR_INVALID,	     /* 400: the caller's input is malformed */
	ERR_UNAUTHENTICATED, /* 401 */
	ERR_FORBIDDEN,	     /* 403 */
	ERR_NOT_FOUND,	     /* 404: also for what belongs to somebody else */
	ERR_CONFLICT,	     /* 409 */
	ERR_PRECONDITION,    /* 412: If-Match did not match */
	ERR_TOO_LARGE,	     /* 413 */
	ERR_UNSUPPORTED,     /* 415 */
	ERR_UNPROCESSABLE,   /* 422: well-formed, but cannot be done */
	ERR_RATE_LIMITED,    /* 429 */
	ERR_CANCELLED,	     /* 499-like: the caller went away or cancelled */
	ERR_UPSTREAM,	     /* 502: a peer (model, agent, Docker) answered nonsense or an error */
	ERR_UNAVAILABLE,     /* 503: a dependency is down; the text names it */
	ERR_TIMEOUT,	     /* 504: a deadline passed */
	ERR_NO_SPACE,	     /* 507: disk or quota is full */
};

#define ERR_TEXT_MAX_BYTES 512

struct err {
	enum err_kind kind;
	char text[ERR_TEXT_MAX_BYTES]; /* NUL-terminated, cut when longer */
};

/* Fills *e and returns -1, so that `return err_set(e, …);` reads as the failure it is. */
int err_set(struct err *e, enum err_kind kind, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Like err_set with ": <strerror(errno)>" appended. ENOSPC and EDQUOT become ERR_NO_SPACE. */
int err_errno(struct err *e, enum err_kind kind, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Puts "<words>: " before the text that is there. Returns -1. */
int err_prefix(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Lower-case name of a kind, for logs and metrics ("not_found"). Never NULL. */
const char *err_kind_name(enum err_kind kind);
