#include "projects/slug.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/random.h>

#define WORDS_MAX (SLUG_BYTES - 1 - SLUG_RANDOM_BYTES)

static size_t add_words(const char *name, char *out)
{
	size_t n = 0;
	bool gap = false;

	for (; *name && n < WORDS_MAX; name++) {
		char c = *name >= 'A' && *name <= 'Z' ? (char)(*name - 'A' + 'a') : *name;

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))) {
			gap = n > 0;
			continue;
		}
		if (gap && n + 1 < WORDS_MAX) {
			out[n++] = '-';
		} else if (gap) {
			break;
		}
		gap = false;
		out[n++] = c;
	}
	return n;
}

/* Each of the 36 characters is equally likely: bytes above the largest multiple of 36 are not used.
 */
static int add_random(char *out, size_t len, struct err *e)
{
	static const char alphabet[36] = "abcdefghijklmnopqrstuvwxyz0123456789";
	unsigned char pool[64];
	size_t n = 0;

	while (n < len) {
		ssize_t got = getrandom(pool, sizeof(pool), 0);

		if (got < 0) {
			return err_errno(e, ERR_INTERNAL, "getrandom");
		}
		for (size_t i = 0; i < (size_t)got && n < len; i++) {
			if (pool[i] < 252) {
				out[n++] = alphabet[pool[i] % 36];
			}
		}
	}
	return 0;
}

int slug_make(const char *name, char ret_slug[SLUG_BYTES + 1], struct err *e)
{
	char slug[SLUG_BYTES + 1];
	size_t n = add_words(name, slug);

	if (n == 0) {
		memcpy(slug, "project", 7);
		n = 7;
	}
	slug[n++] = '-';
	if (add_random(slug + n, SLUG_RANDOM_BYTES, e)) {
		return -1;
	}
	slug[n + SLUG_RANDOM_BYTES] = '\0';
	memcpy(ret_slug, slug, n + SLUG_RANDOM_BYTES + 1);
	return 0;
}
