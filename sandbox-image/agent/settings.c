#include "settings.h"

#include "relay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_number(const char *name, long min, long max, long def, long *ret, struct err *e)
{
	const char *text = getenv(name);
	char *end;
	long v;

	if (!text || text[0] == '\0') {
		if (def < min) {
			return err_set(e, ERR_INVALID, "%s is not set", name);
		}
		*ret = def;
		return 0;
	}
	v = strtol(text, &end, 10);
	if (*end != '\0' || v < min || v > max) {
		return err_set(e, ERR_INVALID, "%s must be a number from %ld to %ld", name, min,
			       max);
	}
	*ret = v;
	return 0;
}

static int copy_text(const char *what, const char *text, char *to, size_t cap, struct err *e)
{
	if (strlen(text) >= cap) {
		return err_set(e, ERR_INVALID, "%s is longer than %zu bytes", what, cap - 1);
	}
	strcpy(to, text);
	return 0;
}

static int read_listen(struct settings *s, struct err *e)
{
	const char *text = getenv("SLIPWAY_LISTEN");

	if (!text || text[0] == '\0') {
		text = "unix:/run/slipway/agent.sock";
	}
	if (strncmp(text, "unix:/", 6) == 0) {
		s->listen_tcp = false;
		return copy_text("SLIPWAY_LISTEN", text + 5, s->listen_at, sizeof(s->listen_at), e);
	}
	if (strncmp(text, "tcp:", 4) != 0) {
		return err_set(e, ERR_INVALID,
			       "SLIPWAY_LISTEN must be unix:/path or tcp:address:port");
	}
	s->listen_tcp = true;
	if (strlen(s->token) < SETTINGS_TOKEN_MIN_BYTES) {
		return err_set(e, ERR_INVALID,
			       "SLIPWAY_LISTEN=tcp:… wants SLIPWAY_AGENT_TOKEN of at least %d "
			       "bytes, or anybody could run code here",
			       SETTINGS_TOKEN_MIN_BYTES);
	}
	return copy_text("SLIPWAY_LISTEN", text + 4, s->listen_at, sizeof(s->listen_at), e);
}

static int read_options(int argc, char *const *argv, struct settings *s, struct err *e)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--no-pid1") == 0) {
			s->pid1 = false;
		} else if (strcmp(argv[i], "--workspace") == 0 && i + 1 < argc) {
			if (copy_text("--workspace", argv[++i], s->workspace, sizeof(s->workspace),
				      e) < 0) {
				return -1;
			}
		} else {
			return err_set(e, ERR_INVALID,
				       "unknown option %s (known: --no-pid1, --workspace DIR)",
				       argv[i]);
		}
	}
	return 0;
}

static int read_text(const char *name, const char *def, char *to, size_t cap, struct err *e)
{
	const char *text = getenv(name);

	return copy_text(name, text && text[0] ? text : def, to, cap, e);
}

/* What only the app profile needs. */
static int read_app(struct settings *s, struct err *e)
{
	long start_s, install_s;

	if (read_text("SLIPWAY_HOME", "/workspace", s->home, sizeof(s->home), e) < 0 ||
	    read_text("SLIPWAY_REGISTRY", "", s->registry, sizeof(s->registry), e) < 0 ||
	    read_number("SLIPWAY_APP_START_TIMEOUT_S", 1, 3600, 120, &start_s, e) < 0 ||
	    read_number("SLIPWAY_INSTALL_TIMEOUT_S", 1, 7200, 600, &install_s, e) < 0) {
		return -1;
	}
	if (s->home[0] != '/') {
		return err_set(e, ERR_INVALID, "SLIPWAY_HOME must be an absolute path");
	}
	if (s->registry[0] != '\0' && strncmp(s->registry, "http://", 7) != 0 &&
	    strncmp(s->registry, "https://", 8) != 0) {
		return err_set(e, ERR_INVALID, "SLIPWAY_REGISTRY must be an http(s) address");
	}
	s->app_start_timeout_ms = start_s * 1000;
	s->install_timeout_ms = install_s * 1000;
	return 0;
}

/* Out of the environment once it is read: /proc/1/environ shows this very memory. */
static int take_secret(struct settings *s, struct err *e)
{
	char *text = getenv("SLIPWAY_RELAY_SECRET");
	size_t len = text ? strlen(text) : 0;

	if (len == 0) {
		return 0;
	}
	if (len != sizeof(s->relay_secret) - 1 || strspn(text, "0123456789abcdef") != len) {
		return err_set(e, ERR_INVALID,
			       "SLIPWAY_RELAY_SECRET must be %zu digits of lower-case hex",
			       sizeof(s->relay_secret) - 1);
	}
	strcpy(s->relay_secret, text);
	explicit_bzero(text, len);
	(void)unsetenv("SLIPWAY_RELAY_SECRET");
	return 0;
}

int settings_load(int argc, char *const *argv, struct settings *ret, struct err *e)
{
	struct settings s = {.pid1 = true, .relay_port = RELAY_PORT, .workspace = "/workspace"};
	const char *token = getenv("SLIPWAY_AGENT_TOKEN");
	const char *id = getenv("SLIPWAY_SANDBOX_ID");
	long uid, runs_max, run_queue;

	if (read_options(argc, argv, &s, e) < 0 ||
	    copy_text("SLIPWAY_SANDBOX_ID", id ? id : "", s.sandbox_id, sizeof(s.sandbox_id), e) <
		    0 ||
	    copy_text("SLIPWAY_AGENT_TOKEN", token ? token : "", s.token, sizeof(s.token), e) < 0 ||
	    read_listen(&s, e) < 0 || take_secret(&s, e) < 0 || read_app(&s, e) < 0 ||
	    read_number("SLIPWAY_UID", 1, INT_MAX, 0, &uid, e) < 0 ||
	    read_number("SLIPWAY_RUNS_MAX", 1, 32, 1, &runs_max, e) < 0 ||
	    read_number("SLIPWAY_RUN_QUEUE", 0, 64, 8, &run_queue, e) < 0) {
		return -1;
	}
	s.uid = (uid_t)uid;
	s.runs_max = (int)runs_max;
	/* Some connections are left for everything that is not a run. */
	s.run_queue = (int)run_queue;
	if (s.run_queue > SETTINGS_RUN_CONNS_MAX - s.runs_max) {
		s.run_queue = SETTINGS_RUN_CONNS_MAX - s.runs_max;
	}
	*ret = s;
	return 0;
}
