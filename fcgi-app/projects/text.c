#include "projects/text.h"

#include <string.h>

int text_check_line(const char *field, const char *text, size_t max_chars, struct err *e)
{
	size_t chars = 0;

	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p < 0x20 || *p == 0x7f) {
			return err_set(e, ERR_INVALID, "%s holds a control character", field);
		}
		chars += (*p & 0xc0) != 0x80;
	}
	if (chars > max_chars) {
		return err_set(e, ERR_INVALID, "%s is longer than %zu characters", field,
			       max_chars);
	}
	if (strspn(text, " ") == strlen(text)) {
		return err_set(e, ERR_INVALID, "%s is blank", field);
	}
	return 0;
}
