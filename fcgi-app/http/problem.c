#include "http/problem.h"

#include <stdint.h>
#include <string.h>

struct row {
	int status;
	const char *type, *title;
	const char *fallback; /* public detail where the error's own text is not for strangers */
};

static const struct row rows[] = {
	[ERR_INTERNAL] =
		{500, "/problems/internal", "Internal error",
		 "Something went wrong on our side; the log has it under this request_id."},
	[ERR_INVALID] = {400, "/problems/invalid", "Bad request",
			 "A value in the request is not one the database accepts."},
	[ERR_UNAUTHENTICATED] = {401, "/problems/unauthenticated", "Not signed in",
				 "Send an API key or sign in."},
	[ERR_FORBIDDEN] = {403, "/problems/forbidden", "Forbidden", "This is not allowed."},
	[ERR_NOT_FOUND] = {404, "/problems/not-found", "Not found", "There is no such thing."},
	[ERR_CONFLICT] = {409, "/problems/conflict", "Conflict",
			  "Somebody changed the same thing at the same time; try again."},
	[ERR_PRECONDITION] = {412, "/problems/precondition-failed", "Precondition failed",
			      "It has changed meanwhile."},
	[ERR_TOO_LARGE] = {413, "/problems/too-large", "Too large", "The request is too large."},
	[ERR_UNSUPPORTED] = {415, "/problems/unsupported-media-type", "Unsupported media type",
			     "Send application/json."},
	[ERR_UNPROCESSABLE] = {422, "/problems/unprocessable", "Cannot be done",
			       "The request is well-formed, but cannot be done."},
	[ERR_RATE_LIMITED] = {429, "/problems/rate-limited", "Too many requests",
			      "Try again later."},
	[ERR_CANCELLED] = {499, "/problems/cancelled", "Cancelled", "The request was cancelled."},
	[ERR_UPSTREAM] = {502, "/problems/upstream", "Bad upstream",
			  "A service behind this one gave no usable answer."},
	[ERR_UNAVAILABLE] = {503, "/problems/unavailable", "Unavailable",
			     "PostgreSQL cannot be reached right now; try again in a few seconds."},
	[ERR_TIMEOUT] = {504, "/problems/timeout", "Timed out",
			 "PostgreSQL took too long; try again."},
	[ERR_NO_SPACE] = {507, "/problems/no-space", "No space left",
			  "The database's disk is full; nothing was changed."},
};

bool problem_is_internal(const struct err *e)
{
	/* lib/db.c begins its texts so; they may hold socket paths, host names and SQL. */
	return e->kind == ERR_INTERNAL || strncmp(e->text, "PostgreSQL", 10) == 0 ||
	       strstr(e->text, "SQLSTATE") != NULL;
}

void problem_of(const struct err *e, struct problem *ret)
{
	size_t kind = (size_t)e->kind;
	const struct row *row;

	if (kind >= sizeof(rows) / sizeof(rows[0])) {
		kind = ERR_INTERNAL;
	}
	row = &rows[kind];
	ret->status = row->status;
	ret->type = row->type;
	ret->title = row->title;
	ret->more = NULL;
	ret->detail = problem_is_internal(e) || e->text[0] == '\0' ? row->fallback : e->text;
}

json_t *problem_json(const struct problem *p, const char *request_id)
{
	json_t *text = json_string(p->detail);
	json_t *object;

	/* Words about hostile bytes may hold some. */
	if (!text) {
		text = json_string("The request cannot be read.");
	}
	object = json_pack("{s:s, s:s, s:i, s:o, s:s}", "type", p->type, "title", p->title,
			   "status", p->status, "detail", text, "request_id", request_id);
	if (object && p->more && json_object_update_missing(object, (json_t *)(uintptr_t)p->more)) {
		json_decref(object);
		return NULL;
	}
	return object;
}
