#include "err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const kind_names[] = {
	[ERR_INTERNAL] = "internal",
	[ERR_INVALID] = "invalid",
	[ERR_UNAUTHENTICATED] = "unauthenticated",
	[ERR_FORBIDDEN] = "forbidden",
	[ERR_NOT_FOUND] = "not_found",
	[ERR_CONFLICT] = "conflict",
	[ERR_PRECONDITION] = "precondition",
	[ERR_TOO_LARGE] = "too_large",
	[ERR_UNSUPPORTED] = "unsupported",
	[ERR_UNPROCESSABLE] = "unprocessable",
	[ERR_RATE_LIMITED] = "rate_limited",
	[ERR_CANCELLED] = "cancelled",
	[ERR_UPSTREAM] = "upstream",
	[ERR_UNAVAILABLE] = "unavailable",
	[ERR_TIMEOUT] = "timeout",
	[ERR_NO_SPACE] = "no_space",
};

const char *err_kind_name(enum err_kind kind)
{
	size_t n = sizeof(kind_names) / sizeof(kind_names[0]);

	return (size_t)kind < n ? kind_names[kind] : "internal";
}

int err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
{
	/* A separate buffer, because the arguments may point into e->text. */
	char text[ERR_TEXT_MAX_BYTES];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	e->kind = kind;
	memcpy(e->text, text, sizeof(text));
	return -1;
}

int err_errno(struct err *e, enum err_kind kind, const char *fmt, ...)
{
	int saved = errno;
	char reason[128];
	size_t used;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	used = strlen(e->text);
	(void)snprintf(e->text + used, sizeof(e->text) - used, ": %s",
		       strerror_r(saved, reason, sizeof(reason)));
	e->kind = saved == ENOSPC || saved == EDQUOT ? ERR_NO_SPACE : kind;
	errno = saved;
	return -1;
}

int err_prefix(struct err *e, const char *fmt, ...)
{
	char old[ERR_TEXT_MAX_BYTES];
	size_t used;
	va_list ap;

	memcpy(old, e->text, sizeof(old));
	old[sizeof(old) - 1] = '\0';
	va_start(ap, fmt);
	(void)vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	used = strlen(e->text);
	(void)snprintf(e->text + used, sizeof(e->text) - used, ": %s", old);
	return -1;
}
