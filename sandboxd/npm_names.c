#include "npm_names.h"

#include <stdio.h>
#include <string.h>

#define DIGITS	"0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define BASE64	LETTERS DIGITS "+/"

#define MODULES	     "node_modules/"
#define SHA512	     "sha512-"
#define SHA512_CHARS 86 /* and two of padding */

static bool only(const char *s, size_t len, const char *allowed)
{
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '\0' || !strchr(allowed, s[i])) {
			return false;
		}
	}
	return true;
}

static bool word_ok(const char *s, size_t len)
{
	return len > 0 && s[0] != '.' && only(s, len, LETTERS DIGITS "._~-");
}

static bool name_ok(const char *s, size_t len)
{
	const char *slash = memchr(s, '/', len);

	if (len > NPM_NAME_MAX_BYTES) {
		return false;
	}
	if (len > 0 && s[0] == '@') {
		return slash && word_ok(s + 1, (size_t)(slash - s) - 1) &&
		       word_ok(slash + 1, len - (size_t)(slash - s) - 1);
	}
	return word_ok(s, len);
}

bool npm_name_ok(const char *name)
{
	return name_ok(name, strlen(name));
}

bool npm_version_ok(const char *version)
{
	const char *at = version;

	for (int part = 0; part < 3; part++) {
		size_t digits = strspn(at, DIGITS);

		if (digits == 0 || digits > 16) {
			return false;
		}
		at += digits;
		if (part < 2 && *at++ != '.') {
			return false;
		}
	}
	if (*at == '\0') {
		return true;
	}
	return *at == '-' && at[1] != '\0' && strlen(version) <= 256 &&
	       only(at, strlen(at), LETTERS DIGITS ".-");
}

/* What begins with a dot, or ends like an archive, is a file to npm (npm-package-arg). */
static bool range_ok(const char *s)
{
	return s[0] != '.' && only(s, strlen(s), LETTERS DIGITS "._+~^<>=|*, -") &&
	       !strcasestr(s, ".tgz") && !strcasestr(s, ".tar");
}

bool npm_spec_ok(const char *spec)
{
	const char *at;

	if (strlen(spec) > NPM_SPEC_MAX_BYTES) {
		return false;
	}
	if (strncmp(spec, "npm:", 4) != 0) {
		return range_ok(spec);
	}
	spec += 4;
	at = strchr(spec[0] == '@' ? spec + 1 : spec, '@');
	return at ? name_ok(spec, (size_t)(at - spec)) && range_ok(at + 1) : npm_name_ok(spec);
}

bool npm_integrity_ok(const char *integrity)
{
	const char *hash = integrity + strlen(SHA512);

	return strncmp(integrity, SHA512, strlen(SHA512)) == 0 &&
	       strspn(hash, BASE64) == SHA512_CHARS && strcmp(hash + SHA512_CHARS, "==") == 0;
}

bool npm_path_ok(const char *path, const char **ret_name)
{
	const char *name = NULL;

	do {
		const char *next;

		if (strncmp(path, MODULES, strlen(MODULES)) != 0) {
			return false;
		}
		name = path + strlen(MODULES);
		next = strstr(name, "/" MODULES);
		if (!name_ok(name, next ? (size_t)(next - name) : strlen(name))) {
			return false;
		}
		path = next ? next + 1 : NULL;
	} while (path);
	*ret_name = name;
	return true;
}

const char *npm_base_name(const char *name)
{
	const char *slash = strrchr(name, '/');

	return slash ? slash + 1 : name;
}

bool npm_tarball_ok(const char *url, const char *name, const char *version)
{
	char end[2 * NPM_NAME_MAX_BYTES + 300];
	size_t len = strlen(url);
	int n = snprintf(end, sizeof(end), "/%s/-/%s-%s.tgz", name, npm_base_name(name), version);

	if (n < 0 || (size_t)n >= sizeof(end) || len <= (size_t)n ||
	    strcmp(url + len - (size_t)n, end) != 0) {
		return false;
	}
	return (strncmp(url, "https://", 8) == 0 || strncmp(url, "http://", 7) == 0) &&
	       only(url, len, LETTERS DIGITS "._~:/@-");
}
