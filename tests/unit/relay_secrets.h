#pragma once

/* What the relay of these tests is opened with, and what is nearly that. */

#define SECRET "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdee"
