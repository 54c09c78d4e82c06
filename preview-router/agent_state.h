#pragma once

/* What the agent in a sandbox says of the app: docs/ARCHITECTURE.md, "The app in the agent". It is
 * hostile: bounded, and every text is checked to be UTF-8. */

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AGENT_ANSWER_MAX_BYTES (64 * 1024 + 256)
#define AGENT_TEXT_BYTES       512
#define AGENT_PORTS_MAX	       32
#define AGENT_LINES_MAX	       40
#define AGENT_LINE_MAX_BYTES   2000

enum agent_app {
	AGENT_UNKNOWN,
	AGENT_STOPPED,
	AGENT_INSTALLING,
	AGENT_STARTING,
	AGENT_RUNNING,
	AGENT_CRASHED,
	AGENT_EXITED,
};

struct agent_line {
	bool is_error, is_system;
	char *text;
};

struct agent_state {
	enum agent_app state;
	int64_t for_ms;
	uint16_t ports[AGENT_PORTS_MAX];
	size_t n_ports;
	char install[AGENT_TEXT_BYTES], command[AGENT_TEXT_BYTES], error[AGENT_TEXT_BYTES];
	struct agent_line lines[AGENT_LINES_MAX];
	size_t n_lines;
};

/* The relay's whole answer to `status`: "OK 0", then JSON. ERR_UPSTREAM when it is no such thing.
 */
NODISCARD int agent_state_parse(const char *answer, size_t len, struct agent_state *ret,
				struct err *e);
void agent_state_fini(struct agent_state *s);
