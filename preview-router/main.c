/* slipway-router: host name → app. docs/ARCHITECTURE.md, "Previews". */

#include "app.h"
#include "buf.h"
#include "client.h"
#include "clock.h"
#include "config.h"
#include "evloop.h"
#include "fs.h"
#include "listener.h"
#include "log.h"
#include "metrics.h"
#include "policy.h"
#include "proxy_limits.h"
#include "routes.h"
#include "token.h"
#include "version.h"

#include <event2/event.h>
#include <getopt.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define SOCKET_GROUP   "slipway-routers"
#define PATH_BYTES     160
#define DRAIN_CHECK_MS 250

static struct event *stop_event;
static struct timer drain_timer;
static int64_t drain_until_ms;

struct options {
	const char *config;
	bool check;
};

static void usage(FILE *out)
{
	(void)fputs("usage: slipway-router [--config FILE] [--check | --version]\n"
		    "  --config FILE  KEY=value lines (docs/CONFIG.md); the environment wins\n"
		    "  --check        say whether the configuration is right\n"
		    "  --version      print the version\n",
		    out);
}

/* 0, 1 to end well, 2 to end badly. */
static int parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{"config", required_argument, NULL, 'c'},
		{"check", no_argument, NULL, 'k'},
		{"version", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int c;

	*o = (struct options){0};
	while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->config = optarg;
			break;
		case 'k':
			o->check = true;
			break;
		case 'v':
			(void)puts("slipway-router " SLIPWAY_VERSION);
			return 1;
		case 'h':
			usage(stdout);
			return 1;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (optind < argc) {
		usage(stderr);
		return 2;
	}
	return 0;
}

/* Event streams and WebSockets have no end to wait for. */
static void count_streams(void *ctx, struct app *app)
{
	*(int64_t *)ctx += app->n_streams;
}

static void on_drain(struct timer *t)
{
	int64_t streams = 0;

	routes_each(count_streams, &streams);
	if (metrics.exchanges <= streams || evloop_now_ms() >= drain_until_ms) {
		(void)event_base_loopbreak(evloop_base());
		return;
	}
	timer_set(t, evloop_now_ms() + DRAIN_CHECK_MS);
}

static void on_stop(evutil_socket_t fd, short what, void *arg)
{
	struct signalfd_siginfo info;

	(void)what, (void)arg;
	evloop_wake();
	if (read(fd, &info, sizeof(info)) < 0 || limits.draining) {
		return;
	}
	log_info("draining", "{s:I}", "exchanges", (json_int_t)metrics.exchanges);
	limits.draining = true;
	listeners_close();
	clients_drain();
	drain_until_ms = evloop_now_ms() + DRAIN_MS;
	drain_timer.fn = on_drain;
	on_drain(&drain_timer);
}

/* TERM and INT drain. */
static int watch_stop_signals(struct err *e)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 ||
	    (fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot make a signalfd");
	}
	stop_event = event_new(evloop_base(), fd, EV_READ | EV_PERSIST, on_stop, NULL);
	if (!stop_event || event_add(stop_event, NULL) < 0) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	return 0;
}

/* Each exchange has two descriptors. */
static void raise_descriptor_limit(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < r.rlim_max) {
		r.rlim_cur = r.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &r);
	}
}

static int listen_all(const struct config *c, struct err *e)
{
	const char *run = config_str(c, CFG_RUN_DIR), *at = config_str(c, CFG_ROUTER_LISTEN);
	char path[PATH_BYTES];
	struct err none;

	/* As a rule it is there, made by the service's script with the right owner. */
	(void)snprintf(path, sizeof(path), "%s/router", run);
	(void)!fs_mkdirs(path, 0755, &none);
	(void)snprintf(path, sizeof(path), "unix:%s/router/router.sock", run);
	if (listener_open(at[0] != '\0' ? at : path, SOCKET_GROUP, false, e) < 0) {
		return -1;
	}
	(void)snprintf(path, sizeof(path), "unix:%s/router/metrics.sock", run);
	return listener_open(path, SOCKET_GROUP, true, e);
}

static int start(const struct config *c, struct err *e)
{
	limits.app_conns = (int)config_int(c, CFG_ROUTER_APP_CONNS);
	limits.idle_ms = config_int(c, CFG_ROUTER_IDLE_S) * 1000;
	limits.total_ms = config_int(c, CFG_ROUTER_TOTAL_S) * 1000;
	(void)signal(SIGPIPE, SIG_IGN);
	raise_descriptor_limit();
	/* Signals first: the database's thread inherits what is blocked. */
	if (evloop_init(e) < 0 || watch_stop_signals(e) < 0 ||
	    policy_init(evloop_base(), c, e) < 0 || routes_start(evloop_base(), c, e) < 0) {
		return -1;
	}
	return listen_all(c, e);
}

static void stop(void)
{
	listeners_close();
	clients_close_all();
	routes_stop();
	policy_fini();
	if (stop_event) {
		close(event_get_fd(stop_event));
		event_free(stop_event);
	}
	timer_clear(&drain_timer);
	evloop_fini();
	buf_drop_free();
}

static int serve(const struct config *c, struct err *e)
{
	int rc = start(c, e);

	if (rc == 0) {
		log_info("started", "{s:s}", "version", SLIPWAY_VERSION);
		if (event_base_dispatch(evloop_base()) < 0) {
			rc = err_set(e, ERR_INTERNAL, "the event loop failed");
		}
	}
	stop();
	log_info("stopped", NULL);
	return rc;
}

int main(int argc, char **argv)
{
	struct config *config = NULL;
	struct options options;
	struct err e = {0};
	int rc = parse_options(argc, argv, &options);

	if (rc != 0) {
		return rc == 1 ? 0 : 2;
	}
	umask(077);
	rc = token_global_init(&e);
	if (rc == 0) {
		rc = config_load(options.config, &config, &e);
	}
	if (rc == 0) {
		log_init("slipway-router", log_level_of(config_str(config, CFG_LOG_LEVEL)));
		rc = options.check ? 0 : serve(config, &e);
	}
	if (rc < 0) {
		(void)fprintf(stderr, "slipway-router: %s\n", e.text);
	}
	config_destroy(config);
	return rc < 0 ? 1 : 0;
}
