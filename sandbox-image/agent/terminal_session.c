#include "terminal_private.h"

#include "cleanup.h"
#include "fds.h"
#include "json.h"
#include "pty.h"
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>

#define TERMINALS_MAX 8 /* living ones */
/* With those that are being ended, and those that have ended and are kept. */
#define KEPT_MAX (3 * TERMINALS_MAX)

#define BASHRC "/usr/local/lib/slipway/bashrc" /* of the image; may be missing */

#define DETACHED_S 60
/* What was hung up gets a second from its supervisor; this is for a supervisor that does not. */
#define HANG_UP_S 3

#define READ_STEP (32 * 1024)
/* At the end: no terminal holds more. */
#define END_STEPS_MAX 16

static void arm(struct terminal *t, int seconds)
{
	const struct timeval tv = {.tv_sec = seconds};

	(void)event_add(t->deadline, &tv);
}

static void free_event(struct event **ev)
{
	if (*ev) {
		event_free(*ev);
		*ev = NULL;
	}
}

static void close_pty(struct terminal *t)
{
	free_event(&t->readable);
	free_event(&t->writable);
	fds_close(&t->master);
	fds_close(&t->tty);
}

static void destroy(struct terminal *t)
{
	TAILQ_REMOVE(&t->agent->terminals, t, link);
	t->agent->n_terminals--;
	supervised_fini(&t->process);
	close_pty(t);
	free_event(&t->deadline);
	if (t->input) {
		evbuffer_free(t->input);
	}
	free(t);
}

/* SIGHUP to the session, a second, and the end of everything. */
void terminal_hang_up(struct terminal *t)
{
	t->ending = true;
	close_pty(t);
	supervised_hang_up(&t->process);
	arm(t, HANG_UP_S);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct terminal *t = arg;

	(void)fd;
	(void)what;
	if (t->ended) {
		destroy(t);
	} else if (t->ending) {
		supervised_kill(&t->process);
	} else {
		terminal_hang_up(t);
	}
}

/* What the terminal has for its client, up to one piece. False when there is nothing more. */
static bool read_step(struct terminal *t)
{
	static char buf[READ_STEP];
	size_t len = 0;
	ssize_t n = 1;

	/* One read gives a page at most. */
	while (n > 0 && len < sizeof(buf)) {
		n = read(t->master, buf + len, sizeof(buf) - len);
		if (n > 0) {
			len += (size_t)n;
		}
	}
	if (len > 0) {
		replay_add(&t->replay, buf, len);
		if (t->client) {
			terminal_client_output(t->client, buf, len);
		}
	}
	return n > 0;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct terminal *t = arg;

	(void)fd;
	(void)what;
	(void)read_step(t);
	if (t->client && terminal_client_full(t->client)) {
		terminal_read(t, false);
	}
}

void terminal_read(struct terminal *t, bool on)
{
	if (!t->readable) {
		return;
	}
	if (on) {
		(void)event_add(t->readable, NULL);
	} else {
		(void)event_del(t->readable);
	}
}

/* Gives the terminal what it takes. */
static void write_input(struct terminal *t)
{
	while (evbuffer_get_length(t->input) > 0) {
		size_t len = evbuffer_get_contiguous_space(t->input);
		ssize_t n = write(t->master, evbuffer_pullup(t->input, (ev_ssize_t)len), len);

		if (n > 0) {
			evbuffer_drain(t->input, (size_t)n);
		} else if (n < 0 && errno == EINTR) {
			continue;
		} else {
			(void)event_add(t->writable, NULL);
			return;
		}
	}
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct terminal *t = arg;

	(void)fd;
	(void)what;
	write_input(t);
	if (t->client) {
		terminal_client_input_taken(t->client);
	}
}

void terminal_input(struct terminal *t, const void *bytes, size_t len)
{
	if (t->master >= 0) {
		evbuffer_add(t->input, bytes, len);
		write_input(t);
	}
}

static void on_started(struct supervised *s, pid_t pid)
{
	(void)s;
	(void)pid;
}

static void on_ended(struct supervised *s, const struct supervisor_msg *m)
{
	struct terminal *t = s->owner;

	for (int i = 0; t->master >= 0 && i < END_STEPS_MAX && read_step(t); i++) {
	}
	if (t->client) {
		terminal_client_exit(t->client, m);
	} else if (!t->ending && m->type != SUPERVISOR_FAILED) {
		t->ended = true; /* for who comes back */
		t->end = *m;
		close_pty(t);
		arm(t, DETACHED_S);
		return;
	}
	destroy(t);
}

static json_t *make_env(const struct agent *agent)
{
	json_t *env = json_copy(agent->code_env);
	const char *path = json_string_value(json_object_get(env, "PATH"));
	json_t *with_modules = json_sprintf("%s/node_modules/.bin:%s", agent->settings.workspace,
					    path ? path : "");

	if (!env || !with_modules || json_object_set(env, "PATH", with_modules) < 0 ||
	    json_object_set_new(env, "TERM", json_string("xterm-256color")) < 0 ||
	    json_object_set_new(env, "COLORTERM", json_string("truecolor")) < 0) {
		json_decref(env);
		env = NULL;
	}
	json_decref(with_modules);
	return env;
}

static int start_shell(struct terminal *t, struct err *e)
{
	static const char *const bash[] = {"/bin/bash", "--rcfile", BASHRC, NULL};
	static const char *const sh[] = {"/bin/sh", NULL};
	const char *const *argv = access(bash[0], X_OK) == 0 ? bash : sh;
	const struct spawn_stdio stdio = {t->tty, t->tty, t->tty, .tty = true};
	auto_json *env = make_env(t->agent);
	struct run_request *rq;
	int result;

	if (!env || json_object_set_new(env, "SHELL", json_string(argv[0])) < 0) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	if (run_request_make(argv, env, &rq, e) < 0) {
		return -1;
	}
	result = supervised_start(&t->process, rq, &stdio, e);
	run_request_destroy(rq);
	return result;
}

static int make_id(char ret[TERMINAL_ID_CHARS + 1], struct err *e)
{
	unsigned char random[TERMINAL_ID_CHARS / 2];

	if (getrandom(random, sizeof(random), 0) != sizeof(random)) {
		return err_errno(e, ERR_INTERNAL, "no random bytes");
	}
	for (size_t i = 0; i < sizeof(random); i++) {
		(void)snprintf(ret + 2 * i, 3, "%02x", random[i]);
	}
	return 0;
}

static int make_events(struct terminal *t, struct err *e)
{
	struct event_base *base = t->agent->base;

	t->readable = event_new(base, t->master, EV_READ | EV_PERSIST, on_readable, t);
	t->writable = event_new(base, t->master, EV_WRITE, on_writable, t);
	t->deadline = evtimer_new(base, on_deadline, t);
	t->input = evbuffer_new();
	if (!t->readable || !t->writable || !t->deadline || !t->input) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	return 0;
}

static int begin(struct terminal *t, const struct terminal_request *rq, struct err *e)
{
	if (make_id(t->id, e) < 0 ||
	    pty_open(t->agent->workspace.uid, rq->cols, rq->rows, &t->master, &t->tty, e) < 0 ||
	    make_events(t, e) < 0) {
		return -1;
	}
	return start_shell(t, e);
}

/* Whether there is, or now is, a place for one more shell: the oldest without a client gives way.
 */
static bool make_place(struct agent *agent)
{
	struct terminal *t, *oldest = NULL;
	int living = 0;

	TAILQ_FOREACH(t, &agent->terminals, link)
	{
		if (t->ending || t->ended) {
			continue;
		}
		living++;
		if (!t->client && !oldest) {
			oldest = t;
		}
	}
	if (living < TERMINALS_MAX) {
		return true;
	}
	if (oldest) {
		terminal_hang_up(oldest);
	}
	return oldest != NULL;
}

/* Whether there is, or now is, memory for one more: the oldest that has ended gives way. */
static bool make_room(struct agent *agent)
{
	struct terminal *t;

	if (agent->n_terminals < KEPT_MAX) {
		return true;
	}
	TAILQ_FOREACH(t, &agent->terminals, link)
	{
		if (t->ended) {
			destroy(t);
			return true;
		}
	}
	return false;
}

int terminal_create(struct agent *agent, const struct terminal_request *rq, struct terminal **ret,
		    struct err *e)
{
	struct terminal *t;

	if (!make_room(agent) || !make_place(agent)) {
		return err_set(e, ERR_RATE_LIMITED, "%d terminals are open in this sandbox",
			       TERMINALS_MAX);
	}
	t = calloc(1, sizeof(*t));
	if (!t) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	t->agent = agent;
	t->master = t->tty = -1;
	replay_init(&t->replay);
	supervised_init(&t->process, agent, t);
	t->process.started = on_started;
	t->process.ended = on_ended;
	TAILQ_INSERT_TAIL(&agent->terminals, t, link);
	agent->n_terminals++;
	if (begin(t, rq, e) < 0) {
		destroy(t);
		return -1;
	}
	*ret = t;
	return 0;
}

struct terminal *terminal_find(struct agent *agent, const char *id)
{
	struct terminal *t;

	TAILQ_FOREACH(t, &agent->terminals, link)
	{
		if (!t->ending && strcmp(t->id, id) == 0) {
			return t;
		}
	}
	return NULL;
}

void terminal_forget(struct terminal *t)
{
	destroy(t);
}

void terminal_attach(struct terminal *t, struct terminal_client *client)
{
	if (t->client) {
		terminal_client_dismiss(t->client);
	}
	t->client = client;
	(void)event_del(t->deadline);
	terminal_read(t, true);
}

void terminal_detach(struct terminal *t)
{
	t->client = NULL;
	arm(t, DETACHED_S);
	terminal_read(t, true);
}

int terminals_attached(const struct agent *agent)
{
	const struct terminal *t;
	int n = 0;

	TAILQ_FOREACH(t, &agent->terminals, link)
	{
		n += t->client != NULL;
	}
	return n;
}

void terminals_fini(struct agent *agent)
{
	struct terminal *t;

	while ((t = TAILQ_FIRST(&agent->terminals)) != NULL) {
		destroy(t);
	}
}
