#pragma once

/* The body of Docker's "create container": every limit of a sandbox is in this one place. */

#include <jansson.h>

struct driver_spec;

/* A new reference, or NULL when out of memory. */
json_t *docker_spec_json(const struct driver_spec *spec);
