#pragma once

/* Shared by the app's parts: app.c (what others see), app_life.c (what happens to it), app_output.c
 * (what it says), app_listen.c (where it listens), app_calls.c and app_logs.c (the calls). */

#include "app.h"
#include "app_ask.h"
#include "app_log.h"
#include "app_ports.h"
#include "log_lines.h"
#include "plan.h"
#include "supervised.h"
#include "yarn_lock.h"

#define APP_PORT 3000 /* what PORT says unless the caller says otherwise */

/* What is heard within this time of something else may be of the same event: two streams and the
 * looks at the ports are not in step. */
#define APP_TOGETHER_MS 1000

struct app_stream {
	struct app *app;
	enum app_log_stream stream;
	int fd; /* -1: closed */
	struct event *readable;
	struct log_lines lines;
	int64_t read_ms; /* when something came last */
};

/* What is done when the process that is being ended is gone. */
enum app_next {
	APP_NEXT_NOTHING,
	APP_NEXT_STOPPED,
	APP_NEXT_START,
	APP_NEXT_CRASHED, /* with the error that is set */
};

struct app_call;
struct log_reader;
TAILQ_HEAD(app_watchers, app_watcher);
TAILQ_HEAD(app_calls, app_call);
TAILQ_HEAD(log_readers, log_reader);

struct app {
	struct agent *agent;
	struct app_watchers watchers;
	unsigned round;		/* of telling them */
	struct event *touched;	/* something a watcher wants to know has changed */
	struct event *announce; /* a state event is due */
	int64_t announced_ms;

	struct app_log log;
	struct log_readers readers; /* app_logs.c */
	int n_readers;
	struct event *pump; /* there is something new for them */

	enum app_state state;
	int64_t since_ms;
	int64_t starts;

	/* of the last start */
	json_t *env; /* what its caller gave, or NULL */
	bool shared_modules;
	bool planned;
	struct plan plan;
	bool frozen; /* the lockfile is taken as it is */
	bool misfit; /* the package manager says that it does not fit */
	char lock_origin[YARN_LOCK_ORIGIN_MAX_BYTES]; /* where yarn.lock points when nobody installs
						       */
	int exit_code;				      /* -1: none */
	char signal[16];
	char *error;		      /* or NULL */
	int64_t install_ms, start_ms; /* -1: none */

	/* the process: the package manager or the app */
	struct supervised process;
	enum app_log_source phase;
	enum app_next next;
	int64_t process_since_ms;
	int64_t process_log_id; /* its lines begin here */
	int64_t oom_kills;
	int64_t error_ms; /* when its stderr spoke of an error last; 0: never */
	int64_t told_ms;  /* errors until then are behind the state already */
	int input_fd;	  /* never written: an end of stdin ends some watchers */
	struct app_stream out, err;

	/* where it listens */
	struct event *tick;
	struct app_ports ports;
	in_port_t wanted_port;
	in_port_t port; /* the main port, 0: none */
	in_port_t last_port;
	int64_t lost_ms;
	struct app_ask *ask;
	int64_t restarted_ms; /* by itself, after a crash; 0: never */

	struct app_calls stopping; /* calls that wait for the end */
};

/* app.c */
void app_set_state(struct app *app, enum app_state state);
/* Watchers are told, and the log gets a state event. */
void app_touch(struct app *app);
void app_set_error(struct app *app, const char *text, size_t len);
/* A line of our own. */
void app_say(struct app *app, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* app_life.c */
void app_start(struct app *app, json_t *env, bool shared_modules, bool restart);
/* True when there was nothing to stop; otherwise the calls in app->stopping are answered later. */
bool app_stop(struct app *app);
/* Ends the process, for a crash that it does not see itself. */
void app_give_up(struct app *app, const char *why);
bool app_has_process(const struct app *app);
/* The program that a watcher watches has ended, and the watcher stays for the next change of a
 * file. */
void app_program_ended(struct app *app, enum app_state state);
void app_life_init(struct app *app);

/* app_output.c */
struct app_pipes {
	int in[2], out[2], err[2];
};
NODISCARD int app_output_open(struct app *app, struct app_pipes *p, struct err *e);
void app_output_close_pipes(struct app_pipes *p);
/* Reads what is left and closes. */
void app_output_end(struct app *app);
/* Lines that have waited long for their end. */
void app_output_flush_old(struct app *app);
/* When something came last. */
int64_t app_output_last_ms(const struct app *app);

/* app_listen.c */
void app_listen_begin(struct app *app);
void app_listen_end(struct app *app);
void app_listen_look(struct app *app);
/* The next look is due earlier than it was. */
void app_listen_hurry(struct app *app);

/* app_calls.c */
void app_calls_answer_stopping(struct app *app);

/* app_logs.c */
void app_logs_pump(struct app *app);
