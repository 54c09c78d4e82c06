#pragma once

/*
 * Migrations: plain SQL files "<four digits>_<name>.sql" of a directory, run once each in the order
 * of their names, each in a transaction of its own with its row in schema_migrations. Forward only.
 * A file that was applied may never change again: its checksum is compared.
 */

#include "err.h"

struct config;

/* Says on stdout what it applied. Two at once are safe: the second waits, then finds nothing to do.
 */
NODISCARD int migrate_run(const struct config *config, const char *dir, struct err *e);
