#pragma once

/* SLIPWAY_SANDBOXES_MAX: who has to go when everything is taken. */

#include "err.h"

#include <stdbool.h>

struct worker;

/* Whether another sandbox may run: if need be after the one that has been idle for longest, for a
 * minute at least and without a run, was stopped. */
NODISCARD int places_make_room(struct worker *w, bool *ret_room, struct err *e);
