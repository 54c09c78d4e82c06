#include "live.h"

#include "agent.h"
#include "app.h"
#include "app_policy.h"
#include "cleanup.h"
#include "evloop.h"
#include "exchange.h"
#include "json.h"
#include "strbuf.h"

#include <stdio.h>
#include <string.h>

/* A moment more than a page looks apart: what the agent said last is shown so long. */
#define AGENT_HOLDS_MS 5000

struct words {
	enum live_kind kind;
	const char *state, *title, *detail;
};

static void say(struct live *l, const struct words *w)
{
	l->kind = w->kind;
	l->state = w->state;
	l->title = w->title;
	(void)snprintf(l->detail, sizeof(l->detail), "%s", w->detail);
}

static const struct words no_files = {
	LIVE_STUCK, "empty", "Nothing here yet",
	"This project has no files. As soon as something is built, it "
	"shows here."};
static const struct words stopped = {LIVE_STUCK, "stopped", "Stopped by its owner",
				     "It comes back when its owner starts it again."};
static const struct words asleep = {LIVE_STUCK, "asleep", "Asleep",
				    "It sleeps while nobody uses it. Load the page again to wake "
				    "it."};
static const struct words waking = {LIVE_COMING, "waking", "Waking up",
				    "It sleeps while nobody uses it. Waking it takes a moment."};
static const struct words trying_again = {LIVE_COMING, "waking", "Starting once more",
					  "The last start did not work."};
static const struct words falling_asleep = {
	LIVE_COMING, "stopping", "Falling asleep",
	"It is being put to sleep and wakes again right after."};
static const struct words no_place = {
	LIVE_COMING, "waiting", "Waiting for a place",
	"As many apps run as this machine has room for. This one starts "
	"as soon as another one sleeps."};
static const struct words not_woken = {LIVE_COMING, "waking", "Waking up",
				       "Starting did not work right now. It is tried again in a "
				       "moment."};
static const struct words failed = {LIVE_STUCK, "failed", "It could not be started",
				    "Load the page again to try once more."};
static const struct words unreachable = {LIVE_COMING, "starting", "Looking for the app",
					 "Its sandbox does not answer right now."};

/* By the row's phase, docs/ARCHITECTURE.md, "Starting one". */
static const struct {
	const char *phase;
	struct words words;
} phases[] = {
	{"waiting",
	 {LIVE_COMING, "waiting", "Waiting for a place",
	  "As many apps run as this machine has room for. This one starts as soon as another one "
	  "sleeps."}},
	{"packages",
	 {LIVE_COMING, "installing", "Installing packages",
	  "These packages are new here, so they are fetched once. The next start is quick."}},
	{"sandbox", {LIVE_COMING, "starting", "Waking up", "Its sandbox is being started."}},
	{"files",
	 {LIVE_COMING, "starting", "Bringing in the files", "The newest version, as saved."}},
	{"app", {LIVE_COMING, "starting", "Starting the app", "Its sandbox is ready."}},
	{"", {LIVE_COMING, "starting", "Starting", "Its sandbox is being started."}},
};

static const struct words *phase_words(const char *phase)
{
	size_t i = 0;

	while (i + 1 < ARRAY_LEN(phases) && strcmp(phases[i].phase, phase) != 0) {
		i++;
	}
	return &phases[i].words;
}

static const struct words bad_words[] = {
	[REFUSED_LIMIT] = {LIVE_COMING, "busy", "Too many visitors at once",
			   "The app has as many connections as it may. It is tried again in a "
			   "moment."},
	[REFUSED_MALFORMED] =
		{LIVE_COMING, "bad_answer", "The app sent something that is not a page",
		 "What came from the app is not HTTP. It is tried again in a moment."},
	[REFUSED_CLOSED] = {LIVE_COMING, "bad_answer", "The app hung up",
			    "It closed the connection before it answered. It is tried again in a "
			    "moment."},
	[REFUSED_TIMEOUT] = {LIVE_COMING, "bad_answer", "The app does not answer",
			     "It took the request and never said anything. It is tried again in a "
			     "moment."},
};

static bool listens(const struct agent_state *s, uint16_t port)
{
	for (size_t i = 0; i < s->n_ports; i++) {
		if (s->ports[i] == port) {
			return true;
		}
	}
	return false;
}

static bool is_bad(const struct app_policy *p)
{
	return evloop_now_ms() < p->bad.until_ms;
}

static void say_running(const struct app_policy *p, const struct live_viewer *v, struct live *l)
{
	l->has_log = true;
	if (is_bad(p)) {
		say(l, &bad_words[p->bad.why]);
		l->for_ms = evloop_now_ms() - p->bad.at_ms;
	} else if (v->inner_port != 0 && !listens(&p->agent, v->inner_port)) {
		say(l, &(struct words){LIVE_COMING, "port", "Nothing listens there", ""});
		(void)snprintf(l->detail, sizeof(l->detail),
			       "The app runs, but nothing in it listens on port %u.",
			       (unsigned)v->inner_port);
	} else {
		say(l, &(struct words){LIVE_READY, "running", "Here it is", ""});
	}
}

static void say_crashed(const struct agent_state *s, const struct live_viewer *v, struct live *l)
{
	say(l, &(struct words){LIVE_STUCK, "crashed", "The app has crashed",
			       "Its owner can see why. It shows here as soon as it runs again."});
	if (v->is_owner) {
		(void)snprintf(l->detail, sizeof(l->detail),
			       "This is what it said. As soon as it runs again, it shows here.");
		l->error = s->error[0] ? s->error : NULL;
	}
}

/* What runs, for its owner. */
static void say_command(struct live *l, const struct live_viewer *v, const char *command)
{
	if (v->is_owner && command[0] != '\0') {
		(void)snprintf(l->detail, sizeof(l->detail), "%s", command);
	}
}

static void say_agent(const struct app_policy *p, const struct live_viewer *v, struct live *l)
{
	const struct agent_state *s = &p->agent;

	l->for_ms = s->for_ms + evloop_now_ms() - p->agent_ms;
	l->has_log = true;
	switch (s->state) {
	case AGENT_INSTALLING:
		say(l, &(struct words){LIVE_COMING, "installing", "Installing packages",
				       "The first time takes longest."});
		say_command(l, v, s->install);
		break;
	case AGENT_STARTING:
		say(l, &(struct words){LIVE_COMING, "starting", "Starting the app",
				       "Its server has not opened its port yet."});
		say_command(l, v, s->command);
		break;
	case AGENT_RUNNING:
		say_running(p, v, l);
		break;
	case AGENT_CRASHED:
		say_crashed(s, v, l);
		break;
	case AGENT_EXITED:
		say(l, &(struct words){LIVE_STUCK, "exited", "The app has ended",
				       "It ended by itself, without an error and without a page."});
		break;
	case AGENT_STOPPED:
	case AGENT_UNKNOWN:
		say(l, p->wake.wanted || p->wake.ask ? &waking : &asleep);
		break;
	}
}

static void say_asleep(const struct app_policy *p, struct live *l)
{
	if (strcmp(p->wake.error, "rate_limited") == 0 || strcmp(p->wake.error, "no_space") == 0) {
		say(l, &no_place);
	} else if (p->wake.error[0] != '\0') {
		say(l, &not_woken);
	} else {
		/* 202 came, and the row is about to say so. */
		say(l, p->wake.wanted || p->wake.ask || evloop_now_ms() < p->wake.not_before_ms
			       ? &waking
			       : &asleep);
	}
}

static void say_failed(const struct app_policy *p, const struct live_viewer *v, struct live *l)
{
	say(l, p->wake.wanted || p->wake.ask ? &trying_again : &failed);
	l->error = v->is_owner && p->app->error[0] ? p->app->error : NULL;
}

void live_of(const struct app_policy *p, const struct live_viewer *v, struct live *ret)
{
	const struct app *app = p->app;
	bool heard = p->agent_ms != 0 && evloop_now_ms() - p->agent_ms < AGENT_HOLDS_MS;
	struct live l = {.for_ms = evloop_now_ms() - p->since_ms};

	if (!app->has_files) {
		say(&l, &no_files);
	} else if (app->app_stopped) {
		say(&l, &stopped);
	} else if (app->state == APP_STOPPED && app->phase[0] == '\0') {
		say_asleep(p, &l);
	} else if (app->state == APP_FAILED) {
		say_failed(p, v, &l);
	} else if (app->state == APP_STOPPING) {
		say(&l, &falling_asleep);
	} else if (app->state == APP_RUNNING && heard &&
		   (app->phase[0] == '\0' || p->agent.state == AGENT_RUNNING)) {
		say_agent(p, v, &l);
	} else if (app->state == APP_RUNNING && app->phase[0] == '\0') {
		say(&l, p->unreachable_ms != 0 ? &unreachable : phase_words("app"));
	} else {
		say(&l, phase_words(app->phase));
	}
	*ret = l;
}

struct live_viewer live_viewer_of(const struct exchange_target *t)
{
	return (struct live_viewer){.inner_port = t->inner_port, .is_owner = t->is_owner};
}

static json_t *lines_json(const struct agent_state *s)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < s->n_lines; i++) {
		const struct agent_line *line = &s->lines[i];
		const char *stream = line->is_error    ? "stderr"
				     : line->is_system ? "system"
						       : "stdout";

		if (json_array_append_new(list, json_pack("{s:s,s:s}", "stream", stream, "text",
							  line->text)) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static const char *const app_states[] = {
	[APP_STOPPED] = "stopped",   [APP_STARTING] = "starting", [APP_RUNNING] = "running",
	[APP_STOPPING] = "stopping", [APP_FAILED] = "failed",
};

int live_json(const struct app_policy *p, const struct live_viewer *v, struct strbuf *out)
{
	auto_free char *text = NULL;
	auto_json *o = NULL;
	struct live l;

	live_of(p, v, &l);
	o = json_pack("{s:s,s:s,s:s,s:s,s:s,s:I,s:b,s:b,s:s?}", "state", l.state, "sandbox",
		      app_states[p->app->state], "phase", p->app->phase, "title", l.title, "detail",
		      l.detail, "for_ms", (json_int_t)l.for_ms, "ready", l.kind == LIVE_READY,
		      "waits", l.kind == LIVE_COMING, "error", l.error);
	if (o && v->is_owner && l.has_log) {
		json_object_set_new(o, "lines", lines_json(&p->agent));
	}
	text = o ? json_text(o) : NULL;
	return text ? strbuf_adds(out, text) : -1;
}
