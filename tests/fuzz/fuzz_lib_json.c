/* json_parse: whatever it accepts can be written and read again. */

#include "json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len);

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len)
{
	json_t *value, *again;
	struct err e;
	char *text;

	if (json_parse((const char *)bytes, len, 8192, &value, &e) < 0) {
		return 0;
	}
	text = json_text(value);
	if (!text || json_parse(text, strlen(text), 1 << 20, &again, &e) < 0) {
		abort();
	}
	if (!json_equal(value, again)) {
		abort();
	}
	json_decref(again);
	json_decref(value);
	free(text);
	return 0;
}
