#pragma once

/* Projects as other handlers meet them: the one a request names, if the caller owns it. */

#include "app.h"
#include "err.h"
#include "token.h"

#include <stdint.h>

struct request;

struct project_ref {
	char id[UUID_TEXT_BYTES];
	int64_t head_version; /* 0: no version yet */
};

/* params[0] as a project of the caller's. ERR_NOT_FOUND for any other, deleted ones included. */
NODISCARD int project_of_request(struct app *app, const struct request *rq, struct project_ref *ret,
				 struct err *e);

struct response;

/* The project as JSON. */
NODISCARD int project_respond(struct app *app, struct response *rs, int status, const char *id,
			      const char *user_id, struct err *e);
