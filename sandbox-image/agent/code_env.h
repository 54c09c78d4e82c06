#pragma once

/* The environment of code: what every program in a sandbox sees. */

#include "err.h"
#include "settings.h"

#include <jansson.h>

/* {"PATH": …, "HOME": …, "LANG": …} and, where there is a package cache, what makes each package
 * manager use it. NULL when out of memory. The agent keeps one in agent->code_env. */
json_t *code_env_make(const struct settings *s);

/* Adds what only the app's processes see (PORT, HOST, no telemetry). -1: out of memory. */
int code_env_add_app(json_t *env);
