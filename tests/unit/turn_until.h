#pragma once

/* For tests that turn an event loop themselves. */

#include "clock.h"
#include "unit.h"

/* Calls turn() of the file that includes this until `done` is true, for DEADLINE_MS of that file at
 * most. */
#define turn_until(done)                                                                           \
	do {                                                                                       \
		int64_t turn_end_ = clock_mono_ms() + DEADLINE_MS;                                 \
		while (!(done)) {                                                                  \
			assert_true(clock_mono_ms() < turn_end_);                                  \
			turn();                                                                    \
		}                                                                                  \
	} while (0)
