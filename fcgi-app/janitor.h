#pragma once

/*
 * The janitor: one process of its own that keeps the database tidy. It marks generations whose
 * worker died, and removes what has served its time. Several at once (several hosts) do no harm.
 */

#include <stdbool.h>
#include <sys/types.h>

struct config;
struct db;

/* Runs in a fresh child of `master` until TERM. Returns the exit status. */
int janitor_run(const struct config *config, pid_t master);

/* One round; `rare` adds what need not be done every time. What fails is logged and tried next
 * time. */
void janitor_round(struct db *db, bool rare);
