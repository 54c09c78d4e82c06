/* access: no bytes in a Cookie header open a preview but a grant, and that opens it wherever it is.
 */

#include "access.h"
#include "preview-router/app.h"

#include <stdlib.h>
#include <string.h>

#define PROJECT "0d5f3c1e-7a4b-4c1d-9e2f-112233445566"
#define OWNER	"c0ffee00-aaaa-4bbb-8ccc-dddddddddddd"
#define NOW_S	1700000000

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len);

static const unsigned char key[GRANT_KEY_BYTES] = "0123456789abcdef0123456789abcde";

static enum access check(struct http_slice first, struct http_slice second)
{
	static struct access_cache cache;
	const struct http_slice name = {"cookie", 6};
	struct app app = {.project_id = PROJECT, .user_id = OWNER};
	struct http_head head = {.n_headers = 2};
	struct access_claim claim;
	struct http_slice value;

	head.headers[0] = (struct http_header){name, first};
	head.headers[1] = (struct http_header){name, second};
	for (size_t n = 0; n < 4 && access_cookie(&head, "a", n, &value); n++) {
		bool in_first =
			value.at >= first.at && value.at + value.len <= first.at + first.len;
		bool in_second =
			value.at >= second.at && value.at + value.len <= second.at + second.len;

		if (!in_first && !in_second) {
			abort();
		}
	}
	return access_check(&app, &head, key, 1, NOW_S, &cache, &claim);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len)
{
	const struct grant g = {.level = GRANT_OWNER,
				.project_id = PROJECT,
				.subject = OWNER,
				.expires_s = NOW_S + 10};
	char cookie[sizeof(GRANT_COOKIE) + 1 + GRANT_TEXT_BYTES] = GRANT_COOKIE "=";
	struct http_slice fuzzed = {(const char *)bytes, len}, good = {cookie, 0};
	struct err e;

	if (grant_seal(key, &g, cookie + strlen(cookie), &e) < 0) {
		abort();
	}
	good.len = strlen(cookie);
	/* Made with the key it would be; an input never is. */
	if (check(fuzzed, (struct http_slice){"b=c", 3}) != ACCESS_NONE) {
		abort();
	}
	if (check(good, fuzzed) != ACCESS_OWNER) {
		abort();
	}
	return 0;
}
