#pragma once

/* Handlers of GET /templates and GET /models. */

#include "app.h"
#include "err.h"
#include "http/request.h"
#include "http/response.h"

/* {"items": [{"id", "name", "description", "tags", "files"}], "next": null} */
NODISCARD int templates_list(struct app *app, struct request *rq, struct response *rs,
			     struct err *e);

/* {"items": [{"id", "provider", "default"}], "next": null}; the default comes first. */
NODISCARD int models_list(struct app *app, struct request *rq, struct response *rs, struct err *e);
