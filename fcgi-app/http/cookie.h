#pragma once

/* The Cookie request header (RFC 6265, section 4.2). */

#include <stdbool.h>
#include <stddef.h>

/* Copies the value of the first cookie of that name. False when absent, empty, not made of cookie
 * octets, or longer than cap - 1. */
bool cookie_get(const char *header, const char *name, char *buf, size_t cap);
