#pragma once

/* What a route may take, where the configuration has a say beside its row. */

#include "config.h"
#include "http/route.h"

#include <stdbool.h>
#include <stdint.h>

/* Longest body, in bytes. */
size_t route_body_max(const struct config *config, const struct route *route);

/* Longest time from taking the request to the end of its answer. */
int64_t route_deadline_ms(const struct config *config, const struct route *route);

/* Whether a call of this class counts. announced_bytes: of its body; -1: nginx, which always knows
 * the length of a body, named none, so there is no body. */
bool rate_class_counts(enum rate_class rate, int64_t announced_bytes);

/* How many of this class one user may have at once; CLOCK_NEVER for RATE_NONE. */
int64_t rate_class_max(const struct config *config, enum rate_class rate);
