/* slipway-api: the command line. */

#include "accounts/account.h"
#include "check.h"
#include "cleanup.h"
#include "config.h"
#include "http/locations.h"
#include "json.h"
#include "log.h"
#include "master.h"
#include "migrate.h"
#include "ops/handlers.h"
#include "token.h"
#include "version.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

enum command {
	CMD_SERVE,
	CMD_CHECK,
	CMD_MIGRATE,
	CMD_CREATE_OWNER,
	CMD_HAS_OWNER,
	CMD_LOCATIONS,
	CMD_OPENAPI,
	CMD_CONFIG_DOC,
	CMD_CONFIG_EFFECTIVE,
	CMD_VERSION,
	CMD_HELP,
};

struct options {
	enum command command;
	const char *config_path;
	const char *argument; /* of --migrate and --create-owner */
	const char *api_key_name;
};

static const char help[] =
	"slipway-api: Slipway's HTTP API behind nginx (FastCGI)\n"
	"\n"
	"  --config FILE            serve, with this configuration; for the commands below too\n"
	"  --check                  check the configuration\n"
	"  --migrate DIR            apply the migrations of DIR that are new\n"
	"  --create-owner EMAIL     make the first owner, with the password on standard input;\n"
	"                           when there is one already, nothing is changed\n"
	"      --api-key NAME       and make an API key of that owner, printed on standard output\n"
	"  --has-owner              print whether there is one: yes or no\n"
	"  --nginx-locations        print nginx's locations\n"
	"  --openapi                print openapi.json\n"
	"  --config-doc             print docs/CONFIG.md\n"
	"  --config-effective       print the configuration in force, without secrets\n"
	"  --version\n";

static const struct option long_options[] = {
	{"config", required_argument, NULL, 'c'},
	{"api-key", required_argument, NULL, 'k'},
	{"check", no_argument, NULL, 256 + CMD_CHECK},
	{"migrate", required_argument, NULL, 256 + CMD_MIGRATE},
	{"create-owner", required_argument, NULL, 256 + CMD_CREATE_OWNER},
	{"has-owner", no_argument, NULL, 256 + CMD_HAS_OWNER},
	{"nginx-locations", no_argument, NULL, 256 + CMD_LOCATIONS},
	{"openapi", no_argument, NULL, 256 + CMD_OPENAPI},
	{"config-doc", no_argument, NULL, 256 + CMD_CONFIG_DOC},
	{"config-effective", no_argument, NULL, 256 + CMD_CONFIG_EFFECTIVE},
	{"version", no_argument, NULL, 256 + CMD_VERSION},
	{"help", no_argument, NULL, 256 + CMD_HELP},
	{NULL, 0, NULL, 0},
};

static int parse_options(int argc, char **argv, struct options *ret)
{
	int c;

	*ret = (struct options){.command = CMD_SERVE};
	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (c == 'c') {
			ret->config_path = optarg;
		} else if (c == 'k') {
			ret->api_key_name = optarg;
		} else if (c >= 256) {
			ret->command = (enum command)(c - 256);
			ret->argument = optarg;
		} else {
			return -1;
		}
	}
	return optind == argc ? 0 : -1;
}

static int print_openapi(struct err *e)
{
	auto_json *document = openapi_document();

	if (!document || json_dumpf(document, stdout, JSON_INDENT(2)) < 0 || putchar('\n') == EOF) {
		return err_set(e, ERR_INTERNAL, "cannot print the document");
	}
	return 0;
}

static int with_config(const struct options *o, const struct config *config, struct err *e)
{
	switch (o->command) {
	case CMD_SERVE:
		return check_config(config, NULL, e) < 0 ? -1 : master_run(config, e);
	case CMD_CHECK:
		if (check_config(config, stderr, e) < 0) {
			return -1;
		}
		puts("the configuration is valid");
		return 0;
	case CMD_MIGRATE:
		return migrate_run(config, o->argument, e);
	case CMD_CREATE_OWNER:
		return account_create_owner(config, o->argument, o->api_key_name, e);
	case CMD_HAS_OWNER:
		return account_print_has_owner(config, e);
	case CMD_LOCATIONS:
		return locations_write(config, stdout, e);
	case CMD_CONFIG_EFFECTIVE:
		config_write_effective(config, stdout);
		return 0;
	case CMD_OPENAPI:
	case CMD_CONFIG_DOC:
	case CMD_VERSION:
	case CMD_HELP:
		break;
	}
	return err_set(e, ERR_INTERNAL, "a command without a body");
}

static int run(const struct options *o, struct err *e)
{
	struct config *config = NULL;
	int rc;

	switch (o->command) {
	case CMD_OPENAPI:
		return print_openapi(e);
	case CMD_CONFIG_DOC:
		config_write_markdown(stdout);
		return 0;
	case CMD_VERSION:
		puts("slipway-api " SLIPWAY_VERSION);
		return 0;
	case CMD_HELP:
		fputs(help, stdout);
		return 0;
	case CMD_SERVE:
	case CMD_CHECK:
	case CMD_MIGRATE:
	case CMD_CREATE_OWNER:
	case CMD_HAS_OWNER:
	case CMD_LOCATIONS:
	case CMD_CONFIG_EFFECTIVE:
		break;
	}
	if (config_load(o->config_path, &config, e) < 0) {
		return -1;
	}
	log_init("slipway-api", log_level_of(config_str(config, CFG_LOG_LEVEL)));
	rc = with_config(o, config, e);
	config_destroy(config);
	return rc;
}

int main(int argc, char **argv)
{
	struct options o;
	struct err e;

	if (parse_options(argc, argv, &o) < 0) {
		fputs(help, stderr);
		return 2;
	}
	if (token_global_init(&e) < 0 || run(&o, &e) < 0) {
		fprintf(stderr, "slipway-api: %s\n", e.text);
		return 1;
	}
	return fflush(stdout) == 0 ? 0 : 1;
}
