#include "projects/version_ref.h"

#include "http/request.h"

#include <stdlib.h>
#include <string.h>

/* Versions are numbered without gaps and never deleted, so the head bounds them. */
static int parse(const char *text, const struct project_ref *project, int64_t first, int64_t *ret_n,
		 struct err *e)
{
	int64_t n = strtoll(text, NULL, 10);

	if (strspn(text, "0123456789") != strlen(text) || strlen(text) > 10 || n < first ||
	    n > project->head_version) {
		return err_set(e, ERR_NOT_FOUND, "there is no such version");
	}
	*ret_n = n;
	return 0;
}

int version_of_param(const struct request *rq, size_t i, const struct project_ref *project,
		     int64_t *ret_n, struct err *e)
{
	return parse(rq->params[i], project, 1, ret_n, e);
}

int version_or_nothing_of_param(const struct request *rq, size_t i,
				const struct project_ref *project, int64_t *ret_n, struct err *e)
{
	return parse(rq->params[i], project, 0, ret_n, e);
}

int version_of_query(const struct request *rq, const struct project_ref *project, int64_t *ret_n,
		     struct err *e)
{
	char text[16];
	int found = request_query(rq, "version", text, sizeof(text), e);

	if (found < 0) {
		return -1;
	}
	if (!found) {
		*ret_n = project->head_version;
		return 0;
	}
	return parse(text, project, 1, ret_n, e);
}
