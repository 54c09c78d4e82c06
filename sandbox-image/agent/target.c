#include "target.h"

#include "hex.h"

#include <stdlib.h>
#include <string.h>

static int decode(const char *at, const char *end, char *to, struct err *e)
{
	while (at < end) {
		int high, low;

		if (*at != '%') {
			*to++ = *at++;
			continue;
		}
		high = end - at > 2 ? hex_value(at[1]) : -1;
		low = end - at > 2 ? hex_value(at[2]) : -1;
		if (high < 0 || low < 0) {
			return err_set(e, ERR_INVALID, "the address has a bad %% escape");
		}
		if (high == 0 && low == 0) {
			return err_set(e, ERR_INVALID, "the address has an encoded NUL");
		}
		*to++ = (char)(high << 4 | low);
		at += 3;
	}
	*to = '\0';
	return 0;
}

int target_split(const char *target, size_t len, char *ret_path, char *ret_query, size_t cap,
		 struct err *e)
{
	const char *question = memchr(target, '?', len);
	const char *end = question ? question : target + len;
	size_t query_len = question ? len - (size_t)(question + 1 - target) : 0;

	if (len == 0 || target[0] != '/') {
		return err_set(e, ERR_INVALID, "the request target must be a path");
	}
	if (len >= cap) {
		return err_set(e, ERR_INVALID, "the address is longer than %zu bytes", cap - 1);
	}
	if (decode(target, end, ret_path, e) < 0) {
		return -1;
	}
	if (query_len > 0) {
		memcpy(ret_query, question + 1, query_len);
	}
	ret_query[query_len] = '\0';
	return 0;
}

int target_mode(const char *query, mode_t *ret_mode, struct err *e)
{
	const char *digits = query + 5;
	size_t n;

	if (query[0] == '\0') {
		return 0;
	}
	if (strncmp(query, "mode=", 5) != 0) {
		return err_set(e, ERR_INVALID, "unknown query; the only one is ?mode=0644");
	}
	n = strspn(digits, "01234567");
	if (n < 3 || n > 4 || digits[n] != '\0' || (n == 4 && digits[0] != '0')) {
		return err_set(e, ERR_INVALID, "mode must be octal, 000 to 0777");
	}
	*ret_mode = (mode_t)strtol(digits, NULL, 8);
	return 0;
}
