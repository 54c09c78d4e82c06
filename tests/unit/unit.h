#pragma once

/* What every unit test includes: cmocka with its prerequisites, and checks of struct err. */

#include "err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define assert_ok(call)                                                                            \
	do {                                                                                       \
		if ((call) < 0) {                                                                  \
			fail_msg("%s failed: %s", #call, e.text);                                  \
		}                                                                                  \
	} while (0)

#define assert_err(call, expected_kind)                                                            \
	do {                                                                                       \
		e = (struct err){0};                                                               \
		if ((call) >= 0) {                                                                 \
			fail_msg("%s did not fail", #call);                                        \
		}                                                                                  \
		if (e.kind != (expected_kind)) {                                                   \
			fail_msg("%s: %s, wanted %s (%s)", #call, err_kind_name(e.kind),           \
				 err_kind_name(expected_kind), e.text);                            \
		}                                                                                  \
	} while (0)
