#pragma once

/* What a worker process holds for its whole life; handed to every handler. */

#include <stdbool.h>

struct config;
struct db;
struct http_client;
struct scoreboard;
struct broker;

struct app {
	const struct config *config;
	struct db *db;
	struct http_client *http; /* agents, sandboxd and the model */
	struct scoreboard *board; /* shared memory of all workers (scoreboard.h) */
	int slot;		  /* ours in it */
	const char *release_dir;  /* where prompts/ and templates/ lie */
};
