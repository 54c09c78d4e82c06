#pragma once

/* Running code over HTTP (docs/API.md). */

#include "http/route.h"

route_handler execute_post, project_execute_post;

extern const struct json_field execute_fields[3];
extern const struct json_field project_execute_fields[4];
