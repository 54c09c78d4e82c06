#pragma once

/* What operators and their tools ask. */

#include "http/route.h"

#include <jansson.h>

route_handler healthz_get, readyz_get; /* health.c */
route_handler metrics_get;	       /* metrics.c */
route_handler openapi_get;	       /* openapi.c */

/* The OpenAPI 3.1 document of the route table, or NULL when out of memory. */
json_t *openapi_document(void);
