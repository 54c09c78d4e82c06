#include "previews/share_body.h"

#include "cleanup.h"
#include "previews/handlers.h"

#include <string.h>
#include <time.h>

#define EXPIRY_MIN_S	60
#define EXPIRY_MAX_S	315360000 /* ten years */
#define TIME_TEXT_MAX	40
#define DATE_TIME_BYTES 19 /* 2026-01-31T12:00:00 */
#define FRACTION_DIGITS 9
#define NAME_MAX_BYTES	(SHARE_NAME_CHARS_MAX * 4)

const struct json_field share_fields[4] = {
	{.name = "name",
	 .type = JSON_FIELD_STRING,
	 .nullable = true,
	 .max = NAME_MAX_BYTES,
	 .offset = offsetof(struct share_body, name)},
	{.name = "expires_at",
	 .type = JSON_FIELD_STRING,
	 .nullable = true,
	 .min = 1,
	 .max = TIME_TEXT_MAX,
	 .offset = offsetof(struct share_body, expires_at)},
	{.name = "expires_in_s",
	 .type = JSON_FIELD_INT,
	 .nullable = true,
	 .min = EXPIRY_MIN_S,
	 .max = EXPIRY_MAX_S,
	 .offset = offsetof(struct share_body, expires_in_s)},
	{.name = "password",
	 .type = JSON_FIELD_STRING,
	 .nullable = true,
	 .min = PASSWORD_MIN_BYTES,
	 .max = PASSWORD_MAX_BYTES,
	 .offset = offsetof(struct share_body, password)},
};

/* `n` digits, or -1. */
static int digits(const char *text, size_t n)
{
	int value = 0;

	for (size_t i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9') {
			return -1;
		}
		value = value * 10 + (text[i] - '0');
	}
	return value;
}

/* "Z" or "+02:00" and nothing behind it, as seconds east of UTC. */
static bool parse_offset(const char *text, int *ret_s)
{
	int hours, minutes;

	if ((text[0] == 'Z' || text[0] == 'z') && text[1] == '\0') {
		*ret_s = 0;
		return true;
	}
	if ((text[0] != '+' && text[0] != '-') || strlen(text) != 6 || text[3] != ':') {
		return false;
	}
	hours = digits(text + 1, 2);
	minutes = digits(text + 4, 2);
	*ret_s = (text[0] == '-' ? -60 : 60) * (hours * 60 + minutes);
	return hours >= 0 && hours <= 23 && minutes >= 0 && minutes <= 59;
}

static bool parse_date_time(const char *text, struct tm *ret)
{
	struct tm tm = {0};

	if (strlen(text) < DATE_TIME_BYTES + 1 || text[4] != '-' || text[7] != '-' ||
	    !strchr("Tt ", text[10]) || text[13] != ':' || text[16] != ':') {
		return false;
	}
	tm.tm_year = digits(text, 4) - 1900;
	tm.tm_mon = digits(text + 5, 2) - 1;
	tm.tm_mday = digits(text + 8, 2);
	tm.tm_hour = digits(text + 11, 2);
	tm.tm_min = digits(text + 14, 2);
	tm.tm_sec = digits(text + 17, 2);
	*ret = tm;
	return tm.tm_year >= 0 && tm.tm_mon >= 0 && tm.tm_mon <= 11 && tm.tm_mday >= 1 &&
	       tm.tm_hour >= 0 && tm.tm_hour <= 23 && tm.tm_min >= 0 && tm.tm_min <= 59 &&
	       tm.tm_sec >= 0 && tm.tm_sec <= 60;
}

int rfc3339_parse(const char *text, int64_t *ret_s, struct err *e)
{
	const char *rest = text + DATE_TIME_BYTES;
	struct tm tm, again;
	int offset_s;
	int64_t s;

	if (!parse_date_time(text, &tm)) {
		goto malformed;
	}
	if (*rest == '.') {
		size_t n = strspn(rest + 1, "0123456789");

		if (n == 0 || n > FRACTION_DIGITS) {
			goto malformed;
		}
		rest += 1 + n;
	}
	if (!parse_offset(rest, &offset_s)) {
		goto malformed;
	}
	again = tm;
	s = timegm(&again);
	if (again.tm_mday != tm.tm_mday && tm.tm_sec != 60) { /* 30 February */
		goto malformed;
	}
	*ret_s = s - offset_s;
	return 0;

malformed:
	return err_set(e, ERR_INVALID, "a time must look like 2026-12-31T18:00:00Z (RFC 3339)");
}

static int check_text(const char *name, const char *text, size_t chars_max, struct err *e)
{
	size_t chars = 0;

	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p < 0x20 || *p == 0x7f) {
			return err_set(e, ERR_INVALID, "%s holds a control character", name);
		}
		chars += (*p & 0xc0) != 0x80;
	}
	if (chars > chars_max) {
		return err_set(e, ERR_INVALID, "%s is longer than %zu characters", name, chars_max);
	}
	return 0;
}

static bool is_given(const json_t *object, const char *name)
{
	return json_object_get(object, name) != NULL;
}

static int take_expiry(const json_t *object, const struct share_body *body, int64_t now_s,
		       struct share_change *ret, struct err *e)
{
	if (body->expires_at && body->expires_in_s) {
		return err_set(e, ERR_INVALID, "give expires_at or expires_in_s, not both");
	}
	ret->sets_expiry = is_given(object, "expires_at") || is_given(object, "expires_in_s");
	if (body->expires_in_s) {
		ret->expires_s = now_s + body->expires_in_s;
	}
	if (!body->expires_at) {
		return 0;
	}
	if (rfc3339_parse(body->expires_at, &ret->expires_s, e) < 0) {
		return err_prefix(e, "expires_at");
	}
	if (ret->expires_s <= now_s) {
		return err_set(e, ERR_INVALID, "expires_at has passed already");
	}
	if (ret->expires_s - now_s > EXPIRY_MAX_S) {
		return err_set(e, ERR_INVALID, "expires_at is more than ten years away");
	}
	return 0;
}

int share_change_of(const json_t *object, int64_t now_s, struct share_change *ret, struct err *e)
{
	struct share_body body = {0};

	*ret = (struct share_change){0};
	if (json_read(object, share_fields, ARRAY_LEN(share_fields), &body, e) < 0 ||
	    (body.name && check_text("name", body.name, SHARE_NAME_CHARS_MAX, e) < 0) ||
	    (body.password && check_text("password", body.password, PASSWORD_MAX_BYTES, e) < 0) ||
	    take_expiry(object, &body, now_s, ret, e) < 0) {
		return -1;
	}
	ret->name = body.name;
	ret->sets_password = is_given(object, "password");
	return body.password ? password_hash(body.password, ret->password_hash, e) : 0;
}
