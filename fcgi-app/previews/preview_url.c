#include "previews/preview_url.h"

#include "config.h"
#include "utf8.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PORT_DIGITS_MAX 5

void public_url_of(const struct config *config, char ret_url[PREVIEW_PART_BYTES])
{
	const char *url = config_str(config, CFG_PUBLIC_URL);
	size_t len = strlen(url);

	if (len == 0) {
		(void)snprintf(ret_url, PREVIEW_PART_BYTES, "http://localhost:%" PRId64,
			       config_int(config, CFG_PORT));
		return;
	}
	while (len > 0 && url[len - 1] == '/') {
		len--;
	}
	(void)snprintf(ret_url, PREVIEW_PART_BYTES, "%.*s", (int)len, url);
}

/* ":8443" of "https://build.example.com:8443", "" when there is none. An IPv6 address has colons of
 * its own, but ends with a bracket. */
static const char *port_of(const char *authority)
{
	const char *colon = strrchr(authority, ':');

	return colon && strspn(colon + 1, "0123456789") == strlen(colon + 1) ? colon : "";
}

void preview_base_of(const struct config *config, struct preview_base *ret)
{
	char url[PREVIEW_PART_BYTES];
	bool https;
	const char *port;

	public_url_of(config, url);
	https = strncasecmp(url, "https://", 8) == 0;
	port = port_of(url + (https ? 8 : strlen("http://")));
	if (strcmp(port, https ? ":443" : ":80") == 0) {
		port = "";
	}
	(void)snprintf(ret->before, sizeof(ret->before), "%s", https ? "https://" : "http://");
	(void)snprintf(ret->after, sizeof(ret->after), ".%s%s",
		       config_str(config, CFG_PREVIEW_DOMAIN), port);
}

/* Length of "3001--" at the beginning, 0: there is no such thing; -1: it is no port. */
static int port_prefix(const char *text)
{
	size_t digits = strspn(text, "0123456789");
	long port;

	if (digits == 0 || strncmp(text + digits, "--", 2) != 0) {
		return 0;
	}
	if (digits > PORT_DIGITS_MAX || text[0] == '0') {
		return -1;
	}
	port = strtol(text, NULL, 10);
	return port <= 65535 ? (int)digits + 2 : -1;
}

bool preview_label_parse(const char *text, struct preview_label *ret)
{
	size_t len = strlen(text);
	int prefix;

	if (len == 0 || len >= sizeof(ret->text)) {
		return false;
	}
	for (size_t i = 0; i <= len; i++) {
		char c = text[i];

		ret->text[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	prefix = port_prefix(ret->text);
	if (prefix < 0) {
		return false;
	}
	ret->slug = ret->text + prefix;
	return ret->slug[0] != '\0' && ret->slug[0] != '-' && ret->text[len - 1] != '-' &&
	       strspn(ret->slug, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(ret->slug);
}

bool preview_host_parse(const struct config *config, const char *host, struct preview_label *ret)
{
	const char *domain = config_str(config, CFG_PREVIEW_DOMAIN);
	size_t label_len = strcspn(host, ".");
	const char *rest = host + label_len + 1;
	char label[PREVIEW_LABEL_BYTES];

	if (host[label_len] != '.' || label_len >= sizeof(label) ||
	    strncasecmp(rest, domain, strlen(domain)) != 0) {
		return false;
	}
	rest += strlen(domain);
	if (rest[0] == ':' && strspn(rest + 1, "0123456789") == strlen(rest + 1)) {
		rest += strlen(rest);
	}
	if (rest[0] != '\0') {
		return false;
	}
	memcpy(label, host, label_len);
	label[label_len] = '\0';
	return preview_label_parse(label, ret);
}

bool preview_path_ok(const char *path)
{
	size_t len = strnlen(path, PREVIEW_PATH_MAX + 1);

	if (len > PREVIEW_PATH_MAX || path[0] != '/' || path[1] == '/') {
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)path[i];

		if (c < 0x20 || c == 0x7f || c == '\\') {
			return false;
		}
	}
	return utf8_valid(path, len);
}
