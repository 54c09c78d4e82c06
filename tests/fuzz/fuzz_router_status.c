/* agent_state: what a relay says is bounded, and text is UTF-8. */

#include "agent_state.h"
#include "utf8.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len);

static void check_text(const char *text, size_t max)
{
	size_t len = strlen(text);

	if (len >= max || !utf8_valid(text, len)) {
		abort();
	}
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len)
{
	struct agent_state s;
	struct err e;

	if (agent_state_parse((const char *)bytes, len, &s, &e) < 0) {
		return 0;
	}
	if (s.n_ports > AGENT_PORTS_MAX || s.n_lines > AGENT_LINES_MAX || s.for_ms < 0) {
		abort();
	}
	check_text(s.error, sizeof(s.error));
	check_text(s.install, sizeof(s.install));
	check_text(s.command, sizeof(s.command));
	for (size_t i = 0; i < s.n_lines; i++) {
		check_text(s.lines[i].text, AGENT_LINE_MAX_BYTES);
	}
	agent_state_fini(&s);
	return 0;
}
