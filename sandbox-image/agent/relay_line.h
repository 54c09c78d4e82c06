#pragma once

/* The first line on a relay connection (docs/ARCHITECTURE.md, "The relay"). */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RELAY_LINE_MAX_BYTES 128 /* with its line feed */
#define RELAY_SECRET_CHARS   64	 /* lower-case hex */
#define RELAY_WAIT_MAX_MS    60000

struct relay_request {
	bool status;	/* the state is wanted, not a connection */
	in_port_t port; /* host order; 0: the app's main port */
	int wait_ms;
};

enum relay_line_result {
	RELAY_LINE_OK,
	RELAY_LINE_SYNTAX,
	RELAY_LINE_SECRET, /* well-formed, with another secret */
};

/*
 * Reads a whole line, given without its line feed. Fields are separated by exactly one space,
 * numbers are decimal without sign or leading zeros. *ret is written only with RELAY_LINE_OK. How
 * long it takes does not tell where a wrong secret differs.
 */
enum relay_line_result relay_line_parse(const char *line, size_t len, const char *secret,
					struct relay_request *ret);
