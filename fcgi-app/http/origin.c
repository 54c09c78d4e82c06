#include "http/origin.h"

#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* A browser leaves the scheme's own port out and writes scheme and host in lower case. */
static bool same_origin(const char *url, const char *origin)
{
	const char *host = strstr(url, "://");
	size_t len;

	if (!host) {
		return false;
	}
	host += 3;
	len = (size_t)(host - url) + strcspn(host, "/");
	if (strncasecmp(url, "https://", 8) == 0 && len > 12 &&
	    strncmp(url + len - 4, ":443", 4) == 0) {
		len -= 4;
	} else if (strncasecmp(url, "http://", 7) == 0 && len > 10 &&
		   strncmp(url + len - 3, ":80", 3) == 0) {
		len -= 3;
	}
	return strlen(origin) == len && strncasecmp(url, origin, len) == 0;
}

bool origin_is_ours(const struct config *config, const char *origin)
{
	static const char *const hosts[] = {"localhost", "127.0.0.1", "[::1]"};
	const char *public_url = config_str(config, CFG_PUBLIC_URL);

	if (public_url[0] != '\0') {
		return same_origin(public_url, origin);
	}
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		char url[64];

		(void)snprintf(url, sizeof(url), "http://%s:%" PRId64, hosts[i],
			       config_int(config, CFG_PORT));
		if (same_origin(url, origin)) {
			return true;
		}
	}
	return false;
}

bool origin_is_https(const struct config *config)
{
	return strncasecmp(config_str(config, CFG_PUBLIC_URL), "https://", 8) == 0;
}

bool method_is_safe(const char *method)
{
	return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}
