#include "check.h"

#include "config.h"

#include <string.h>
#include <strings.h>

static const char host_characters[] =
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";

/* The host of "https://host[:port][/]" and nothing more; NULL when it is something else. */
static const char *url_host(const char *url, size_t *ret_len)
{
	const char *host = strncasecmp(url, "https://", 8) == 0	 ? url + 8
			   : strncasecmp(url, "http://", 7) == 0 ? url + 7
								 : NULL;
	const char *rest;

	if (!host) {
		return NULL;
	}
	*ret_len = *host == '[' ? strcspn(host, "]") + 1 : strspn(host, host_characters);
	rest = host + *ret_len;
	if (*rest == ':') {
		rest += 1 + strspn(rest + 1, "0123456789");
	}
	if (*rest == '/') {
		rest++;
	}
	return *ret_len > 0 && *rest == '\0' ? host : NULL;
}

static int check_way_in(const struct config *config, struct err *e)
{
	const char *url = config_str(config, CFG_PUBLIC_URL);
	const char *domain = config_str(config, CFG_PREVIEW_DOMAIN);
	bool cert = config_str(config, CFG_TLS_CERT)[0] != '\0';
	bool key = config_str(config, CFG_TLS_KEY)[0] != '\0';
	size_t len;

	if (url[0] != '\0' && !url_host(url, &len)) {
		return err_set(e, ERR_INVALID,
			       "SLIPWAY_PUBLIC_URL must be scheme and host only, such as"
			       " https://build.example.com");
	}
	if (cert != key) {
		return err_set(
			e, ERR_INVALID,
			"SLIPWAY_TLS_CERT and SLIPWAY_TLS_KEY must be set both or not at all");
	}
	if (domain[strspn(domain, host_characters)] != '\0' || domain[0] == '.' ||
	    domain[0] == '-') {
		return err_set(e, ERR_INVALID,
			       "SLIPWAY_PREVIEW_DOMAIN must be a host name, such as"
			       " preview.example.net");
	}
	return 0;
}

static int check_values(const struct config *config, struct err *e)
{
	static const char *const levels[] = {"debug", "info", "warn", "error"};
	const char *level = config_str(config, CFG_LOG_LEVEL);
	const char *base = config_str(config, CFG_OPENAI_BASE_URL);
	bool known = false;

	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		known = known || strcmp(level, levels[i]) == 0;
	}
	if (!known) {
		return err_set(e, ERR_INVALID,
			       "SLIPWAY_LOG_LEVEL must be debug, info, warn or error");
	}
	if (config_str(config, CFG_STATE_DIR)[0] != '/' ||
	    config_str(config, CFG_RUN_DIR)[0] != '/') {
		return err_set(e, ERR_INVALID,
			       "SLIPWAY_STATE_DIR and SLIPWAY_RUN_DIR must begin with a slash");
	}
	if (base[0] != '\0' && strncasecmp(base, "http://", 7) != 0 &&
	    strncasecmp(base, "https://", 8) != 0) {
		return err_set(e, ERR_INVALID,
			       "OPENAI_BASE_URL must begin with http:// or https://");
	}
	return 0;
}

static bool is_loopback(const char *host, size_t len)
{
	return (len == 9 && strncasecmp(host, "localhost", 9) == 0) ||
	       (len > 4 && strncmp(host, "127.", 4) == 0) ||
	       (len == 5 && strncmp(host, "[::1]", 5) == 0);
}

/* The last two labels: what two names must share to be one site. Too much for co.uk, which is the
 * careful side. */
static const char *site_of(const char *host, size_t len, size_t *ret_len)
{
	size_t at = len;
	int dots = 0;

	while (at > 0 && (dots += host[at - 1] == '.') < 2) {
		at--;
	}
	*ret_len = len - at;
	return host + at;
}

static void warn_of_public(const struct config *config, FILE *warnings)
{
	const char *url = config_str(config, CFG_PUBLIC_URL);
	const char *domain = config_str(config, CFG_PREVIEW_DOMAIN);
	size_t host_len, site_len, domain_len;
	const char *host = url_host(url, &host_len);
	const char *site, *domain_site;

	if (!host || is_loopback(host, host_len)) {
		return;
	}
	if (strncasecmp(url, "https://", 8) != 0) {
		fputs("warning: SLIPWAY_PUBLIC_URL is plain http: passwords and keys cross the"
		      " network readable\n",
		      warnings);
	}
	site = site_of(host, host_len, &site_len);
	domain_site = site_of(domain, strlen(domain), &domain_len);
	if (site_len == domain_len && strncasecmp(site, domain_site, site_len) == 0) {
		fprintf(warnings,
			"warning: previews (%s) and the editor (%s) share a domain, so a preview's"
			" pages count as the same site; use a domain of their own\n",
			domain, url);
	}
}

static void warn_of_bind(const struct config *config, FILE *warnings)
{
	const char *bind = config_str(config, CFG_BIND);

	if (config_str(config, CFG_PUBLIC_URL)[0] == '\0' && strcmp(bind, "::1") != 0 &&
	    !is_loopback(bind, strlen(bind))) {
		fputs("warning: SLIPWAY_BIND is not loopback, but SLIPWAY_PUBLIC_URL is not set:"
		      " browsers elsewhere cannot sign in\n",
		      warnings);
	}
}

int check_config(const struct config *config, FILE *warnings, struct err *e)
{
	if (check_way_in(config, e) < 0 || check_values(config, e) < 0) {
		return -1;
	}
	if (warnings) {
		warn_of_public(config, warnings);
		warn_of_bind(config, warnings);
	}
	return 0;
}
