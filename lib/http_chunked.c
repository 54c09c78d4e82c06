/* Chunked decoding, the other half of http_head.h. */

#include "hex.h"
#include "http_head.h"

enum state {
	SIZE,	 /* hex digits */
	SIZE_LF, /* LF after the size line's CR */
	DATA,
	DATA_CR,
	DATA_LF,
	LAST_CR, /* after the zero chunk: no trailers, so CRLF at once */
	LAST_LF,
	DONE,
};

#define SIZE_DIGITS_MAX 15 /* below 2^60: no overflow, no real chunk is that long */

void http_chunked_init(struct http_chunked *c)
{
	*c = (struct http_chunked){.state = SIZE};
}

static int take_size(struct http_chunked *c, char byte, struct err *e)
{
	int digit = hex_value(byte);

	if (digit >= 0) {
		if (++c->digits > SIZE_DIGITS_MAX) {
			return err_set(e, ERR_INVALID, "chunk size is too long");
		}
		c->left = c->left * 16 + (uint64_t)digit;
		return 0;
	}
	if (byte != '\r' || c->digits == 0) {
		return err_set(e, ERR_INVALID, "malformed chunk size");
	}
	c->state = SIZE_LF;
	return 0;
}

/* One byte of framing; never called in DATA or DONE. */
static int take_byte(struct http_chunked *c, char byte, struct err *e)
{
	const char want = c->state == DATA_CR || c->state == LAST_CR ? '\r' : '\n';

	if (c->state == SIZE) {
		return take_size(c, byte, e);
	}
	if (byte != want) {
		return err_set(e, ERR_INVALID, "malformed chunk framing");
	}
	switch ((enum state)c->state) {
	case SIZE_LF:
		c->state = c->left > 0 ? DATA : c->trailers ? DONE : LAST_CR;
		break;
	case DATA_CR:
		c->state = DATA_LF;
		break;
	case DATA_LF:
		*c = (struct http_chunked){.state = SIZE, .trailers = c->trailers};
		break;
	case LAST_CR:
		c->state = LAST_LF;
		break;
	case LAST_LF:
		c->state = DONE;
		break;
	case SIZE:
	case DATA:
	case DONE:
		break;
	}
	return 0;
}

int http_chunked_next(struct http_chunked *c, const char *bytes, size_t len, size_t *ret_used,
		      struct http_slice *ret_data, struct err *e)
{
	size_t used = 0;

	*ret_data = (struct http_slice){bytes, 0};
	while (used < len && c->state != DONE) {
		if (c->state == DATA) {
			size_t take = len - used < c->left ? len - used : (size_t)c->left;

			*ret_data = (struct http_slice){bytes + used, take};
			used += take;
			c->left -= take;
			if (c->left == 0) {
				c->state = DATA_CR;
			}
			break; /* one piece of payload a call */
		}
		if (take_byte(c, bytes[used], e) < 0) {
			return -1;
		}
		used++;
	}
	*ret_used = used;
	return c->state == DONE ? 1 : 0;
}
