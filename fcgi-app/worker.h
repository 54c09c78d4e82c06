#pragma once

/* A worker process: takes requests of one pool, one at a time, until it is told to stop. */

#include <sys/types.h>

struct config;
struct scoreboard;

/* Runs in a fresh child of `master`; `slot` is its number in the scoreboard. Returns its exit
 * status. */
int worker_run(const struct config *config, struct scoreboard *board, int slot, int listen_fd,
	       pid_t master);

/* What every child of the master does first: default signals with `on_term` for TERM and INT, and
 * an end of its own when the master dies. -1: the master is gone already. */
int worker_child_init(pid_t master, void (*on_term)(int));
