#include "http/cookie.h"

#include <string.h>

/* cookie-octet: visible US-ASCII without quote, comma, semicolon and backslash. */
static bool is_octet(char c)
{
	return c > 0x20 && c < 0x7f && c != '"' && c != ',' && c != ';' && c != '\\';
}

static bool copy_value(const char *at, size_t len, char *buf, size_t cap)
{
	if (len == 0 || len >= cap) {
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		if (!is_octet(at[i])) {
			return false;
		}
	}
	memcpy(buf, at, len);
	buf[len] = '\0';
	return true;
}

bool cookie_get(const char *header, const char *name, char *buf, size_t cap)
{
	size_t name_len = strlen(name);

	for (const char *at = header; *at;) {
		size_t len;

		at += strspn(at, " \t");
		len = strcspn(at, ";");
		if (len > name_len && at[name_len] == '=' && memcmp(at, name, name_len) == 0) {
			const char *value = at + name_len + 1;
			size_t value_len = len - name_len - 1;

			while (value_len > 0 &&
			       (value[value_len - 1] == ' ' || value[value_len - 1] == '\t')) {
				value_len--;
			}
			return copy_value(value, value_len, buf, cap);
		}
		at += len + (at[len] == ';');
	}
	return false;
}
