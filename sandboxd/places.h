#pragma once

/* SLIPWAY_SANDBOXES_MAX and SLIPWAY_USER_SANDBOXES_MAX: who has to go when everything is taken. */

#include "err.h"

#include <stdbool.h>

struct worker;

/*
 * Whether another sandbox of the user may run: if need be after the one that has been idle for
 * longest, for a minute at least and without being at work, was stopped; one of the user's own when
 * it is the user who has too many.
 */
NODISCARD int places_make_room(struct worker *w, const char *user_id, bool *ret_room,
			       struct err *e);

/* ERR_RATE_LIMITED unless another sandbox of the user may run. The caller keeps others from taking
 * the same place (claim_mutex). */
NODISCARD int places_check(struct worker *w, const char *user_id, struct err *e);
