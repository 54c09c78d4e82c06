#pragma once

/* The builder's turns over HTTP (docs/API.md). */

#include "http/route.h"

route_handler generate_post; /* generate.c */
route_handler generations_list, generation_get, generation_events_get, generation_cancel;

extern const struct json_field generate_fields[3]; /* prompt, mode, model; generate.c */
