/* slipway-sandboxd: owns every container. docs/ARCHITECTURE.md, "sandboxd's protocol". */

#include "check.h"
#include "config.h"
#include "daemon.h"
#include "driver.h"
#include "http_client.h"
#include "log.h"
#include "network.h"
#include "settings.h"
#include "token.h"
#include "worker.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* No statement of ours takes long; a hung database must not hold a thread for ever. */
#define PG_OPTIONS "-c statement_timeout=15000 -c lock_timeout=10000"

enum mode {
	MODE_SERVE,
	MODE_ENSURE_IMAGE,
	MODE_CHECK,
	MODE_REMOVE_NETWORK,
};

struct options {
	enum mode mode;
	const char *config, *image_dir, *agent;
};

static void usage(FILE *out)
{
	(void)fputs("usage: slipway-sandboxd [--config FILE] [--image-dir DIR] [--agent FILE]\n"
		    "                        [--ensure-image | --check | --remove-network]\n"
		    "  --config FILE     KEY=value lines (docs/CONFIG.md); the environment wins\n"
		    "  --image-dir DIR   sandbox-image/, instead of the release's\n"
		    "  --agent FILE      slipway-agent, instead of the release's\n"
		    "  --ensure-image    build the sandbox image when it is missing or changed\n"
		    "  --check           say whether everything needed is there\n"
		    "  --remove-network  remove the apps' network and its firewall rules\n",
		    out);
}

/* 0, 1 to end well, 2 to end badly. */
static int parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{"config", required_argument, NULL, 'c'},
		{"image-dir", required_argument, NULL, 'i'},
		{"agent", required_argument, NULL, 'a'},
		{"ensure-image", no_argument, NULL, 'e'},
		{"check", no_argument, NULL, 'k'},
		{"remove-network", no_argument, NULL, 'n'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int c;

	*o = (struct options){.mode = MODE_SERVE};
	while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->config = optarg;
			break;
		case 'i':
			o->image_dir = optarg;
			break;
		case 'a':
			o->agent = optarg;
			break;
		case 'e':
			o->mode = MODE_ENSURE_IMAGE;
			break;
		case 'k':
			o->mode = MODE_CHECK;
			break;
		case 'n':
			o->mode = MODE_REMOVE_NETWORK;
			break;
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

static void print_line(void *ctx, const char *line)
{
	(void)ctx;
	(void)puts(line);
	(void)fflush(stdout);
}

static int ensure_image(const struct settings *s, struct err *e)
{
	struct sandboxd d = {.settings = s};
	struct worker w;
	int rc;

	if (worker_init(&w, &d, "slipway-sandboxd image", e) < 0) {
		return -1;
	}
	rc = w.driver->ops->image_ensure(w.driver, print_line, NULL, e);
	worker_fini(&w);
	return rc;
}

static int remove_network(const struct settings *s, struct err *e)
{
	struct sandboxd d = {.settings = s};
	struct worker w;
	int rc;

	if (worker_init(&w, &d, "slipway-sandboxd network", e) < 0) {
		return -1;
	}
	rc = network_remove(&w, e);
	worker_fini(&w);
	return rc;
}

static int serve(struct settings *s, struct err *e)
{
	if (settings_find_accounts(s, e) < 0) {
		return -1;
	}
	return daemon_run(s, e);
}

static int run(const struct options *o, struct settings *s, struct err *e)
{
	switch (o->mode) {
	case MODE_SERVE:
		return serve(s, e);
	case MODE_ENSURE_IMAGE:
		return ensure_image(s, e);
	case MODE_REMOVE_NETWORK:
		return remove_network(s, e);
	case MODE_CHECK:
		return check_run(s) == 0 ? 0 : err_set(e, ERR_UNAVAILABLE, "see above");
	}
	return 0;
}

int main(int argc, char **argv)
{
	static struct settings settings;
	struct config *config = NULL;
	struct options options;
	struct err e = {0};
	int rc = parse_options(argc, argv, &options);

	if (rc != 0) {
		return rc == 1 ? 0 : 2;
	}
	umask(022);
	(void)setenv("PGOPTIONS", PG_OPTIONS, 0);
	rc = http_client_global_init(&e);
	if (rc == 0) {
		rc = token_global_init(&e);
	}
	if (rc == 0) {
		rc = config_load(options.config, &config, &e);
	}
	if (rc == 0) {
		log_init("slipway-sandboxd", log_level_of(config_str(config, CFG_LOG_LEVEL)));
		rc = settings_load(config, options.image_dir, options.agent, &settings, &e);
	}
	if (rc == 0) {
		rc = run(&options, &settings, &e);
	}
	if (rc < 0) {
		(void)fprintf(stderr, "slipway-sandboxd: %s\n", e.text);
	}
	config_destroy(config);
	return rc < 0 ? 1 : 0;
}
