#include "previews/form.h"

#include "http/request.h"
#include "http/uri.h"

#include <string.h>
#include <strings.h>

#define FORM_TYPE "application/x-www-form-urlencoded"

int form_check_type(const struct request *rq, struct err *e)
{
	const char *type = request_header(rq, "Content-Type");
	size_t len = type ? strcspn(type, "; \t") : 0;

	if (len != strlen(FORM_TYPE) || strncasecmp(type, FORM_TYPE, len) != 0) {
		return err_set(e, ERR_UNSUPPORTED, "send the form as Content-Type: " FORM_TYPE);
	}
	return 0;
}

int form_field(const char *body, size_t len, const char *name, char *buf, size_t cap, struct err *e)
{
	size_t name_len = strlen(name);
	const char *end = body + len;

	for (const char *at = body; at < end;) {
		const char *amp = memchr(at, '&', (size_t)(end - at));
		size_t pair = (size_t)((amp ? amp : end) - at);

		if (pair > name_len && at[name_len] == '=' && memcmp(at, name, name_len) == 0) {
			return uri_decode(URI_QUERY, at + name_len + 1, pair - name_len - 1, buf,
					  cap, e) < 0
				       ? -1
				       : 1;
		}
		at += pair + (amp ? 1 : 0);
	}
	return 0;
}
