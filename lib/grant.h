#pragma once

/*
 * What a browser carries to show that it may see a preview: a project, a level, whom it was given
 * to, until when, and a MAC (keyed BLAKE2b-256, libsodium) under installation.preview_key. Checked
 * without the database.
 */

#include "err.h"
#include "token.h"

#include <stddef.h>
#include <stdint.h>

#define GRANT_KEY_BYTES	 32
#define GRANT_TEXT_BYTES 100 /* base64url without padding, and a NUL */
#define GRANT_COOKIE	 "__Host-slipway-preview"

enum grant_level {
	GRANT_OWNER = 1, /* `subject` is the user; sees logs, too */
	GRANT_SHARE = 2, /* `subject` is the share */
};

struct grant {
	enum grant_level level;
	char project_id[UUID_TEXT_BYTES];
	char subject[UUID_TEXT_BYTES];
	int64_t expires_s; /* Unix time */
};

/* Both UUIDs must be valid. */
NODISCARD int grant_seal(const unsigned char key[GRANT_KEY_BYTES], const struct grant *g,
			 char ret_text[GRANT_TEXT_BYTES], struct err *e);

/* ERR_UNAUTHENTICATED for anything but a grant sealed with this key that has not expired. UUIDs
 * come out in lower case. */
NODISCARD int grant_open(const unsigned char key[GRANT_KEY_BYTES], const char *text, size_t len,
			 int64_t now_s, struct grant *ret, struct err *e);

/*
 * The token in a share's link: its id and 128 bits of MAC. Nothing is stored, so a link can be
 * shown again. grant_share_id: ERR_NOT_FOUND unless this key made it.
 */
#define SHARE_TOKEN_BYTES 44 /* base64url of 32 bytes without padding, and a NUL */

NODISCARD int grant_share_token(const unsigned char key[GRANT_KEY_BYTES], const char *share_id,
				char ret_token[SHARE_TOKEN_BYTES], struct err *e);
NODISCARD int grant_share_id(const unsigned char key[GRANT_KEY_BYTES], const char *token,
			     char ret_share_id[UUID_TEXT_BYTES], struct err *e);
