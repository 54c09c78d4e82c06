/* host_parse: what it takes is a preview's name, and the same one again when it is put together. */

#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOMAIN "preview.example.test"

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len);

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	struct host h, again;
	char text[200];

	if (!host_parse((const char *)bytes, len, DOMAIN, &h)) {
		return 0;
	}
	if (h.slug_len == 0 || h.slug_len != strlen(h.slug) || h.slug_len >= HOST_SLUG_BYTES ||
	    strspn(h.slug, allowed) != h.slug_len || h.slug[0] == '-') {
		abort();
	}
	if (h.inner_port != 0) {
		(void)snprintf(text, sizeof(text), "%u--%s." DOMAIN, h.inner_port, h.slug);
	} else {
		(void)snprintf(text, sizeof(text), "%s." DOMAIN, h.slug);
	}
	if (!host_parse(text, strlen(text), DOMAIN, &again) || strcmp(again.slug, h.slug) != 0 ||
	    again.inner_port != h.inner_port) {
		abort();
	}
	return 0;
}
