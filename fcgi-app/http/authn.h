#pragma once

/* Who is asking: an API key ("Authorization: Bearer slw_…") or a session cookie. */

#include "app.h"
#include "http/request.h"

#define API_KEY_PREFIX "slw_"
#define SESSION_PREFIX "sws_"
#define SESSION_COOKIE "__Host-slipway"
/* For browsers that refuse Secure on http://localhost; never believed over https, where a preview
 * beside us could set it. */
#define SESSION_COOKIE_PLAIN "slipway"

/* Fills rq->user. ERR_UNAUTHENTICATED says what to send. */
NODISCARD int authn_request(struct app *app, struct request *rq, struct err *e);

/* The token of the session cookie into buf; false when there is none. */
bool authn_session_token(const struct request *rq, char *buf, size_t cap);
