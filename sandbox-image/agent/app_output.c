#include "app_error.h"
#include "app_private.h"
#include "cleanup.h"
#include "clock.h"
#include "fds.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define READ_STEP (64 * 1024)

/* Pieces read at the end: a pipe holds 16 at most, and somebody outside may go on writing. */
#define END_STEPS_MAX 32

/* A line without its end is shown after this: it may be a question. */
#define UNFINISHED_MS 500

/* What a package manager says when the lockfile does not fit the manifest. */
static const char *const misfits[] = {
	"npm error code EUSAGE",
	"ERR_PNPM_OUTDATED_LOCKFILE",
	"ERR_PNPM_LOCKFILE_",
	"ERR_PNPM_BROKEN_LOCKFILE",
	"ERR_PNPM_FROZEN_LOCKFILE",
	"Your lockfile needs to be updated",
	"YN0028",
	"The lockfile would have been modified",
};

/* What watchers say that stay when the program they watch has ended. Those that say nothing:
 * app_listen.c. */
static const struct {
	const char *mark;
	enum app_state state;
} ends[] = {
	{"Failed running '", APP_CRASHED},			 /* node --watch */
	{"Completed running '", APP_EXITED},			 /* node --watch */
	{"app crashed - waiting for file changes", APP_CRASHED}, /* nodemon */
	{"clean exit - waiting for changes", APP_EXITED},	 /* nodemon */
};

static void look_for_misfit(struct app *app, const char *text)
{
	for (size_t i = 0; i < ARRAY_LEN(misfits); i++) {
		app->misfit = app->misfit || strstr(text, misfits[i]);
	}
}

static void look_for_end(struct app *app, const char *text)
{
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		if (strstr(text, ends[i].mark)) {
			app_program_ended(app, ends[i].state);
			app->told_ms += APP_TOGETHER_MS;
		}
	}
}

static void on_line(void *ctx, const char *text, size_t len)
{
	const struct app_stream *s = ctx;
	struct app *app = s->app;

	app_log_add(&app->log, s->stream, app->phase, text, len);
	event_active(app->pump, EV_TIMEOUT, 0);
	if (app->phase == APP_LOG_INSTALL) {
		look_for_misfit(app, text);
		return;
	}
	if (s->stream == APP_LOG_STDERR && app_error_is_told(text)) {
		app->error_ms = clock_mono_ms();
	}
	look_for_end(app, text);
}

/* False at the end, and when there is nothing to read. */
static bool read_step(struct app_stream *s)
{
	static char buf[READ_STEP];
	ssize_t n = read(s->fd, buf, sizeof(buf));

	if (n > 0) {
		s->read_ms = clock_mono_ms();
		log_lines_feed(&s->lines, buf, (size_t)n, on_line, s);
		return true;
	}
	if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		(void)event_del(s->readable);
	}
	return false;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)read_step(arg);
}

static int open_stream(struct app *app, struct app_stream *s, enum app_log_stream stream, int fd,
		       struct err *e)
{
	s->app = app;
	s->stream = stream;
	s->fd = fd;
	log_lines_init(&s->lines);
	s->readable = event_new(app->agent->base, fd, EV_READ | EV_PERSIST, on_readable, s);
	if (!s->readable || event_add(s->readable, NULL) < 0) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	return 0;
}

static void close_stream(struct app_stream *s)
{
	if (s->fd < 0) {
		return;
	}
	for (int i = 0; i < END_STEPS_MAX && read_step(s); i++) {
	}
	log_lines_flush(&s->lines, on_line, s);
	log_lines_fini(&s->lines);
	if (s->readable) {
		event_free(s->readable);
		s->readable = NULL;
	}
	fds_close(&s->fd);
}

void app_output_close_pipes(struct app_pipes *p)
{
	for (int i = 0; i < 2; i++) {
		fds_close(&p->in[i]);
		fds_close(&p->out[i]);
		fds_close(&p->err[i]);
	}
}

int app_output_open(struct app *app, struct app_pipes *p, struct err *e)
{
	*p = (struct app_pipes){{-1, -1}, {-1, -1}, {-1, -1}};
	if (pipe2(p->in, O_CLOEXEC) < 0 || pipe2(p->out, O_CLOEXEC) < 0 ||
	    pipe2(p->err, O_CLOEXEC) < 0 || fds_nonblock(p->out[0]) < 0 ||
	    fds_nonblock(p->err[0]) < 0) {
		err_errno(e, ERR_UNAVAILABLE, "cannot make pipes");
		app_output_close_pipes(p);
		return -1;
	}
	app->input_fd = steal_fd(&p->in[1]);
	if (open_stream(app, &app->out, APP_LOG_STDOUT, steal_fd(&p->out[0]), e) < 0 ||
	    open_stream(app, &app->err, APP_LOG_STDERR, steal_fd(&p->err[0]), e) < 0) {
		app_output_close_pipes(p);
		app_output_end(app);
		return -1;
	}
	return 0;
}

void app_output_end(struct app *app)
{
	close_stream(&app->out);
	close_stream(&app->err);
	fds_close(&app->input_fd);
}

static void flush_old(struct app_stream *s)
{
	if (s->fd >= 0 && clock_mono_ms() - s->read_ms >= UNFINISHED_MS) {
		log_lines_flush(&s->lines, on_line, s);
	}
}

int64_t app_output_last_ms(const struct app *app)
{
	return app->out.read_ms > app->err.read_ms ? app->out.read_ms : app->err.read_ms;
}

void app_output_flush_old(struct app *app)
{
	flush_old(&app->out);
	flush_old(&app->err);
}
