#pragma once

/* nginx's locations, printed from the route table. */

#include "err.h"

#include <stdio.h>

struct config;

/* One location for each pattern of the table, and a last one for what is no route, on `out`. */
NODISCARD int locations_write(const struct config *config, FILE *out, struct err *e);
