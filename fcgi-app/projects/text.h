#pragma once

/* Texts of people that are shown on one line: names and messages. */

#include "err.h"

#include <stddef.h>

/* `text` is UTF-8. ERR_INVALID, naming the field: a control character, more characters than
 * max_chars, or nothing but spaces. */
NODISCARD int text_check_line(const char *field, const char *text, size_t max_chars, struct err *e);
