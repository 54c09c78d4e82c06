#pragma once

/* Answers of our own, as bytes. */

#include "exchange.h"
#include "strbuf.h"

#include <stdbool.h>

const char *reply_reason(int status); /* "Not Found"; "" when it has none here */

/* The head with its empty line; `connection` as in answer_facts. */
void reply_write_head(struct strbuf *out, const struct reply *r, const char *connection);

/* A whole answer, problem+json, that closes the connection. */
void reply_write_error(struct strbuf *out, int status, const char *detail);
