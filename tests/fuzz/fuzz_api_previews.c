/*
 * What reaches previews' hosts: Host headers, forms, paths to go on to, and times of share links.
 * What is accepted holds what the rest relies on.
 */

#include "cleanup.h"
#include "config.h"
#include "previews/form.h"
#include "previews/preview_url.h"
#include "previews/share_body.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len);

static struct config *config;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct err e;

	(void)argc;
	(void)argv;
	if (config_load(NULL, &config, &e) < 0) {
		abort();
	}
	return 0;
}

static void check(bool good)
{
	if (!good) {
		abort();
	}
}

static void try_form(const char *body, size_t len)
{
	char value[64] = "";
	struct err e;
	int rc = form_field(body, len, "password", value, sizeof(value), &e);

	check(rc >= -1 && rc <= 1);
	check(rc != 1 || strlen(value) < sizeof(value));
	for (const char *at = value; rc == 1 && *at; at++) {
		check((unsigned char)*at >= 0x20 && *at != 0x7f);
	}
}

static void try_host(const char *host)
{
	struct preview_label label;

	if (!preview_host_parse(config, host, &label)) {
		return;
	}
	check(strlen(label.text) < sizeof(label.text));
	check(label.slug >= label.text && label.slug < label.text + strlen(label.text));
	check(strspn(label.text, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(label.text));
}

static void try_path(const char *path)
{
	if (preview_path_ok(path)) {
		check(path[0] == '/' && path[1] != '/' && !strpbrk(path, "\\\r\n\t"));
	}
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len)
{
	auto_free char *text = malloc(len + 1);
	struct err e;
	int64_t s;

	check(text != NULL);
	memcpy(text, bytes, len);
	text[len] = '\0';
	try_form(text, len);
	try_host(text);
	try_path(text);
	if (rfc3339_parse(text, &s, &e) == 0) {
		check(strlen(text) >= 20);
	}
	return 0;
}
