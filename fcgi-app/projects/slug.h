#pragma once

/* A project's name in the address of its preview: readable, one DNS label, not to be guessed. */

#include "err.h"

#define SLUG_BYTES	  48 /* without the NUL */
#define SLUG_RANDOM_BYTES 10

/* "<words of the name>-<10 random characters of a-z0-9>". Never ends or begins with a hyphen. */
NODISCARD int slug_make(const char *name, char ret_slug[SLUG_BYTES + 1], struct err *e);
