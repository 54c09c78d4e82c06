#pragma once

/* What kind of program asks on a preview's host. None of this is a matter of rights: it keeps link
 * previews and prefetchers from being counted, and from using tickets up. */

struct request;

enum visitor {
	VISITOR_PERSON,
	VISITOR_PREFETCH, /* a browser that loads ahead of somebody who may never come */
	VISITOR_BOT,	  /* unfurls links, crawls or scans them */
};

enum visitor visitor_of(const struct request *rq);
