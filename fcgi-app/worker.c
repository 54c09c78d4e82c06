#include "worker.h"

#include "app.h"
#include "config.h"
#include "db.h"
#include "dbconn.h"
#include "http/edge.h"
#include "http/exchange.h"
#include "http/fcgi.h"
#include "http_client.h"
#include "log.h"
#include "scoreboard.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Nothing a short call does may take longer; others store whole versions. */
#define SHORT_STATEMENT_MS 5000
#define LONG_STATEMENT_MS  15000

static const char *io_param(void *ctx, const char *name)
{
	return fcgi_param(ctx, name);
}

static ssize_t io_read(void *ctx, char *buf, size_t cap)
{
	return fcgi_read(ctx, buf, cap);
}

static int io_write(void *ctx, const void *bytes, size_t len)
{
	return fcgi_write(ctx, bytes, len);
}

static int io_flush(void *ctx)
{
	return fcgi_flush(ctx);
}

static bool io_peer_gone(void *ctx)
{
	return fcgi_peer_gone(ctx);
}

static void io_abort(void *ctx)
{
	fcgi_abort(ctx);
}

int worker_child_init(pid_t master, void (*on_term)(int))
{
	struct sigaction term = {.sa_handler = on_term};
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigset_t none;

	sigaction(SIGTERM, &term, NULL);
	sigaction(SIGINT, &term, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
	sigaction(SIGHUP, &ignore, NULL);
	sigaction(SIGUSR1, &ignore, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != master) {
		return -1;
	}
	return 0;
}

static void on_term(int signo)
{
	(void)signo;
	fcgi_stop();
}

static int app_open(const struct config *config, struct scoreboard *board, int slot,
		    struct app *ret, struct err *e)
{
	static char release_dir[256];
	enum route_pool pool = scoreboard_pool(board, slot);
	char name[32];
	struct app app = {.config = config, .board = board, .slot = slot};

	(void)snprintf(release_dir, sizeof(release_dir), "%s/release",
		       config_str(config, CFG_STATE_DIR));
	app.release_dir = release_dir;
	(void)snprintf(name, sizeof(name), "slipway-api %s", route_pool_name(pool));
	if (http_client_global_init(e) < 0 ||
	    dbconn_open(config, name, pool == POOL_SHORT ? SHORT_STATEMENT_MS : LONG_STATEMENT_MS,
			&app.db, e) < 0) {
		return -1;
	}
	app.http = http_client_create();
	if (!app.http) {
		db_destroy(app.db);
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	*ret = app;
	return 0;
}

static int serve(struct app *app, struct fcgi_conn *conn, struct err *e)
{
	const struct transport io = {
		.param = io_param,
		.read = io_read,
		.write = io_write,
		.flush = io_flush,
		.peer_gone = io_peer_gone,
		.abort = io_abort,
		.ctx = conn,
	};

	for (;;) {
		int rc = fcgi_accept(conn, e);

		if (rc <= 0) {
			return rc;
		}
		edge_serve(app, &io);
		fcgi_finish(conn);
	}
}

int worker_run(const struct config *config, struct scoreboard *board, int slot, int listen_fd,
	       pid_t master)
{
	struct fcgi_conn *conn = NULL;
	struct app app = {0};
	struct err e;
	int rc;

	if (worker_child_init(master, on_term) < 0) {
		return 1;
	}
	rc = fcgi_global_init(&e);
	if (rc == 0) {
		rc = app_open(config, board, slot, &app, &e);
	}
	if (rc == 0) {
		conn = fcgi_conn_create(listen_fd);
		rc = conn ? serve(&app, conn, &e) : err_set(&e, ERR_INTERNAL, "out of memory");
	}
	if (rc < 0) {
		log_err(LOG_ERROR, "worker_failed", &e);
	}
	fcgi_conn_destroy(conn);
	http_client_destroy(app.http);
	db_destroy(app.db);
	return rc < 0;
}
