#include "agent_state.h"

#include "cleanup.h"
#include "json.h"
#include "utf8.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[] = {
	[AGENT_UNKNOWN] = "",
	[AGENT_STOPPED] = "stopped",
	[AGENT_INSTALLING] = "installing",
	[AGENT_STARTING] = "starting",
	[AGENT_RUNNING] = "running",
	[AGENT_CRASHED] = "crashed",
	[AGENT_EXITED] = "exited",
};

static void copy_string(const json_t *value, char *ret, size_t cap)
{
	utf8_copy(ret, cap, json_is_string(value) ? json_string_value(value) : "");
}

static enum agent_app state_of(const json_t *value)
{
	const char *name = json_is_string(value) ? json_string_value(value) : "";

	for (size_t i = AGENT_STOPPED; i < ARRAY_LEN(names); i++) {
		if (strcmp(name, names[i]) == 0) {
			return (enum agent_app)i;
		}
	}
	return AGENT_UNKNOWN;
}

static void read_ports(const json_t *list, struct agent_state *s)
{
	for (size_t i = 0; i < json_array_size(list) && s->n_ports < AGENT_PORTS_MAX; i++) {
		json_int_t port = json_integer_value(json_array_get(list, i));

		if (port > 0 && port <= UINT16_MAX) {
			s->ports[s->n_ports++] = (uint16_t)port;
		}
	}
}

static bool is_text(const json_t *object, const char *key, const char *text)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value && strcmp(value, text) == 0;
}

/* The last ones. */
static void read_lines(const json_t *list, struct agent_state *s)
{
	size_t n = json_array_size(list), first = n > AGENT_LINES_MAX ? n - AGENT_LINES_MAX : 0;
	char text[AGENT_LINE_MAX_BYTES];

	for (size_t i = first; i < n; i++) {
		const json_t *line = json_array_get(list, i);
		struct agent_line *to = &s->lines[s->n_lines];

		copy_string(json_object_get(line, "text"), text, sizeof(text));
		to->is_error = is_text(line, "stream", "stderr");
		to->is_system = is_text(line, "stream", "system");
		to->text = strdup(text);
		if (!to->text) {
			return;
		}
		s->n_lines++;
	}
}

int agent_state_parse(const char *answer, size_t len, struct agent_state *ret, struct err *e)
{
	static const char ok[] = "OK 0\n";
	struct agent_state s = {.state = AGENT_UNKNOWN};
	auto_json *o = NULL;
	const json_t *plan;

	if (len < sizeof(ok) - 1 || memcmp(answer, ok, sizeof(ok) - 1) != 0) {
		return err_set(e, ERR_UPSTREAM, "the relay did not say OK");
	}
	if (json_parse(answer + sizeof(ok) - 1, len - (sizeof(ok) - 1), AGENT_ANSWER_MAX_BYTES, &o,
		       e) < 0) {
		e->kind = ERR_UPSTREAM;
		return err_prefix(e, "the relay's status");
	}
	s.state = state_of(json_object_get(o, "state"));
	if (s.state == AGENT_UNKNOWN) {
		return err_set(e, ERR_UPSTREAM, "the relay's status has no state");
	}
	s.for_ms = json_integer_value(json_object_get(o, "for_ms"));
	s.for_ms = s.for_ms > 0 ? s.for_ms : 0;
	plan = json_object_get(o, "plan");
	copy_string(json_object_get(plan, "install"), s.install, sizeof(s.install));
	copy_string(json_object_get(plan, "command"), s.command, sizeof(s.command));
	copy_string(json_object_get(o, "error"), s.error, sizeof(s.error));
	read_ports(json_object_get(o, "ports"), &s);
	read_lines(json_object_get(o, "lines"), &s);
	*ret = s;
	return 0;
}

void agent_state_fini(struct agent_state *s)
{
	for (size_t i = 0; i < s->n_lines; i++) {
		free(s->lines[i].text);
	}
	*s = (struct agent_state){.state = AGENT_UNKNOWN};
}
