#pragma once

/*
 * Prompts are text files of the release (`prompts/<name>.txt`), read when they are used. In them
 * {{name}} stands for a value and {{> name}} for the file part.<name>.txt. Values are put in as
 * they are and not looked at again: what a person or a model wrote cannot name a placeholder.
 */

#include "app.h"
#include "err.h"
#include "strbuf.h"

#include <stddef.h>

#define PROMPT_FILE_MAX_BYTES (64 * 1024)

struct prompt_value {
	const char *name;
	const char *text;
};

/* Appends the prompt to *out, whose maximum bounds it. ERR_INTERNAL: no such file, an unknown name.
 */
NODISCARD int prompt_render(const struct app *app, const char *name,
			    const struct prompt_value *values, size_t n_values, struct strbuf *out,
			    struct err *e);
