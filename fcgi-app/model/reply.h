#pragma once

/*
 * The format of a reply: prose for the person, and between it whole files and deletions.
 *
 *	Here is the server you asked for.
 *
 *	<slipway-file path="index.js">
 *	import express from 'express';
 *	…
 *	</slipway-file>
 *	<slipway-delete path="old.js"/>
 *
 * A tag counts where it begins a line (after white space at most) or ends one: a tag named in the
 * middle of a sentence is prose. The closing tag stands alone on its line; everything between is
 *the file, byte by byte, its last newline included, whatever tags it holds. `<slipway-file
 *path="a">x</slipway-file>` on one line makes a file without a newline. Attributes may come in any
 *order, in double, single or no quotes; unknown ones are ignored, and so are unknown tags: they are
 *prose. What a leading <think> … </think> of a reasoning model holds is prose too.
 *
 * The parser is pure and takes the reply in pieces of any size; what it reports does not depend on
 * where they were split, except for the sizes of the pieces of prose and data.
 */

#include "err.h"
#include "path.h"
#include "strbuf.h"

#include <stdbool.h>
#include <stddef.h>

#define REPLY_FILES_MAX	     500
#define REPLY_FILE_MAX_BYTES (10 * 1024 * 1024)
#define REPLY_TAG_MAX_BYTES  4096

enum reply_event_type {
	REPLY_PROSE,	    /* data */
	REPLY_FILE_BEGIN,   /* path */
	REPLY_FILE_DATA,    /* path, data */
	REPLY_FILE_END,	    /* path */
	REPLY_FILE_CUT,	    /* path: the reply ended inside the file; it must not be used */
	REPLY_FILE_REFUSED, /* path, reason: in place of BEGIN, or of END after some data */
	REPLY_DELETE,	    /* path */
};

/* What it points to is borrowed until the callback returns. */
struct reply_event {
	enum reply_event_type type;
	const char *path;   /* "" for prose; as the model wrote it when refused */
	const char *reason; /* for a person, or "" */
	const char *data;
	size_t len;
};

typedef int reply_event_fn(void *ctx, const struct reply_event *event, struct err *e);

enum reply_state {
	REPLY_LINE_START, /* prose: nothing but white space on this line so far; `held` has it */
	REPLY_IN_LINE,	  /* prose: inside a line */
	REPLY_IN_TAG,	  /* `held` has "<slipway-…" and may become a tag */
	REPLY_TAG_END,	  /* `held` is a whole tag behind other text: it counts if the line ends */
	REPLY_IN_THINK,	  /* inside <think>: prose until its end */
	REPLY_FILE_FIRST, /* right behind an opening tag: a newline there is not the file's */
	REPLY_FILE_LINE,  /* file: at the start of a line; `held` may become the closing tag */
	REPLY_FILE_BODY,  /* file: inside a line */
};

struct reply_parser {
	enum reply_state state;
	struct strbuf held; /* bytes not yet known to be tag or text */
	char path[PATH_MAX_BYTES + 1];
	char quote;	      /* of an attribute inside a tag, or 0 */
	bool mid_line;	      /* other text stands before the tag that is held */
	bool dropping;	      /* this file is refused: its data is swallowed */
	bool first_line;      /* the file's first line, behind the tag */
	bool begun;	      /* something but white space has been seen */
	size_t think_matched; /* bytes of "</think>" seen */
	size_t file_bytes;
	size_t files; /* files and deletions so far, refused ones too */
	reply_event_fn *fn;
	void *ctx;
};

void reply_parser_init(struct reply_parser *p, reply_event_fn *fn, void *ctx);
void reply_parser_fini(struct reply_parser *p);

/* -1: the callback's error, no memory, or ERR_UPSTREAM for a NUL byte. */
NODISCARD int reply_parser_feed(struct reply_parser *p, const char *bytes, size_t len,
				struct err *e);

/* The reply is over: what was held becomes prose, an open file REPLY_FILE_CUT. */
NODISCARD int reply_parser_end(struct reply_parser *p, struct err *e);

/*
 * Small models forget the tags. True when the whole reply holds exactly one fenced code block and
 * that block's language is JavaScript's (js, javascript, mjs, node) or none; *ret_code is a slice
 * of `text`.
 */
bool reply_fenced_code(const char *text, size_t len, const char **ret_code, size_t *ret_len);

/* Models like to put a fence around a file inside its tags. Narrows the slice to what is between
 * when first and last line are a fence and the file is not Markdown. */
void reply_strip_fence(const char *path, const char **text, size_t *len);
