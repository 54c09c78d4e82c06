#pragma once

/* What the configuration table cannot say: values that must fit each other. */

#include "err.h"

#include <stdio.h>

struct config;

/* ERR_INVALID names the key and says what to write. What is allowed but unwise goes to `warnings`
 * (NULL: nowhere), one line each. Looks at nothing but the configuration. */
NODISCARD int check_config(const struct config *config, FILE *warnings, struct err *e);
