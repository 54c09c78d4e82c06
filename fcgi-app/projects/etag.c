#include "projects/etag.h"

#include "http/request.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void etag_write(int64_t changed_in, char ret_etag[ETAG_BYTES])
{
	snprintf(ret_etag, ETAG_BYTES, "\"v%" PRId64 "\"", changed_in);
}

bool etag_list_has(const char *list, const char *etag, bool weak)
{
	size_t len = strlen(etag);

	while (*list) {
		const char *end;
		bool is_weak;

		list += strspn(list, " \t,");
		is_weak = !strncmp(list, "W/", 2);
		list += is_weak ? 2 : 0;
		if (*list != '"') {
			return false; /* a list that cannot be read matches nothing */
		}
		end = strchr(list + 1, '"');
		if (!end) {
			return false;
		}
		end++;
		if ((weak || !is_weak) && (size_t)(end - list) == len && !memcmp(list, etag, len)) {
			return true;
		}
		list = end;
	}
	return false;
}

bool etag_has_condition(const struct request *rq)
{
	return request_header(rq, "If-Match") || request_header(rq, "If-None-Match");
}

static bool names(const char *list, const char *etag, bool weak)
{
	return etag && (!strcmp(list, "*") || etag_list_has(list, etag, weak));
}

int etag_check_write(const struct request *rq, const char *etag, struct err *e)
{
	const char *match = request_header(rq, "If-Match");
	const char *none_match = request_header(rq, "If-None-Match");

	if (match && !names(match, etag, false)) {
		return err_set(e, ERR_PRECONDITION,
			       etag ? "the file is at %s now; read it again"
				    : "there is no such file%s",
			       etag ? etag : "");
	}
	if (none_match && names(none_match, etag, true)) {
		return err_set(e, ERR_PRECONDITION, "the file is there already, at %s", etag);
	}
	return 0;
}
